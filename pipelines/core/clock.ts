import type { Batch } from './batch.ts'
import type { Stateful, StateTree } from './state.ts'

export interface TaskClockOptions {
  readonly latenessMs: number
  /** Silence after which a tick moves the watermark as a reading of that moment would; Infinity: never. */
  readonly idleMs: number
  /** The watermark moves only by `watermarkTo`; readings do not drive it. */
  readonly explicit: boolean
}

/**
 * The task's two clocks, both taken from the log: watermark = highest min(event time, arrival) - lateness, and the
 * highest arrival. Neither runs backwards.
 */
export class TaskClock implements Stateful {
  readonly #options: TaskClockOptions
  watermark = Number.NEGATIVE_INFINITY
  arrival = Number.NEGATIVE_INFINITY
  /** Arrival of the last reading, ticks left out. */
  lastReading = Number.NEGATIVE_INFINITY

  constructor (options: TaskClockOptions) { this.#options = options }

  /** Fill `batch.watermark` and `batch.arrivalClock`, row by row. */
  stamp (batch: Batch): void {
    const { latenessMs, explicit } = this.#options
    const { at, arrival, watermark, arrivalClock, count } = batch
    let high = this.watermark
    let clock = this.arrival
    for (let row = 0; row < count; row += 1) {
      const arrivedAt = arrival[row]!
      if (arrivedAt > clock) clock = arrivedAt
      if (!explicit) {
        const eventAt = at[row]!
        const reached = Math.min(eventAt, arrivedAt) - latenessMs
        if (reached > high) high = reached
      }
      watermark[row] = high
      arrivalClock[row] = clock
    }
    this.watermark = high
    this.arrival = clock
    if (count > 0) this.lastReading = clock
  }

  /** Nothing arrived until `arrivalMs`. */
  tick (arrivalMs: number): void {
    const { latenessMs, idleMs, explicit } = this.#options
    if (arrivalMs > this.arrival) this.arrival = arrivalMs
    if (!explicit && arrivalMs - this.lastReading >= idleMs && this.lastReading > Number.NEGATIVE_INFINITY) this.watermark = Math.max(this.watermark, arrivalMs - latenessMs)
  }

  watermarkTo (atMs: number): void { this.watermark = Math.max(this.watermark, atMs) }

  snapshot (): StateTree { return { clocks: Float64Array.of(this.watermark, this.arrival, this.lastReading) } }

  restore (state: StateTree): void {
    [this.watermark, this.arrival, this.lastReading] = state.clocks as unknown as [number, number, number]
  }
}
