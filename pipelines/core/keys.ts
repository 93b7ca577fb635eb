import { isUtf8 } from 'node:buffer'
import type { StateTree } from './state.ts'

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Bytes before an entry's own in the arena: its id and its length, so that a look-up touches one slot and one place in the arena. */
const entryHeaderBytes = 8
/** Entries begin at multiples of eight bytes. A slot is where its entry begins, in eights, and five bits of its hash; 0 is empty. */
const slotTag = 0xf8000000 | 0
const slotPlace = 0x07ffffff
const slotsInitial = 512
/** Bound of the arena: the mean entry may take this much, and a table of few entries 16 MiB. */
const entryBytesMean = 256
const arenaBytesMax = (1 << 30) - 64

/**
 * Byte strings interned to dense ids 0..size-1 in order of first sight. Serves as the key table of a task and as the
 * dictionary of a text column.
 *
 * State:  one arena of entries, an open-addressing slot table, where each id's entry lies; at most `entriesMax` entries
 * Limits: `intern` gives -1 for a new entry beyond `entriesMax`, or beyond 256 bytes an entry in the mean (16 MiB where they are few)
 * Source: four bytes at a time, linear probing at load <= 1/2; bench/decode.ts
 */
export class KeyTable {
  readonly entriesMax: number
  readonly #bytesMax: number
  size = 0
  /** Grows when ids begin anew: what was cached by id is void. Expressions cache by it. */
  generation = 0
  #arena = new Uint8Array(1 << 12)
  #arenaView = new DataView(this.#arena.buffer)
  #arenaUsed = 8
  #start = new Int32Array(256)
  #slots = new Int32Array(slotsInitial)
  #mask = slotsInitial - 1
  #text: (string | undefined)[] = []
  /** A view of the bytes last given to `intern`: callers mostly come back with the same. */
  #bytes = this.#arena
  #view = this.#arenaView

  constructor (entriesMax: number) {
    this.entriesMax = entriesMax
    this.#bytesMax = Math.min(arenaBytesMax, Math.max(1 << 24, entriesMax * entryBytesMean))
  }

  /** Id of `bytes[from, from + length)`; assigns the next id at first sight; -1 when full. */
  intern (bytes: Uint8Array, from: number, length: number): number {
    const view = this.#viewOf(bytes)
    const hash = hashOf(view, from, length)
    const id = this.#find(view, from, length, hash)
    return id >= 0 ? id : this.#isFull(length) ? -1 : this.#add(bytes, from, length, hash)
  }

  /** As `intern`, but -2 for a new entry that is not UTF-8: checked once per entry, so it costs nothing per record. */
  internUtf8 (bytes: Uint8Array, view: DataView, from: number, length: number): number {
    const hash = hashOf(view, from, length)
    return this.internFrom(bytes, view, from, length, hash, this.slotOf(hash))
  }

