import { grown } from '../core/keys.ts'
import type { StateTree, StateValue } from '../core/state.ts'
import type { Kind, SlotNode } from './node.ts'

/** What one prev(), rate() or interpolate() remembers per key. `step` is called once per row that counts, in log order. */
export interface Slot {
  snapshot (): StateTree
  restore (state: StateTree): void
}

export function createSlot ({ remember, kind }: Pick<SlotNode, 'remember' | 'kind'>): AnySlot {
  if (remember === 'rate') return new RateSlot()
  if (remember === 'interpolate') return new InterpolateSlot()
  return kind === 'text' ? new PrevTextSlot() : new PrevSlot(kind)
}
export type AnySlot = PrevSlot | PrevTextSlot | RateSlot | InterpolateSlot

/**
 * Numbers per key id, NaN where nothing is known.
 *
 * State: as long as the highest key id that was ever known
 */
class Cells {
  values = new Float64Array(0)
  used = 0

  grow (key: number): void {
    if (key >= this.values.length) {
      const before = this.values.length
      this.values = grown(this.values, Math.max(key + 1, 64))
      this.values.fill(Number.NaN, before)
    }
    this.used = key + 1
  }

  snapshot (): Float64Array { return this.values.slice(0, this.used) }

  restore (values: StateValue | undefined): void {
    const saved = values as Float64Array
    this.values = new Float64Array(saved)
    this.used = saved.length
  }
}

/** The last known number or bool of the key. */
export class PrevSlot implements Slot {
  readonly #cells = new Cells()
  readonly #unknown: number

  constructor (kind: Kind) { this.#unknown = kind === 'number' ? Number.NaN : 2 }

  step (key: number, _at: number, value: number): number {
    const cells = this.#cells
    const last = key < cells.used ? cells.values[key]! : Number.NaN
    if (!Number.isNaN(value) && value !== this.#unknown) {
      if (key >= cells.used) cells.grow(key)
      cells.values[key] = value
    }
    return Number.isNaN(last) ? this.#unknown : last
  }

  snapshot (): StateTree { return { last: this.#cells.snapshot() } }
  restore (state: StateTree): void { this.#cells.restore(state.last) }
}

/** The last known text of the key: the text itself, since a dictionary's ids change. */
export class PrevTextSlot implements Slot {
  #last: (string | null)[] = []

  step (key: number, _at: number, value: string | null): string | null {
    const last = this.#last[key] ?? null
    if (value !== null) {
      while (this.#last.length < key) this.#last.push(null)
      this.#last[key] = value
    }
    return last
  }

  snapshot (): StateTree { return { last: [...this.#last] } }
  restore (state: StateTree): void { this.#last = [...state.last as readonly (string | null)[]] }
}

/** Change per second since the last known value of the key. A reading that is not newer changes nothing. */
export class RateSlot implements Slot {
  readonly #value = new Cells()
  readonly #at = new Cells()

  step (key: number, at: number, value: number): number {
    if (Number.isNaN(value)) return Number.NaN
    const { values } = this.#value
    const ats = this.#at.values
    if (key >= this.#at.used) {
      this.#at.grow(key)
      this.#value.grow(key)
      this.#at.values[key] = at
      this.#value.values[key] = value
      return Number.NaN
    }
    const lastAt = ats[key]!
    if (at <= lastAt) return Number.NaN
    const rate = (value - values[key]!) * 1000 / (at - lastAt)
    ats[key] = at
    values[key] = value
    return rate
  }

  snapshot (): StateTree { return { value: this.#value.snapshot(), at: this.#at.snapshot() } }
  restore (state: StateTree): void {
    this.#value.restore(state.value)
    this.#at.restore(state.at)
  }
}

/**
 * The value where known; elsewhere the straight line through the key's last two known values, between them or after the
 * second by no more than their distance. Nothing waits for the next reading, so a gap is filled from the past alone.
 */
export class InterpolateSlot implements Slot {
  readonly #cells = [new Cells(), new Cells(), new Cells(), new Cells()] as const

  step (key: number, at: number, value: number): number {
    const [value1, at1, value2, at2] = this.#cells
    if (!Number.isNaN(value)) {
      if (key >= at2.used) for (const cells of this.#cells) cells.grow(key)
      if (at <= at2.values[key]!) return value
      value1.values[key] = value2.values[key]!
      at1.values[key] = at2.values[key]!
      value2.values[key] = value
      at2.values[key] = at
      return value
    }
    if (key >= at2.used) return Number.NaN
    const first = at1.values[key]!
    const second = at2.values[key]!
    if (!(at >= first && at <= second + (second - first))) return Number.NaN
    return value2.values[key]! + (value2.values[key]! - value1.values[key]!) * (at - second) / (second - first)
  }

  snapshot (): StateTree { return { cells: this.#cells.map(cells => cells.snapshot()) } }
  restore (state: StateTree): void {
    this.#cells.forEach((cells, index) => { cells.restore((state.cells as readonly StateValue[])[index]) })
  }
}
