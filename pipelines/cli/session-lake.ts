import { machineClock } from '../../connectors/embedded/clock.ts'
import { StreamError } from '../core/errors.ts'
import type { LakeReaderPort } from '../core/lake-ports.ts'
import type { ClockPort } from '../core/ports.ts'

const againMs = 5_000

/**
 * The lake that a running pipeline answers questions from. One that is away keeps nobody from starting: it is looked for again and again.
 *
 * Errors: those of opening that a person must mend
 */
export class SessionLake {
  readonly #clock: ClockPort
  #reader: LakeReaderPort | null = null
  #closing = new AbortController()
  #looking: Promise<void> = Promise.resolve()

  constructor (clock: ClockPort = machineClock) { this.#clock = clock }

  /** Null: there is none, or it is away. */
  get reader (): LakeReaderPort | null { return this.#reader }

  async open (opened: () => Promise<LakeReaderPort>): Promise<void> {
    this.#closing = new AbortController()
    try {
      this.#reader = await opened()
    } catch (error) {
      if (!isAway(error)) throw error
      this.#looking = this.#look(opened, this.#closing.signal)
    }
  }

  async close (): Promise<void> {
    this.#closing.abort()
    await this.#looking
    const reader = this.#reader
    this.#reader = null
    await reader?.close()
  }

  /** Never rejects: what is wrong with a lake that has come back is for the pond to say. */
  async #look (opened: () => Promise<LakeReaderPort>, signal: AbortSignal): Promise<void> {
    while (this.#reader === null) {
      await this.#clock.sleep(againMs, signal)
      if (signal.aborted) return
      try {
        this.#reader = await opened()
      } catch (error) {
        if (!isAway(error)) return
      }
    }
  }
}

const isAway = (error: unknown): boolean => error instanceof StreamError && error.action === 'retry'
