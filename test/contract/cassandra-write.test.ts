import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cassandraEnvironment as variables, cassandraSettings } from '../../connectors/cassandra/config.ts'
import { openCassandraLake } from '../../connectors/cassandra/lake.ts'
import { lakeTables } from '../../connectors/cassandra/tables.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import { cassandraKeyspace, noCassandra } from '../kit/cassandra.ts'
import { plainRows } from '../kit/cassandra-rows.ts'
import { addReadings, layout, lakeWriteContract, type OpenLakeUnderTest, position, task } from './lake-write.ts'

/** Tables are made once and emptied for each test: making them takes ten times as long. */
let shared: ReturnType<typeof cassandraKeyspace> | null = null

const open: OpenLakeUnderTest = async t => {
  const isNew = shared === null
  const { environment, keyspace, client } = await (shared ??= cassandraKeyspace())
  const of = { ...layout, keyspace }
  const { migrations, widths, all } = lakeTables(of)
  if (!isNew) for (const { name } of all) if (name !== migrations.name && name !== widths.name) await client.execute(`TRUNCATE ${keyspace}.${name}`)
  const another = async () => {
    const lake = await openCassandraLake({ settings: cassandraSettings(variables(environment)), layout: of })
    t.after(() => lake.close())
    return lake
  }
  return { lake: await another(), another, rows: table => plainRows(client, `SELECT * FROM ${keyspace}.cold_chain_${table}`) }
}
const skip = noCassandra ?? false
lakeWriteContract('lake in Cassandra', open, skip)

test('lake in Cassandra: a key that it cannot take is handed back before the positions move, and everything else is stored', { skip }, async t => {
  const { lake, rows } = await open(t)
  const key = 'k'.repeat(65_530)
  addReadings(lake, [{ key: 'a', at: 1_000 }, { key, at: 2_000, arrival: 2_500 }, { key: 'b', at: 3_000 }], { offset: 40 })
  const letters: DeadLetter[] = []
  await lake.commit([position(43)], {
    refused: async refused => {
      letters.push(...refused)
      assert.deepEqual((await rows('readings')).map(row => row.key).sort(), ['a', 'b'], 'the rest is durable')
      assert.equal(await lake.committed(task.topic, 3), null)
    },
  })
  assert.deepEqual(letters.map(({ step, reason, arrival, source, key: bytes }) => ({ step, reason, arrival, source, length: bytes?.length })), [
    { step: 'sink', reason: 'LAKE_ROW_REFUSED', arrival: 2_500, source: { topic: task.topic, partition: 3, offset: 41 }, length: 65_530 },
  ])
  assert.deepEqual(await lake.committed(task.topic, 3), { offset: 43, metadata: '' })
  // Where nobody is told, the lake has the letter.
  addReadings(lake, [{ key, at: 2_000, arrival: 2_500 }], { offset: 43 })
  await lake.commit([position(44)])
  assert.deepEqual((await rows('dead_letters')).map(({ step, reason, offset }) => [step, reason, offset]), [['sink', 'LAKE_ROW_REFUSED', 43]])
})

test('lake in Cassandra: a position of one who slept while another went on never wins; a reset does', { skip }, async t => {
  const { lake: sleeper, another } = await open(t)
  await sleeper.commit([position(10, 'first')])
  const next = await another()
  assert.deepEqual(await next.committed(task.topic, 3), { offset: 10, metadata: 'first' })
  await next.commit([position(20, 'next')])
  await sleeper.commit([position(12, 'late')])
  assert.deepEqual(await next.committed(task.topic, 3), { offset: 20, metadata: 'next' })
  const reset = await another()
  await reset.committed(task.topic, 3)
  await reset.commit([position(5, 'reset')])
  await next.commit([position(25, 'of the epoch before')])
  assert.deepEqual(await reset.committed(task.topic, 3), { offset: 5, metadata: 'reset' })
})
