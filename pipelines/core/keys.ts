import { isUtf8 } from 'node:buffer'
import type { StateTree } from './state.ts'

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/**
 * Byte strings interned to dense ids 0..size-1 in order of first sight. Serves as the key table of a task and as the
 * dictionary of a text column.
 *
 * State:  one arena of bytes, offset and length per id, an open-addressing slot table; at most `entriesMax` entries
 * Limits: `intern` gives -1 for a new entry beyond `entriesMax`
 * Source: FNV-1a over bytes, linear probing at load <= 1/2; lab/agg.mjs measured 25-45 ns
 */
export class KeyTable {
  readonly entriesMax: number
  size = 0
  /** Grows when ids begin anew: what was cached by id is void. */
  generation = 0
  #arena = new Uint8Array(1 << 12)
  #arenaUsed = 0
  #start = new Int32Array(256)
  #length = new Int32Array(256)
  #hash = new Int32Array(256)
  #slots = new Int32Array(512).fill(-1)
  #text: (string | undefined)[] = []

  constructor (entriesMax: number) { this.entriesMax = entriesMax }

  /** Id of `bytes[from, from + length)`; assigns the next id at first sight; -1 when full. */
  intern (bytes: Uint8Array, from: number, length: number): number {
    let hash = 0x811c9dc5
    for (let i = from, end = from + length; i < end; i += 1) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
    hash ^= hash >>> 15
    const slots = this.#slots
    const mask = slots.length - 1
    const arena = this.#arena
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = slots[slot]!
      if (id < 0) return this.size >= this.entriesMax ? -1 : this.#add(bytes, from, length, hash, slot)
      if (this.#hash[id] === hash && this.#length[id] === length) {
        const start = this.#start[id]!
        let i = 0
        while (i < length && arena[start + i] === bytes[from + i]) i += 1
        if (i === length) return id
      }
    }
  }

  /** As `intern`, but -2 for a new entry that is not UTF-8: checked once per entry, so it costs nothing per record. */
  internUtf8 (bytes: Uint8Array, from: number, length: number): number {
    const before = this.size
    const id = this.intern(bytes, from, length)
    if (this.size === before || isUtf8(bytes.subarray(from, from + length))) return id
    this.#removeLast()
    return -2
  }

  internText (text: string): number {
    const bytes = encoder.encode(text)
    return this.intern(bytes, 0, bytes.length)
  }

  /** Id of a text already interned, else -1. */
  find (text: string): number {
    const bytes = encoder.encode(text)
    let hash = 0x811c9dc5
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
    hash ^= hash >>> 15
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.#slots[slot]!
      if (id < 0) return -1
      if (this.#hash[id] === hash && this.text(id) === text) return id
    }
  }

  /** The interned bytes as text; made once per id. */
  text (id: number): string {
    return this.#text[id] ??= decoder.decode(this.bytes(id))
  }

  /** A view of the interned bytes, valid until the next `intern`. */
  bytes (id: number): Uint8Array {
    return this.#arena.subarray(this.#start[id]!, this.#start[id]! + this.#length[id]!)
  }

  clear (): void {
    this.generation += 1
    this.size = 0
    this.#arenaUsed = 0
    this.#slots.fill(-1)
    this.#text = []
  }

  snapshot (): StateTree {
    return { arena: this.#arena.slice(0, this.#arenaUsed), length: this.#length.slice(0, this.size) }
  }

  restore (state: StateTree): void {
    this.clear()
    const arena = state.arena as Uint8Array
    let from = 0
    for (const length of state.length as Int32Array) {
      this.intern(arena, from, length)
      from += length
    }
  }

  #add (bytes: Uint8Array, from: number, length: number, hash: number, slot: number): number {
    const id = this.size
    if (this.#arenaUsed + length > this.#arena.length) this.#arena = grown(this.#arena, this.#arenaUsed + length)
    if (id >= this.#start.length) {
      this.#start = grown(this.#start, id + 1)
      this.#length = grown(this.#length, id + 1)
      this.#hash = grown(this.#hash, id + 1)
    }
    for (let i = 0; i < length; i += 1) this.#arena[this.#arenaUsed + i] = bytes[from + i]!
    this.#start[id] = this.#arenaUsed
    this.#length[id] = length
    this.#hash[id] = hash
    this.#arenaUsed += length
    this.#slots[slot] = id
    this.size = id + 1
    if (this.size * 2 > this.#slots.length) this.#rehash()
    return id
  }

  /** Nothing was entered after it, so no probe runs across its slot. */
  #removeLast (): void {
    const id = this.size - 1
    const mask = this.#slots.length - 1
    let slot = this.#hash[id]! & mask
    while (this.#slots[slot] !== id) slot = (slot + 1) & mask
    this.#slots[slot] = -1
    this.#arenaUsed -= this.#length[id]!
    this.size = id
  }

  #rehash (): void {
    const slots = new Int32Array(this.#slots.length * 4).fill(-1)
    const mask = slots.length - 1
    for (let id = 0; id < this.size; id += 1) {
      let slot = this.#hash[id]! & mask
      while (slots[slot]! >= 0) slot = (slot + 1) & mask
      slots[slot] = id
    }
    this.#slots = slots
  }
}

/** A copy of a typed array with room for at least `lengthMin` elements; at least doubled. */
export function grown<A extends Float64Array | Int32Array | Uint8Array> (array: A, lengthMin: number): A {
  const bigger = new (array.constructor as new (length: number) => A)(Math.max(array.length * 2, lengthMin))
  bigger.set(array)
  return bigger
}
