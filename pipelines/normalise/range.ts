import type { NumberColumn } from '../core/batch.ts'
import type { Outputs } from '../core/outputs.ts'
import type { RangeSpec } from '../core/spec.ts'
import type { Fates } from './fates.ts'
import type { Slot } from './slot.ts'

/**
 * What is known and outside `[min, max]` becomes unknown, is dead-lettered, or is kept; counted either way under
 * `out-of-range`. NaN is outside.
 *
 * Errors: NORMALISE_RANGE
 */
export class Range {
  readonly #range: RangeSpec
  readonly #slot: Slot

  constructor (range: RangeSpec, slot: Slot) {
    this.#range = range
    this.#slot = slot
  }

  check ({ count, capacity }: { readonly count: number, readonly capacity: number }, fates: Fates, out: Outputs): void {
    const { min, max, outside } = this.#range
    const column = this.#slot.column as NumberColumn
    const first = this.#firstOutside(count)
    if (first < 0) return
    if (outside === 'unknown') this.#slot.copy(count, capacity)
    const { values, known } = column
    let found = 0
    for (let row = first; row < count; row += 1) {
      const value = values[row]!
      if ((value >= min && value <= max) || known[row] === 0 || fates.skip[row] === 1) continue
      found += 1
      if (outside === 'unknown') {
        known[row] = 0
        values[row] = Number.NaN
      } else if (outside === 'dead-letter') fates.deadLetter(row, 'NORMALISE_RANGE', { signal: column.name, value: String(value), min, max })
    }
    if (found > 0) out.count('out-of-range', found)
  }

  #firstOutside (count: number): number {
    const { min, max } = this.#range
    const { values, known } = this.#slot.column as NumberColumn
    for (let row = 0; row < count; row += 1) {
      const value = values[row]!
      if (!(value >= min && value <= max) && known[row] === 1) return row
    }
    return -1
  }
}
