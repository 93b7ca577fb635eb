import type { LiveBuckets } from './live-buckets.ts'
import { sortByRank } from './order.ts'
import type { PaneStore } from './pane-store.ts'
import type { ResultWriter } from './results.ts'
import type { Revisions } from './revisions.ts'
import type { SliceTree } from './slice-tree.ts'
import type { Slices } from './slices.ts'

export interface SlicedReportsOptions {
  readonly slices: Slices
  readonly panes: PaneStore
  readonly live: LiveBuckets
  readonly tree: SliceTree
  readonly revisions: Revisions
  readonly writer: ResultWriter
  readonly expected: number
  readonly firstCell: number
  readonly changedCell: number
}
interface Flags { readonly final: 0 | 1, readonly closing: 0 | 1 }
const early: Flags = { final: 0, closing: 0 }
const closed: Flags = { final: 1, closing: 1 }
const revised: Flags = { final: 1, closing: 0 }

/** What windows made of slices report: at their close, at a change, and early. */
export class SlicedReports {
  readonly #with: SlicedReportsOptions
  readonly #one = new Int32Array(1)

  constructor (options: SlicedReportsOptions) { this.#with = options }

  /** The watermark has reached the window's end. */
  close (window: number): void {
    const { slices, panes, live, tree } = this.#with
    if (slices.perWindow === 1) {
      this.#append(window, panes.slots(live.get(window)!), closed)
      return
    }
    this.#append(window, tree.window(window), closed)
    tree.release()
    tree.forget(window)
  }

  /** The pane of one key changed. `slot` is its pane in the slice that changed. */
  change (window: number, slot: number, isClosed: boolean): void {
    const { slices, panes, tree } = this.#with
    const key = panes.keyOf[slot]!
    const of = slices.perWindow === 1 ? slot : tree.pane(window, key)
    this.#one[0] = of
    const row = this.#append(window, this.#one, isClosed ? revised : early)
    const { rows } = this.#with.writer
    if (isClosed && rows.revision[row] === 0) rows.closing[row] = 1
    if (slices.perWindow > 1) tree.release()
  }

  /** Early results of the panes that changed since the last ones, of windows later than `closedThrough`. */
  early (closedThrough: number): void {
    const { slices, live } = this.#with
    const changed = this.#changed()
    for (let window = closedThrough; ;) {
      const next = live.sorted.slice(live.indexFrom(slices.firstSlice(window + 1))).find(({ number }) => changed.has(number))
      if (next === undefined) return
      window = Math.max(window + 1, slices.firstWindow(next.number))
      const keys = new Set<number>()
      for (let slice = slices.firstSlice(window), end = slice + slices.perWindow; slice < end; slice += 1) {
        for (const key of changed.get(slice) ?? []) keys.add(key)
      }
      this.#earlyOf(window, keys)
    }
  }

  #earlyOf (window: number, keys: ReadonlySet<number>): void {
    const { slices, panes, live, tree, firstCell } = this.#with
    const slots = Int32Array.from(keys, key => slices.perWindow === 1 ? panes.find(live.get(window)!, key) : tree.pane(window, key))
    // panes of one bucket are in order of their first readings already
    if (slices.perWindow > 1) sortByRank(slots, Float64Array.from(slots, slot => panes.cells[slot * panes.stride + firstCell]!), slots.length)
    this.#append(window, slots, early)
    tree.release()
  }

  /** Keys by slice of the panes that changed; they count as reported from now on. */
  #changed (): ReadonlyMap<number, readonly number[]> {
    const { panes, live, changedCell } = this.#with
    const { cells, stride, keyOf } = panes
    const changed = new Map<number, number[]>()
    for (const bucket of live.sorted) {
      const keys: number[] = []
      for (const slot of panes.slots(bucket)) {
        if (cells[slot * stride + changedCell] === 0) continue
        cells[slot * stride + changedCell] = 0
        keys.push(keyOf[slot]!)
      }
      if (keys.length > 0) changed.set(bucket.number, keys)
    }
    return changed
  }

  #append (window: number, slots: Int32Array, { final, closing }: Flags): number {
    const { slices, panes, revisions, writer, expected } = this.#with
    const count = slots.length
    const first = writer.append({ panes, slots, count, start: slices.windowStart(window), end: slices.windowEnd(window), expected })
    const { rows } = writer
    for (let i = 0; i < count; i += 1) {
      rows.final[first + i] = final
      rows.closing[first + i] = closing
      if (revisions.counted) rows.revision[first + i] = revisions.take(window, panes.keyOf[slots[i]!]!)
    }
    return first
  }
}
