import type { StateTree, StateValue } from '../core/state.ts'
import type { Accumulator } from './accumulator.ts'
import type { SessionBook } from './session-book.ts'

/** All sessions as columns. */
export function saveSessions (book: SessionBook, accumulators: readonly Accumulator[]): StateTree {
  const { panes } = book
  const slots = book.slots()
  const cells = new Float64Array(slots.length * panes.stride)
  slots.forEach((slot, i) => { cells.set(panes.cells.subarray(slot * panes.stride, (slot + 1) * panes.stride), i * panes.stride) })
  const merged = [...slots].flatMap((slot, i) => {
    const intervals = book.merged.get(slot)
    return intervals === undefined ? [] : [Float64Array.of(i, ...intervals)]
  })
  const objects: StateValue[] = accumulators.map(({ objectCodec }) => {
    if (objectCodec === undefined) return null
    return objectCodec.save(Array.from(slots, slot => panes.objects[slot * panes.objectStride + objectCodec.at]))
  })
  return { keys: slots.map(slot => panes.keyOf[slot]!), cells, merged, objects }
}

export function loadSessions (book: SessionBook, state: StateTree, accumulators: readonly Accumulator[]): void {
  const { panes } = book
  const cells = state.cells as Float64Array
  const slots = (state.keys as Int32Array).map((key, i) => {
    const slot = panes.openSingle(key)
    panes.cells.set(cells.subarray(i * panes.stride, (i + 1) * panes.stride), slot * panes.stride)
    book.link(slot)
    return slot
  })
  for (const [i, ...intervals] of state.merged as readonly Float64Array[]) book.merged.set(slots[i!]!, intervals)
  accumulators.forEach(({ objectCodec }, i) => {
    if (objectCodec === undefined) return
    objectCodec.load((state.objects as readonly StateValue[])[i]!, slots.length).forEach((object, at) => { panes.objects[slots[at]! * panes.objectStride + objectCodec.at] = object })
  })
}
