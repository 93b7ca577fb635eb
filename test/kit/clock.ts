import type { ClockPort } from '../../pipelines/core/ports.ts'

/**
 * A clock that stands still until a test moves it.
 *
 * Shape:  `advance(ms)` wakes sleepers in the order of their moments, and lets what they do happen before the next one wakes
 */
export class ManualClock implements ClockPort {
  #wall: number
  #monotonic = 0
  readonly #sleepers: { readonly until: number, readonly wake: () => void }[] = []

  constructor (wallMs = 0) { this.#wall = wallMs }

  wallMs (): number { return this.#wall }
  monotonicMs (): number { return this.#monotonic }
  /** Sleepers that wait for `advance`. */
  get sleeping (): number { return this.#sleepers.length }

  sleep (ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const sleeper = { until: this.#monotonic + ms, wake: () => { signal?.removeEventListener('abort', abort); resolve() } }
      const abort = () => { this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1); resolve() }
      signal?.addEventListener('abort', abort, { once: true })
      this.#sleepers.push(sleeper)
    })
  }

  async advance (ms: number): Promise<void> {
    const target = this.#monotonic + ms
    for (;;) {
      await settled()
      const next = this.#sleepers.filter(({ until }) => until <= target).sort((a, b) => a.until - b.until)[0]
      if (next === undefined) break
      this.#moveTo(next.until)
      this.#sleepers.splice(this.#sleepers.indexOf(next), 1)
      next.wake()
    }
    this.#moveTo(target)
    await settled()
  }

  /** Set the wall clock alone, as an administrator or NTP would. */
  setWall (wallMs: number): void { this.#wall = wallMs }

  #moveTo (monotonic: number): void {
    this.#wall += monotonic - this.#monotonic
    this.#monotonic = monotonic
  }
}

/** Everything that is ready to run has run. */
export const settled = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })
