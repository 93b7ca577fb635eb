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
/** Few keys are worked out one by one, many with all others: one key costs as much as so many together. */
const fewest = 16
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

  /** The pane of one key changed. `slot` is its pane in the slice that changed. Call `done` after the last window. */
  change (window: number, slot: number, isClosed: boolean): void {
    const { slices, panes, tree } = this.#with
    const key = panes.keyOf[slot]!
    const of = slices.perWindow === 1 ? slot : tree.pane(window, key)
    this.#one[0] = of
    const row = this.#append(window, this.#one, isClosed ? revised : early)
    const { rows } = this.#with.writer
    if (isClosed && rows.revision[row] === 0) rows.closing[row] = 1
  }

  done (): void { this.#with.tree.release() }

  /** Early results of the panes that changed since the last ones, of windows later than `closedThrough`. */
  early (closedThrough: number): void {
    const { slices, live, panes, tree } = this.#with
    const changed = this.#changed()
    for (let window = closedThrough; ;) {
      const next = live.sorted.slice(live.indexFrom(slices.firstSlice(window + 1))).find(({ number }) => changed.has(number))
      if (next === undefined) break
      window = Math.max(window + 1, slices.firstWindow(next.number))
      const keys = this.#changedIn(window, changed)
      if (slices.perWindow === 1) this.#append(window, Int32Array.from(keys, key => panes.find(live.get(window)!, key)), early)
      else if (keys.size * fewest < panes.panes / live.sorted.length) this.#earlyOf(window, keys)
      else this.#append(window, tree.window(window).filter(slot => keys.has(panes.keyOf[slot]!)), early)
      tree.release()
    }
    // what was kept for these windows stands on slices that still fill
    tree.clear()
  }

  #changedIn (window: number, changed: ReadonlyMap<number, ReadonlySet<number>>): ReadonlySet<number> {
    const from = this.#with.slices.firstSlice(window)
    const some: ReadonlySet<number>[] = []
    for (const [slice, keys] of changed) if (slice >= from && slice < from + this.#with.slices.perWindow) some.push(keys)
    return some.length === 1 ? some[0]! : new Set(some.flatMap(keys => [...keys]))
  }

  #earlyOf (window: number, keys: ReadonlySet<number>): void {
    const { panes, tree, firstCell } = this.#with
    const slots = Int32Array.from(keys, key => {
      tree.nextKey()
      return tree.pane(window, key)
    })
    sortByRank(slots, Float64Array.from(slots, slot => panes.cells[slot * panes.stride + firstCell]!), slots.length)
    this.#append(window, slots, early)
  }

  /** Keys by slice of the panes that changed; they count as reported from now on. */
  #changed (): ReadonlyMap<number, ReadonlySet<number>> {
    const { panes, live, changedCell } = this.#with
    const { cells, stride, keyOf } = panes
    const changed = new Map<number, Set<number>>()
    for (const bucket of live.sorted) {
      const keys = new Set<number>()
      for (const slot of panes.slots(bucket)) {
        if (cells[slot * stride + changedCell] === 0) continue
        cells[slot * stride + changedCell] = 0
        keys.add(keyOf[slot]!)
      }
      if (keys.size > 0) changed.set(bucket.number, keys)
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
