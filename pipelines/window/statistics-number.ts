import type { Column } from '../core/batch.ts'
import type { Statistic } from './accumulator.ts'
import type { PaneStore } from './pane-store.ts'

// One plain loop each: a shared loop that calls a function per row took four times as long (bench/window.ts, hopping30).

/** One cell as it is: count, min, max. */
export function cellStatistic (cell: number): Statistic {
  return {
    finish ({ cells, stride }: PaneStore, slots: Int32Array, count: number, { values, known }: Column, row: number): void {
      const results = values as Float64Array
      for (let i = 0; i < count; i += 1) {
        const value = cells[slots[i]! * stride + cell]!
        results[row + i] = value
        known[row + i] = Number.isNaN(value) ? 0 : 1
      }
    },
  }
}

/** Of `Sum`, or of a sum that stands elsewhere than beside its count. Unknown when no value was. */
export function sumStatistic (cell: number, sum = cell + 1): Statistic {
  return {
    finish ({ cells, stride }: PaneStore, slots: Int32Array, count: number, { values, known }: Column, row: number): void {
      const results = values as Float64Array
      for (let i = 0; i < count; i += 1) {
        const at = slots[i]! * stride
        const total = cells[at + sum]!
        const isKnown = cells[at + cell]! > 0 && !Number.isNaN(total)
        results[row + i] = isKnown ? total : Number.NaN
        known[row + i] = isKnown ? 1 : 0
      }
    },
  }
}

/** As `sumStatistic`. */
export function meanStatistic (cell: number, sum = cell + 1): Statistic {
  return {
    finish ({ cells, stride }: PaneStore, slots: Int32Array, count: number, { values, known }: Column, row: number): void {
      const results = values as Float64Array
      for (let i = 0; i < count; i += 1) {
        const at = slots[i]! * stride
        const mean = cells[at + sum]! / cells[at + cell]!
        const isKnown = !Number.isNaN(mean)
        results[row + i] = isKnown ? mean : Number.NaN
        known[row + i] = isKnown ? 1 : 0
      }
    },
  }
}

/** Of `Spread`: the standard deviation of the window's own readings (population), so one reading has 0. */
export function stddevStatistic (cell: number): Statistic {
  return {
    finish ({ cells, stride }: PaneStore, slots: Int32Array, count: number, { values, known }: Column, row: number): void {
      const results = values as Float64Array
      for (let i = 0; i < count; i += 1) {
        const at = slots[i]! * stride + cell
        const deviation = Math.sqrt(cells[at + 2]! / cells[at]!)
        const isKnown = !Number.isNaN(deviation)
        results[row + i] = isKnown ? deviation : Number.NaN
        known[row + i] = isKnown ? 1 : 0
      }
    },
  }
}