  /**
   * Where the look-up of a hash begins. A caller that has other work to do between this and `internFrom` does not wait for
   * memory: the slot of a key that was not seen lately is in no cache.
   */
  slotOf (hash: number): number { return this.#slots[hash & this.#mask]! }

  /** `internUtf8` with `hashOf` and `slotOf` done before; nothing may have been interned since. */
  internFrom (bytes: Uint8Array, view: DataView, from: number, length: number, hash: number, slot: number): number {
    if (slot !== 0 && ((slot ^ hash) & slotTag) === 0) {
      const start = (slot & slotPlace) << 3
      if (equals(this.#arenaView, start, view, from, length)) return this.#arenaView.getInt32(start, true)
    }
    const id = this.#find(view, from, length, hash)
    if (id >= 0) return id
    if (!isUtf8(bytes.subarray(from, from + length))) return -2
    return this.#isFull(length) ? -1 : this.#add(bytes, from, length, hash)
  }

  internText (text: string): number {
    const bytes = encoder.encode(text)
    return this.intern(bytes, 0, bytes.length)
  }

  /** Id of a text already interned, else -1. */
  find (text: string): number {
    const bytes = encoder.encode(text)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    return this.#find(view, 0, bytes.length, hashOf(view, 0, bytes.length))
  }

  /** The interned bytes as text; made once per id. */
  text (id: number): string {
    return this.#text[id] ??= decoder.decode(this.bytes(id))
  }

  /** A view of the interned bytes, valid until the next `intern`. */
  bytes (id: number): Uint8Array {
    const start = this.#start[id]!
    return this.#arena.subarray(start + entryHeaderBytes, start + entryHeaderBytes + this.#lengthAt(start))
  }

  clear (): void {
    this.generation += 1
    this.size = 0
    this.#arenaUsed = 8
    this.#slots.fill(0)
    this.#text = []
  }

  snapshot (): StateTree {
    const length = new Int32Array(this.size)
    let total = 0
    for (let id = 0; id < this.size; id += 1) total += length[id] = this.#lengthAt(this.#start[id]!)
    const arena = new Uint8Array(total)
    for (let id = 0, at = 0; id < this.size; at += length[id]!, id += 1) arena.set(this.bytes(id), at)
    return { arena, length }
  }

  /** Takes all entries, also where `entriesMax` has been lowered since. */
  restore (state: StateTree): void {
    this.clear()
    const arena = state.arena as Uint8Array
    const view = this.#viewOf(arena)
    let from = 0
    for (const length of state.length as Int32Array) {
      this.#add(arena, from, length, hashOf(view, from, length))
      from += length
    }
  }

  #viewOf (bytes: Uint8Array): DataView {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes as Uint8Array<ArrayBuffer>
      this.#view = new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length)
    }
    return this.#view
  }

  #isFull (length: number): boolean { return this.size >= this.entriesMax || this.#arenaUsed + length > this.#bytesMax }

  #lengthAt (start: number): number { return this.#arenaView.getInt32(start + 4, true) }

  #find (view: DataView, from: number, length: number, hash: number): number {
    const slots = this.#slots
    const mask = this.#mask
    const arena = this.#arenaView
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = slots[at]!
      if (slot === 0) return -1
      if (((slot ^ hash) & slotTag) !== 0) continue
      const start = (slot & slotPlace) << 3
      if (equals(arena, start, view, from, length)) return arena.getInt32(start, true)
    }
  }

  #add (bytes: Uint8Array, from: number, length: number, hash: number): number {
    const id = this.size
    const start = this.#arenaUsed
    const end = start + entryHeaderBytes + length
    if (end > this.#arena.length) {
      this.#arena = grown(this.#arena, end)
      this.#arenaView = new DataView(this.#arena.buffer)
    }
    if (id >= this.#start.length) this.#start = grown(this.#start, id + 1)
    for (let i = 0; i < length; i += 1) this.#arena[start + entryHeaderBytes + i] = bytes[from + i]!
    this.#arenaView.setInt32(start, id, true)
    this.#arenaView.setInt32(start + 4, length, true)
    this.#start[id] = start
    this.#arenaUsed = (end + 7) & ~7
    this.size = id + 1
    if (this.size * 2 > this.#mask) this.#rehash()
    else place(this.#slots, this.#mask, hash, start)
    return id
  }

  #rehash (): void {
    const slots = new Int32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let id = 0; id < this.size; id += 1) {
      const start = this.#start[id]!
      place(slots, mask, hashOf(this.#arenaView, start + entryHeaderBytes, this.#lengthAt(start)), start)
    }
    this.#slots = slots
    this.#mask = mask
  }
}

function place (slots: Int32Array, mask: number, hash: number, start: number): void {
  let at = hash & mask
  while (slots[at] !== 0) at = (at + 1) & mask
  slots[at] = (hash & slotTag) | start >>> 3
}

/** The hash of a key. Words of four bytes; the last one overlaps the one before, so that no length needs a tail of single bytes. */
export function hashOf (view: DataView, from: number, length: number): number {
  let hash = length * 0x9e3779b1 | 0
  if (length >= 4) {
    const last = from + length - 4
    for (let at = from; at < last; at += 4) {
      hash = Math.imul(hash ^ view.getInt32(at, true), 0x85ebca6b)
      hash = hash << 15 | hash >>> 17
    }
    hash = Math.imul(hash ^ view.getInt32(last, true), 0x85ebca6b)
  } else {
    for (let at = from; at < from + length; at += 1) hash = Math.imul(hash ^ view.getUint8(at), 0x85ebca6b)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ hash >>> 16
}

/** Whether the arena's entry at `start` is `length` bytes, the same as those at `from`. */
function equals (arena: DataView, start: number, view: DataView, from: number, length: number): boolean {
  if (arena.getInt32(start + 4, true) !== length) return false
  const own = start + entryHeaderBytes
  if (length >= 4) {
    const last = length - 4
    for (let at = 0; at < last; at += 4) if (arena.getInt32(own + at, true) !== view.getInt32(from + at, true)) return false
    return arena.getInt32(own + last, true) === view.getInt32(from + last, true)
  }
  for (let at = 0; at < length; at += 1) if (arena.getUint8(own + at) !== view.getUint8(from + at)) return false
  return true
}

/** A copy of a typed array with room for at least `lengthMin` elements; at least doubled. */
export function grown<A extends Float64Array | Int32Array | Uint8Array> (array: A, lengthMin: number): A {
  const bigger = new (array.constructor as new (length: number) => A)(Math.max(array.length * 2, lengthMin))
  bigger.set(array)
  return bigger
}
