import assert from 'node:assert/strict'
import type { Batch, NumberColumn } from '../core/batch.ts'
import type { Outputs } from '../core/outputs.ts'
import type { FieldSpec } from '../core/spec.ts'
import type { Stateful, StateTree } from '../core/state.ts'
import type { Fates } from './fates.ts'
import { TextParts } from './text-parts.ts'

export interface DedupeOptions { readonly by: readonly string[], readonly withinMs: number, readonly entriesMax: number, readonly fields: readonly FieldSpec[] }

const capacityInitial = 256
const none = -1

/**
 * Drops a reading when its key sent one with the same `by` fields at most `withinMs` before, by the clock of arrivals. A reading
 * that lacks one of the fields is never taken for a duplicate.
 *
 * Units:  arrival milliseconds since the epoch
 * State:  a ring of accepted readings in order of arrival with chains by hash; texts interned in a table of their own
 * Limits: `entriesMax` readings of all keys; beyond it the oldest is forgotten and counted under `dedupe-forgotten`
 */
export class Dedupe implements Stateful {
  readonly #options: DedupeOptions
  readonly #columns: readonly number[]
  readonly #texts: readonly (TextParts | null)[]
  #clock = Number.NEGATIVE_INFINITY
  /** Ring index of the oldest entry. */
  #first = 0
  #size = 0
  #key = new Int32Array(capacityInitial)
  #arrival = new Float64Array(capacityInitial)
  /** Per `by` field the number, 0 or 1, or text id of each entry. */
  #parts: Float64Array[]
  #hash = new Int32Array(capacityInitial)
  /** The next entry of the same bucket. */
  #next = new Int32Array(capacityInitial)
  #heads = new Int32Array(capacityInitial).fill(none)
  /** The batch at hand: parts and hash by row, and 1 where a part is missing. */
  #rowParts: Float64Array[] = []
  #rowHash = new Int32Array(0)
  #rowLacks = new Uint8Array(0)

