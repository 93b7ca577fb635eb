import type { Column } from '../core/batch.ts'
import { finishNumbers, type Statistic } from './accumulator.ts'
import type { PaneStore } from './pane-store.ts'

/** One cell as it is: count, min, max. */
export function cellStatistic (cell: number): Statistic {
  return {
    finish (panes: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      const { cells, stride } = panes
      finishNumbers(column, row, count, index => cells[slots[index]! * stride + cell]!)
    },
  }
}

/** Of `Sum`. Unknown when no value was. */
export function sumStatistic (cell: number): Statistic {
  return {
    finish ({ cells, stride }: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      finishNumbers(column, row, count, index => {
        const at = slots[index]! * stride + cell
        return cells[at]! > 0 ? cells[at + 1]! : Number.NaN
      })
    },
  }
}

/** Of `Sum`. */
export function meanStatistic (cell: number): Statistic {
  return {
    finish ({ cells, stride }: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      finishNumbers(column, row, count, index => {
        const at = slots[index]! * stride + cell
        return cells[at + 1]! / cells[at]!
      })
    },
  }
}

/** Of `Spread`: the standard deviation of the window's own readings (population), so one reading has 0. */
export function stddevStatistic (cell: number): Statistic {
  return {
    finish ({ cells, stride }: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      finishNumbers(column, row, count, index => {
        const at = slots[index]! * stride + cell
        return Math.sqrt(cells[at + 2]! / cells[at]!)
      })
    },
  }
}
