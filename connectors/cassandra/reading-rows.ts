import type { Column } from '../../pipelines/core/batch.ts'
import type { LakeReadings } from '../../pipelines/core/lake-ports.ts'
import type { BucketNames } from './buckets.ts'
import type { CellWriter } from './cells.ts'
import { KeyGroups } from './groups.ts'
import type { Refusal } from './refusal.ts'
import { type Statement, StagedRows } from './staged.ts'
import { insertOf, type StatementText } from './statements.ts'
import type { ReadingsTable } from './tables.ts'

/** The most that an event time may be, for its bucket to have a name. */
export const timeMax = 8.64e15
/** Half of a segment of the commit log is the limit of Cassandra, 16 MiB as it comes. */
export const rowBytesMax = 8 << 20

export function readingsInsert (keyspace: string, table: ReadingsTable): StatementText {
  const { key, bucket, at, partition, offset, arrived_at: arrivedAt, source } = table.column
  return insertOf(keyspace, table, [key, bucket, at, partition, offset, arrivedAt, source, ...table.signals])
}

/**
 * Readings as rows. A missing value is left as it is, which is nothing: the row of a position is only ever this one.
 *
 * Units: written as of the task's highest arrival at the reading
 */
export class ReadingRows {
  readonly rows: StagedRows
  readonly #groups: KeyGroups
  readonly #table: string

  constructor (table: string, statement: Statement) {
    this.rows = new StagedRows(table, [statement])
    this.#groups = new KeyGroups(this.rows)
    this.#table = table
  }

  add ({ source, topic, partition, batch, keys }: LakeReadings, buckets: BucketNames, refused: (refusal: Refusal) => void): void {
    const { rows } = this
    const { cells } = rows
    const { count, key, at, arrival, arrivalClock, position, columns } = batch
    const origin = rows.addOrigin({ topic, partition })
    const sourceBytes = Buffer.from(source)
    for (let row = 0; row < count; row += 1) {
      const id = key[row]!
      const from = cells.used
      const group = Math.abs(at[row]!) <= timeMax ? this.#groups.of(keys, id, buckets.of(at[row]!)) : -1
      if (group >= 0) {
        cells.whole(at[row]!)
        cells.int(partition)
        cells.whole(position[row]!)
        cells.whole(arrival[row]!)
        cells.blob(sourceBytes)
        for (const column of columns) columnCell(cells, column, row)
        cells.stamp(arrivalClock[row]!)
        if (cells.used - from <= rowBytesMax) {
          rows.add(group, 0, origin, position[row]!, arrival[row]!)
          continue
        }
        cells.used = from
      }
      const why = group >= 0 ? `the row has more than ${rowBytesMax} bytes` : Math.abs(at[row]!) <= timeMax ? 'the key is too long' : 'the time has no date'
      refused({ table: this.#table, key: keys.bytes(id), value: batch.bytes.subarray(batch.valueStart[row], batch.valueEnd[row]), why, arrival: arrival[row]!, source: { topic, partition, offset: position[row]! } })
    }
  }

  clear (): void {
    this.rows.clear()
    this.#groups.clear()
  }
}

/** A cell of a column that is left as it is where nothing is known. */
export function columnCell (cells: CellWriter, column: Column, row: number): void {
  if (column.known[row] === 0) { cells.unset(); return }
  switch (column.kind) {
    case 'number': cells.double(column.values[row]!); break
    case 'bool': cells.bool(column.values[row] === 1); break
    case 'text': cells.blob(column.dictionary.bytes(column.values[row]!)); break
    case 'value': valueCell(cells, column.values[row])
  }
}

/** Bytes as they are, everything else as JSON. */
function valueCell (cells: CellWriter, value: unknown): void {
  if (value instanceof Uint8Array) cells.blob(value)
  else cells.text(JSON.stringify(value, plain) ?? 'null')
}

const plain = (_: string, value: unknown) => typeof value === 'bigint' ? value.toString() : value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
