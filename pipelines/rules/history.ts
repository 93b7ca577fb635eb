import { grown } from '../core/keys.ts'

/**
 * The last `of` answers of each key as bits, newest lowest: "at least n of the last m".
 *
 * State: ceil(of / 32) words per key
 */
export class History {
  readonly #words: number
  readonly #topMask: number
  #bits = new Int32Array(0)

  constructor (of: number) {
    this.#words = (of + 31) >> 5
    this.#topMask = (of & 31) === 0 ? -1 : (1 << (of & 31)) - 1
  }

  ensure (keyCount: number): void {
    if (keyCount * this.#words > this.#bits.length) this.#bits = grown(this.#bits, keyCount * this.#words)
  }

  /** Add an answer, or put it in the place of the newest; gives how many are true. */
  push (key: number, answer: number, again: boolean): number {
    const bits = this.#bits
    const first = key * this.#words
    const last = first + this.#words - 1
    if (again) bits[first] = (bits[first]! & ~1) | answer
    else {
      for (let word = last; word > first; word -= 1) bits[word] = bits[word]! << 1 | bits[word - 1]! >>> 31
      bits[first] = bits[first]! << 1 | answer
      bits[last] = bits[last]! & this.#topMask
    }
    let count = 0
    for (let word = first; word <= last; word += 1) count += ones(bits[word]!)
    return count
  }

  forget (key: number): void { this.#bits.fill(0, key * this.#words, (key + 1) * this.#words) }

  /** The bits of these keys, one after another. */
  snapshot (keys: Int32Array): Int32Array {
    const words = this.#words
    const bits = new Int32Array(keys.length * words)
    for (const [i, key] of keys.entries()) bits.set(this.#bits.subarray(key * words, (key + 1) * words), i * words)
    return bits
  }

  restore (keys: Int32Array, bits: Int32Array): void {
    this.#bits = new Int32Array(((keys.at(-1) ?? -1) + 1) * this.#words)
    for (const [i, key] of keys.entries()) this.#bits.set(bits.subarray(i * this.#words, (i + 1) * this.#words), key * this.#words)
  }
}

/** Source: Hacker's Delight, figure 5-2 */
function ones (word: number): number {
  let x = word - (word >>> 1 & 0x55555555)
  x = (x & 0x33333333) + (x >>> 2 & 0x33333333)
  return Math.imul(x + (x >>> 4) & 0x0f0f0f0f, 0x01010101) >>> 24
}
