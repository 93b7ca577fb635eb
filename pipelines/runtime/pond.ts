import { StreamError } from '../core/errors.ts'
import type { LakeFigures } from '../core/lake-figures.ts'
import type { LakePort } from '../core/lake-ports.ts'
import type { Headers } from '../core/record-batch.ts'
import { isOfLake } from './lake-wait.ts'
import type { LegPlan } from './lead.ts'
import { PondRun } from './pond-run.ts'
import { copyStatus, createStatus, type LegStatus, resetStatus } from './status.ts'
import { type RetryPolicy, retryDefaults, supervise } from './supervise.ts'

type Control = Parameters<LakePort['addEvents']>[0][number]
export type Letter = Parameters<LakePort['addDeadLetters']>[0][number]
type Late = Parameters<LakePort['addLate']>[0][number]

/** Values of the race's topics, read back; null for a record that is not one of ours. */
export interface PondCodecs {
  readonly event: (value: Uint8Array) => Control | null
  readonly deadLetter: (value: Uint8Array) => Letter | null
  readonly late: (value: Uint8Array) => Late | null
  /** A record of the dead-letter topic, for what the lake cannot take; absent where a lake takes everything. */
  readonly refused?: (letter: Letter) => Promise<{ readonly key: Uint8Array | null, readonly value: Uint8Array, readonly headers: Headers }>
}

export interface PondOptions {
  readonly codecs: PondCodecs
  readonly lake: LakePort
  /** Name in the group of ponds, where other processes may run one: only one of them does. Absent where the log belongs to this process. */
  readonly member?: string
  readonly commitEveryMs: number
  readonly snapshotEveryMs: number
  readonly expireEveryMs: number
  readonly retry?: Partial<RetryPolicy>
  /** Told of every new beginning after an error. */
  readonly onRetry?: (error: StreamError, pauseMs: number) => void
  /** Told what people should know: that it waits for the lake, and how long it can. */
  readonly onWarning?: (text: string) => void
}

/** What the lake holds since this leg started, as committed. */
export interface PondStatus extends LegStatus { readonly stored: { readings: number, rollups: number, events: number } }

/**
 * The slow leg: readings, rollups, events, dead letters and late readings into the lake.
 *
 * Delivery: rows and positions are one transaction of the lake; journal entries are in the log before the transaction of their first effect
 * Errors:   one of the world around it (a full disk, a lake that is down) begins the leg anew from what is committed; any other one ends `run`
 */
export class PondLeg {
  readonly status: PondStatus = { ...createStatus(), stored: { readings: 0, rollups: 0, events: 0 } }
  /** As of the last commit: never goes back. */
  committed: LegStatus = copyStatus(this.status)
  readonly #plan: LegPlan
  readonly #options: PondOptions

  constructor (plan: LegPlan, options: PondOptions) {
    this.#plan = plan
    this.#options = options
  }

  get lakeFigures (): Readonly<LakeFigures> | null { return this.#options.lake.figures ?? null }

  /** Run until `signal` aborts, then drain: what was fetched is stored and snapshotted. `ready` is called when reading begins. */
  async run (signal: AbortSignal, ready: () => void = () => {}): Promise<void> {
    const { status } = this
    const { health } = status
    const { clock } = this.#plan
    const onRetry = (error: StreamError, pauseMs: number) => {
      resetStatus(status, { ...this.committed, retries: status.retries + 1 })
      Object.assign(health, { readingSinceMs: null, trouble: { code: error.code, message: error.message, sinceMs: health.trouble?.sinceMs ?? clock.wallMs() } })
      this.#options.onRetry?.(error, pauseMs)
    }
    await supervise({ ...retryDefaults, ...this.#options.retry, clock, signal, onRetry, isPatient: isOfLake }, async stepped => {
      this.#options.lake.discard()
      const run = new PondRun(this.#plan, this.#options, status)
      await this.#untilStopped(signal, () => run.run(signal, {
        ready: () => {
          health.readingSinceMs = clock.wallMs()
          ready()
        },
        committed: now => {
          this.committed = now
          health.trouble = null
          stepped()
        },
      }))
    })
  }

  /** A lake that is away keeps nobody from stopping: the rest is still in the log, and positions have not moved. */
  async #untilStopped (signal: AbortSignal, run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      if (!signal.aborted || !(error instanceof StreamError) || !isOfLake(error)) throw error
      this.#options.onWarning?.(`The pond has stopped without its lake; what is not stored is stored after the next start: ${error.message}`)
    }
  }
}
