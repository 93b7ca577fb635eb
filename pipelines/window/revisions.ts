import type { KeyTable } from '../core/keys.ts'
import type { StateTree } from '../core/state.ts'
import { LiveBuckets } from './live-buckets.ts'
import { PaneStore } from './pane-store.ts'
import { loadBuckets, saveBuckets } from './snapshot.ts'

/**
 * How many results of each pane of each window went out.
 *
 * State: 20 bytes per pane and window that has reported and may report again; none when each window reports once
 */
export class Revisions {
  readonly counted: boolean
  readonly #panes: PaneStore
  readonly #windows = new LiveBuckets()

  constructor ({ keys, counted }: { readonly keys: KeyTable, /** False: no window reports twice. */ readonly counted: boolean }) {
    this.counted = counted
    this.#panes = new PaneStore({ template: [0], objects: 0 }, keys)
  }

  /** The number of the next result of a key in a window, 0 for the first; it is given out once. */
  take (window: number, key: number): number {
    if (!this.counted) return 0
    let bucket = this.#windows.get(window)
    if (bucket === undefined) {
      bucket = this.#panes.bucket(window)
      this.#windows.add(bucket)
    }
    const slot = this.#panes.findOrOpen(bucket, key)
    const revision = this.#panes.cells[slot]!
    this.#panes.cells[slot] = revision + 1
    return revision
  }

  /** The first window that is remembered; Infinity when none is. */
  get first (): number { return this.#windows.sorted[0]?.number ?? Number.POSITIVE_INFINITY }

  forgetFirst (): void { this.#panes.drop(this.#windows.shift()) }

  snapshot (): StateTree { return saveBuckets(this.#panes, this.#windows.sorted, []) }

  restore (state: StateTree): void {
    while (this.first < Number.POSITIVE_INFINITY) this.forgetFirst()
    for (const bucket of loadBuckets(this.#panes, state, [])) this.#windows.add(bucket)
  }
}
