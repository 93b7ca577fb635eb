import { grown } from '../core/keys.ts'

/**
 * Which slot is due next. A slot is due at the moment it was set to last, or found to be due later when its turn comes: moving a moment back
 * needs no call.
 *
 * State: a binary heap of moments and slots; entries that were replaced stay until their moment
 */
export class WakeQueue {
  #moments = new Float64Array(64)
  #slots = new Int32Array(64)
  #size = 0
  #due = new Float64Array(64).fill(Number.NaN)

  /** Infinity when nothing waits. */
  get next (): number { return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#moments[0]! }

  set (slot: number, moment: number): void {
    while (slot >= this.#due.length) {
      const { length } = this.#due
      this.#due = grown(this.#due, length + 1).fill(Number.NaN, length)
    }
    this.#due[slot] = moment
    if (this.#size === this.#moments.length) {
      this.#moments = grown(this.#moments, this.#size + 1)
      this.#slots = grown(this.#slots, this.#size + 1)
    }
    this.#size += 1
    this.#rise(this.#size - 1, moment, slot)
  }

  forget (slot: number): void { this.#due[slot] = Number.NaN }

  /** Take the next slot out; 0 when that entry was replaced since. */
  take (): number {
    const moment = this.#moments[0]!
    const slot = this.#slots[0]!
    this.#size -= 1
    if (this.#size > 0) this.#sink(this.#moments[this.#size]!, this.#slots[this.#size]!)
    if (this.#due[slot] !== moment) return 0
    this.#due[slot] = Number.NaN
    return slot
  }

  #rise (from: number, moment: number, slot: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#moments[parent]! <= moment) break
      this.#moments[at] = this.#moments[parent]!
      this.#slots[at] = this.#slots[parent]!
      at = parent
    }
    this.#moments[at] = moment
    this.#slots[at] = slot
  }

  #sink (moment: number, slot: number): void {
    const moments = this.#moments
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= this.#size) break
      if (child + 1 < this.#size && moments[child + 1]! < moments[child]!) child += 1
      if (moments[child]! >= moment) break
      moments[at] = moments[child]!
      this.#slots[at] = this.#slots[child]!
      at = child
    }
    moments[at] = moment
    this.#slots[at] = slot
  }
}
