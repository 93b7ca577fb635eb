import type { StateTree, StateValue } from '../core/state.ts'
import type { Accumulator } from './accumulator.ts'
import type { Bucket } from './bucket.ts'
import type { PaneStore } from './pane-store.ts'

/** The panes of some buckets as columns, bucket after bucket in order of first readings. As large as what is open. */
export function saveBuckets (panes: PaneStore, buckets: readonly Bucket[], accumulators: readonly Accumulator[]): StateTree {
  const total = buckets.reduce((sum, { count }) => sum + count, 0)
  const keys = new Int32Array(total)
  const cells = new Float64Array(total * panes.stride)
  const all = new Int32Array(total)
  let to = 0
  for (const bucket of buckets) {
    for (const slot of panes.slots(bucket)) {
      all[to] = slot
      keys[to] = panes.keyOf[slot]!
      cells.set(panes.cells.subarray(slot * panes.stride, (slot + 1) * panes.stride), to * panes.stride)
      to += 1
    }
  }
  const objects: StateValue[] = accumulators.map(({ objectCodec }) => {
    if (objectCodec === undefined) return null
    return objectCodec.save(Array.from(all, slot => panes.objects[slot * panes.objectStride + objectCodec.at]))
  })
  return { numbers: Float64Array.from(buckets, ({ number }) => number), counts: Int32Array.from(buckets, ({ count }) => count), keys, cells, objects }
}

/** Open the panes again. The store must be empty. */
export function loadBuckets (panes: PaneStore, state: StateTree, accumulators: readonly Accumulator[]): Bucket[] {
  const keys = state.keys as Int32Array
  const cells = state.cells as Float64Array
  const counts = state.counts as Int32Array
  const slots = new Int32Array(keys.length)
  let from = 0
  const buckets = Array.from(state.numbers as Float64Array, (number, i) => {
    const bucket = panes.bucket(number, counts[i])
    for (const end = from + counts[i]!; from < end; from += 1) {
      const slot = panes.open(bucket, keys[from]!)
      panes.cells.set(cells.subarray(from * panes.stride, (from + 1) * panes.stride), slot * panes.stride)
      slots[from] = slot
    }
    return bucket
  })
  accumulators.forEach(({ objectCodec }, i) => {
    if (objectCodec === undefined) return
    objectCodec.load((state.objects as readonly StateValue[])[i]!, slots.length).forEach((object, at) => { panes.objects[slots[at]! * panes.objectStride + objectCodec.at] = object })
  })
  return buckets
}
