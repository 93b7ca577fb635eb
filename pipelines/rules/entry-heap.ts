/**
 * A binary heap of small integers ordered by two numbers each, which the caller owns and may look up by entry.
 *
 * Limits: the entries' numbers must not change while they are in the heap, except `top`'s, followed by `sink`
 */
export class EntryHeap {
  size = 0
  readonly #first: (entry: number) => number
  readonly #second: (entry: number) => number
  #entries: number[] = []

  constructor (first: (entry: number) => number, second: (entry: number) => number) {
    this.#first = first
    this.#second = second
  }

  /** The least entry; -1 when empty. */
  get top (): number { return this.size === 0 ? -1 : this.#entries[0]! }

  entries (): number[] { return this.#entries.slice(0, this.size) }

  clear (): void { this.size = 0 }

  push (entry: number): void {
    const entries = this.#entries
    let at = this.size
    this.size += 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#before(entry, entries[parent]!)) break
      entries[at] = entries[parent]!
      at = parent
    }
    entries[at] = entry
  }

  pop (): void {
    this.size -= 1
    if (this.size === 0) return
    this.#entries[0] = this.#entries[this.size]!
    this.sink()
  }

  /** The top's numbers have grown: put it where it belongs. */
  sink (): void {
    const entries = this.#entries
    const entry = entries[0]!
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= this.size) break
      if (child + 1 < this.size && this.#before(entries[child + 1]!, entries[child]!)) child += 1
      if (!this.#before(entries[child]!, entry)) break
      entries[at] = entries[child]!
      at = child
    }
    entries[at] = entry
  }

  #before (a: number, b: number): boolean {
    const first = this.#first(a) - this.#first(b)
    return first < 0 || (first === 0 && this.#second(a) < this.#second(b))
  }
}
