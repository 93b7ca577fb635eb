import type { ClockPort, LogPort } from '../core/ports.ts'
import { endOf } from '../core/record-batch.ts'

const pollMsMin = 50
const pollMsMax = 500
const bytesMin = 1 << 17
const bytesMax = 1 << 20
/** All buffers of a feed together, as long as each may have the least. */
const feedBytesMax = 32 << 20
const buffersEach = 2
/** After so many answers in a row that filled an eighth of what was asked for, less is asked for. */
const smallAnswersMax = 64
/** A log that answers sooner than it was asked to wait, and with nothing, is not asked in a circle. */
const circleMs = 5
const breatheEveryMs = 4

/** Record batches, and the offset behind the last of them. The bytes last until the inlet is taken from again. */
export interface Chunk { readonly bytes: Uint8Array, readonly to: number }
export interface InletOptions { readonly topic: string, readonly partition: number, readonly offset: number, /** Silence is told within about a quarter of this. */ readonly idleMs?: number }

/**
 * Fetches of many partitions at once: of each, one is always under way, and the next is asked for before what came is processed. Whoever takes
 * waits only when nothing has come.
 *
 * State:  per partition two buffers that take turns; small ones where little comes
 * Limits: a fetch of 1 MiB at most, all buffers together 32 MiB (of 128 partitions and more: 256 KiB each)
 * Errors: what a fetch throws is thrown where its partition is taken from
 */
export class Feed {
  readonly #log: LogPort
  readonly #clock: ClockPort
  readonly #inlets = new Set<Inlet>()
  readonly #closing = new AbortController()
  #waiter: (() => void) | null = null
  #isWoken = false
  #watched: AbortSignal | null = null
  /** A sleep that goes on beyond the waits which it ends: waits are many and short. */
  #alarm: { readonly atMs: number, readonly rings: Promise<void> } | null = null
  #breathedMs: number

  constructor (log: LogPort, clock: ClockPort) {
    this.#log = log
    this.#clock = clock
    this.#breathedMs = clock.monotonicMs()
  }

