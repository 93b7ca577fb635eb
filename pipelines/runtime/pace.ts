import type { ClockPort } from '../core/ports.ts'

/** Copying the state of a million devices holds everything up for seconds; it may do so for a twentieth of the time. */
const timesItsCost = 20
const everyMsMax = 60_000

/**
 * When something costly is due: every so often, less often where it takes long.
 *
 * Shape: isDue, begin, then timed around what holds others up; from one beginning to the next it is `everyMs`, or twenty times what was
 *        timed since the last one, up to a minute
 */
export class Pace {
  readonly #clock: ClockPort
  readonly #everyMs: number
  #beganMs: number
  #costMs = 0

  constructor (clock: ClockPort, everyMs: number) {
    this.#clock = clock
    this.#everyMs = everyMs
    this.#beganMs = clock.monotonicMs()
  }

  get isDue (): boolean {
    const everyMs = Math.max(this.#everyMs, Math.min(this.#costMs * timesItsCost, everyMsMax))
    return this.#clock.monotonicMs() - this.#beganMs >= everyMs
  }

  begin (): void {
    this.#beganMs = this.#clock.monotonicMs()
    this.#costMs = 0
  }

  async timed<T> (work: () => Promise<T>): Promise<T> {
    const before = this.#clock.monotonicMs()
    const result = await work()
    this.#costMs += this.#clock.monotonicMs() - before
    return result
  }
}
