import type { ClockPort } from '../../pipelines/core/ports.ts'

interface Sleeper { readonly until: number, readonly order: number, wake: (() => void) | null }

/**
 * A clock that stands still until a test moves it.
 *
 * Shape:  `advance(ms)` wakes sleepers in the order of their moments, those of one moment in the order in which they fell asleep, and lets what they
 *         do happen before the next one wakes
 */
export class ManualClock implements ClockPort {
  #wall: number
  #monotonic = 0
  #slept = 0
  /** Sleepers that wait for `advance`. */
  sleeping = 0
  /** A binary heap by moment and order. One that was woken early stays in it with nothing to wake. */
  readonly #heap: Sleeper[] = []

  constructor (wallMs = 0) { this.#wall = wallMs }

  wallMs (): number { return this.#wall }
  monotonicMs (): number { return this.#monotonic }

  sleep (ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const sleeper: Sleeper = { until: this.#monotonic + ms, order: this.#slept += 1, wake: null }
      const wake = () => {
        if (sleeper.wake === null) return
        sleeper.wake = null
        this.sleeping -= 1
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      sleeper.wake = wake
      signal?.addEventListener('abort', wake)
      this.sleeping += 1
      this.#push(sleeper)
    })
  }

  async advance (ms: number): Promise<void> {
    const target = this.#monotonic + ms
    await settled()
    for (let next = this.#due(target); next !== null; next = this.#due(target)) {
      this.#moveTo(next.until)
      next.wake!()
      await settled()
    }
    this.#moveTo(target)
    await settled()
  }

  /** Move on to the next sleeper, if there is one, and wake it. */
  async step (): Promise<boolean> {
    await settled()
    const next = this.#due(Number.POSITIVE_INFINITY)
    if (next === null) return false
    this.#moveTo(next.until)
    next.wake!()
    return true
  }

  /** Set the wall clock alone, as an administrator or NTP would. */
  setWall (wallMs: number): void { this.#wall = wallMs }

  #moveTo (monotonic: number): void {
    this.#wall += monotonic - this.#monotonic
    this.#monotonic = monotonic
  }

  /** The next sleeper, taken out, when its moment is not behind `target`. */
  #due (target: number): Sleeper | null {
    for (;;) {
      const top = this.#heap[0]
      if (top === undefined || (top.wake !== null && top.until > target)) return null
      this.#pop()
      if (top.wake !== null) return top
    }
  }

  #push (sleeper: Sleeper): void {
    const heap = this.#heap
    let at = heap.push(sleeper) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(sleeper, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = sleeper
  }

  #pop (): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (let child = 1; child < heap.length; child = at * 2 + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

const isBefore = (a: Sleeper, b: Sleeper) => a.until < b.until || (a.until === b.until && a.order < b.order)

/** Everything that is ready to run has run. */
export const settled = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })
