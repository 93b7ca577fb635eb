import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Client } from 'cassandra-driver'
import { cassandraEnvironment as variables, cassandraSettings } from '../../connectors/cassandra/config.ts'
import { openCassandraLake } from '../../connectors/cassandra/lake.ts'
import { openCassandraReader } from '../../connectors/cassandra/reader.ts'
import { lakeTables, type LakeTables } from '../../connectors/cassandra/tables.ts'
import { cell } from '../../pipelines/core/batch.ts'
import type { LakeLayout, LakeReaderPort } from '../../pipelines/core/lake-ports.ts'
import { cassandraKeyspace, noCassandra } from '../kit/cassandra.ts'
import { type PlainRows, storePlain } from '../kit/lake-writing.ts'
import type { PlainReading } from '../kit/memory-lake.ts'
import { compareRanges, compareReadings, contractRows, lakeReadContract, type LakeUnderContract, lakeTailContract, layout, monday, plainLake } from './lake-read.ts'

/** Tables are made once and emptied for each test: making them takes ten times as long. By pipeline and raw mode. */
const shared = new Map<string, ReturnType<typeof cassandraKeyspace>>()

/** Rows stored by the lake, and a reader with few rows a page, so that pages end everywhere. */
async function opened (given: LakeLayout, rows: PlainRows, t: TestContext, before: (client: Client, tables: LakeTables) => Promise<void> = async () => {}): Promise<LakeReaderPort> {
  const name = `${given.pipeline} ${given.rawMode}`
  const isNew = !shared.has(name)
  if (isNew) shared.set(name, cassandraKeyspace())
  const { environment, keyspace, client } = await shared.get(name)!
  const layout = { ...given, keyspace }
  const tables = lakeTables(layout)
  if (!isNew) for (const { name } of tables.all) if (name !== tables.migrations.name && name !== tables.widths.name) await client.execute(`TRUNCATE ${keyspace}.${name}`)
  const settings = cassandraSettings(variables(environment))
  if (isNew) await (await openCassandraLake({ settings, layout })).close()
  await before(client, tables)
  const lake = await openCassandraLake({ settings, layout })
  await storePlain(lake, layout, rows)
  await lake.close()
  const reader = await openCassandraReader({ settings, layout, pageRows: 700, inFlightMax: 8 })
  t.after(() => reader.close())
  return reader
}

if (noCassandra !== null) test(`contract of a lake on Cassandra: ${noCassandra}`, { skip: true }, () => {})
else {
  for (const rawMode of ['rows', 'chunks'] as const) {
    const lake: LakeUnderContract = { open: (given, rows, t) => opened({ ...given, rawMode }, rows, t) }
    lakeReadContract(`cassandra, ${rawMode}`, lake)
    lakeTailContract(`cassandra, ${rawMode}`, lake, { lakes: 1, questions: 40, devices: 24 })
  }

  for (const rawMode of ['rows', 'chunks'] as const) {
    test(`cassandra, ${rawMode}: readings of a device in one millisecond are all kept, ${rawMode === 'rows' ? 'without the fraction of it' : 'with its microseconds'}`, async t => {
      const at = [monday + 0.25, monday + 0.75, monday + 0.5, monday + 1]
      const readings = at.map((at, offset): PlainReading => ({ key: 'a', source: 'trucks', at, arrival: monday + 40, partition: 0, offset, values: { celsius: offset, doorOpen: null, site: null } }))
      const lake = await opened({ ...layout, rawMode }, { readings }, t)
      const found: [number, number][] = []
      for await (const { count, at, columns: [celsius] } of lake.readings({ keys: null, from: monday, to: monday + 2, columns: ['celsius'] })) for (let row = 0; row < count; row += 1) found.push([at[row]! - monday, cell(celsius!, row) as number])
      assert.deepEqual(found, rawMode === 'rows' ? [[0, 0], [0, 1], [0, 2], [1, 3]] : [[0.25, 0], [0.5, 2], [0.75, 1], [1, 3]])
    })
  }

  test('cassandra: partitions whose width changed, twice and once in the midst of a bucket, are read as one table', async t => {
    // up to the 24th by day, then by hour, from the 25th on by year
    const lake = await opened(layout, contractRows, t, async (client, { keyspace, widths, readings }) => {
      for (const [day, width] of [['2026-11-24', 'hour'], ['2026-11-25', 'year']]) await client.execute(`INSERT INTO ${keyspace}.${widths.name} (table_name, from_day, width) VALUES (?, ?, ?)`, [readings!.name, day, width], { prepare: true })
    })
    await compareReadings(lake, plainLake())
    await compareRanges(lake, plainLake())
  })
}
