import { grown } from '../core/keys.ts'

/**
 * Small integers that wait, each for a moment: the earliest first, and of one moment the one that `rank` puts first.
 *
 * State:  a binary heap in two typed arrays; a moment is copied into it, so the caller's may move on
 */
export class MomentHeap {
  size = 0
  readonly #rank: (entry: number) => number
  #moments = new Float64Array(64)
  #entries = new Int32Array(64)

  constructor (rank: (entry: number) => number) { this.#rank = rank }

  /** -1 when empty. */
  get top (): number { return this.size === 0 ? -1 : this.#entries[0]! }

  /** Of the top; Infinity when empty. */
  get next (): number { return this.size === 0 ? Number.POSITIVE_INFINITY : this.#moments[0]! }

  entries (): number[] { return [...this.#entries.subarray(0, this.size)] }

  clear (): void { this.size = 0 }

  push (entry: number, moment: number): void {
    let at = this.size
    this.size += 1
    if (at === this.#entries.length) {
      this.#entries = grown(this.#entries, this.size)
      this.#moments = grown(this.#moments, this.size)
    }
    const moments = this.#moments
    const entries = this.#entries
    while (at > 0) {
      const parent = (at - 1) >> 1
      const other = moments[parent]!
      if (moment > other || (moment === other && this.#rank(entry) >= this.#rank(entries[parent]!))) break
      moments[at] = other
      entries[at] = entries[parent]!
      at = parent
    }
    moments[at] = moment
    entries[at] = entry
  }

  pop (): void {
    this.size -= 1
    if (this.size > 0) this.#sink(this.#entries[this.size]!, this.#moments[this.size]!)
  }

  /** The top waits on, until a later moment. */
  postpone (moment: number): void { this.#sink(this.#entries[0]!, moment) }

  #sink (entry: number, moment: number): void {
    const { size } = this
    const moments = this.#moments
    const entries = this.#entries
    let at = 0
    for (let child = 1; child < size; child = at * 2 + 1) {
      let least = moments[child]!
      const right = child + 1
      if (right < size && (moments[right]! < least || (moments[right] === least && this.#rank(entries[right]!) < this.#rank(entries[child]!)))) {
        child = right
        least = moments[right]!
      }
      if (moment < least || (moment === least && this.#rank(entry) <= this.#rank(entries[child]!))) break
      moments[at] = least
      entries[at] = entries[child]!
      at = child
    }
    moments[at] = moment
    entries[at] = entry
  }
}
