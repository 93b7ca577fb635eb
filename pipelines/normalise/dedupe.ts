import assert from 'node:assert/strict'
import type { Batch } from '../core/batch.ts'
import type { Outputs } from '../core/outputs.ts'
import type { FieldSpec } from '../core/spec.ts'
import type { Stateful, StateTree } from '../core/state.ts'
import type { Fates } from './fates.ts'
import { TextParts } from './text-parts.ts'

export interface DedupeOptions { readonly by: readonly string[], readonly withinMs: number, readonly entriesMax: number, readonly fields: readonly FieldSpec[] }

const capacityInitial = 256
const none = -1
/** A double seen as two integers, to hash it. */
const double = new Float64Array(1)
const halves = new Int32Array(double.buffer)

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
  readonly #wanted: Float64Array

  constructor (options: DedupeOptions) {
    assert(options.entriesMax >= 1 && options.by.length >= 1)
    this.#options = options
    this.#columns = options.by.map(name => options.fields.findIndex(field => field.name === name))
    assert(this.#columns.every(index => index >= 0), 'dedupe.by names fields of the contract')
    this.#texts = this.#columns.map(index => ['text', 'value'].includes(options.fields[index]!.kind) ? new TextParts(options.entriesMax) : null)
    this.#parts = options.by.map(() => new Float64Array(capacityInitial))
    this.#wanted = new Float64Array(options.by.length)
  }

  process (batch: Batch, fates: Fates, out: Outputs): void {
    this.#compact()
    for (const texts of this.#texts) texts?.begin()
    const { skip } = fates
    const { arrival, key, count } = batch
    let duplicates = 0
    for (let row = 0; row < count; row += 1) {
      const arrivedAt = arrival[row]!
      if (arrivedAt > this.#clock) this.#clock = arrivedAt
      if (skip[row] === 1 || !this.#want(batch, row)) continue
      this.#expire()
      const id = key[row]!
      const hash = this.#hashOf(id)
      if (this.#has(id, hash)) {
        fates.drop(row)
        duplicates += 1
      } else this.#add(id, hash, out)
    }
    if (duplicates > 0) out.count('duplicate', duplicates)
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

  /** The row's parts into `#wanted`; false when one is missing. */
  #want (batch: Batch, row: number): boolean {
    for (let part = 0; part < this.#columns.length; part += 1) {
      const column = batch.columns[this.#columns[part]!]!
      if (column.known[row] === 0) return false
      const texts = this.#texts[part]!
      const value = texts === null ? column.values[row] as number : texts.id(column, row)
      if (Number.isNaN(value)) return false
      this.#wanted[part] = value
    }
    return true
  }

  #hashOf (id: number): number {
    let hash = Math.imul(id, 0x9e3779b1)
    for (let part = 0; part < this.#wanted.length; part += 1) {
      double[0] = this.#wanted[part]! + 0
      hash = Math.imul(hash ^ halves[0]!, 0x85ebca6b) ^ Math.imul(halves[1]!, 0xc2b2ae35)
      hash ^= hash >>> 15
    }
    return hash
  }

  #has (id: number, hash: number): boolean {
    for (let entry = this.#heads[hash & (this.#heads.length - 1)]!; entry !== none; entry = this.#next[entry]!) {
      if (this.#hash[entry] === hash && this.#key[entry] === id && this.#sameParts(entry)) return true
    }
    return false
  }

  #sameParts (entry: number): boolean {
    for (let part = 0; part < this.#wanted.length; part += 1) if (this.#parts[part]![entry] !== this.#wanted[part]) return false
    return true
  }

  #add (id: number, hash: number, out: Outputs): void {
    if (this.#size === this.#options.entriesMax) {
      this.#forget()
      out.count('dedupe-forgotten')
    }
    if (this.#size === this.#key.length) this.#grow()
    const entry = (this.#first + this.#size) & (this.#key.length - 1)
    this.#size += 1
    this.#key[entry] = id
    this.#arrival[entry] = this.#clock
    for (let part = 0; part < this.#wanted.length; part += 1) this.#parts[part]![entry] = this.#wanted[part]!
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
    const wanted = this.#wanted.slice()
    this.#chain(capacity)
    this.#wanted.set(wanted)
  }

  /** Hash and link every entry anew, the oldest first. */
  #chain (capacity: number): void {
    this.#hash = new Int32Array(capacity)
    this.#next = new Int32Array(capacity)
    this.#heads = new Int32Array(capacity).fill(none)
    for (let index = 0; index < this.#size; index += 1) {
      const entry = (this.#first + index) & (capacity - 1)
      for (let part = 0; part < this.#wanted.length; part += 1) this.#wanted[part] = this.#parts[part]![entry]!
      this.#link(entry, this.#hashOf(this.#key[entry]!))
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
