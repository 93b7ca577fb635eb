import { grown } from '../core/keys.ts'
import type { Accumulator } from './accumulator.ts'
import type { PaneStore } from './pane-store.ts'
import { receivedCell } from './plan.ts'
import { WakeQueue } from './wake-queue.ts'

/** Cells of a session after `received`: times of its first and last reading, position of the first to arrive. */
export const startCell = 1
export const lastCell = 2
export const positionCell = 3
/** Only where a session may report more than once: number of the next result, the interval reported last, and flags. */
export const revisionCell = 4
export const reportedStartCell = 5
export const reportedEndCell = 6
export const flagsCell = 7

/** A final result went out. */
export const isFinal = 1
/** The watermark has passed it and the result is out; it lives on for `allowedLateness`. */
export const isClosed = 2
/** It changed since the last early results. */
export const isChanged = 4

const n = Number.NaN
export const plainCells: readonly number[] = [n, n, n]
export const reportingCells: readonly number[] = [n, n, n, 0, n, n, 0]

/**
 * The sessions of every key, in order of time, no two of a key within a gap of each other.
 *
 * State: one pane a session, a chain per key (newest first), a queue of closing times
 */
export class SessionBook {
  readonly panes: PaneStore
  readonly queue: WakeQueue
  /** Intervals that were reported by sessions that have merged since: [start, end, ...] by slot. */
  readonly merged = new Map<number, number[]>()
  readonly #accumulators: readonly Accumulator[]
  readonly #reporting: boolean
  /** Slot of a key's newest session, 0 when it has none. */
  newest = new Int32Array(64)
  #older = new Int32Array(64)
  readonly #into = new Int32Array(1)
  readonly #from = new Int32Array(1)

  constructor ({ panes, accumulators, reporting, gapMs }: { readonly panes: PaneStore, readonly accumulators: readonly Accumulator[], readonly reporting: boolean, readonly gapMs: number }) {
    this.queue = new WakeQueue(Math.max(1, gapMs / 8))
    this.panes = panes
    this.#accumulators = accumulators
    this.#reporting = reporting
  }

  cell (slot: number, cell: number): number { return this.panes.cells[slot * this.panes.stride + cell]! }
  setCell (slot: number, cell: number, value: number): void { this.panes.cells[slot * this.panes.stride + cell] = value }
  flags (slot: number): number { return this.#reporting ? this.cell(slot, flagsCell) : 0 }
  flag (slot: number, flag: number): void { this.setCell(slot, flagsCell, this.cell(slot, flagsCell) | flag) }
  unflag (slot: number, flag: number): void { this.setCell(slot, flagsCell, this.cell(slot, flagsCell) & ~flag) }

  /** Sessions of a key within `gapMs` of a moment, oldest first. */
  near (key: number, ms: number, gapMs: number): number[] {
    const found: number[] = []
    if (key >= this.newest.length) return found
    for (let slot = this.newest[key]!; slot !== 0; slot = this.#older[slot]!) {
      if (this.cell(slot, lastCell) < ms - gapMs) break
      if (this.cell(slot, startCell) <= ms + gapMs) found.unshift(slot)
    }
    return found
  }

  /** A session of one reading that is near to none. */
  open (key: number, ms: number, position: number): number {
    const slot = this.panes.openSingle(key)
    this.setCell(slot, startCell, ms)
    this.setCell(slot, lastCell, ms)
    this.setCell(slot, positionCell, position)
    this.link(slot)
    return slot
  }

  /** Put a session into its key's chain. */
  link (slot: number): void {
    const key = this.panes.keyOf[slot]!
    if (key >= this.newest.length) this.newest = grown(this.newest, key + 1)
    if (slot >= this.#older.length) this.#older = grown(this.#older, slot + 1)
    const start = this.cell(slot, startCell)
    let newer = 0
    let older = this.newest[key]!
    while (older !== 0 && this.cell(older, startCell) > start) {
      newer = older
      older = this.#older[older]!
    }
    this.#older[slot] = older
    if (newer === 0) this.newest[key] = slot
    else this.#older[newer] = slot
  }

  /** The session includes this moment. */
  stretch (slot: number, ms: number): void {
    if (ms < this.cell(slot, startCell)) this.setCell(slot, startCell, ms)
    if (ms > this.cell(slot, lastCell)) this.setCell(slot, lastCell, ms)
  }

  /** `slot` takes in a later session of its key, which is gone then. */
  merge (slot: number, later: number): void {
    this.#into[0] = slot
    this.#from[0] = later
    for (const accumulator of this.#accumulators) accumulator.merge(this.panes, this.#into, this.#from, 1)
    this.setCell(slot, receivedCell, this.cell(slot, receivedCell) + this.cell(later, receivedCell))
    this.setCell(slot, lastCell, this.cell(later, lastCell))
    this.setCell(slot, positionCell, Math.min(this.cell(slot, positionCell), this.cell(later, positionCell)))
    if (this.#reporting) this.#mergeReports(slot, later)
    this.close(later)
  }

  close (slot: number): void {
    const key = this.panes.keyOf[slot]!
    if (this.newest[key] === slot) this.newest[key] = this.#older[slot]!
    else {
      let newer = this.newest[key]!
      while (this.#older[newer] !== slot) newer = this.#older[newer]!
      this.#older[newer] = this.#older[slot]!
    }
    if (this.#reporting) this.setCell(slot, flagsCell, 0)
    this.queue.forget(slot)
    this.merged.delete(slot)
    this.panes.closeSingle(slot)
  }

  /** Every session, key by key, oldest first. */
  slots (): Int32Array {
    const all: number[] = []
    for (const newest of this.newest) {
      const from = all.length
      for (let slot = newest; slot !== 0; slot = this.#older[slot]!) all.splice(from, 0, slot)
    }
    return Int32Array.from(all)
  }

  /** In order of (end, start, first to arrive). */
  sorted (slots: Iterable<number>): number[] {
    const key = (slot: number) => [this.cell(slot, lastCell), this.cell(slot, startCell), this.cell(slot, positionCell)] as const
    return [...slots].sort((a, b) => {
      const [endA, startA, positionA] = key(a)
      const [endB, startB, positionB] = key(b)
      return endA - endB || startA - startB || positionA - positionB
    })
  }

  #mergeReports (slot: number, later: number): void {
    const intervals = [...this.merged.get(slot) ?? [], ...this.merged.get(later) ?? []]
    const start = this.cell(later, reportedStartCell)
    if (!Number.isNaN(start)) intervals.push(start, this.cell(later, reportedEndCell))
    if (intervals.length > 0) this.merged.set(slot, intervals)
    this.setCell(slot, revisionCell, Math.max(this.cell(slot, revisionCell), this.cell(later, revisionCell)))
    this.flag(slot, this.cell(later, flagsCell))
  }
}
