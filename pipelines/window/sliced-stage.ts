import type { Batch } from '../core/batch.ts'
import type { KeyTable } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'
import type { WindowSpec } from '../core/spec.ts'
import type { Moment, WindowStage } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import type { WindowBatch } from '../core/window-batch.ts'
import { Changed, Frame } from './accumulate-numbers.ts'
import type { Accumulator } from './accumulator.ts'
import type { Bucket } from './bucket.ts'
import { LiveBuckets } from './live-buckets.ts'
import { PaneStore } from './pane-store.ts'
import { type Plan, planHash, planWindow, receivedCell } from './plan.ts'
import { rejectFull, rejectLate } from './rejected.ts'
import { ResultWriter } from './results.ts'
import { Revisions } from './revisions.ts'
import { SlicedReports } from './sliced-reports.ts'
import { SliceTree } from './slice-tree.ts'
import { Slices } from './slices.ts'
import { loadBuckets, saveBuckets } from './snapshot.ts'
import type { WindowStageOptions } from './stage.ts'

/** The cell after `received` of a pane whose window has more than one slice: position of its first reading. */
const firstCell = 1

/**
 * Tumbling and hopping windows. A reading is added to one pane, that of its slice; a window's result is the union of its slices.
 *
 * Shape:  see createWindowStage
 * State:  panes of live slices; per pane 8 bytes a cell and about 12 more; `panesMax` panes of slices, as many again where windows overlap
 * Late:   a slice lives until the last window it belongs to has closed and `allowedLateness` has passed
 */
export class SlicedStage implements WindowStage {
  readonly name: string
  readonly hash: string
  readonly number: number
  readonly rows: WindowBatch
  readonly #spec: WindowSpec
  readonly #keys: KeyTable
  readonly #slices: Slices
  readonly #plan: Plan
  /** A slice belongs to more than one window. */
  readonly #shared: boolean
  readonly #accumulators: readonly Accumulator[]
  readonly #writer: ResultWriter
  readonly #panes: PaneStore
  readonly #live = new LiveBuckets()
  readonly #tree: SliceTree
  readonly #revisions: Revisions
  readonly #reports: SlicedReports
  readonly #update: boolean
  readonly #everyMs: number
  /** Of the last reading or moment. */
  #watermark = Number.NEGATIVE_INFINITY
  /** Arrival at which early results are due. */
  #boundary = Number.NEGATIVE_INFINITY
  /** Watermark at which something closes or expires. */
  #wake = Number.POSITIVE_INFINITY
  #open = 0
  /** Panes of the slice let go last: what a new one makes room for. */
  #usualPanes = 0
  #current: Bucket | null = null
  #from = 0
  #until = 0
  /** Pane of each row of the batch at hand; those before `#flushed` are added up. */
  #rowPane = new Int32Array(0)
  #flushed = 0

