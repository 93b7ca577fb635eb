import { grown } from '../core/keys.ts'

/** A binary heap of slots by moment, the earliest first. */
export class SlotHeap {
  #moments = new Float64Array(64)
  #slots = new Int32Array(64)
  #size = 0

  /** Infinity when it is empty. */
  get next (): number { return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#moments[0]! }

  push (slot: number, moment: number): void {
    if (this.#size === this.#moments.length) {
      this.#moments = grown(this.#moments, this.#size + 1)
      this.#slots = grown(this.#slots, this.#size + 1)
    }
    this.#size += 1
    this.#rise(this.#size - 1, moment, slot)
  }

  pop (): number {
    const slot = this.#slots[0]!
    this.#size -= 1
    if (this.#size > 0) this.#sink(this.#moments[this.#size]!, this.#slots[this.#size]!)
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
