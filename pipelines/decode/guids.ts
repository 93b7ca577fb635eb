/** Handles begin below every other answer of `headerSchemaId`, and fall. */
export const firstHandle = -16
const entriesMax = 4096
const slots = entriesMax * 2

/**
 * Numbers for the GUIDs that records name their schemas by, so that the row loop compares numbers.
 *
 * Shape:  16 bytes to a handle, `firstHandle` or below; a handle never stands for another GUID, also after the table was cleared
 * State:  at most 4,096 GUIDs; one more clears the table
 */
export class GuidTable {
  /** How often it was cleared: handles from before are not given any more. */
  generation = 0
  // Most tasks never meet a GUID.
  #words = new Int32Array(0)
  #handles = new Int32Array(0)
  #count = 0
  #next = firstHandle

  handle (view: DataView, at: number): number {
    if (this.#handles.length === 0) {
      this.#words = new Int32Array(slots * 4)
      this.#handles = new Int32Array(slots)
    }
    const words = this.#words
    const a = view.getInt32(at), b = view.getInt32(at + 4), c = view.getInt32(at + 8), d = view.getInt32(at + 12)
    let slot = (a ^ Math.imul(b, 0x9e3779b1) ^ Math.imul(c, 0x85ebca6b) ^ d) & (slots - 1)
    for (; this.#handles[slot] !== 0; slot = (slot + 1) & (slots - 1)) {
      const word = slot * 4
      if (words[word] === a && words[word + 1] === b && words[word + 2] === c && words[word + 3] === d) return this.#handles[slot]!
    }
    if (this.#count === entriesMax) {
      this.#handles.fill(0)
      this.#count = 0
      this.generation += 1
      return this.handle(view, at)
    }
    words.set(Int32Array.of(a, b, c, d), slot * 4)
    this.#handles[slot] = this.#next
    this.#count += 1
    this.#next -= 1
    return this.#next + 1
  }

  /** The GUID behind a handle, as registries write it; null when the table was cleared since. */
  text (handle: number): string | null {
    const slot = this.#handles.indexOf(handle)
    if (slot < 0 || handle > firstHandle) return null
    const hex = [...this.#words.subarray(slot * 4, slot * 4 + 4)].map(word => (word >>> 0).toString(16).padStart(8, '0')).join('')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }
}
