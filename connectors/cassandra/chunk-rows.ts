import type { Column } from '../../pipelines/core/batch.ts'
import type { ClosedChunk, ReadingBlock } from '../../pipelines/core/chunk/block.ts'
import { encodeChunk } from '../../pipelines/core/chunk/encode.ts'
import type { LakeChunks } from '../../pipelines/core/lake-ports.ts'
import type { BucketNames } from './buckets.ts'
import { KeyGroups } from './groups.ts'
import { rowBytesMax, timeMax } from './reading-rows.ts'
import type { Refusal } from './refusal.ts'
import { type Statement, StagedRows } from './staged.ts'
import { insertOf, type StatementText } from './statements.ts'
import type { ChunksTable } from './tables.ts'

export function chunksInsert (keyspace: string, table: ChunksTable): StatementText {
  const { key, bucket, first_at: firstAt, partition, first_offset: firstOffset, last_at: lastAt, readings, source, block } = table.column
  return insertOf(keyspace, table, [key, bucket, firstAt, partition, firstOffset, lastAt, readings, source, block])
}

export interface ChunkHooks {
  readonly refused: (refusal: Refusal) => void
  /** Told of each chunk as it was closed. */
  readonly seen: (chunk: ClosedChunk) => void
}

/** A chunk's share of one partition of event time: all of it, mostly. */
export interface ChunkPart { readonly bucket: string, readonly block: ReadingBlock, readonly first: number, readonly last: number }

/**
 * Closed chunks as rows: one for each partition of event time that a chunk reaches into, so that who reads a partition finds all of its readings.
 *
 * Units: written as of the task's highest arrival at the chunk's last reading; a part of a chunk too
 */
export class ChunkRows {
  readonly rows: StagedRows
  readonly #groups: KeyGroups

  constructor (table: string, statement: Statement) {
    this.rows = new StagedRows(table, [statement])
    this.#groups = new KeyGroups(this.rows)
  }

  add ({ source, topic, partition, chunks }: LakeChunks, buckets: BucketNames, { refused, seen }: ChunkHooks): void {
    const { rows } = this
    const { cells } = rows
    const origin = rows.addOrigin({ topic, partition })
    const sourceBytes = Buffer.from(source)
    for (let index = 0; index < chunks.count; index += 1) {
      const chunk = chunks.read(index)
      seen(chunk)
      const refuse = ({ count, offset, arrival }: ReadingBlock, why: string) => {
        for (let row = 0; row < count; row += 1) refused({ table: rows.table, key: chunks.keys.bytes(chunk.key), why, arrival: arrival[row]!, source: { topic, partition, offset: offset[row]! } })
      }
      for (const { bucket, block, first, last } of partsOf(chunk, buckets, refuse)) {
        const group = this.#groups.of(chunks.keys, chunk.key, bucket)
        if (group < 0) { refuse(block, 'the key is too long'); continue }
        const bytes = encodeChunk(block, partition)
        if (bytes.length > rowBytesMax) { refuse(block, `the row has more than ${rowBytesMax} bytes`); continue }
        cells.whole(first)
        cells.int(partition)
        cells.whole(block.offset[0]!)
        cells.whole(last)
        cells.int(block.count)
        cells.blob(sourceBytes)
        cells.blob(bytes)
        cells.stamp(chunk.arrivalClock)
        rows.add(group, 0, origin, block.offset[0]!, block.arrival[0]!)
      }
    }
  }

  clear (): void {
    this.rows.clear()
    this.#groups.clear()
  }
}

/** By bucket, in the order in which the log comes to them. What has no date is refused. */
export function partsOf (chunk: ClosedChunk, buckets: BucketNames, refuse: (block: ReadingBlock, why: string) => void): readonly ChunkPart[] {
  const [first, last] = bounds(chunk)
  const isDated = Math.abs(first) <= timeMax && Math.abs(last) <= timeMax
  if (isDated && buckets.of(last) === buckets.of(first)) return [{ bucket: buckets.of(first), block: chunk, first, last }]
  const rows = new Map<string, number[]>()
  for (let row = 0; row < chunk.count; row += 1) {
    const name = Math.abs(chunk.at[row]!) <= timeMax ? buckets.of(chunk.at[row]!) : ''
    const found = rows.get(name)
    if (found === undefined) rows.set(name, [row])
    else found.push(row)
  }
  return [...rows].flatMap(([bucket, some]) => {
    const block = only(chunk, some)
    if (bucket === '') {
      refuse(block, 'the time has no date')
      return []
    }
    const [from, to] = bounds(block)
    return [{ bucket, block, first: from, last: to }]
  })
}

function bounds ({ at, count }: ReadingBlock): readonly [first: number, last: number] {
  let [first, last] = [at[0]!, at[0]!]
  for (let row = 1; row < count; row += 1) {
    const time = at[row]!
    if (time < first) first = time
    else if (time > last) last = time
  }
  return [first, last]
}

function only ({ at, arrival, offset, columns }: ReadingBlock, rows: readonly number[]): ReadingBlock {
  const pick = (values: Float64Array) => Float64Array.from(rows, row => values[row]!)
  return { count: rows.length, at: pick(at), arrival: pick(arrival), offset: pick(offset), columns: columns.map(column => onlyOf(column, rows)) }
}

function onlyOf (column: Column, rows: readonly number[]): Column {
  const known = Uint8Array.from(rows, row => column.known[row]!)
  switch (column.kind) {
    case 'number': return { ...column, known, values: Float64Array.from(rows, row => column.values[row]!) }
    case 'bool': return { ...column, known, values: Uint8Array.from(rows, row => column.values[row]!) }
    case 'text': return { ...column, known, values: Int32Array.from(rows, row => column.values[row]!) }
    case 'value': return { ...column, known, values: rows.map(row => column.values[row]) }
  }
}
