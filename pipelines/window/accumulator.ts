import type { Batch, Column } from '../core/batch.ts'
import type { StateValue } from '../core/state.ts'
import type { PaneStore } from './pane-store.ts'

/** Where an accumulator keeps its part of a pane. `column` is its signal's place in the batch. */
export interface Place { readonly column: number, readonly cell: number, readonly object: number }

/**
 * What a pane remembers of one signal for one or more statistics. It works on runs of rows, one loop per accumulator: every loop touches
 * one column and stays small enough for the compiler.
 *
 * Shape: unknown values and NaN are no values: they are skipped
 * State: `template.length` cells and `objects` objects of each pane
 */
export interface Accumulator {
  /** The cells of a pane that has seen nothing. */
  readonly template: readonly number[]
  readonly objects: number
  /** Row r belongs to pane slots[r]; slot 0 takes what belongs to none. */
  update (panes: PaneStore, batch: Batch, slots: Int32Array, from: number, to: number): void
  /** Pane into[i] becomes the union of itself and pane from[i], whose event times come after. */
  merge (panes: PaneStore, into: Int32Array, from: Int32Array, count: number): void
  /** Pane into[i] is a copy of pane from[i] but for its objects: copy them too. Only with objects. */
  adopt? (panes: PaneStore, into: Int32Array, from: Int32Array, count: number): void
  /** Object of a pane for a snapshot, and back. Only with objects. */
  readonly objectCodec?: ObjectCodec
}

/** Objects of many panes in order, null where a pane has none, as plain data and back. */
export interface ObjectCodec {
  /** Which of a pane's objects it is. */
  readonly at: number
  save (objects: readonly unknown[]): StateValue
  load (state: StateValue, count: number): unknown[]
}

/** Fills a column of results from panes. */
export interface Statistic {
  /** Results of panes slots[0..count) go to rows row.. of the column. */
  finish (panes: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void
}

/** Write numbers (or 0 and 1 for bools); NaN means unknown. */
export function finishNumbers (column: Column, row: number, count: number, value: (index: number) => number): void {
  const values = column.values as Float64Array | Uint8Array
  for (let i = 0; i < count; i += 1) {
    const result = value(i)
    const isKnown = !Number.isNaN(result)
    values[row + i] = isKnown ? result : Number.NaN
    column.known[row + i] = isKnown ? 1 : 0
  }
}
