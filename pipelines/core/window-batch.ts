import { type Batch, type Column, type ColumnSpec, createColumn } from './batch.ts'
import { grown, KeyTable } from './keys.ts'

/**
 * Results of one window stage, row by row in the order of emission. It is a Batch, so rules read it as they read readings.
 *
 * Shape:  `columns` are the window's `keep` names in order; key as in the task; at = end; position and arrival are those of
 *         the reading (or the last one before the tick) that caused the row
 * Units:  start, end milliseconds since the epoch, [start, end)
 */
export interface WindowBatch extends Batch {
  start: Float64Array
  end: Float64Array
  /** 0 for the first result of a pane, then 1, 2, ... */
  revision: Int32Array
  /** 1 when the watermark has passed the end; a revision within allowedLateness is final too. */
  final: Uint8Array
  /** 1 for the first final result of a pane: what rules on windows see. */
  closing: Uint8Array
  /** 1 when this row takes an emitted result back (a session that grew or merged): its values are unknown. */
  retraction: Uint8Array
  /** Readings expected by the interval of the source; NaN where unknown. */
  expected: Float64Array
  received: Float64Array
}

export function createWindowBatch (columns: readonly ColumnSpec[], capacity = 256): WindowBatch {
  const numbers = () => new Float64Array(capacity)
  return {
    count: 0, capacity,
    key: new Int32Array(capacity), at: numbers(), arrival: numbers(), position: numbers(), watermark: numbers(), arrivalClock: numbers(),
    bytes: new Uint8Array(0), valueStart: new Int32Array(capacity), valueEnd: new Int32Array(capacity),
    start: numbers(), end: numbers(), revision: new Int32Array(capacity), final: new Uint8Array(capacity), closing: new Uint8Array(capacity),
    retraction: new Uint8Array(capacity), expected: numbers(), received: numbers(),
    columns: columns.map(spec => unbounded(createColumn(spec, capacity))),
  }
}

/** A close may give more texts at once than a batch of readings: as many as it has rows. */
function unbounded (column: Column): Column {
  return column.kind === 'text' ? { ...column, dictionary: new KeyTable(Number.POSITIVE_INFINITY) } : column
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

/** Make room for `extra` more rows; at least doubles every column when full. */
export function growWindowBatch (batch: WindowBatch, extra = 1): void {
  if (batch.count + extra <= batch.capacity) return
  const target = batch as Mutable<WindowBatch>
  const capacity = Math.max(batch.capacity * 2, batch.count + extra)
  for (const name of ['at', 'arrival', 'position', 'watermark', 'arrivalClock', 'start', 'end', 'expected', 'received'] as const) target[name] = grown(batch[name], capacity) as Float64Array<ArrayBuffer>
  for (const name of ['key', 'revision', 'valueStart', 'valueEnd'] as const) target[name] = grown(batch[name], capacity) as Int32Array<ArrayBuffer>
  for (const name of ['final', 'closing', 'retraction'] as const) target[name] = grown(batch[name], capacity) as Uint8Array<ArrayBuffer>
  for (const column of batch.columns) growColumn(column, capacity)
  target.capacity = capacity
}

export function growColumn (column: Column, capacity: number): void {
  column.known = grown(column.known, capacity)
  if (column.kind === 'value') while (column.values.length < capacity) column.values.push(null)
  else column.values = grown(column.values as Float64Array, capacity)
}
