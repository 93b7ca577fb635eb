import type { Batch } from '../core/batch.ts'
import { grown } from '../core/keys.ts'
import type { StateTree, StateValue } from '../core/state.ts'
import type { Kind, SlotNode } from './node.ts'

type Texts = (string | null)[]

/**
 * What one prev(), rate() or interpolate() remembers per key, a batch at a time: the loop of the expression fills
 * `args[row]`, `run` fills `results[row]`. So no number passes between functions, which would put it on the heap.
 *
 * State: numbers or texts by key id, as long as the highest key id that was ever known
 */
export interface Slot<Values extends Float64Array | Texts = Float64Array | Texts> {
  args: Values
  results: Values
  /** Room for this many rows. */
  prepare (count: number): void
  /** In log order; a skipped row (1) changes nothing. */
  run (batch: Batch, skip: Uint8Array | null): void
  snapshot (): StateTree
  restore (state: StateTree): void
}

export function createSlot ({ remember, kind }: Pick<SlotNode, 'remember' | 'kind'>): Slot {
  if (remember === 'rate') return new RateSlot()
  if (remember === 'interpolate') return new InterpolateSlot()
  return kind === 'text' ? new PrevTextSlot() : new PrevSlot(kind)
}

/** Numbers per key id, NaN where nothing is known. */
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

class NumberRows {
  args = new Float64Array(0)
  results = new Float64Array(0)

  prepare (count: number): void {
    if (count <= this.args.length) return
    this.args = new Float64Array(count)
    this.results = new Float64Array(count)
  }
}

/** The last known number or bool of the key. */
class PrevSlot extends NumberRows implements Slot<Float64Array> {
  readonly #cells = new Cells()
  readonly #bool: boolean

  constructor (kind: Kind) {
    super()
    this.#bool = kind === 'bool'
  }

  run ({ count, key: keys }: Batch, skip: Uint8Array | null): void {
    const { args, results } = this
    const cells = this.#cells
    const unknown = this.#bool ? 2 : Number.NaN
    for (let row = 0; row < count; row += 1) {
      if (skip !== null && skip[row] === 1) continue
      const key = keys[row]!
      const value = args[row]!
      const last = key < cells.used ? cells.values[key]! : Number.NaN
      if (!Number.isNaN(value) && value !== unknown) {
        if (key >= cells.used) cells.grow(key)
        cells.values[key] = value
      }
      results[row] = Number.isNaN(last) ? unknown : last
    }
  }

  snapshot (): StateTree { return { last: this.#cells.snapshot() } }
  restore (state: StateTree): void { this.#cells.restore(state.last) }
}

/** The last known text of the key: the text itself, since a dictionary's ids change. */
class PrevTextSlot implements Slot<Texts> {
  args: Texts = []
  results: Texts = []
  #last: Texts = []

  prepare (count: number): void {
    while (this.args.length < count) {
      this.args.push(null)
      this.results.push(null)
    }
  }

  run ({ count, key: keys }: Batch, skip: Uint8Array | null): void {
    const last = this.#last
    for (let row = 0; row < count; row += 1) {
      if (skip !== null && skip[row] === 1) continue
      const key = keys[row]!
      const value = this.args[row]!
      this.results[row] = last[key] ?? null
      if (value === null) continue
      while (last.length < key) last.push(null)
      last[key] = value
    }
  }

  snapshot (): StateTree { return { last: [...this.#last] } }
  restore (state: StateTree): void { this.#last = [...state.last as Texts] }
}

/** Change per second since the last known value of the key. A reading that is not newer changes nothing. */
class RateSlot extends NumberRows implements Slot<Float64Array> {
  readonly #value = new Cells()
  readonly #at = new Cells()

  run ({ count, key: keys, at: times }: Batch, skip: Uint8Array | null): void {
    const { args, results } = this
    const cells = this.#at
    let lastTimes = cells.values
    let lastValues = this.#value.values
    for (let row = 0; row < count; row += 1) {
      if (skip !== null && skip[row] === 1) continue
      const key = keys[row]!
      const value = args[row]!
      results[row] = Number.NaN
      if (Number.isNaN(value)) continue
      if (key >= cells.used) {
        cells.grow(key)
        this.#value.grow(key)
        lastTimes = cells.values
        lastValues = this.#value.values
      }
      const at = times[row]!
      const lastAt = lastTimes[key]!
      if (at <= lastAt) continue
      results[row] = (value - lastValues[key]!) * 1000 / (at - lastAt)
      lastTimes[key] = at
      lastValues[key] = value
    }
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
class InterpolateSlot extends NumberRows implements Slot<Float64Array> {
  readonly #cells = [new Cells(), new Cells(), new Cells(), new Cells()] as const

  run ({ count, key: keys, at: times }: Batch, skip: Uint8Array | null): void {
    const { args, results } = this
    for (let row = 0; row < count; row += 1) {
      if (skip !== null && skip[row] === 1) continue
      const value = args[row]!
      if (Number.isNaN(value)) {
        this.#carry(row, keys[row]!, times[row]!)
      } else {
        results[row] = value
        this.#keep(keys[row]!, times[row]!, value)
      }
    }
  }

  #keep (key: number, at: number, value: number): void {
    const [value1, at1, value2, at2] = this.#cells
    if (key >= at2.used) for (const cells of this.#cells) cells.grow(key)
    if (at <= at2.values[key]!) return
    value1.values[key] = value2.values[key]!
    at1.values[key] = at2.values[key]!
    value2.values[key] = value
    at2.values[key] = at
  }

  #carry (row: number, key: number, at: number): void {
    const [value1, at1, value2, at2] = this.#cells
    this.results[row] = Number.NaN
    if (key >= at2.used) return
    const first = at1.values[key]!
    const second = at2.values[key]!
    if (!(at >= first && at <= second + (second - first))) return
    this.results[row] = value2.values[key]! + (value2.values[key]! - value1.values[key]!) * (at - second) / (second - first)
  }

  snapshot (): StateTree { return { cells: this.#cells.map(cells => cells.snapshot()) } }
  restore (state: StateTree): void {
    this.#cells.forEach((cells, index) => { cells.restore((state.cells as readonly StateValue[])[index]) })
  }
}
