import { grown, type KeyTable } from '../../pipelines/core/keys.ts'

/** Bytes of DuckDB's string_t: length, then up to 12 bytes in place, or a prefix of 4 and a pointer. */
export const stringBytes = 16
const inlineBytesMax = 12

/** Texts too long to stand in place, one after another, numbered within `cache` from `from` on; sent along with the first block that needs them. */
export interface LongTexts { readonly cache: number, readonly from: number, readonly bytes: Uint8Array, readonly lengths: readonly number[], /** Cache that this one takes the place of; 0: none. */ readonly instead: number }

let caches = 0

/**
 * The texts of a key table or dictionary as DuckDB strings, ready to be copied by id.
 *
 * Shape:  four 32-bit words a text: length and bytes; for a long one its length, its prefix and its number
 * State:  grows with the table; begins anew when the table's ids do
 */
export class TextCells {
  readonly #table: KeyTable
  #generation = -1
  #size = 0
  #bytes = new Uint8Array(0)
  words = new Int32Array(0)
  #cache = 0
  #instead = 0
  #longSent = 0
  #lengths: number[] = []
  #longBytes = new Uint8Array(0)
  #longUsed = 0
  hasLong = false

  constructor (table: KeyTable) { this.#table = table }

  get cache (): number { return this.#cache }

  /** Take over what the table has learnt; gives long texts not given before, null when there is none. */
  sync (): LongTexts | null {
    const table = this.#table
    if (table.generation !== this.#generation) this.#begin()
    if (table.size * stringBytes > this.#bytes.length) this.#grow(table.size)
    for (; this.#size < table.size; this.#size += 1) this.#add(table.bytes(this.#size))
    if (this.#lengths.length === 0) return null
    const long = { cache: this.#cache, from: this.#longSent, bytes: this.#longBytes.slice(0, this.#longUsed), lengths: this.#lengths, instead: this.#instead }
    this.#longSent += this.#lengths.length
    this.#lengths = []
    this.#longUsed = 0
    this.#instead = 0
    return long
  }

  #begin (): void {
    this.#generation = this.#table.generation
    this.#size = 0
    if (this.hasLong) this.#instead = this.#cache
    this.#cache = caches += 1
    this.#longSent = 0
    this.#lengths = []
    this.#longUsed = 0
    this.hasLong = false
  }

  #grow (sizeMin: number): void {
    const bigger = new Uint8Array(Math.max(sizeMin * stringBytes, this.#bytes.length * 2, 1 << 12))
    bigger.set(this.#bytes)
    this.#bytes = bigger
    this.words = new Int32Array(bigger.buffer)
  }

  #add (text: Uint8Array): void {
    const at = this.#size * 4
    this.words.fill(0, at, at + 4)
    this.words[at] = text.length
    if (text.length <= inlineBytesMax) {
      this.#bytes.set(text, at * 4 + 4)
      return
    }
    this.hasLong = true
    this.words[at + 2] = this.#longSent + this.#lengths.length
    this.#lengths.push(text.length)
    if (this.#longUsed + text.length > this.#longBytes.length) this.#longBytes = grown(this.#longBytes, this.#longUsed + text.length)
    this.#longBytes.set(text, this.#longUsed)
    this.#longUsed += text.length
  }
}
