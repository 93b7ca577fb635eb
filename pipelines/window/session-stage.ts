import type { Batch } from '../core/batch.ts'
import type { KeyTable } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'
import type { WindowSpec } from '../core/spec.ts'
import type { Moment, WindowStage } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import type { WindowBatch } from '../core/window-batch.ts'
import { PaneStore } from './pane-store.ts'
import { type Plan, planHash, planWindow, receivedCell } from './plan.ts'
import { rejectFull, rejectLate } from './rejected.ts'
import { ResultWriter } from './results.ts'
import { flagsCell, isChanged, isClosed, isFinal, lastCell, plainCells, reportingCells, SessionBook, startCell } from './session-book.ts'
import { SessionReports } from './session-reports.ts'
import { loadSessions, saveSessions } from './session-snapshot.ts'
import type { WindowStageOptions } from './stage.ts'

/**
 * Sessions: runs of readings of a key with no gap between them longer than `gapMs`.
 *
 *     gap 5      a..a.a......a       sessions [first, last + gap); the last reading above is 7 away, so it begins another
 *
 * Shape:  see createWindowStage; `expected` counts the readings due from the first to the last, both included
 * State:  one pane a session, `panesMax` of them
 * Late:   a reading that is one gap or less away from a session joins it, and may join two into one. A session closes when the watermark passes
 *         last + gap and is gone `allowedLateness` later; it is not opened again. What was reported of an interval that is no
 *         more is taken back just before the new result
 * Source: Kafka Streams' SessionWindows; Flink's for what both leave open (docs/windows.md)
 */
export class SessionStage implements WindowStage {
  readonly name: string
  readonly hash: string
  readonly number: number
  readonly rows: WindowBatch
  readonly #spec: WindowSpec
  readonly #keys: KeyTable
  readonly #gapMs: number
  readonly #plan: Plan
  readonly #writer: ResultWriter
  readonly #book: SessionBook
  readonly #reports: SessionReports
  readonly #update: boolean
  readonly #everyMs: number
  readonly #reporting: boolean
  #boundary = Number.NEGATIVE_INFINITY
  /** Sessions that changed since the last early results; some may have merged or closed since. */
  #changed: number[] = []
  #rowPane = new Int32Array(0)
  #flushed = 0

