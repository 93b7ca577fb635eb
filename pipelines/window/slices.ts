import assert from 'node:assert/strict'

/**
 * How event time is cut, for windows of `sizeMs` that begin at every multiple of `advanceMs`. Slices are the stretches between one
 * edge of any window and the next, so a reading belongs to one slice and a window is a run of whole slices. Slices and windows are
 * numbered along the axis of time, below zero before the epoch.
 *
 *     size 5, advance 2     windows  |----0----|
 *                                        |----1----|
 *                                            |----2----|
 *                           slices   |0|1|2|3|4|5|6|7|        window m = slices 2m .. 2m+4
 *
 * Source: "paired windows", Krishnamurthy et al., On-the-fly sharing for streamed aggregation (2006)
 */
export class Slices {
  readonly sizeMs: number
  readonly advanceMs: number
  readonly perWindow: number
  readonly perAdvance: number
  readonly #restMs: number

  constructor (sizeMs: number, advanceMs: number) {
    assert(advanceMs > 0 && sizeMs >= advanceMs, 'windows leave no time between them')
    this.sizeMs = sizeMs
    this.advanceMs = advanceMs
    this.#restMs = sizeMs % advanceMs
    this.perAdvance = this.#restMs === 0 ? 1 : 2
    this.perWindow = Math.floor(sizeMs / advanceMs) * this.perAdvance + (this.#restMs === 0 ? 0 : 1)
  }

  // `+ 0` makes a zero of minus zero.

  /** The slice of a moment. */
  at (ms: number): number {
    const into = ms % this.advanceMs
    const offset = into < 0 ? into + this.advanceMs : into
    const advance = Math.round((ms - offset) / this.advanceMs) + 0
    return this.perAdvance === 1 ? advance : advance * 2 + (offset >= this.#restMs ? 1 : 0)
  }

  start (slice: number): number {
    if (this.perAdvance === 1) return slice * this.advanceMs
    const advance = Math.floor(slice / 2)
    return advance * this.advanceMs + (slice === advance * 2 ? 0 : this.#restMs)
  }

  end (slice: number): number { return this.start(slice + 1) }

  /** The first and the last window a slice belongs to. */
  firstWindow (slice: number): number { return Math.ceil((slice - this.perWindow + 1) / this.perAdvance) + 0 }
  lastWindow (slice: number): number { return Math.floor(slice / this.perAdvance) }

  firstSlice (window: number): number { return window * this.perAdvance }
  windowStart (window: number): number { return window * this.advanceMs }
  windowEnd (window: number): number { return window * this.advanceMs + this.sizeMs }

  /** The last window that ends at or before a moment. */
  closedBy (ms: number): number {
    const window = Math.floor((ms - this.sizeMs) / this.advanceMs)
    if (!Number.isFinite(window)) return ms < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
    if (this.windowEnd(window) > ms) return window - 1
    return this.windowEnd(window + 1) <= ms ? window + 1 : window
  }
}
