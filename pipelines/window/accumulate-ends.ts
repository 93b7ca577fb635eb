import type { Batch, BoolColumn, Column, NumberColumn, TextColumn } from '../core/batch.ts'
import type { StateValue } from '../core/state.ts'
import { type Accumulator, finishNumbers, type ObjectCodec, type Place, type Statistic } from './accumulator.ts'
import type { PaneStore } from './pane-store.ts'

/**
 * The value of the earliest or the latest event time, with that time. Of several values of one moment the first to arrive is the first,
 * the last to arrive the last.
 *
 * State: time and value; NaN before the first value
 */
export class End implements Accumulator {
  readonly template = [Number.NaN, Number.NaN]
  readonly objects = 0
  readonly #column: number
  readonly #cell: number
  readonly #isFirst: boolean
  constructor ({ column, cell }: Place, isFirst: boolean) {
    this.#column = column
    this.#cell = cell
    this.#isFirst = isFirst
  }

  update (panes: PaneStore, batch: Batch, slots: Int32Array, from: number, to: number): void {
    const { values, known } = batch.columns[this.#column] as NumberColumn | BoolColumn
    const { cells, stride } = panes
    const { at: times } = batch
    const cell = this.#cell
    const isFirst = this.#isFirst
    for (let row = from; row < to; row += 1) {
      const value = values[row]!
      if (known[row] === 0 || Number.isNaN(value)) continue
      const at = slots[row]! * stride + cell
      const ms = times[row]!
      if (isFirst ? cells[at]! <= ms : cells[at]! > ms) continue
      cells[at] = ms
      cells[at + 1] = value
    }
  }

  merge ({ cells, stride }: PaneStore, into: Int32Array, from: Int32Array, count: number): void {
    for (let i = 0; i < count; i += 1) {
      const to = into[i]! * stride + this.#cell
      const of = from[i]! * stride + this.#cell
      const ms = cells[of]!
      if (Number.isNaN(ms) || (this.#isFirst ? cells[to]! <= ms : cells[to]! > ms)) continue
      cells[to] = ms
      cells[to + 1] = cells[of + 1]!
    }
  }
}

/** As `End`, of a text. The pane keeps the text itself: ids of a column may change their meaning with every batch. */
export class TextEnd implements Accumulator {
  readonly template = [Number.NaN]
  readonly objects = 1
  readonly objectCodec: ObjectCodec
  readonly #column: number
  readonly #cell: number
  readonly #object: number
  readonly #isFirst: boolean
  constructor ({ column, cell, object }: Place, isFirst: boolean) {
    this.#column = column
    this.#cell = cell
    this.#object = object
    this.#isFirst = isFirst
    this.objectCodec = { at: object, save: objects => objects as readonly (string | null)[], load: state => [...state as readonly StateValue[]] }
  }

  update (panes: PaneStore, batch: Batch, slots: Int32Array, from: number, to: number): void {
    const { values, known, dictionary } = batch.columns[this.#column] as TextColumn
    const { cells, stride, objects, objectStride } = panes
    for (let row = from; row < to; row += 1) {
      if (known[row] === 0) continue
      const slot = slots[row]!
      const at = slot * stride + this.#cell
      const ms = batch.at[row]!
      if (this.#isFirst ? cells[at]! <= ms : cells[at]! > ms) continue
      cells[at] = ms
      objects[slot * objectStride + this.#object] = dictionary.text(values[row]!)
    }
  }

  merge ({ cells, stride, objects, objectStride }: PaneStore, into: Int32Array, from: Int32Array, count: number): void {
    for (let i = 0; i < count; i += 1) {
      const to = into[i]! * stride + this.#cell
      const ms = cells[from[i]! * stride + this.#cell]!
      if (Number.isNaN(ms) || (this.#isFirst ? cells[to]! <= ms : cells[to]! > ms)) continue
      cells[to] = ms
      objects[into[i]! * objectStride + this.#object] = objects[from[i]! * objectStride + this.#object]
    }
  }

  adopt ({ objects, objectStride }: PaneStore, into: Int32Array, from: Int32Array, count: number): void {
    for (let i = 0; i < count; i += 1) objects[into[i]! * objectStride + this.#object] = objects[from[i]! * objectStride + this.#object]
  }
}

/** Of `End`, for a number or a bool. */
export function endStatistic (cell: number): Statistic {
  return {
    finish ({ cells, stride }: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      finishNumbers(column, row, count, index => cells[slots[index]! * stride + cell + 1]!)
    },
  }
}

/** Of `TextEnd`. */
export function textEndStatistic (object: number): Statistic {
  return {
    finish ({ objects, objectStride }: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      const { values, known, dictionary } = column as TextColumn
      for (let i = 0; i < count; i += 1) {
        const text = objects[slots[i]! * objectStride + object] as string | null
        known[row + i] = text === null ? 0 : 1
        values[row + i] = text === null ? 0 : dictionary.internText(text)
      }
    },
  }
}

/** Last less first, by event time: 0 for one value. */
export function deltaStatistic (first: number, last: number): Statistic {
  return {
    finish ({ cells, stride }: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      finishNumbers(column, row, count, index => cells[slots[index]! * stride + last + 1]! - cells[slots[index]! * stride + first + 1]!)
    },
  }
}

/** Delta per second between the first and the last value; unknown when they are of one moment. */
export function rateStatistic (first: number, last: number): Statistic {
  return {
    finish ({ cells, stride }: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      finishNumbers(column, row, count, index => {
        const from = slots[index]! * stride + first
        const to = slots[index]! * stride + last
        const seconds = (cells[to]! - cells[from]!) / 1_000
        return seconds > 0 ? (cells[to + 1]! - cells[from + 1]!) / seconds : Number.NaN
      })
    },
  }
}
