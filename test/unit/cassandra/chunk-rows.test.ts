import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChunkStage } from '../../../pipelines/chunk/stage.ts'
import { cell, createBatch } from '../../../pipelines/core/batch.ts'
import type { ReadingBlock } from '../../../pipelines/core/chunk/block.ts'
import { decodeChunk } from '../../../pipelines/core/chunk/decode.ts'
import { encodeChunk } from '../../../pipelines/core/chunk/encode.ts'
import { KeyTable } from '../../../pipelines/core/keys.ts'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import { BucketNames, type Era } from '../../../connectors/cassandra/buckets.ts'
import { ChunkRows, chunksInsert, partsOf } from '../../../connectors/cassandra/chunk-rows.ts'
import { lakeTables } from '../../../connectors/cassandra/tables.ts'

const signals = [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'site', kind: 'text', unit: null }] as const
const ms = (text: string) => Date.parse(text)

/** One chunk of a device with these event times, celsius 0, 1, 2, ... and the site of its even rows. */
function closed (times: readonly (string | number)[], key = "truck'1") {
  const keys = new KeyTable(10)
  const stage = createChunkStage({ rowsMax: times.length, withinMs: 600_000, openRowsMax: 1_000 }, { number: 2, keys, signals })
  const batch = createBatch(signals, times.length)
  const site = batch.columns[1]!
  assert(site.kind === 'text')
  times.forEach((time, row) => {
    batch.key[row] = keys.internText(key)
    batch.at[row] = typeof time === 'number' ? time : ms(time)
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

const hour = (chunk: ReadingBlock) => chunk.columns[0]!.values.slice(0, chunk.count)
const cut = (times: readonly string[], eras: readonly Era[]) => {
  const { chunks } = closed(times)
  const refused: number[] = []
  const parts = partsOf(chunks.read(0), new BucketNames(eras), ({ offset }, why) => { refused.push(...offset); assert.equal(why, 'the time has no date') })
  return { parts: parts.map(({ bucket, block, first, last }) => ({ bucket, celsius: [...hour(block) as Float64Array], first: new Date(first).toISOString(), last: new Date(last).toISOString(), block })), refused }
}

test('a chunk whose event times lie in one bucket is one row', () => {
  const { parts: [part, ...more] } = cut(['2026-11-23T10:00:00.250Z', '2026-11-23T09:00:00Z', '2026-11-23T11:00:00Z'], [{ from: -Infinity, width: 'day' }])
  assert.deepEqual(more, [])
  const { block, ...rest } = part!
  assert.deepEqual(rest, { bucket: '2026-11-23', celsius: [0, 1, 2], first: '2026-11-23T09:00:00.000Z', last: '2026-11-23T11:00:00.000Z' })
  const { columns, offset } = decodeChunk(encodeChunk(block, 3))
  assert.deepEqual([...offset], [0, 1, 2].map(row => 2 ** 40 + row))
  assert.deepEqual(columns.map(column => [0, 1, 2].map(index => cell(column, index))), [[0, 1, 2], ['oslo', null, 'oslo']])
})

test('a chunk that reaches into other buckets, also of another width, is a row in each', () => {
  const eras: readonly Era[] = [{ from: -Infinity, width: 'month' }, { from: ms('2026-11-23'), width: 'hour' }]
  const { parts } = cut(['2026-11-23T10:59:59.999Z', '2026-11-23T11:00:00Z', '2026-11-22T23:59:00Z', '2026-11-23T10:00:00Z', '2026-10-01T00:00:00Z'], eras)
  assert.deepEqual(parts.map(({ bucket, celsius }) => [bucket, celsius]), [['2026-11-23T10', [0, 3]], ['2026-11-23T11', [1]], ['2026-11', [2]], ['2026-10', [4]]])
  assert.deepEqual([parts[0]!.first, parts[0]!.last], ['2026-11-23T10:00:00.000Z', '2026-11-23T10:59:59.999Z'])
})

test('readings that no calendar has, and keys that no partition takes, are refused one by one; the others are rows', () => {
  const add = (key: string, times: readonly (string | number)[]) => {
    const given = closed(times, key)
    const rows = new ChunkRows('t', { id: Uint8Array.of(1), values: 10, leadBytes: 0 })
    const refused: string[] = []
    const seen: number[] = []
    rows.add(given, new BucketNames([{ from: -Infinity, width: 'day' }]), { refused: ({ why, source }) => { refused.push(`${source.partition} ${source.offset - 2 ** 40} ${why}`) }, seen: ({ count }) => { seen.push(count) } })
    return { rows: rows.rows.count, refused, seen }
  }
  assert.deepEqual(add('a', ['2026-11-23', 9e15, '2026-11-23T01:00Z']), { rows: 1, refused: ['3 1 the time has no date'], seen: [3] })
  assert.deepEqual(add('k'.repeat(65_530), ['2026-11-23', '2026-11-23']), { rows: 0, refused: ['3 0 the key is too long', '3 1 the key is too long'], seen: [2] })
})

test('the statement names the columns in the order of the cells', () => {
  const layout = { pipeline: 'cold-chain', keyspace: 'fleet', rawMode: 'chunks', intervalMs: null, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null, signals, windows: [] } as const
  const { cql, values } = chunksInsert('fleet', lakeTables(layout).chunks!)
  assert.equal(cql, 'INSERT INTO fleet.cold_chain_chunks (key, bucket, first_at, partition, first_offset, last_at, readings, source, block) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?')
  assert.equal(values, 10)
})
