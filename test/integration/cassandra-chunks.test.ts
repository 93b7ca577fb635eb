import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Era } from '../../connectors/cassandra/buckets.ts'
import { scanChunks } from '../../connectors/cassandra/chunk-scan.ts'
import { cassandraEnvironment as propertiesOf, cassandraSettings } from '../../connectors/cassandra/config.ts'
import { openSession } from '../../connectors/cassandra/session.ts'
import { lakeTables } from '../../connectors/cassandra/tables.ts'
import { openCassandraLake } from '../../connectors/cassandra/lake.ts'
import { createChunkStage } from '../../pipelines/chunk/stage.ts'
import { cell, createBatch } from '../../pipelines/core/batch.ts'
import { TaskClock } from '../../pipelines/core/clock.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'
import type { LakeLayout, LakePort, LakeReadingRows } from '../../pipelines/core/lake-ports.ts'
import { Outputs } from '../../pipelines/core/outputs.ts'
import { cassandraKeyspace, noCassandra } from '../kit/cassandra.ts'

const signals = [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'doorOpen', kind: 'bool', unit: null }, { name: 'site', kind: 'text', unit: null }] as const
const layout: LakeLayout = { pipeline: 'cold-chain', keyspace: '', rawMode: 'chunks', intervalMs: 1_000, rawBucket: null, rawTtlMs: 86_400_000, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null, signals, windows: [] }
const start = Date.parse('2026-11-22T23:50:00Z')
const devices = ["truck'1", 'brün"o', '🚚'.repeat(400), 'plain']

type Reading = readonly [at: number, arrival: number, partition: number, offset: number, celsius: number | null, doorOpen: boolean | null, site: string | null]

/** 4,000 readings of four devices over some twenty minutes about midnight, some late, by a pond that closed its chunks once and was then killed. */
async function record (lake: LakePort): Promise<ReadonlyMap<string, readonly Reading[]>> {
  const keys = new KeyTable(10)
  const stage = createChunkStage({ rowsMax: 60, withinMs: 60_000, openRowsMax: 10_000 }, { number: 2, keys, signals })
  const clock = new TaskClock({ latenessMs: 0, idleMs: Infinity, explicit: false })
  const batch = createBatch(signals, 100)
  const [celsius, doorOpen, site] = batch.columns
  assert(site?.kind === 'text')
  const wanted = new Map<string, Reading[]>(devices.map(device => [device, []]))
  const out = new Outputs()
  const take = () => {
    for (const chunks of out.chunks) lake.addChunks!({ source: 'polar', topic: 'in', partition: 3, chunks })
    out.clear()
  }
  for (let from = 0; from < 4_000; from += 100) {
    for (let row = 0; row < 100; row += 1) {
      const offset = from + row
      const device = devices[offset * 7 % 4]!
      const arrival = start + offset * 300
      const at = arrival - (offset === 3_108 ? 290_000 : offset % 50 === 0 ? 400_000 : offset % 3) + (offset % 10 === 0 ? 0.125 : 0)
      batch.key[row] = keys.internText(device)
      batch.at[row] = at
      batch.arrival[row] = arrival
      batch.position[row] = offset
      const values = [offset % 9 === 0 ? null : offset % 13 === 0 ? -0 : offset % 14 === 0 ? Infinity : offset / 10, offset % 4 === 0 ? null : offset % 8 === 1, offset % 5 === 0 ? null : ['oslo', 'bergen', ''][offset % 3]!] as const
      for (const [column, value] of [[celsius!, values[0]], [doorOpen!, values[1] === null ? null : Number(values[1])], [site, values[2] === null ? null : site.dictionary.internText(values[2])]] as const) {
        column.known[row] = value === null ? 0 : 1
        if (value !== null) (column.values as Float64Array)[row] = value
      }
      wanted.get(device)!.push([at, arrival, 3, offset, ...values])
    }
    batch.count = 100
    clock.stamp(batch)
    // A tick closed them, and nobody knows of it any more. Where a late reading follows, both chunks stand in the table.
    if (from === 3_100) {
      const state = stage.snapshot()
      stage.drain(out)
      take()
      stage.restore(state)
    }
    stage.process(batch, out)
    take()
    if (from % 1_000 === 0) await lake.commit([{ topic: 'in', partition: 3, offset: from, metadata: '' }])
  }
  stage.drain(out)
  take()
  await lake.commit([{ topic: 'in', partition: 3, offset: 4_000, metadata: '' }])
  return new Map([...wanted].map(([device, readings]) => [device, readings.sort(([a, , , one], [b, , , other]) => a - b || one - other)]))
}

const eras: readonly Era[] = [{ from: -Infinity, width: 'day' }, { from: Date.parse('2026-11-23'), width: 'hour' }]
const shown = ({ count, at, arrival, partition, offset, columns }: LakeReadingRows) => Array.from({ length: count }, (_, row) => [at[row], arrival[row], partition[row], offset[row], ...columns.map(column => cell(column, row))])

test('Cassandra: chunks come back as the readings they were made of, in order, each once, in any range', { skip: noCassandra ?? false }, async t => {
  const { environment, keyspace, client, finish } = await cassandraKeyspace()
  t.after(finish)
  const tables = lakeTables({ ...layout, keyspace })
  const { keyspace: _, ...properties } = propertiesOf(environment) as Record<string, string>
  const settings = cassandraSettings(properties)
  // The width of before stands there already.
  const session = await openSession(settings)
  t.after(() => session.close())
  await (await openCassandraLake({ settings, layout: { ...layout, keyspace } })).close()
  await client.execute(`TRUNCATE ${keyspace}.${tables.widths.name}`)
  for (const { from, width } of eras) await client.execute(`INSERT INTO ${keyspace}.${tables.widths.name} (table_name, from_day, width) VALUES (?, ?, ?)`, [tables.chunks!.name, new Date(Math.max(0, from)).toISOString().slice(0, 10), width], { prepare: true })
  const lake = await openCassandraLake({ settings, layout: { ...layout, keyspace } })
  t.after(() => lake.close())
  const wanted = await record(lake)
  const [{ count, readings }] = (await client.execute(`SELECT count(*) AS count, sum(readings) AS readings FROM ${keyspace}.cold_chain_chunks`)).rows as unknown as [{ count: { toNumber (): number }, readings: number }]
  assert(count.toNumber() > 80 && readings > 4_000, `${count.toNumber()} chunks of ${readings} readings`)
  const read = async (key: string, from: number, to: number) => {
    const found: unknown[] = []
    for await (const piece of scanChunks(session, { keyspace, table: tables.chunks!, eras, key, columns: signals, from, to })) {
      assert.equal(piece.source, 'polar')
      found.push(...shown(piece))
    }
    return found
  }
  for (const [device, all] of wanted) {
    assert.deepEqual(await read(device, start - 1e9, start + 1e7), all)
    for (const [from, to] of [[start + 600_000, start + 660_000], [start + 0.125, start + 300.125], [start + 1e7, start + 2e7]] as const) assert.deepEqual(await read(device, from, to), all.filter(([at]) => at >= from && at < to))
  }
  assert.deepEqual(await read('nobody', start, start + 1e6), [])
})
