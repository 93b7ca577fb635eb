/**
 * Random numbers that are the same for the same seed, on every machine.
 *
 * Source: SplitMix32 (Steele et al. 2014, 32-bit mixing constants of Pelle Evensen's "lowbias32")
 */
export class Random {
  #state: number

  constructor (seed: number) { this.#state = seed | 0 }

  /** In [0, 1). */
  next (): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ mixed >>> 16, 0x21f0aaad)
    mixed = Math.imul(mixed ^ mixed >>> 15, 0x735a2d97)
    return ((mixed ^ mixed >>> 15) >>> 0) / 2 ** 32
  }

  between (low: number, high: number): number { return low + (high - low) * this.next() }

  /** A whole number in [0, below). */
  below (below: number): number { return Math.floor(this.next() * below) }

  chance (probability: number): boolean { return this.next() < probability }

  pick<T> (items: readonly T[]): T { return items[this.below(items.length)]! }

  /** Waiting time of something that happens every `mean` on average. */
  wait (mean: number): number { return -Math.log(1 - this.next()) * mean }

  /** Around 0 with a standard deviation of about `deviation`; never further than three of them. */
  noise (deviation: number): number { return (this.next() + this.next() + this.next() + this.next() - 2) * Math.sqrt(3) * deviation }

  /** Another sequence, for a part of its own. */
  fork (): Random { return new Random(Math.floor(this.next() * 2 ** 32)) }
}