  constructor (spec: WindowSpec, { number, keys, signals }: WindowStageOptions) {
    const { shape, emit } = spec
    if (shape.kind === 'session') throw new TypeError('sessions have a stage of their own')
    this.name = `window.${spec.name}`
    this.number = number
    this.#spec = spec
    this.#keys = keys
    this.#slices = new Slices(shape.sizeMs, shape.kind === 'tumbling' ? shape.sizeMs : shape.advanceMs)
    this.#update = emit.mode === 'update'
    this.#everyMs = emit.mode === 'every' ? emit.everyMs : 0
    if (this.#everyMs === 0) this.#boundary = Number.POSITIVE_INFINITY
    const expected = spec.intervalMs === null ? Number.NaN : shape.sizeMs / spec.intervalMs
    this.#shared = this.#slices.perWindow > 1
    const changedCell = this.#shared ? 2 : 1
    this.#plan = planWindow(spec, signals, [...this.#shared ? [Number.NaN] : [], ...this.#everyMs === 0 ? [] : [0]])
    this.#accumulators = this.#everyMs === 0 ? this.#plan.accumulators : [new Changed(changedCell), ...this.#plan.accumulators]
    this.hash = planHash(spec, signals)
    this.#writer = new ResultWriter(spec, this.#plan, number)
    this.rows = this.#writer.rows
    this.#panes = new PaneStore(this.#plan, keys)
    this.#tree = new SliceTree({ slices: this.#slices, panes: this.#panes, live: this.#live, mergers: [new Frame(), ...this.#accumulators], firstCell })
    this.#revisions = new Revisions({ keys, counted: emit.mode !== 'close' || spec.allowedLatenessMs > 0 })
    this.#reports = new SlicedReports({ slices: this.#slices, panes: this.#panes, live: this.#live, tree: this.#tree, revisions: this.#revisions, writer: this.#writer, expected, firstCell, changedCell })
  }

  process (batch: Batch, out: Outputs): void {
    const { count } = batch
    if (count === 0) return
    if (this.#rowPane.length < batch.capacity) this.#rowPane = new Int32Array(batch.capacity)
    this.#writer.begin()
    this.#flushed = 0
    let wake = this.#wake
    let stop = this.#calmUntil(batch, 0)
    for (let row = 0; row < count; row += 1) {
      row = this.#place(batch, row, stop)
      if (row >= count) break
      this.#step(batch, row, out)
      if (row >= stop || this.#wake !== wake) {
        wake = this.#wake
        stop = this.#calmUntil(batch, row + 1)
      }
    }
    this.#flush(batch, count)
    this.#watermark = batch.watermark[count - 1]!
    this.#writer.publish(out)
  }

  advance (moment: Moment, out: Outputs): void {
    this.#writer.begin()
    this.#writer.cause.moment(moment)
    if (moment.arrivalClock >= this.#boundary) this.#early(moment.arrivalClock)
    if (moment.watermark >= this.#wake) this.#close(moment.watermark)
    this.#watermark = moment.watermark
    this.#writer.publish(out)
  }

  drain (moment: Moment, out: Outputs): void {
    this.#writer.begin()
    this.#writer.cause.moment(moment)
    this.#close(Number.POSITIVE_INFINITY)
    this.#watermark = moment.watermark
    this.#writer.publish(out)
  }

  snapshot (): StateTree {
    return {
      clocks: Float64Array.of(this.#watermark, this.#boundary),
      slices: saveBuckets(this.#panes, this.#live.sorted, this.#plan.accumulators),
      revisions: this.#revisions.snapshot(),
    }
  }

  restore (state: StateTree): void {
    for (const bucket of this.#live.sorted) this.#panes.drop(bucket)
    this.#live.clear()
    this.#tree.clear()
    this.#current = null
    this.#open = 0
    const [watermark, boundary] = state.clocks as Float64Array
    this.#watermark = watermark!
    this.#boundary = boundary!
    for (const bucket of loadBuckets(this.#panes, state.slices as StateTree, this.#plan.accumulators)) {
      this.#live.add(bucket)
      this.#open += bucket.count
    }
    this.#revisions.restore(state.revisions as StateTree)
    this.#wake = this.#nextWake(this.#watermark)
  }

  /** The first row from `row` on that may close something or is past the time of early results. */
  #calmUntil ({ watermark, arrivalClock, count }: Batch, row: number): number {
    const isCalm = (at: number) => watermark[at]! < this.#wake && arrivalClock[at]! < this.#boundary
    if (isCalm(count - 1)) return count
    let low = row
    let high = count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isCalm(middle)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Find the pane of each row of the slice at hand; gives the first row that needs more. */
  #place (batch: Batch, from: number, stop: number): number {
    const bucket = this.#current
    if (bucket === null || bucket.slow) return from
    for (let row = from; ; row += 1) {
      row = bucket.isDense ? this.#placeDense(bucket, batch, row, stop) : this.#placeSparse(bucket, batch, row, stop)
      if (row >= stop || batch.at[row]! < this.#from || batch.at[row]! >= this.#until || this.#open >= this.#spec.panesMax) return row
      const slot = this.#openPane(bucket, batch.key[row]!, batch.position[row]!)
      this.#rowPane[row] = slot
      this.#panes.cells[slot * this.#panes.stride]! += 1
    }
  }

  /** The loop that every reading passes. Where each key has its own place no key is compared: 11 ns a reading instead of 14 (bench/window.ts). */
  #placeDense ({ index }: Bucket, { at, key: keys }: Batch, from: number, stop: number): number {
    const { cells, stride } = this.#panes
    const rowPane = this.#rowPane
    const start = this.#from
    const end = this.#until
    for (let row = from; row < stop; row += 1) {
      const ms = at[row]!
      const key = keys[row]!
      if (ms < start || ms >= end || key >= index.length) return row
      const slot = index[key]!
      if (slot === 0) return row
      rowPane[row] = slot
      cells[slot * stride]! += 1
    }
    return stop
  }

  #placeSparse ({ index, mask, multiplier, shift }: Bucket, { at, key: keys }: Batch, from: number, stop: number): number {
    const { cells, keyOf, stride } = this.#panes
    const rowPane = this.#rowPane
    const start = this.#from
    const end = this.#until
    for (let row = from; row < stop; row += 1) {
      const ms = at[row]!
      if (ms < start || ms >= end) return row
      const key = keys[row]!
      let place = (Math.imul(key, multiplier) >>> shift) & mask
      let slot = index[place]!
      while (slot !== 0 && keyOf[slot] !== key) {
        place = (place + 1) & mask
        slot = index[place]!
      }
      if (slot === 0) return row
      rowPane[row] = slot
      cells[slot * stride]! += 1
    }
    return stop
  }

  #openPane (bucket: Bucket, key: number, position: number): number {
    const slot = this.#panes.open(bucket, key)
    if (this.#shared) this.#panes.cells[slot * this.#panes.stride + firstCell] = position
    this.#open += 1
    return slot
  }

  /** Add up the rows that have found their pane. */
  #flush (batch: Batch, to: number): void {
    if (to <= this.#flushed) return
    for (const accumulator of this.#accumulators) accumulator.update(this.#panes, batch, this.#rowPane, this.#flushed, to)
    this.#flushed = to
  }

  /** One row with everything that may happen. Time moves first: early results, closing. Then the reading: a new slice, lateness, revisions. */
  #step (batch: Batch, row: number, out: Outputs): void {
    const watermark = batch.watermark[row]!
    const clock = batch.arrivalClock[row]!
    this.#writer.cause.row(batch, row)
    if (clock >= this.#boundary || watermark >= this.#wake) {
      this.#flush(batch, row)
      if (row > 0) this.#watermark = batch.watermark[row - 1]!
      if (clock >= this.#boundary) this.#early(clock)
      if (watermark >= this.#wake) this.#close(watermark)
    }
    const slice = this.#slices.at(batch.at[row]!)
    const slot = this.#slotOf(batch, row, slice, out)
    this.#rowPane[row] = slot
    if (slot !== 0 && this.#current!.slow) {
      this.#flush(batch, row + 1)
      this.#report(slice, slot, watermark)
    }
  }

  /** The pane a row belongs to, its reading counted; 0 when the reading was turned away. */
  #slotOf (batch: Batch, row: number, slice: number, out: Outputs): number {
    const { allowedLatenessMs, panesMax, name: window } = this.#spec
    const watermark = batch.watermark[row]!
    const key = batch.key[row]!
    const known = this.#live.get(slice)
    const rejected = { stage: this.number, window, batch, row, keys: this.#keys }
    if (known === undefined && watermark >= this.#slices.windowEnd(this.#slices.lastWindow(slice)) + allowedLatenessMs) {
      rejectLate(rejected, out)
      return 0
    }
    const slot = known === undefined ? 0 : this.#panes.find(known, key)
    if (slot === 0 && this.#open >= panesMax) {
      rejectFull({ ...rejected, panesMax }, out)
      return 0
    }
    const bucket = known ?? this.#addSlice(slice, watermark)
    this.#enter(bucket, watermark)
    const found = slot || this.#openPane(bucket, key, batch.position[row]!)
    this.#panes.cells[found * this.#panes.stride + receivedCell]! += 1
    return found
  }

  #addSlice (slice: number, watermark: number): Bucket {
    const newest = this.#live.sorted.at(-1)
    const bucket = this.#panes.bucket(slice, newest === undefined || newest.number < slice ? this.#usualPanes : 0)
    this.#live.add(bucket)
    this.#wake = Math.min(this.#wake, this.#slices.windowEnd(Math.max(this.#slices.firstWindow(slice), this.#slices.closedBy(watermark) + 1)), this.#expiry(slice))
    return bucket
  }

  /** Make a slice the one at hand. */
  #enter (bucket: Bucket, watermark: number): void {
    this.#current = bucket
    this.#from = this.#slices.start(bucket.number)
    this.#until = this.#slices.end(bucket.number)
    bucket.slow = this.#update || bucket.number < this.#tree.coveredUntil ||
      (this.#spec.allowedLatenessMs > 0 && this.#slices.windowEnd(this.#slices.firstWindow(bucket.number)) <= watermark)
  }
  /** A reading came to a slice where that may show at once, or that nodes of the tree already hold. */
  #report (slice: number, slot: number, watermark: number): void {
    if (slice < this.#tree.coveredUntil) this.#tree.refresh(slice, this.#panes.keyOf[slot]!)
    const { allowedLatenessMs } = this.#spec
    const last = this.#slices.lastWindow(slice)
    for (let window = this.#slices.firstWindow(slice); window <= last; window += 1) {
      const end = this.#slices.windowEnd(window)
      const isClosed = end <= watermark
      if (end + allowedLatenessMs <= watermark || (!isClosed && !this.#update)) continue
      this.#reports.change(window, slot, isClosed)
    }
    this.#reports.done()
  }

  #early (clock: number): void {
    this.#reports.early(this.#slices.closedBy(this.#watermark))
    this.#boundary = (Math.floor(clock / this.#everyMs) + 1) * this.#everyMs
    if (this.#current !== null) this.#enter(this.#current, this.#watermark)
  }

  /** Report every window that ends at or before the watermark, then let go of what has expired. */
  #close (watermark: number): void {
    let closed = this.#slices.closedBy(this.#watermark)
    for (;;) {
      const window = this.#nextWindow(closed)
      if (window === Number.POSITIVE_INFINITY || this.#slices.windowEnd(window) > watermark) break
      this.#reports.close(window)
      closed = window
    }
    const { sorted } = this.#live
    while (sorted.length > 0 && this.#expiry(sorted[0]!.number) <= watermark) {
      const bucket = this.#live.shift()
      this.#open -= bucket.count
      this.#usualPanes = bucket.count
      if (bucket === this.#current) this.#current = null
      this.#panes.drop(bucket)
    }
    while (this.#revisions.first < Number.POSITIVE_INFINITY && this.#slices.windowEnd(this.#revisions.first) + this.#spec.allowedLatenessMs <= watermark) this.#revisions.forgetFirst()
    this.#wake = this.#nextWake(watermark)
    if (this.#current !== null) this.#enter(this.#current, watermark)
  }

  /** The first window after `closed` that has a reading; Infinity when there is none. */
  #nextWindow (closed: number): number {
    const slice = this.#live.sorted[this.#live.indexFrom(this.#slices.firstSlice(closed + 1))]
    return slice === undefined ? Number.POSITIVE_INFINITY : Math.max(closed + 1, this.#slices.firstWindow(slice.number))
  }

  #expiry (slice: number): number { return this.#slices.windowEnd(this.#slices.lastWindow(slice)) + this.#spec.allowedLatenessMs }

  #nextWake (watermark: number): number {
    const first = this.#live.sorted[0]
    return Math.min(
      this.#slices.windowEnd(this.#nextWindow(this.#slices.closedBy(watermark))),
      first === undefined ? Number.POSITIVE_INFINITY : this.#expiry(first.number),
      this.#slices.windowEnd(this.#revisions.first) + this.#spec.allowedLatenessMs,
    )
  }
}
