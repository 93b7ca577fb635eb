import type { StreamError } from '../core/errors.ts'
import type { DeadLetterOutput, EventOutput, LateOutput } from '../core/outputs.ts'
import type { Headers } from '../core/record-batch.ts'
import type { LegPlan, Place } from './lead.ts'
import { RaceRun } from './race-run.ts'
import { copyStatus, createStatus, type LegStatus, resetStatus } from './status.ts'
import { type RetryPolicy, retryDefaults, supervise } from './supervise.ts'

export type ControlEvent = EventOutput['event']

export interface Encoded {
  readonly key: Uint8Array | null
  readonly value: Uint8Array
  readonly headers: Headers
  /** Where it goes, when not to the topic of its kind and the partition of its key. */
  readonly to?: { readonly topic: string, readonly partition: number }
}

/** How outputs look on their topics: Avro, with ids of the registry. */
export interface RaceCodecs {
  readonly event: (event: ControlEvent) => Encoded
  readonly late: (late: LateOutput, place: Place) => Encoded
  readonly deadLetter: (letter: DeadLetterOutput, place: Place) => Encoded
}

export interface RaceOptions {
  readonly codecs: RaceCodecs
  readonly member: string
  /** Read the states of other workers' tasks ahead, so that they are soon restored when one of them goes. They are in memory then. */
  readonly standby?: boolean
  readonly snapshotEveryMs: number
  /** Without output, positions are committed this often. */
  readonly commitEveryMs: number
  /** Called with every event as it is committed, for those who watch. */
  readonly onEvent?: (event: ControlEvent) => void
  readonly retry?: Partial<RetryPolicy>
  /** Told of every new beginning after an error. */
  readonly onRetry?: (error: StreamError, pauseMs: number) => void
}

/**
 * The fast leg: readings to control events, dead letters and late readings.
 *
 * Delivery: exactly once: outputs, positions and journal of a round go into one commit; state is restored from snapshot and input
 * Errors:   one of the world around it (a full disk) begins the leg anew from what is committed; any other one ends `run`
 */
export class RaceLeg {
  readonly status: LegStatus = createStatus()
  /** As of the last commit: never goes back. */
  committed: LegStatus = copyStatus(this.status)
  readonly #plan: LegPlan
  readonly #options: RaceOptions

  constructor (plan: LegPlan, options: RaceOptions) {
    this.#plan = plan
    this.#options = options
  }

  /** Run until `signal` aborts, then drain: what was fetched is finished, committed and snapshotted. `ready` is called when reading begins. */
  async run (signal: AbortSignal, ready: () => void = () => {}): Promise<void> {
    const { status } = this
    const { health } = status
    const { clock } = this.#plan
    const onRetry = (error: StreamError, pauseMs: number) => {
      resetStatus(status, { ...this.committed, retries: status.retries + 1 })
      Object.assign(health, { readingSinceMs: null, trouble: { code: error.code, message: error.message, sinceMs: health.trouble?.sinceMs ?? clock.wallMs() } })
      this.#options.onRetry?.(error, pauseMs)
    }
    await supervise({ ...retryDefaults, ...this.#options.retry, clock, signal, onRetry }, async stepped => {
      const run = new RaceRun(this.#plan, this.#options, status)
      await run.run(signal, {
        ready: () => {
          health.readingSinceMs = clock.wallMs()
          ready()
        },
        committed: now => {
          this.committed = now
          health.trouble = null
          stepped()
        },
      })
    })
  }
}