  open (options: InletOptions): Inlet {
    const inlet = new Inlet(this.#log, this.#clock, {
      ...options, closing: this.#closing.signal,
      bytesMost: () => Math.min(bytesMax, Math.max(bytesMin, feedBytesMax / buffersEach / this.#inlets.size)),
      came: () => { this.#waiter?.() },
      closed: () => { this.#inlets.delete(inlet) },
    })
    this.#inlets.add(inlet)
    return inlet
  }

  /** Until something can be taken, `wake` is called, one of `more` settles, or `ms` have passed at most. */
  async wait (ms: number, signal: AbortSignal, more: readonly Promise<unknown>[] = []): Promise<void> {
    if (signal !== this.#watched) {
      this.#watched = signal
      signal.addEventListener('abort', () => { this.wake() }, { once: true })
    }
    for (const inlet of this.#inlets) if (inlet.isReady) return
    if (!this.#isWoken && !signal.aborted) {
      const alarm = this.#alarmWithin(ms)
      await new Promise<void>(resolve => {
        this.#waiter = resolve
        for (const one of more) one.then(() => { resolve() }, () => { resolve() })
        void alarm.then(resolve)
      })
      this.#waiter = null
    }
    this.#isWoken = false
  }

  /** End the wait that goes on, or else the next one. */
  wake (): void {
    this.#isWoken = true
    this.#waiter?.()
  }

  #alarmWithin (ms: number): Promise<void> {
    const atMs = this.#clock.monotonicMs() + ms
    if (this.#alarm !== null && this.#alarm.atMs <= atMs) return this.#alarm.rings
    const alarm = { atMs, rings: this.#clock.sleep(ms, this.#closing.signal).then(() => { if (this.#alarm === alarm) this.#alarm = null }) }
    this.#alarm = alarm
    return alarm.rings
  }

  /** Whoever catches up never waits: now and then the rest of the process has its turn, and what came is read from the network. */
  async breathe (): Promise<void> {
    if (this.#clock.monotonicMs() - this.#breathedMs < breatheEveryMs) return
    await this.#clock.breathe?.()
    this.#breathedMs = this.#clock.monotonicMs()
  }

  /** Resolves when no fetch is under way any more. */
  async close (): Promise<void> {
    this.#closing.abort()
    await Promise.all([...this.#inlets].map(inlet => inlet.close()))
  }
}

interface InletParts extends InletOptions { readonly closing: AbortSignal, readonly bytesMost: () => number, readonly came: () => void, readonly closed: () => void }

/** What comes of one partition. Made by `Feed`. */
export class Inlet {
  /** The log's end as the last answer said. */
  end: number
  /** Monotonic; when an answer last said that nothing lies behind what was taken. */
  confirmedMs = Number.NEGATIVE_INFINITY
  /** Nobody takes from here for now: what has come wakes nobody. */
  held = false
  readonly #log: LogPort
  readonly #clock: ClockPort
  readonly #parts: InletParts
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #waitMs: number
  readonly #buffers: Uint8Array[] = Array.from({ length: buffersEach }, () => new Uint8Array(0))
  #turn = 0
  #offset: number
  #wanted = bytesMin
  #smallAnswers = 0
  #ready: Chunk | null = null
  #failure: Error | null = null
  #fetching: Promise<void>

  constructor (log: LogPort, clock: ClockPort, parts: InletParts) {
    this.#log = log
    this.#clock = clock
    this.#parts = parts
    this.#signal = AbortSignal.any([parts.closing, this.#stop.signal])
    this.#waitMs = Math.min(pollMsMax, Math.max(pollMsMin, Math.floor((parts.idleMs ?? Number.POSITIVE_INFINITY) / 4)))
    this.#offset = this.end = parts.offset
    this.#fetching = this.#fetch()
  }

  get isReady (): boolean { return (this.#ready !== null && !this.held) || this.#failure !== null }

  /** Errors: what a fetch threw, also where nobody takes for now */
  check (): void { if (this.#failure !== null) throw this.#failure }

  /** What has come, if anything has. From now on the bytes taken before are overwritten. */
  take (): Chunk | null {
    this.check()
    const ready = this.#ready
    if (ready === null) return null
    this.#ready = null
    this.#fetching = this.#fetch()
    return ready
  }

  async close (): Promise<void> {
    this.#stop.abort()
    await this.#fetching
    this.#parts.closed()
  }

  /** Never rejects: a failure is kept for whoever takes. */
  async #fetch (): Promise<void> {
    const { topic, partition, came } = this.#parts
    try {
      for (;;) {
        const askedMs = this.#clock.monotonicMs()
        const offset = this.#offset
        const { bytes, end } = await this.#log.fetch({ topic, partition, offset, bytesMax: this.#wanted, waitMs: this.#waitMs, signal: this.#signal, into: this.#buffer() })
        this.end = end
        const to = endOf(bytes)
        if (to > offset) {
          this.#suit(bytes.length)
          this.#offset = to
          this.#ready = { bytes, to }
          came()
          return
        }
        if (this.#signal.aborted) return
        const nowMs = this.#clock.monotonicMs()
        if (end <= offset) this.confirmedMs = nowMs
        if (nowMs - askedMs < circleMs) await this.#clock.sleep(circleMs, this.#signal)
      }
    } catch (error) {
      this.#failure = error as Error
      came()
    }
  }

  /** Not the one that was taken last. */
  #buffer (): Uint8Array {
    const { length } = this.#buffers[this.#turn]!
    if (length !== this.#wanted) this.#buffers[this.#turn] = new Uint8Array(this.#wanted)
    return this.#buffers[this.#turn]!
  }

  /** The next fetch goes into the other buffer, and asks for what suits the last answer. */
  #suit (answered: number): void {
    this.#turn = (this.#turn + 1) % buffersEach
    this.#smallAnswers = answered * 8 < this.#wanted ? this.#smallAnswers + 1 : 0
    if (answered * 2 > this.#wanted) this.#wanted *= 2
    else if (this.#smallAnswers > smallAnswersMax) {
      this.#smallAnswers = 0
      this.#wanted /= 2
    }
    this.#wanted = Math.max(bytesMin, Math.min(this.#wanted, this.#parts.bytesMost()))
  }
}
