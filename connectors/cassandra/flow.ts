export interface FlowOptions {
  /** Most requests under way at once. */
  readonly inFlightMax: number
  /** Answers that take longer in the mean say that more requests would only wait longer. */
  readonly latencyMs: number
}

const inFlightInitial = 8
const smoothing = 0.1
const pauseFirstMs = 50
const pauseMsMax = 5_000

/**
 * How many requests may be under way, by what the server answers: one more for each round of good answers, a quarter less when they come slowly,
 * half when one fails. And how long to wait after failures: full jitter, so that writers who were cut off together do not come back together.
 *
 * State: some numbers
 * Source: RFC 5681 (additive increase, multiplicative decrease); "Exponential Backoff And Jitter", AWS Architecture Blog, 2015
 */
export class Flow {
  readonly #options: FlowOptions
  #window = inFlightInitial
  #rising = true
  #meanMs = 0
  #sinceChange = 0
  /** Failures one after the other, those of requests that were under way together counted once. */
  #failures = 0
  #failingSinceMs: number | null = null

  constructor (options: FlowOptions) { this.#options = options }

  get inFlightMax (): number { return this.#failures > 0 ? 1 : Math.max(1, Math.floor(this.#window)) }
  get failures (): number { return this.#failures }
  /** By the clock that `failed` is told. */
  get failingSinceMs (): number | null { return this.#failingSinceMs }

  succeeded (tookMs: number): void {
    const { inFlightMax, latencyMs } = this.#options
    this.#failures = 0
    this.#failingSinceMs = null
    this.#meanMs += (tookMs - this.#meanMs) * smoothing
    this.#sinceChange += 1
    if (this.#meanMs > latencyMs && this.#sinceChange >= this.#window) {
      this.#shrink(0.75)
    } else if (this.#meanMs <= latencyMs) {
      this.#window = Math.min(inFlightMax, this.#window + (this.#rising ? 1 : 1 / this.#window))
    }
  }

  /** `of` is what `failures` was when the request was sent. */
  failed (nowMs: number, of: number): void {
    this.#failingSinceMs ??= nowMs
    if (of < this.#failures) return
    this.#failures += 1
    this.#shrink(0.5)
  }

  /** Before the next request; 0 when the last one was answered. */
  pauseMs (random: number): number {
    return this.#failures === 0 ? 0 : random * Math.min(pauseMsMax, pauseFirstMs * 2 ** Math.min(this.#failures, 10))
  }

  #shrink (to: number): void {
    this.#window = Math.max(1, this.#window * to)
    this.#rising = false
    this.#sinceChange = 0
    this.#meanMs = Math.min(this.#meanMs, this.#options.latencyMs)
  }
}
