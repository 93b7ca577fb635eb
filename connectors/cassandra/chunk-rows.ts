import type { Column } from '../../pipelines/core/batch.ts'
import type { ClosedChunk, ReadingBlock } from '../../pipelines/core/chunk/block.ts'
import { encodeChunk } from '../../pipelines/core/chunk/encode.ts'
import type { LakeChunks } from '../../pipelines/core/lake-ports.ts'
import type { BucketNames } from './buckets.ts'
import { identifier, qualified } from './table.ts'
import type { ChunksTable } from './tables.ts'

/** In the order of `chunkInsert`'s parameters. */
const inserted = ['key', 'bucket', 'first_at', 'partition', 'first_offset', 'last_at', 'readings', 'source', 'block'] as const

/** The statement that writes a chunk, its write time last. */
export function chunkInsert (keyspace: string, table: ChunksTable): string {
  const names = inserted.map(name => identifier(table.column[name].name))
  return `INSERT INTO ${qualified(keyspace, table.name)} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) USING TIMESTAMP ?`
}

/** A row of the table as the statement's parameters, each as the wire has it. */
export interface ChunkRow { readonly key: string, readonly readings: number, readonly bytes: number, readonly parameters: readonly Buffer[] }

/**
 * Closed chunks as rows: one for each partition of event time that a chunk reaches into, so that who reads a partition finds all of its readings.
 *
 * Units: written as of the arrival clock at the chunk's last reading, in microseconds; a part of a chunk too
 */
export function chunkRows ({ source, partition, chunks }: LakeChunks, buckets: BucketNames): ChunkRow[] {
  const rows: ChunkRow[] = []
  const sourceBytes = Buffer.from(source)
  for (let index = 0; index < chunks.count; index += 1) {
    const chunk = chunks.read(index)
    const key = Buffer.from(chunks.keys.bytes(chunk.key))
    const from = { key, keyText: chunks.keys.text(chunk.key), source: sourceBytes, partition, writtenAs: chunk.arrivalClock }
    const [first, last] = bounds(chunk)
    const bucket = buckets.of(first)
    if (buckets.of(last) === bucket) rows.push(rowOf(chunk, { ...from, bucket, first, last }))
    else for (const [name, part] of parts(chunk, buckets)) {
      const [partFirst, partLast] = bounds(part)
      rows.push(rowOf(part, { ...from, bucket: name, first: partFirst, last: partLast }))
    }
  }
  return rows
}

interface RowParts { readonly key: Buffer, readonly keyText: string, readonly bucket: string, readonly source: Buffer, readonly partition: number, readonly first: number, readonly last: number, readonly writtenAs: number }

function rowOf (block: ReadingBlock, { key, keyText, bucket, source, partition, first, last, writtenAs }: RowParts): ChunkRow {
  const numbers = Buffer.allocUnsafe(40)
  const bytes = encodeChunk(block, partition)
  numbers.writeBigInt64BE(BigInt(Math.floor(first)), 0)
  numbers.writeInt32BE(partition, 8)
  numbers.writeBigInt64BE(BigInt(block.offset[0]!), 12)
  numbers.writeBigInt64BE(BigInt(Math.floor(last)), 20)
  numbers.writeInt32BE(block.count, 28)
  numbers.writeBigInt64BE(BigInt(Math.round(writtenAs * 1_000)), 32)
  const part = (from: number, to: number) => numbers.subarray(from, to)
  return {
    key: keyText, readings: block.count, bytes: bytes.length,
    parameters: [key, Buffer.from(bucket), part(0, 8), part(8, 12), part(12, 20), part(20, 28), part(28, 32), source, Buffer.from(bytes.buffer), part(32, 40)],
  }
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

/** The readings of each bucket, in the order of the log. */
function parts (chunk: ClosedChunk, buckets: BucketNames): Map<string, ReadingBlock> {
  const rows = new Map<string, number[]>()
  for (let row = 0; row < chunk.count; row += 1) {
    const name = buckets.of(chunk.at[row]!)
    const found = rows.get(name)
    if (found === undefined) rows.set(name, [row])
    else found.push(row)
  }
  return new Map([...rows].map(([name, some]) => [name, only(chunk, some)]))
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
