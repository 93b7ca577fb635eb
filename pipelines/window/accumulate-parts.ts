import type { Batch, NumberColumn } from '../core/batch.ts'
import type { Accumulator, Place } from './accumulator.ts'
import type { PaneStore } from './pane-store.ts'

/** Where each stands in the cells of `Parts`: `first` and `last` are time and value. */
export const partCells = { spread: 0, sum: 3, min: 4, max: 5, first: 6, last: 8 } as const

/**
 * All that a lake merges, of one signal: `Spread` (count, mean, sum of squared distances), sum, lowest, highest and both `End`s in one pass, with the
 * same operations in the same order, so that a window of the lake has the bits of the race's. One pass, for each of them would walk the readings anew (bench/window.ts, parts).
 */
export class Parts implements Accumulator {
  readonly template = [0, 0, 0, 0, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN]
  readonly objects = 0
  readonly #column: number
  readonly #cell: number
  constructor ({ column, cell }: Place) {
    this.#column = column
    this.#cell = cell
  }

  update (panes: PaneStore, batch: Batch, slots: Int32Array, from: number, to: number): void {
    const { values, known } = batch.columns[this.#column] as NumberColumn
    const { cells, stride } = panes
    const { at: times } = batch
    const cell = this.#cell
    for (let row = from; row < to; row += 1) {
      const value = values[row]!
      if (known[row] === 0 || Number.isNaN(value)) continue
      const at = slots[row]! * stride + cell
      const ms = times[row]!
      const count = cells[at]! + 1
      const off = value - cells[at + 1]!
      const mean = cells[at + 1]! + off / count
      cells[at] = count
      cells[at + 1] = mean
      cells[at + 2]! += off * (value - mean)
      cells[at + 3]! += value
      if (!(cells[at + 4]! <= value)) cells[at + 4] = value
      if (!(cells[at + 5]! >= value)) cells[at + 5] = value
      if (!(cells[at + 6]! <= ms)) {
        cells[at + 6] = ms
        cells[at + 7] = value
      }
      if (!(cells[at + 8]! > ms)) {
        cells[at + 8] = ms
        cells[at + 9] = value
      }
    }
  }

  merge ({ cells, stride }: PaneStore, into: Int32Array, from: Int32Array, count: number): void {
    const cell = this.#cell
    for (let i = 0; i < count; i += 1) {
      const to = into[i]! * stride + cell
      const of = from[i]! * stride + cell
      const left = cells[to]!
      const right = cells[of]!
      if (right === 0) continue
      if (left === 0) {
        cells.copyWithin(to, of, of + 10)
        continue
      }
      const both = left + right
      const off = cells[of + 1]! - cells[to + 1]!
      cells[to] = both
      cells[to + 1]! += off * right / both
      cells[to + 2] = cells[to + 2]! + cells[of + 2]! + off * off * left * right / both
      cells[to + 3]! += cells[of + 3]!
      if (!(cells[to + 4]! <= cells[of + 4]!)) cells[to + 4] = cells[of + 4]!
      if (!(cells[to + 5]! >= cells[of + 5]!)) cells[to + 5] = cells[of + 5]!
      if (!(cells[to + 6]! <= cells[of + 6]!)) cells.copyWithin(to + 6, of + 6, of + 8)
      if (!(cells[to + 8]! > cells[of + 8]!)) cells.copyWithin(to + 8, of + 8, of + 10)
    }
  }
}
