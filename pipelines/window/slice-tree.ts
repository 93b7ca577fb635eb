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

const levelsMax = 48

/**
 * Windows as unions of slices. Node (level, n) of a fixed binary tree is the union of slices n * 2^level .. (n + 1) * 2^level - 1, and a
 * window is the union of the few largest nodes inside it, from left to right. So a sum has one order of additions whatever
 * happened when, and sliding by one slice merges about 2 log2(slices) nodes, not all slices. Nodes are kept while a window needs
 * them; they follow from the slices, so no snapshot holds them.
 *
 * Late: a reading for a slice that nodes cover is put right by `refresh`
 * State: at most as many panes as the slices have
 * Source: FlatFAT (Tangwongsan et al., General incremental sliding-window aggregation, 2015), aligned to the axis of time
 */
export class SliceTree {
  readonly #slices: Slices
  readonly #panes: PaneStore
  readonly #live: LiveBuckets
  readonly #mergers: readonly Accumulator[]
  readonly #firstCell: number
  readonly #nodes = new Map<number, Bucket>()
  /** Panes of the window asked for last. */
  readonly #scratch: Bucket[] = []
  readonly #into = new Int32Array(1)
  readonly #from = new Int32Array(1)
  #rows = new Int32Array(0)

  constructor ({ slices, panes, live, mergers, firstCell }: SliceTreeOptions) {
    this.#slices = slices
    this.#panes = panes
    this.#live = live
    this.#mergers = mergers
    this.#firstCell = firstCell
  }

  /** All panes of a window in order of their first reading. Valid until `release`. */
  window (window: number): { readonly slots: Int32Array, readonly count: number } {
    const panes = this.#panes
    const nodes: Bucket[] = []
    this.#parts(window, (level, number) => {
      const node = this.#node(level, number)
      if (node !== null) nodes.push(node)
    })
    const union = nodes.length === 1 ? nodes[0]! : this.#union(nodes as [Bucket, ...Bucket[]])
    const slots = panes.slots(union)
    const rank = new Float64Array(union.count)
    const { cells, stride } = panes
    for (let i = 0; i < rank.length; i += 1) rank[i] = cells[slots[i]! * stride + this.#firstCell]!
    sortByRank(slots, rank, rank.length)
    return { slots, count: union.count }
  }

  /** One key's pane of a window, 0 when it has none. Valid until `release`. */
  pane (window: number, key: number): number {
    let union = 0
    let own = false
    this.#parts(window, (level, number) => {
      const part = this.#paneOf(level, number, key)
      if (part === 0) return
      if (union !== 0 && !own) {
        union = this.#copyOf(union, key)
        own = true
      }
      if (union === 0) union = part
      else this.#add(union, part)
    })
    return union
  }

  release (): void {
    for (const bucket of this.#scratch) this.#panes.drop(bucket)
    this.#scratch.length = 0
  }

  /** A reading was added to a slice under nodes: work its key's part of them out again. */
  refresh (slice: number, key: number): void {
    for (let level = 1; level < levelsMax; level += 1) {
      const number = Math.floor(slice / 2 ** level)
      const node = this.#nodes.get(number * levelsMax + level)
      if (node === undefined) continue
      const slot = this.#panes.findOrOpen(node, key)
      this.#panes.reset(slot)
      this.#add(slot, this.#paneOf(level - 1, number * 2, key))
      this.#add(slot, this.#paneOf(level - 1, number * 2 + 1, key))
    }
  }

  covers (slice: number): boolean {
    if (this.#nodes.size === 0) return false
    for (let level = 1; level < levelsMax; level += 1) {
      if (this.#nodes.has(Math.floor(slice / 2 ** level) * levelsMax + level)) return true
    }
    return false
  }

  /** The window is closed, so nodes that begin before the next one are of no more use. */
  forget (window: number): void {
    for (let slice = this.#slices.firstSlice(window); slice < this.#slices.firstSlice(window + 1); slice += 1) {
      for (let level = 1, size = 2; level < levelsMax && slice % size === 0; level += 1, size *= 2) {
        const name = slice / size * levelsMax + level
        const node = this.#nodes.get(name)
        if (node !== undefined) {
          this.#panes.drop(node)
          this.#nodes.delete(name)
        }
        if (size > this.#slices.perWindow) break
      }
    }
  }

  /** The largest nodes inside a window, from left to right. */
  #parts (window: number, visit: (level: number, number: number) => void): void {
    let slice = this.#slices.firstSlice(window)
    const end = slice + this.#slices.perWindow
    while (slice < end) {
      let level = 0
      let size = 1
      while (slice % (size * 2) === 0 && slice + size * 2 <= end) {
        level += 1
        size *= 2
      }
      visit(level, slice / size)
      slice += size
    }
  }

  /** The node's panes; null when its slices have none. A node with one side is that side. */
  #node (level: number, number: number): Bucket | null {
    if (level === 0) return this.#live.get(number) ?? null
    const known = this.#nodes.get(number * levelsMax + level)
    if (known !== undefined) return known
    if (!this.#hasLive(level, number)) return null
    const left = this.#node(level - 1, number * 2)
    const right = this.#node(level - 1, number * 2 + 1)
    if (left === null || right === null) return left ?? right
    const node = this.#union([left, right])
    this.#scratch.pop()
    this.#nodes.set(number * levelsMax + level, node)
    this.#cover(level, number)
    return node
  }

  #hasLive (level: number, number: number): boolean {
    const size = 2 ** level
    const next = this.#live.sorted[this.#live.indexFrom(number * size)]
    return next !== undefined && next.number < (number + 1) * size
  }

  #cover (level: number, number: number): void {
    const { sorted } = this.#live
    const end = (number + 1) * 2 ** level
    for (let i = this.#live.indexFrom(number * 2 ** level); i < sorted.length && sorted[i]!.number < end; i += 1) {
      sorted[i]!.covered = true
      sorted[i]!.slow = true
    }
  }

  #union ([first, ...others]: readonly [Bucket, ...Bucket[]]): Bucket {
    const panes = this.#panes
    const union = panes.clone(first)
    const firstSlots = panes.slots(first)
    for (const merger of this.#mergers) merger.adopt?.(panes, panes.slots(union), firstSlots, firstSlots.length)
    for (const node of others) {
      const from = panes.slots(node)
      if (this.#rows.length < from.length) this.#rows = new Int32Array(from.length * 2)
      panes.counterparts(union, from, this.#rows)
      for (const merger of this.#mergers) merger.merge(panes, this.#rows, from, from.length)
    }
    this.#scratch.push(union)
    return union
  }

  #paneOf (level: number, number: number, key: number): number {
    const bucket = level === 0 ? this.#live.get(number) : this.#nodes.get(number * levelsMax + level)
    if (bucket !== undefined) return this.#panes.find(bucket, key)
    if (level === 0 || !this.#hasLive(level, number)) return 0
    const left = this.#paneOf(level - 1, number * 2, key)
    const right = this.#paneOf(level - 1, number * 2 + 1, key)
    if (left === 0 || right === 0) return left + right
    const both = this.#copyOf(left, key)
    this.#add(both, right)
    return both
  }

  #copyOf (slot: number, key: number): number {
    const bucket = this.#panes.bucket(0)
    this.#scratch.push(bucket)
    const copy = this.#panes.open(bucket, key)
    this.#add(copy, slot)
    return copy
  }

  #add (into: number, from: number): void {
    if (from === 0) return
    this.#into[0] = into
    this.#from[0] = from
    for (const merger of this.#mergers) merger.merge(this.#panes, this.#into, this.#from, 1)
  }
}
