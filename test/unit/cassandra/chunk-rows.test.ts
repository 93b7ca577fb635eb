import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChunkStage } from '../../../pipelines/chunk/stage.ts'
import { cell, createBatch } from '../../../pipelines/core/batch.ts'
import { decodeChunk } from '../../../pipelines/core/chunk/decode.ts'
import { KeyTable } from '../../../pipelines/core/keys.ts'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import { BucketNames } from '../../../connectors/cassandra/buckets.ts'
import { chunkInsert, chunkRows } from '../../../connectors/cassandra/chunk-rows.ts'
import { lakeTables } from '../../../connectors/cassandra/tables.ts'

const signals = [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'site', kind: 'text', unit: null }] as const
const ms = (text: string) => Date.parse(text)

/** One chunk of a device with these event times, celsius 0, 1, 2, ... and the site of its even rows. */
function closed (times: readonly string[]) {
  const keys = new KeyTable(10)
  const stage = createChunkStage({ rowsMax: times.length, withinMs: 600_000, openRowsMax: 1_000 }, { number: 2, keys, signals })
  const batch = createBatch(signals, times.length)
  const site = batch.columns[1]!
  assert(site.kind === 'text')
  times.forEach((time, row) => {
    batch.key[row] = keys.internText("truck'1")
    batch.at[row] = ms(time)
    batch.arrival[row] = batch.arrivalClock[row] = ms('2026-11-24T00:00:00Z') + row
    batch.position[row] = 2 ** 40 + row
    batch.columns[0]!.values[row] = row
    batch.columns[0]!.known[row] = 1
    site.known[row] = 1 - row % 2
    if (site.known[row] === 1) site.values[row] = site.dictionary.internText('oslo')
  })
  batch.count = times.length
  const out = new Outputs()
  stage.process(batch, out)
  return { source: 'polar', topic: 'in', partition: 3, chunks: out.chunks[0]! }
}

const plain = ([key, bucket, firstAt, partition, firstOffset, lastAt, readings, source, block, writtenAs]: readonly Buffer[]) => ({
  key: key!.toString(), bucket: bucket!.toString(), firstAt: new Date(Number(firstAt!.readBigInt64BE())).toISOString(), partition: partition!.readInt32BE(), firstOffset: Number(firstOffset!.readBigInt64BE()) - 2 ** 40,
  lastAt: new Date(Number(lastAt!.readBigInt64BE())).toISOString(), readings: readings!.readInt32BE(), source: source!.toString(), writtenAs: Number(writtenAs!.readBigInt64BE()), block: block!,
})

test('a chunk whose event times lie in one bucket is one row', () => {
  const [row, ...more] = chunkRows(closed(['2026-11-23T10:00:00.250Z', '2026-11-23T09:00:00Z', '2026-11-23T11:00:00Z']), new BucketNames([{ from: -Infinity, width: 'day' }]))
  assert.deepEqual(more, [])
  const { block, ...rest } = plain(row!.parameters)
  assert.deepEqual(rest, {
    key: "truck'1", bucket: '2026-11-23', firstAt: '2026-11-23T09:00:00.000Z', partition: 3, firstOffset: 0, lastAt: '2026-11-23T11:00:00.000Z', readings: 3, source: 'polar',
    writtenAs: ms('2026-11-24T00:00:00.002Z') * 1_000,
  })
  const { count, at, columns } = decodeChunk(block)
  assert.deepEqual([...at.subarray(0, count)], ['2026-11-23T10:00:00.250Z', '2026-11-23T09:00:00Z', '2026-11-23T11:00:00Z'].map(ms))
  assert.deepEqual(columns.map(column => [0, 1, 2].map(index => cell(column, index))), [[0, 1, 2], ['oslo', null, 'oslo']])
})

test('a chunk that reaches into other buckets, also of another width, is a row in each', () => {
  const buckets = new BucketNames([{ from: -Infinity, width: 'month' }, { from: ms('2026-11-23'), width: 'hour' }])
  const rows = chunkRows(closed(['2026-11-23T10:59:59.999Z', '2026-11-23T11:00:00Z', '2026-11-22T23:59:00Z', '2026-11-23T10:00:00Z', '2026-10-01T00:00:00Z']), buckets).map(({ parameters }) => plain(parameters))
  assert.deepEqual(rows.map(({ bucket, readings, firstOffset, block }) => [bucket, readings, firstOffset, [...decodeChunk(block).columns[0]!.values as Float64Array]]), [
    ['2026-11-23T10', 2, 0, [0, 3]], ['2026-11-23T11', 1, 1, [1]], ['2026-11', 1, 2, [2]], ['2026-10', 1, 4, [4]],
  ])
  assert.deepEqual(new Set(rows.map(({ writtenAs }) => writtenAs)), new Set([ms('2026-11-24T00:00:00.004Z') * 1_000]))
})

test('the statement names the columns in the order of the parameters', () => {
  const layout = { pipeline: 'cold-chain', keyspace: 'fleet', rawMode: 'chunks', intervalMs: null, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null, signals, windows: [] } as const
  assert.equal(chunkInsert('fleet', lakeTables(layout).chunks!), 'INSERT INTO fleet.cold_chain_chunks (key, bucket, first_at, partition, first_offset, last_at, readings, source, block) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?')
})
