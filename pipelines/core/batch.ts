import { KeyTable } from './keys.ts'

/** `value` holds anything without a dense form (arrays, maps, bytes, decimals, bigints): off the hot path. */
export type ColumnKind = 'number' | 'bool' | 'text' | 'value'

/** `known[row]` is 1 where the value is present; elsewhere `values[row]` means nothing (NaN in a number column). */
interface ColumnOf<Kind, Values> { readonly kind: Kind, readonly name: string, values: Values, known: Uint8Array }
export interface NumberColumn extends ColumnOf<'number', Float64Array> { readonly unit: string | null }
export type BoolColumn = ColumnOf<'bool', Uint8Array>
/**
 * `values` are ids in `dictionary`. Ids never reach an output and may mean another text in the next batch:
 * a stage that keeps a text keeps `dictionary.text(id)`.
 */
export interface TextColumn extends ColumnOf<'text', Int32Array> { readonly dictionary: KeyTable }
export type ValueColumn = ColumnOf<'value', unknown[]>
export type Column = NumberColumn | BoolColumn | TextColumn | ValueColumn

export interface ColumnSpec { readonly name: string, readonly kind: ColumnKind, readonly unit?: string | null }

/**
 * Consecutive readings of one task in columns.
 *
 * Shape:  rows 0..count-1 in log order; `columns` as the stage that made the batch declares them
 * Units:  at, arrival, watermark, arrivalClock milliseconds since the epoch; position is the log offset
 * Limits: `capacity` rows; arrays are reused by the next batch: a stage that keeps a value copies it
 */
export interface Batch {
  count: number
  readonly capacity: number
  /** Dense id in the task's key table, stable for the life of the task and across restore. */
  readonly key: Int32Array
  readonly at: Float64Array
  readonly arrival: Float64Array
  readonly position: Float64Array
  /** The task's watermark once this row was seen; filled by TaskClock. */
  readonly watermark: Float64Array
  /** Highest arrival seen up to and including this row; filled by TaskClock. */
  readonly arrivalClock: Float64Array
  /** The record's value bytes are bytes[valueStart[row], valueEnd[row]); valid while the batch is. */
  bytes: Uint8Array
  readonly valueStart: Int32Array
  readonly valueEnd: Int32Array
  readonly columns: readonly Column[]
}

export const batchRowsMax = 4096
const dictionaryEntriesMax = 1 << 20

export function createColumn ({ name, kind, unit = null }: ColumnSpec, capacity: number): Column {
  const known = new Uint8Array(capacity)
  switch (kind) {
    case 'number': return { kind, name, unit, values: new Float64Array(capacity), known }
    case 'bool': return { kind, name, values: new Uint8Array(capacity), known }
    case 'text': return { kind, name, values: new Int32Array(capacity), known, dictionary: new KeyTable(dictionaryEntriesMax) }
    case 'value': return { kind, name, values: new Array<unknown>(capacity).fill(null), known }
  }
}

export function createBatch (columns: readonly ColumnSpec[], capacity = batchRowsMax): Batch {
  const numbers = () => new Float64Array(capacity)
  return {
    count: 0,
    capacity,
    key: new Int32Array(capacity),
    at: numbers(),
    arrival: numbers(),
    position: numbers(),
    watermark: numbers(),
    arrivalClock: numbers(),
    bytes: new Uint8Array(0),
    valueStart: new Int32Array(capacity),
    valueEnd: new Int32Array(capacity),
    columns: columns.map(column => createColumn(column, capacity)),
  }
}

/** A cell as plain JavaScript, null where unknown. For outputs and messages, never per record. */
export function cell (column: Column, row: number): unknown {
  if (column.known[row] === 0) return null
  switch (column.kind) {
    case 'number': return column.values[row]
    case 'bool': return column.values[row] === 1
    case 'text': return column.dictionary.text(column.values[row]!)
    case 'value': return column.values[row]
  }
}

/** Rows from..to-1 of a column; nothing is copied but values without a dense form. */
export function part (column: Column, from: number, to: number): Column {
  const known = column.known.subarray(from, to)
  switch (column.kind) {
    case 'number': return { ...column, known, values: column.values.subarray(from, to) }
    case 'bool': return { ...column, known, values: column.values.subarray(from, to) }
    case 'text': return { ...column, known, values: column.values.subarray(from, to) }
    case 'value': return { ...column, known, values: column.values.slice(from, to) }
  }
}