  constructor (options: DedupeOptions) {
    assert(options.entriesMax >= 1 && options.by.length >= 1)
    this.#options = options
    this.#columns = options.by.map(name => options.fields.findIndex(field => field.name === name))
    assert(this.#columns.every(index => index >= 0), 'dedupe.by names fields of the contract')
    this.#texts = this.#columns.map(index => ['text', 'value'].includes(options.fields[index]!.kind) ? new TextParts(options.entriesMax) : null)
    this.#parts = options.by.map(() => new Float64Array(capacityInitial))
  }

  process (batch: Batch, fates: Fates, out: Outputs): void {
    this.#compact()
    this.#gather(batch)
    const { skip } = fates
    const { arrival, key, count } = batch
    const hashes = this.#rowHash
    const lacks = this.#rowLacks
    let clock = this.#clock
    let duplicates = 0
    let forgotten = 0
    for (let row = 0; row < count; row += 1) {
      const arrivedAt = arrival[row]!
      if (arrivedAt > clock) this.#clock = clock = arrivedAt
      if (skip[row] === 1 || lacks[row] === 1) continue
      this.#expire()
      if (this.#has(row, key[row]!, hashes[row]!)) {
        fates.drop(row)
        duplicates += 1
        continue
      }
      if (this.#size === this.#options.entriesMax) {
        this.#forget()
        forgotten += 1
      }
      this.#add(row, key[row]!, hashes[row]!)
    }
    if (duplicates > 0) out.count('duplicate', duplicates)
    if (forgotten > 0) out.count('dedupe-forgotten', forgotten)
  }

  snapshot (): StateTree {
    this.#compact()
    const order = Int32Array.from({ length: this.#size }, (_, index) => (this.#first + index) & (this.#key.length - 1))
    return {
      clock: Float64Array.of(this.#clock),
      key: order.map(index => this.#key[index]!),
      arrival: Float64Array.from(order, index => this.#arrival[index]!),
      parts: this.#parts.map(part => Float64Array.from(order, index => part[index]!)),
      texts: this.#texts.map(texts => texts === null ? null : texts.snapshot()),
    }
  }

  restore (state: StateTree): void {
    const key = state.key as Int32Array
    const arrival = state.arrival as Float64Array
    const parts = state.parts as readonly Float64Array[]
    this.#clock = (state.clock as Float64Array)[0]!
    this.#first = 0
    this.#size = key.length
    let capacity = capacityInitial
    while (capacity < key.length) capacity *= 2
    this.#key = sizedInts(key, capacity)
    this.#arrival = sizedDoubles(arrival, capacity)
    this.#parts = parts.map(part => sizedDoubles(part, capacity))
    this.#texts.forEach((texts, index) => { texts?.restore((state.texts as readonly StateTree[])[index]!) })
    this.#chain(capacity)
  }

  /** Parts and hashes column by column. */
  #gather (batch: Batch): void {
    const { capacity, count, key } = batch
    if (this.#rowHash.length < capacity) {
      this.#rowParts = this.#columns.map(() => new Float64Array(capacity))
      this.#rowHash = new Int32Array(capacity)
      this.#rowLacks = new Uint8Array(capacity)
    }
    this.#rowLacks.fill(0, 0, count)
    this.#columns.forEach((index, part) => {
      const texts = this.#texts[part]!
      if (texts === null) gatherNumbers(batch.columns[index] as NumberColumn, this.#rowParts[part]!, this.#rowLacks, count)
      else texts.gather(batch.columns[index]!, this.#rowParts[part]!, this.#rowLacks, count)
    })
    hashAll(key, this.#rowParts, this.#rowHash, count)
  }

  #has (row: number, id: number, hash: number): boolean {
    const heads = this.#heads
    const hashes = this.#hash
    const next = this.#next
    const keys = this.#key
    for (let entry = heads[hash & (heads.length - 1)]!; entry !== none; entry = next[entry]!) {
      if (hashes[entry] === hash && keys[entry] === id && this.#sameParts(entry, row)) return true
    }
    return false
  }

  #sameParts (entry: number, row: number): boolean {
    const parts = this.#parts
    const wanted = this.#rowParts
    for (let part = 0; part < parts.length; part += 1) if (parts[part]![entry] !== wanted[part]![row]) return false
    return true
  }

  #add (row: number, id: number, hash: number): void {
    if (this.#size === this.#key.length) this.#grow()
    const entry = (this.#first + this.#size) & (this.#key.length - 1)
    this.#size += 1
    this.#key[entry] = id
    this.#arrival[entry] = this.#clock
    const parts = this.#parts
    const wanted = this.#rowParts
    for (let part = 0; part < parts.length; part += 1) parts[part]![entry] = wanted[part]![row]!
    this.#link(entry, hash)
  }

  #expire (): void {
    const oldest = this.#clock - this.#options.withinMs
    while (this.#size > 0 && this.#arrival[this.#first]! < oldest) this.#forget()
  }

  /** Take the oldest entry out of its bucket, where it is the last. */
  #forget (): void {
    const entry = this.#first
    const bucket = this.#hash[entry]! & (this.#heads.length - 1)
    if (this.#heads[bucket] === entry) this.#heads[bucket] = none
    else {
      let before = this.#heads[bucket]!
      while (this.#next[before] !== entry) before = this.#next[before]!
      this.#next[before] = none
    }
    this.#first = (entry + 1) & (this.#key.length - 1)
    this.#size -= 1
  }

  #link (entry: number, hash: number): void {
    const bucket = hash & (this.#heads.length - 1)
    this.#hash[entry] = hash
    this.#next[entry] = this.#heads[bucket]!
    this.#heads[bucket] = entry
  }

  /** Twice the room, the oldest entry first. */
  #grow (): void {
    const capacity = this.#key.length * 2
    const order = Int32Array.from({ length: this.#size }, (_, index) => (this.#first + index) & (this.#key.length - 1))
    this.#key = sizedInts(order.map(index => this.#key[index]!), capacity)
    this.#arrival = sizedDoubles(Float64Array.from(order, index => this.#arrival[index]!), capacity)
    this.#parts = this.#parts.map(part => sizedDoubles(Float64Array.from(order, index => part[index]!), capacity))
    this.#first = 0
    this.#chain(capacity)
  }

  /** Hash and link every entry anew, the oldest first. */
  #chain (capacity: number): void {
    this.#hash = new Int32Array(capacity)
    this.#next = new Int32Array(capacity)
    this.#heads = new Int32Array(capacity).fill(none)
    const hashes = new Int32Array(capacity)
    hashAll(this.#key, this.#parts, hashes, capacity)
    for (let index = 0; index < this.#size; index += 1) {
      const entry = (this.#first + index) & (capacity - 1)
      this.#link(entry, hashes[entry]!)
    }
  }

  /** Leave out texts that no entry holds any more, once they outnumber those that are held. */
  #compact (): void {
    let changed = false
    this.#texts.forEach((texts, part) => {
      if (texts === null || !texts.wasteful(this.#size)) return
      const ids = this.#parts[part]!
      const mask = ids.length - 1
      texts.rebuild(keep => { for (let index = 0; index < this.#size; index += 1) ids[(this.#first + index) & mask] = keep(ids[(this.#first + index) & mask]!) })
      changed = true
    })
    if (changed) this.#chain(this.#key.length)
  }
}

/** Numbers and 0/1; NaN is nothing to compare. Adding 0 makes -0 the 0 that it equals. */
function gatherNumbers ({ values, known }: NumberColumn, to: Float64Array, lacks: Uint8Array, count: number): void {
  for (let row = 0; row < count; row += 1) {
    const value = values[row]! + 0
    to[row] = value
    if (known[row] === 0 || Number.isNaN(value)) lacks[row] = 1
  }
}

/** Of each key id with its parts, whose doubles are read as two integers. */
function hashAll (key: Int32Array, parts: readonly Float64Array[], hashes: Int32Array, count: number): void {
  for (let i = 0; i < count; i += 1) hashes[i] = Math.imul(key[i]!, 0x9e3779b1)
  for (const part of parts) {
    const halves = new Int32Array(part.buffer)
    for (let i = 0; i < count; i += 1) {
      const mixed = Math.imul(hashes[i]! ^ halves[2 * i]!, 0x85ebca6b) ^ Math.imul(halves[2 * i + 1]!, 0xc2b2ae35)
      const hash = Math.imul(mixed ^ mixed >>> 15, 0x2c1b3c6d)
      hashes[i] = hash ^ hash >>> 12
    }
  }
}

function sizedInts (from: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const array = new Int32Array(capacity)
  array.set(from)
  return array
}

function sizedDoubles (from: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const array = new Float64Array(capacity)
  array.set(from)
  return array
}