  constructor (spec: WindowSpec, { number, keys, signals }: WindowStageOptions) {
    const { shape, emit, allowedLatenessMs } = spec
    if (shape.kind !== 'session') throw new TypeError('only sessions')
    this.name = `window.${spec.name}`
    this.hash = planHash(spec, signals)
    this.number = number
    this.#spec = spec
    this.#keys = keys
    this.#gapMs = shape.gapMs
    this.#update = emit.mode === 'update'
    this.#everyMs = emit.mode === 'every' ? emit.everyMs : 0
    if (this.#everyMs === 0) this.#boundary = Number.POSITIVE_INFINITY
    this.#reporting = emit.mode !== 'close' || allowedLatenessMs > 0
    this.#plan = planWindow(spec, signals, this.#reporting ? reportingCells : plainCells)
    this.#writer = new ResultWriter(spec, this.#plan, number)
    this.rows = this.#writer.rows
    this.#book = new SessionBook({ panes: new PaneStore(this.#plan, keys), accumulators: this.#plan.accumulators, reporting: this.#reporting, gapMs: shape.gapMs })
    this.#reports = new SessionReports({ spec, gapMs: shape.gapMs, book: this.#book, writer: this.#writer, reporting: this.#reporting })
  }

  process (batch: Batch, out: Outputs): void {
    const { count } = batch
    if (count === 0) return
    if (this.#rowPane.length < batch.capacity) this.#rowPane = new Int32Array(batch.capacity)
    this.#writer.begin()
    this.#flushed = 0
    const { queue } = this.#book
    let { next } = queue
    let stop = this.#calmUntil(batch, 0)
    for (let row = 0; row < count; row += 1) {
      row = this.#place(batch, row, stop)
      if (row >= count) break
      this.#step(batch, row, out)
      if (row >= stop || queue.next !== next) {
        next = queue.next
        stop = this.#calmUntil(batch, row + 1)
      }
    }
    this.#flush(batch, count)
    this.#writer.publish(out)
  }

  advance (moment: Moment, out: Outputs): void {
    this.#writer.begin()
    this.#writer.cause.moment(moment)
    if (moment.arrivalClock >= this.#boundary) this.#early(moment.arrivalClock)
    if (moment.watermark > this.#book.queue.next) this.#close(moment.watermark)
    this.#writer.publish(out)
  }

  drain (moment: Moment, out: Outputs): void {
    this.#writer.begin()
    this.#writer.cause.moment(moment)
    this.#close(Number.POSITIVE_INFINITY)
    this.#writer.publish(out)
  }

  snapshot (): StateTree {
    return { clocks: Float64Array.of(this.#boundary), ...saveSessions(this.#book, this.#plan.accumulators) }
  }

  restore (state: StateTree): void {
    for (const slot of this.#book.slots()) this.#book.close(slot)
    this.#changed = []
    this.#boundary = (state.clocks as Float64Array)[0]!
    loadSessions(this.#book, state, this.#plan.accumulators)
    for (const slot of this.#book.slots()) {
      const flags = this.#book.flags(slot)
      if ((flags & isChanged) !== 0) this.#changed.push(slot)
      this.#book.queue.set(slot, this.#endOf(slot) + ((flags & isClosed) === 0 ? 0 : this.#spec.allowedLatenessMs))
    }
  }

  /** The first row from `row` on that may close something or is past the time of early results. */
  #calmUntil ({ watermark, arrivalClock, count }: Batch, row: number): number {
    const { next } = this.#book.queue
    const boundary = this.#boundary
    if (watermark[count - 1]! <= next && arrivalClock[count - 1]! < boundary) return count
    let low = row
    let high = count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (watermark[middle]! <= next && arrivalClock[middle]! < boundary) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Rows that fall into their key's newest session or stretch it at the end; gives the first row that does not. */
  #place ({ at, key: keys }: Batch, from: number, stop: number): number {
    if (this.#update) return from
    const { panes: { cells, stride }, newest } = this.#book
    const rowPane = this.#rowPane
    const gapMs = this.#gapMs
    const reporting = this.#reporting
    const wanted = this.#everyMs === 0 ? 0 : isChanged
    for (let row = from; row < stop; row += 1) {
      const key = keys[row]!
      const slot = key < newest.length ? newest[key]! : 0
      if (slot === 0) return row
      const cell = slot * stride
      const ms = at[row]!
      const last = cells[cell + lastCell]!
      if (ms < cells[cell + startCell]! || ms > last + gapMs) return row
      if (reporting && (cells[cell + flagsCell]! & (isClosed | isChanged)) !== wanted) return row
      if (ms > last) cells[cell + lastCell] = ms
      cells[cell + receivedCell]! += 1
      rowPane[row] = slot
    }
    return stop
  }

  #flush (batch: Batch, to: number): void {
    if (to <= this.#flushed) return
    for (const accumulator of this.#plan.accumulators) accumulator.update(this.#book.panes, batch, this.#rowPane, this.#flushed, to)
    this.#flushed = to
  }

  /** One row with everything that may happen; time moves first. */
  #step (batch: Batch, row: number, out: Outputs): void {
    const watermark = batch.watermark[row]!
    const clock = batch.arrivalClock[row]!
    this.#writer.cause.row(batch, row)
    this.#flush(batch, row)
    if (clock >= this.#boundary) this.#early(clock)
    if (watermark > this.#book.queue.next) this.#close(watermark)
    const slot = this.#slotOf(batch, row, out)
    this.#rowPane[row] = slot
    if (slot === 0) return
    const book = this.#book
    book.setCell(slot, receivedCell, book.cell(slot, receivedCell) + 1)
    const end = this.#endOf(slot)
    const isPast = watermark > end
    if (!isPast && (book.flags(slot) & isClosed) !== 0) {
      book.unflag(slot, isClosed)
      book.queue.set(slot, end)
    }
    if (isPast || this.#update) {
      this.#flush(batch, row + 1)
      this.#reports.result(slot, isPast)
      if (isPast) this.#closed(slot, end)
    } else if (this.#everyMs > 0 && (book.flags(slot) & isChanged) === 0) {
      book.flag(slot, isChanged)
      this.#changed.push(slot)
    }
  }

  /** The session of a row, opened, stretched or merged; 0 when the reading was turned away. */
  #slotOf (batch: Batch, row: number, out: Outputs): number {
    const { allowedLatenessMs, panesMax, name: window } = this.#spec
    const ms = batch.at[row]!
    const key = batch.key[row]!
    const book = this.#book
    const [slot, ...later] = book.near(key, ms, this.#gapMs)
    if (slot !== undefined) {
      for (const other of later) book.merge(slot, other)
      book.stretch(slot, ms)
      if (later.length > 0 && (book.flags(slot) & isChanged) !== 0) this.#changed.push(slot)
      return slot
    }
    const rejected = { stage: this.number, window, batch, row, keys: this.#keys }
    if (batch.watermark[row]! > ms + this.#gapMs + allowedLatenessMs) {
      rejectLate(rejected, out)
      return 0
    }
    if (book.panes.panes >= panesMax) {
      rejectFull({ ...rejected, panesMax }, out)
      return 0
    }
    const opened = book.open(key, ms, batch.position[row]!)
    book.queue.set(opened, ms + this.#gapMs)
    return opened
  }

  #endOf (slot: number): number { return this.#book.cell(slot, lastCell) + this.#gapMs }

  /** Its final result is out. */
  #closed (slot: number, end: number): void {
    this.#book.flag(slot, isClosed | isFinal)
    this.#book.unflag(slot, isChanged)
    this.#book.queue.set(slot, end + this.#spec.allowedLatenessMs)
  }

  #early (clock: number): void {
    const book = this.#book
    const slots = new Set<number>()
    for (const slot of this.#changed) {
      if ((book.flags(slot) & isChanged) === 0) continue
      book.unflag(slot, isChanged)
      slots.add(slot)
    }
    this.#changed = []
    for (const slot of book.sorted(slots)) this.#reports.result(slot, false)
    this.#boundary = (Math.floor(clock / this.#everyMs) + 1) * this.#everyMs
  }

  /** Report every session that the watermark has passed, then let go of what has expired. */
  #close (watermark: number): void {
    const { queue } = this.#book
    const { allowedLatenessMs } = this.#spec
    const due: number[] = []
    const expired: number[] = []
    while (watermark > queue.next) {
      const slot = queue.take()
      if (slot === 0) continue
      const end = this.#endOf(slot)
      const wasClosed = (this.#book.flags(slot) & isClosed) !== 0
      const moment = end + (wasClosed ? allowedLatenessMs : 0)
      if (watermark <= moment) queue.set(slot, moment)
      else (wasClosed ? expired : due).push(slot)
    }
    for (const slot of this.#book.sorted(due)) this.#reports.result(slot, true)
    for (const slot of due) {
      const end = this.#endOf(slot)
      if (watermark > end + allowedLatenessMs) expired.push(slot)
      else this.#closed(slot, end)
    }
    for (const slot of expired) this.#book.close(slot)
  }
}
