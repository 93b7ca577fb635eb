import type { KeyTable } from '../core/keys.ts'
import { grown } from '../core/keys.ts'
import { Bucket } from './bucket.ts'

const blockBits = 6
export const blockPanes = 1 << blockBits

/** What one pane holds: the numbers a fresh pane begins with, and how many objects (lists, sketches) stand beside them. */
export interface PaneLayout { readonly template: readonly number[], readonly objects: number }

/**
 * Panes of all keys and intervals of one window stage. A pane is a slot: `cells[slot * stride ...]` are its numbers, which lie side
 * by side so that a reading touches one or two cache lines. Panes of one interval are a bucket, in order of their first reading.
 *
 * State:  8 bytes a cell, 4 for the key, 4 to 16 for the index; freed in blocks of 64 panes
 * Limits: grows as long as the caller opens panes; `panes` counts them
 */
export class PaneStore {
  readonly stride: number
  readonly objectStride: number
  /** Slot 0 is nobody's: rows that take no part write there, so that loops need no branch. */
  cells: Float64Array
  keyOf: Int32Array
  readonly objects: unknown[] = []
  panes = 0
  readonly #keys: KeyTable
  readonly #template: Float64Array
  readonly #freeBlocks: number[] = []
  readonly #freeSingles: number[] = []
  #blocks = 1

  constructor (layout: PaneLayout, keys: KeyTable) {
    this.stride = layout.template.length
    this.objectStride = layout.objects
    this.#template = Float64Array.from(layout.template)
    this.#keys = keys
    this.cells = new Float64Array(blockPanes * this.stride)
    this.keyOf = new Int32Array(blockPanes)
    for (let i = 0; i < blockPanes * layout.objects; i += 1) this.objects.push(null)
  }

  /** A new bucket; `expected` panes will fit without growing. */
  bucket (number: number, expected = 0): Bucket { return new Bucket(number, expected, this.#keys.size) }

  /** Slot of a key's pane, 0 when it has none. */
  find (bucket: Bucket, key: number): number {
    if (!bucket.isIndexed) this.#rehash(bucket, 0)
    const { index, mask } = bucket
    const keyOf = this.keyOf
    let place = (Math.imul(key, bucket.multiplier) >>> bucket.shift) & mask
    let slot = index[place]!
    while (slot !== 0 && keyOf[slot] !== key) {
      place = (place + 1) & mask
      slot = index[place]!
    }
    return slot
  }

  /** Open the pane of a key that has none in this bucket. */
  open (bucket: Bucket, key: number): number {
    const inBlock = bucket.count & (blockPanes - 1)
    if (inBlock === 0) bucket.addBlock(this.#takeBlock())
    const slot = (bucket.blocks[bucket.count >>> blockBits]! << blockBits) | inBlock
    bucket.count += 1
    this.panes += 1
    this.keyOf[slot] = key
    this.#clear(slot)
    if (!bucket.isIndexed || bucket.isFull(key)) this.#rehash(bucket, key)
    else bucket.put(key, slot)
    return slot
  }

  /** As if the pane had just been opened. */
  reset (slot: number): void {
    this.#clear(slot)
    for (let i = 0; i < this.objectStride; i += 1) this.objects[slot * this.objectStride + i] = null
  }

  /** A copy of all panes of a bucket, without their objects. Its index is made when it is first needed. */
  clone (bucket: Bucket): Bucket {
    const copy = new Bucket(bucket.number, 0, 0)
    const { stride } = this
    for (let at = 0; at < bucket.count; at += blockPanes) {
      copy.count = at
      const block = this.#takeBlock()
      copy.addBlock(block)
      const from = bucket.blocks[at >>> blockBits]! << blockBits
      const end = from + Math.min(blockPanes, bucket.count - at)
      this.cells.copyWithin((block << blockBits) * stride, from * stride, end * stride)
      this.keyOf.copyWithin(block << blockBits, from, end)
    }
    copy.count = bucket.count
    copy.isIndexed = copy.count === 0
    this.panes += copy.count
    return copy
  }

  /**
   * Panes of the same keys in another bucket, opened where they are missing. Devices that report in turn have panes in the same order
   * in every bucket, so the next pane is tried before the key is looked up.
   */
  counterparts (bucket: Bucket, slots: Int32Array, into: Int32Array): void {
    const { length } = slots
    const there = this.slots(bucket)
    let keyOf = this.keyOf
    for (let i = 0; i < length; i += 1) {
      const key = keyOf[slots[i]!]!
      const guess = i < there.length ? there[i]! : 0
      if (guess !== 0 && keyOf[guess] === key) into[i] = guess
      else {
        into[i] = this.find(bucket, key) || this.open(bucket, key)
        keyOf = this.keyOf
      }
    }
  }

  findOrOpen (bucket: Bucket, key: number): number { return this.find(bucket, key) || this.open(bucket, key) }

  /** A pane that belongs to no bucket. */
  openSingle (key: number): number {
    if (this.#freeSingles.length === 0) {
      const block = this.#takeBlock()
      for (let i = blockPanes - 1; i >= 0; i -= 1) this.#freeSingles.push((block << blockBits) | i)
    }
    const slot = this.#freeSingles.pop()!
    this.panes += 1
    this.keyOf[slot] = key
    this.#clear(slot)
    return slot
  }

  closeSingle (slot: number): void {
    for (let i = 0; i < this.objectStride; i += 1) this.objects[slot * this.objectStride + i] = null
    this.panes -= 1
    this.#freeSingles.push(slot)
  }

  /** All slots of a bucket in order of their first reading. */
  slots (bucket: Bucket, into = new Int32Array(bucket.count)): Int32Array {
    const { count, blocks } = bucket
    for (let i = 0; i < count; i += 1) into[i] = (blocks[i >>> blockBits]! << blockBits) | (i & (blockPanes - 1))
    return into
  }

  /** Close all panes of a bucket. */
  drop (bucket: Bucket): void {
    if (this.objectStride > 0) {
      for (const slot of this.slots(bucket)) this.objects.fill(null, slot * this.objectStride, (slot + 1) * this.objectStride)
    }
    for (let first = 0; first < bucket.count; first += blockPanes) this.#freeBlocks.push(bucket.blocks[first >>> blockBits]!)
    this.panes -= bucket.count
    bucket.count = 0
  }

  #clear (slot: number): void {
    const { cells, stride } = this
    const template = this.#template
    for (let cell = 0, at = slot * stride; cell < stride; cell += 1) cells[at + cell] = template[cell]!
  }

  #takeBlock (): number {
    const free = this.#freeBlocks.pop()
    if (free !== undefined) return free
    const block = this.#blocks
    this.#blocks += 1
    const panes = this.#blocks << blockBits
    if (panes > this.keyOf.length) {
      this.keyOf = grown(this.keyOf, panes)
      this.cells = grown(this.cells, this.keyOf.length * this.stride)
    }
    for (let i = this.objects.length; i < panes * this.objectStride; i += 1) this.objects.push(null)
    return block
  }

  #rehash (bucket: Bucket, key: number): void {
    bucket.resize(bucket.count, Math.max(this.#keys.size, key + 1))
    bucket.isIndexed = true
    const keyOf = this.keyOf
    for (const slot of this.slots(bucket)) bucket.put(keyOf[slot]!, slot)
  }
}
