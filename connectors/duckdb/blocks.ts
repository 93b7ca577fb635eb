import type { ValueColumn } from '../../pipelines/core/batch.ts'
import type { SeenKeys } from '../../pipelines/core/key-sightings.ts'
import type { LakeReadings, LakeRollups } from '../../pipelines/core/lake-ports.ts'
import { type Block, BlockBuilder, type BufferPool } from './block.ts'
import type { BlockTable } from './tables.ts'

/** Readings in the order of the readings table: key, at, arrived_at, source, partition, offset, signals. */
export function readingsBlock ({ source, partition, batch, keys }: LakeReadings, { columns }: BlockTable, pool: BufferPool): Block {
  const block = new BlockBuilder(batch.count, columns.map(({ type }) => type), pool)
  block.texts(batch.key, keys)
  block.moments(batch.at)
  block.wholes(batch.arrival, 'stamp')
  block.text(source)
  block.integer(partition)
  block.wholes(batch.position, 'bigint')
  for (const column of batch.columns) block.column(column)
  return block.finish()
}

/** Columns of a rollup before those of its window. */
const firstKept = 9

/** Rollups in the order of their stage table; `turn` numbers the rows of a commit. A retraction's values are unknown. */
export function rollupsBlock ({ source, partition, rows, keys }: LakeRollups, { columns }: BlockTable, { turn, pool }: { readonly turn: number, readonly pool: BufferPool }): Block {
  const { count } = rows
  const block = new BlockBuilder(count, columns.map(({ type }) => type), pool)
  block.texts(rows.key, keys)
  block.wholes(rows.start, 'stamp')
  block.wholes(rows.end, 'stamp')
  block.text(source)
  block.integer(partition)
  block.doubles(rows.expected, known(rows.expected, count))
  block.doubles(rows.received, known(rows.received, count))
  block.integers(rows.revision)
  block.bools(rows.final)
  const nothing = rows.retraction.subarray(0, count).includes(1) ? rows.retraction.slice(0, count).map(taken => 1 - taken) : null
  for (const [index, column] of rows.columns.entries()) {
    if (columns[firstKept + index]!.type === 'blob') block.blobs(column as ValueColumn, nothing)
    else block.column(column, nothing)
  }
  block.bools(rows.retraction)
  block.integers(Int32Array.from({ length: count }, (_, row) => turn + row))
  return block.finish()
}

/** Keys in the order of their stage table: key, source, first_arrival, last_arrival, labels by name. */
export function keysBlock ({ source, keys, ids, first, last, labels }: SeenKeys, { columns }: BlockTable, pool: BufferPool): Block {
  const block = new BlockBuilder(ids.length, columns.map(({ type }) => type), pool)
  const pick = (values: Float64Array) => Float64Array.from(ids, id => values[id]!)
  block.texts(ids, keys)
  block.text(source)
  block.wholes(pick(first), 'stamp')
  block.wholes(pick(last), 'stamp')
  for (const { texts, ids: values } of labels) block.texts(Int32Array.from(ids, id => Math.max(0, values[id]!)), texts, Uint8Array.from(ids, id => values[id]! < 0 ? 0 : 1))
  return block.finish()
}

const known = (values: Float64Array, count: number) => Uint8Array.from({ length: count }, (_, row) => Number.isNaN(values[row]) ? 0 : 1)
