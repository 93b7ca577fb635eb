import type { Accumulator } from './accumulator.ts'
import type { Bucket } from './bucket.ts'
import type { LiveBuckets } from './live-buckets.ts'
import { sortByRank } from './order.ts'
import type { PaneStore } from './pane-store.ts'
import type { Slices } from './slices.ts'

export interface SliceTreeOptions {
  readonly slices: Slices
  readonly panes: PaneStore
  readonly live: LiveBuckets
  readonly mergers: readonly Accumulator[]
  /** The cell that holds the position of a pane's first reading. */
  readonly firstCell: number
}

/**
 * Windows as unions of slices. Node (level, n) of a fixed binary tree is the union of the slices n * 2^level .. (n + 1) * 2^level - 1. A
 * window is cut at a multiple of the largest power of two inside it; left of the cut it is a union of nodes that grow, right of it of
 * nodes that shrink:
 *
 *     slices   13 14 15 16 17 18 19 20 21 22 23 24 25        a window of 13, cut at 16
 *              ^^ ^^^^^|^^^^^^^^^^^^^^^^^^^^^^^ ^^ ^^          13 + (14..15)  and  (16..23) + 24 + 25
 *
 * The left parts of the windows to come are tails of this one's, and the right parts begin as this one's, so both are kept: a window
 * costs about four unions, however many slices it has. And a sum has one order of additions, whatever happened when. All that is
 * kept follows from the slices, so no snapshot holds it.
 *
 * Late: a reading for a slice that a window was made of is put right by `refresh`
 * State: nodes, at most as many panes as the slices; twice log2(slices) unions
 * Source: FlatFAT (Tangwongsan et al., General incremental sliding-window aggregation, 2015), aligned to the axis of time; the cut is
 *         that of van Herk and of Gil and Werman
 */
export class SliceTree {
  readonly #slices: Slices
  readonly #panes: PaneStore
  readonly #live: LiveBuckets
  readonly #mergers: readonly Accumulator[]
  readonly #firstCell: number
  readonly #levels: number
  /** By level, then number. */
  readonly #nodes: readonly Map<number, Bucket>[]
  /** Unions from a slice to the cut, by the slice. */
  readonly #tails = new Map<number, Bucket>()
  /** Unions from `#cut` to a slice, by that slice. */
  readonly #heads = new Map<number, Bucket>()
  #cut = Number.NaN
  /** Slices before it may be part of what is kept. */
  coveredUntil = Number.NEGATIVE_INFINITY
  /** Panes of the window asked for last. */
  readonly #scratch: Bucket[] = []
  /** Panes of the key asked for last, and where they stand: tails by slice, heads by cut and slice, nodes by level and slice. */
  readonly #joined: number[] = []
  readonly #tailPanes = new Map<number, number>()
  readonly #headPanes = new Map<number, number>()
  readonly #nodePanes: readonly Map<number, number>[]
  readonly #parts: readonly Map<number, number>[]
  readonly #into = new Int32Array(1)
  readonly #from = new Int32Array(1)
  #rows = new Int32Array(0)

  constructor ({ slices, panes, live, mergers, firstCell }: SliceTreeOptions) {
    this.#slices = slices
    this.#panes = panes
    this.#live = live
    this.#mergers = mergers
    this.#firstCell = firstCell
    this.#levels = Math.floor(Math.log2(slices.perWindow))
    this.#nodes = Array.from({ length: this.#levels + 1 }, () => new Map())
    this.#nodePanes = Array.from({ length: this.#levels + 1 }, () => new Map())
    this.#parts = [this.#tailPanes, this.#headPanes, ...this.#nodePanes]
  }

