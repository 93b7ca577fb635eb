import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cell, createColumn } from '../../../../pipelines/core/batch.ts'
import type { ReadingBlock } from '../../../../pipelines/core/chunk/block.ts'
import { encodeChunk } from '../../../../pipelines/core/chunk/encode.ts'
import { ChunkMerge, type StoredChunk } from '../../../../pipelines/core/chunk/merge.ts'
import type { LakeReadingRows } from '../../../../pipelines/core/lake-ports.ts'

const specs = [{ name: 'celsius', kind: 'number' }, { name: 'site', kind: 'text' }] as const

interface Row { readonly at: number, readonly offset: number, readonly celsius: number | null, readonly site: string | null }

function chunkOf (rows: readonly Row[], partition: number): Uint8Array {
  const columns = specs.map(spec => createColumn(spec, rows.length))
  rows.forEach(({ celsius, site }, row) => {
    for (const column of columns) {
      const value = column.kind === 'text' ? site : celsius
      if (value === null) continue
      column.known[row] = 1
      column.values[row] = column.kind === 'text' ? column.dictionary.internText(value as string) : value
    }
  })
  const block: ReadingBlock = { count: rows.length, at: Float64Array.from(rows, ({ at }) => at), arrival: Float64Array.from(rows, ({ at }) => at + 7), offset: Float64Array.from(rows, ({ offset }) => offset), columns }
  return encodeChunk(block, partition)
}

const shown = (pieces: Iterable<LakeReadingRows>) => [...pieces].flatMap(({ key, source, count, at, arrival, partition, offset, columns }) =>
  Array.from({ length: count }, (_, row) => [key, source, at[row], arrival[row], partition[row], offset[row], ...columns.map(column => cell(column, row))]))

function * merged (chunks: readonly StoredChunk[], options: { readonly from: number, readonly to: number, readonly rowsMax: number }): Generator<LakeReadingRows> {
  const merge = new ChunkMerge({ key: 'truck-1', columns: specs, ...options })
  for (const chunk of chunks) yield * merge.add(chunk)
  yield * merge.end()
}

/**
 *  at       0 1 2 3 4 5 6 7
 *  chunk 1  a b c
 *  chunk 2    d e   f         the same readings again, late ones, and other partitions
 *  chunk 3          g h i
 */
const readings = fc.array(fc.record({ at: fc.integer({ min: 0, max: 200 }).map(half => half / 2), celsius: fc.option(fc.nat(9)), site: fc.option(fc.constantFrom('oslo', 'bergen')) }), { minLength: 1, maxLength: 80 })
const cuts = fc.array(fc.record({ from: fc.nat(80), count: fc.integer({ min: 1, max: 30 }) }), { maxLength: 6 })

test('chunks that overlap come out as rows would: in order, cut to the range, each reading once', () => {
  fc.assert(fc.property(readings, readings, cuts, fc.nat(110), fc.nat(110), fc.integer({ min: 1, max: 40 }), (one, other, again, from, span, rowsMax) => {
    const partitions = [one, other].map((some, partition) => ({ partition, rows: some.map((row, offset): Row => ({ ...row, offset })) }))
    // Every reading in chunks of seven; some of them in others too, as after a crash.
    const all = partitions.flatMap(({ partition, rows }) => [
      ...Array.from({ length: Math.ceil(rows.length / 7) }, (_, index) => rows.slice(7 * index, 7 * index + 7)), ...again.map(({ from: first, count }) => rows.slice(first, first + count)),
    ].filter(rows => rows.length > 0).map(rows => ({ first: Math.floor(Math.min(...rows.map(({ at }) => at))), partition, rows })))
    all.sort((a, b) => a.first - b.first || a.partition - b.partition || a.rows[0]!.offset - b.rows[0]!.offset)
    const chunks = all.map(({ partition, rows }): StoredChunk => ({ source: 'polar', block: chunkOf(rows, partition), writtenAs: 1 }))
    const wanted = partitions.flatMap(({ partition, rows }) => rows.map(({ at, offset, celsius, site }) => ['truck-1', 'polar', at, at + 7, partition, offset, celsius, site] as const))
      .filter(([, , at]) => at >= from && at < from + span).sort((a, b) => a[2] - b[2] || a[4] - b[4] || a[5] - b[5])
    const pieces = [...merged(chunks, { from, to: from + span, rowsMax })]
    assert.deepEqual(shown(pieces), wanted)
    assert(pieces.every(({ count }) => count > 0 && count <= rowsMax))
  }), { numRuns: 300 })
})

test('of two chunks with one reading, the one written as of later is right', () => {
  const chunk = (celsius: number, writtenAs: number): StoredChunk => ({ source: 'polar', block: chunkOf([{ at: 1, offset: 1, celsius, site: null }], 0), writtenAs })
  for (const chunks of [[chunk(1, 10), chunk(2, 20)], [chunk(2, 20), chunk(1, 10)]]) assert.deepEqual(shown(merged(chunks, { from: 0, to: 9, rowsMax: 9 })).map(row => row[6]), [2])
})

test('a piece has readings of one source', () => {
  const chunk = (source: string, at: number): StoredChunk => ({ source, block: chunkOf([{ at, offset: at, celsius: 1, site: null }], 0), writtenAs: 1 })
  assert.deepEqual([...merged([chunk('polar', 1), chunk('arktis', 2), chunk('polar', 3)], { from: 0, to: 9, rowsMax: 9 })].map(({ source, count }) => [source, count]), [['polar', 1], ['arktis', 1], ['polar', 1]])
})

test('what lies before a chunk goes out when it comes: many chunks do not gather', () => {
  const merge = new ChunkMerge({ key: 'truck-1', columns: specs, from: 0, to: Infinity, rowsMax: 100 })
  let waiting = 0
  for (let index = 0; index < 50; index += 1) {
    const rows = Array.from({ length: 60 }, (_, row): Row => ({ at: index * 60 + row, offset: index * 60 + row, celsius: 1, site: null }))
    waiting += 60 - [...merge.add({ source: 'polar', block: chunkOf(rows, 0), writtenAs: 1 })].reduce((sum, { count }) => sum + count, 0)
    assert(waiting <= 180, `${waiting} rows wait`)
  }
  assert.equal([...merge.end()].reduce((sum, { count }) => sum + count, 0), waiting)
})
