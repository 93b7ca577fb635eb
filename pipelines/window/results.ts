import type { Batch } from '../core/batch.ts'
import type { Outputs } from '../core/outputs.ts'
import type { WindowSpec } from '../core/spec.ts'
import type { Moment } from '../core/stage.ts'
import { createWindowBatch, growWindowBatch, type WindowBatch } from '../core/window-batch.ts'
import type { PaneStore } from './pane-store.ts'
import { type Plan, receivedCell } from './plan.ts'

const dictionaryEntries = 1 << 16

/** What made the rows that are being written. */
export class RowCause {
  position = -1
  arrival = 0
  watermark = 0
  arrivalClock = 0

  row (batch: Batch, row: number): void {
    this.position = batch.position[row]!
    this.arrival = batch.arrival[row]!
    this.watermark = batch.watermark[row]!
    this.arrivalClock = batch.arrivalClock[row]!
  }

  moment ({ position, watermark, arrivalClock }: Moment): void {
    this.position = position
    this.arrival = arrivalClock
    this.watermark = watermark
    this.arrivalClock = arrivalClock
  }
}

interface Interval { readonly start: number, readonly end: number, readonly expected: number }
export interface PaneRows extends Interval { readonly panes: PaneStore, readonly slots: Int32Array, readonly count: number }

/** Writes results of panes to the columns of a window batch. */
export class ResultWriter {
  readonly rows: WindowBatch
  readonly cause = new RowCause()
  readonly #name: string
  readonly #stage: number
  readonly #plan: Plan

  constructor (spec: WindowSpec, plan: Plan, stage: number) {
    this.#name = spec.name
    this.#stage = stage
    this.#plan = plan
    this.rows = createWindowBatch(plan.columns)
  }

  /** Before the first row of a call: ids of texts mean nothing beyond the call, so a large dictionary begins anew. */
  begin (): void {
    if (this.rows.count > 0) return
    for (const column of this.rows.columns) {
      if (column.kind === 'text' && column.dictionary.size > dictionaryEntries) column.dictionary.clear()
    }
  }

  /** At the end of a call. */
  publish (out: Outputs): void {
    if (this.rows.count > 0 && !out.windows.some(({ rows }) => rows === this.rows)) out.windows.push({ stage: this.#stage, name: this.#name, rows: this.rows })
  }

  /** Results of panes of one interval; gives the first row. Revision and flags are left to the caller. */
  append (given: PaneRows): number {
    const { panes, slots, count } = given
    const first = this.#frame(given, count)
    const { cells, stride, keyOf } = panes
    const { key, received, columns } = this.rows
    for (let i = 0; i < count; i += 1) {
      const slot = slots[i]!
      key[first + i] = keyOf[slot]!
      received[first + i] = cells[slot * stride + receivedCell]!
    }
    const { statistics } = this.#plan
    for (let place = 0; place < statistics.length; place += 1) statistics[place]!.finish(panes, slots, count, columns[place]!, first)
    return first
  }

  /** Takes back the result of [start, end). */
  retract ({ key, start, end, revision }: { readonly key: number, readonly start: number, readonly end: number, readonly revision: number }): void {
    const { rows } = this
    const row = this.#frame({ start, end, expected: Number.NaN }, 1)
    rows.key[row] = key
    rows.revision[row] = revision
    rows.final[row] = 0
    rows.closing[row] = 0
    rows.retraction[row] = 1
    rows.received[row] = 0
    for (const column of rows.columns) {
      column.known[row] = 0
      if (column.kind === 'number') column.values[row] = Number.NaN
      else if (column.kind === 'value') column.values[row] = null
    }
  }

  #frame (interval: Interval, count: number): number {
    const { rows } = this
    growWindowBatch(rows, count)
    const first = rows.count
    rows.count = first + count
    this.#frameRow(first, interval)
    if (count > 1) this.#repeat(first, first + count)
    return first
  }

  #frameRow (row: number, { start, end, expected }: Interval): void {
    const { rows, cause } = this
    rows.at[row] = end
    rows.start[row] = start
    rows.end[row] = end
    rows.arrival[row] = cause.arrival
    rows.position[row] = cause.position
    rows.watermark[row] = cause.watermark
    rows.arrivalClock[row] = cause.arrivalClock
    rows.expected[row] = expected
    rows.retraction[row] = 0
    rows.revision[row] = 0
  }

  /** Rows up to `end` are framed as the first. */
  #repeat (first: number, end: number): void {
    const { rows } = this
    for (const column of [rows.at, rows.start, rows.end, rows.arrival, rows.position, rows.watermark, rows.arrivalClock, rows.expected]) column.fill(column[first]!, first + 1, end)
    rows.retraction.fill(0, first + 1, end)
    rows.revision.fill(0, first + 1, end)
  }
}