  /** All panes of a window in order of their first reading. Valid until `release`. */
  window (window: number): Int32Array {
    const panes = this.#panes
    const from = this.#slices.firstSlice(window)
    const end = from + this.#slices.perWindow
    const cut = this.#cutOf(from)
    if (cut !== this.#cut) {
      this.#dropAll(this.#heads)
      this.#cut = cut
    }
    this.coveredUntil = end
    const left = this.#tail(from, cut)
    const right = this.#head(end)
    const union = left === null || right === null ? left ?? right : this.#union(left, right)
    if (union === null) return new Int32Array(0)
    if (union !== left && union !== right) this.#scratch.push(union)
    const slots = panes.slots(union)
    const rank = new Float64Array(union.count)
    const { cells, stride } = panes
    for (let i = 0; i < rank.length; i += 1) rank[i] = cells[slots[i]! * stride + this.#firstCell]!
    sortByRank(slots, rank, rank.length)
    return slots
  }

  /** One key's pane of a window, 0 when it has none. Windows of one key share their parts until `release`. */
  pane (window: number, key: number): number {
    const from = this.#slices.firstSlice(window)
    const cut = this.#cutOf(from)
    return this.#join(this.#tailPane(from, cut, key), this.#headPane(cut, from + this.#slices.perWindow, key), key)
  }

  /** Another key is asked for. What was said stays valid until `release`. */
  nextKey (): void {
    for (const parts of this.#parts) if (parts.size > 0) parts.clear()
  }

  /** Nothing is asked for the key or of the window any more. */
  release (): void {
    for (const bucket of this.#scratch) this.#panes.drop(bucket)
    this.#scratch.length = 0
    for (const slot of this.#joined) this.#panes.closeSingle(slot)
    this.#joined.length = 0
    this.nextKey()
  }

  /** A reading was added to a slice before `coveredUntil`: work its key's part of the nodes out again. */
  refresh (slice: number, key: number): void {
    this.#dropAll(this.#tails)
    this.#dropAll(this.#heads)
    for (let level = 1, size = 2; level <= this.#levels; level += 1, size *= 2) {
      const from = Math.floor(slice / size) * size
      const node = this.#nodes[level]!.get(from)
      if (node === undefined) continue
      const slot = this.#panes.findOrOpen(node, key)
      this.#panes.reset(slot)
      this.#add(slot, this.#paneOf(level - 1, from, key))
      this.#add(slot, this.#paneOf(level - 1, from + size / 2, key))
    }
    this.release()
  }

  /** The window is closed, so what begins before the next one is of no more use. */
  forget (window: number): void {
    for (let slice = this.#slices.firstSlice(window); slice < this.#slices.firstSlice(window + 1); slice += 1) {
      this.#drop(this.#tails, slice)
      for (let level = 1, size = 2; level <= this.#levels && slice % size === 0; level += 1, size *= 2) this.#drop(this.#nodes[level]!, slice)
    }
  }

  clear (): void {
    for (const kept of [this.#tails, this.#heads, ...this.#nodes]) this.#dropAll(kept)
    this.coveredUntil = Number.NEGATIVE_INFINITY
  }

  /** Where a window is cut: the first multiple, in or at its start, of the largest power of two that fits into it. */
  #cutOf (from: number): number {
    const size = 2 ** this.#levels
    return Math.ceil(from / size) * size + 0
  }

  #tail (from: number, cut: number): Bucket | null {
    if (from === cut) return null
    const known = this.#tails.get(from)
    if (known !== undefined) return known
    const level = tailLevel(from, cut)
    const part = this.#node(level, from)
    const rest = this.#tail(from + 2 ** level, cut)
    if (part === null || rest === null) return part ?? rest
    const union = this.#union(part, rest)
    this.#tails.set(from, union)
    return union
  }

  /** From the cut to `end`. Of earlier heads only those that this one begins with are still of use. */
  #head (end: number): Bucket | null {
    const kept = new Set<number>()
    const head = this.#headTo(end, kept)
    for (const other of this.#heads.keys()) if (!kept.has(other)) this.#drop(this.#heads, other)
    return head
  }

  #headTo (end: number, kept: Set<number>): Bucket | null {
    if (end === this.#cut) return null
    const level = headLevel(this.#cut, end)
    const from = end - 2 ** level
    kept.add(end)
    const rest = this.#headTo(from, kept)
    const known = this.#heads.get(end)
    if (known !== undefined) return known
    const part = this.#node(level, from)
    if (part === null || rest === null) return part ?? rest
    const union = this.#union(rest, part)
    this.#heads.set(end, union)
    return union
  }

  /** The node's panes; null when its slices have none. A node with one side is that side. */
  #node (level: number, from: number): Bucket | null {
    if (level === 0) return this.#live.get(from) ?? null
    const known = this.#nodes[level]!.get(from)
    if (known !== undefined) return known
    if (!this.#hasLive(level, from)) return null
    const left = this.#node(level - 1, from)
    const right = this.#node(level - 1, from + 2 ** (level - 1))
    if (left === null || right === null) return left ?? right
    const node = this.#union(left, right)
    this.#nodes[level]!.set(from, node)
    return node
  }

  #hasLive (level: number, from: number): boolean {
    const next = this.#live.sorted[this.#live.indexFrom(from)]
    return next !== undefined && next.number < from + 2 ** level
  }

  #union (left: Bucket, right: Bucket): Bucket {
    const panes = this.#panes
    const union = panes.clone(left)
    const adopted = panes.slots(left)
    for (const merger of this.#mergers) merger.adopt?.(panes, panes.slots(union), adopted, adopted.length)
    const from = panes.slots(right)
    if (this.#rows.length < from.length) this.#rows = new Int32Array(from.length * 2)
    panes.counterparts(union, from, this.#rows)
    for (const merger of this.#mergers) merger.merge(panes, this.#rows, from, from.length)
    return union
  }

  #tailPane (from: number, cut: number, key: number): number {
    if (from === cut) return 0
    const known = this.#tailPanes.get(from)
    if (known !== undefined) return known
    const level = tailLevel(from, cut)
    const part = this.#paneOf(level, from, key)
    const slot = this.#join(part, this.#tailPane(from + 2 ** level, cut, key), key)
    this.#tailPanes.set(from, slot)
    return slot
  }

  #headPane (cut: number, end: number, key: number): number {
    if (end === cut) return 0
    // a head is shorter than two of the powers of two that it is cut at
    const name = cut * 2 + (end - cut)
    const known = this.#headPanes.get(name)
    if (known !== undefined) return known
    const level = headLevel(cut, end)
    const from = end - 2 ** level
    const slot = this.#join(this.#headPane(cut, from, key), this.#paneOf(level, from, key), key)
    this.#headPanes.set(name, slot)
    return slot
  }

  #paneOf (level: number, from: number, key: number): number {
    const bucket = level === 0 ? this.#live.get(from) : this.#nodes[level]!.get(from)
    if (bucket !== undefined) return this.#panes.find(bucket, key)
    if (level === 0 || !this.#hasLive(level, from)) return 0
    const known = this.#nodePanes[level]!.get(from)
    if (known !== undefined) return known
    const slot = this.#join(this.#paneOf(level - 1, from, key), this.#paneOf(level - 1, from + 2 ** (level - 1), key), key)
    this.#nodePanes[level]!.set(from, slot)
    return slot
  }

  /** The union of two panes of a key, as a new one; the other one when one is none. */
  #join (left: number, right: number, key: number): number {
    if (left === 0 || right === 0) return left + right
    const union = this.#panes.openSingle(key)
    this.#joined.push(union)
    this.#add(union, left)
    this.#add(union, right)
    return union
  }

  #add (into: number, from: number): void {
    if (from === 0) return
    this.#into[0] = into
    this.#from[0] = from
    for (const merger of this.#mergers) merger.merge(this.#panes, this.#into, this.#from, 1)
  }

  #drop (kept: Map<number, Bucket>, name: number): void {
    const bucket = kept.get(name)
    if (bucket === undefined) return
    this.#panes.drop(bucket)
    kept.delete(name)
  }

  #dropAll (kept: Map<number, Bucket>): void {
    for (const bucket of kept.values()) this.#panes.drop(bucket)
    kept.clear()
  }
}

/** Of the largest run from a slice on that ends at the cut or before. */
function tailLevel (from: number, cut: number): number {
  let level = 0
  for (let size = 2; from % size === 0 && from + size <= cut; size *= 2) level += 1
  return level
}

/** Of the last of the runs, shrinking from the cut on, that end at a slice: the lowest bit of their length. */
function headLevel (cut: number, end: number): number {
  let level = 0
  for (let size = 2; (end - cut) % size === 0; size *= 2) level += 1
  return level
}
