import type { Client } from 'cassandra-driver'
import { StreamError } from '../../pipelines/core/errors.ts'
import { countRequest, createLakeFigures } from '../../pipelines/core/lake-figures.ts'
import { sendFrame } from './driver.ts'
import { failureOf, lakeError } from './errors.ts'
import { Flow, type FlowOptions } from './flow.ts'
import { frameOf, halves, routingKey, type Run, runsOf } from './frames.ts'
import type { StagedRows } from './staged.ts'

export interface SenderOptions extends FlowOptions {
  readonly keyspace: string
  /** The driver's number for it. */
  readonly consistency: number
  /** Of a request with more than one row. */
  readonly frameBytesMax: number
}
export interface RefusedRow { readonly rows: StagedRows, readonly row: number, readonly error: StreamError }
/** Told of each failure that is waited out, once failing has lasted a moment; false: give up. */
export type Waiting = (error: StreamError, pauseMs: number) => boolean

const frameBytesMin = 4_096
const quietMs = 1_000
const breatheEveryMs = 4

/**
 * Sends rows until every one is stored or refused for its own sake. A server that is away, slow or full is waited for: rows are the same when
 * they are written twice.
 *
 * Delivery: resolves once all rows are durable at the consistency asked for; their order means nothing, since each has its own write timestamp
 * Limits:   requests under way by `Flow`; their frames are used again
 * Errors:   LAKE_REFUSED and what `waiting` gives up on; LAKE_UNAVAILABLE after `close`
 */
export class Sender {
  readonly #client: Client
  readonly #options: SenderOptions
  readonly #flow: Flow
  readonly #limits: { bytesMax: number }
  readonly #frames: Uint8Array[] = []
  #breathedMs = performance.now()
  readonly #closing = new AbortController()
  readonly figures = createLakeFigures()

  constructor (client: Client, options: SenderOptions) {
    this.#client = client
    this.#options = options
    this.#flow = new Flow(options)
    this.#limits = { bytesMax: options.frameBytesMax }
  }

  async send (tables: readonly StagedRows[], waiting: Waiting = () => true): Promise<readonly RefusedRow[]> {
    const round = new Round(runsOf(tables, this.#limits))
    try {
      while (!round.isDone) {
        if (round.failure !== null) throw round.failure
        await this.#patience(round, waiting)
        const run = round.active < this.#flow.inFlightMax ? round.take() : null
        if (run === null) {
          if (round.active > 0) await round.one()
        } else {
          void this.#one(run, round)
          await this.#breathe()
        }
      }
    } finally {
      // Their rows may be gone when this returns: what is under way reads none, but a failed one would be sent again.
      while (round.active > 0) await round.one()
    }
    if (round.failure !== null) throw round.failure
    return round.refused
  }

  close (): void { this.#closing.abort() }

  /** A full window of requests takes ten milliseconds to send: the rest of the process, alerts above all, has its turn. */
  async #breathe (): Promise<void> {
    if (performance.now() - this.#breathedMs < breatheEveryMs) return
    await new Promise(resolve => { setImmediate(resolve) })
    this.#breathedMs = performance.now()
  }

  /** After a failure: one request at a time, each after a pause. */
  async #patience (round: Round, waiting: Waiting): Promise<void> {
    const { signal } = this.#closing
    if (signal.aborted) throw new StreamError('LAKE_UNAVAILABLE', { why: 'closed' })
    if (round.error === null || this.#flow.failures === 0 || round.active > 0) return
    const error = round.error
    round.error = null
    const pauseMs = this.#flow.pauseMs(Math.random())
    if (performance.now() - (this.#flow.failingSinceMs ?? performance.now()) >= quietMs && !waiting(error, pauseMs)) throw error
    await pause(pauseMs, signal)
    if (signal.aborted) throw new StreamError('LAKE_UNAVAILABLE', { why: 'closed' })
  }

  /** Never rejects. */
  async #one (run: Run, round: Round): Promise<void> {
    const { figures } = this
    const { consistency, keyspace, frameBytesMax } = this.#options
    const buffer = this.#frames.pop() ?? new Uint8Array(frameBytesMax + frameBytesMin)
    const frame = frameOf(run, consistency, buffer)
    const [sentMs, failures] = [performance.now(), this.#flow.failures]
    round.active += 1
    figures.inFlight = round.active
    figures.inFlightMax = Math.max(figures.inFlightMax, round.active)
    try {
      await sendFrame(this.#client, frame, { keyspace, consistency, routingKey: routingKey(run.rows.partitionOf(run.group)) })
      const tookMs = performance.now() - sentMs
      this.#flow.succeeded(tookMs)
      countRequest(figures, tookMs)
      figures.requests += 1
      figures.rows += run.count
      figures.bytes += frame.length
    } catch (error) {
      this.#failed(run, round, { error, failures })
    }
    this.#frames.push(buffer)
    round.active -= 1
    figures.inFlight = round.active
    round.wake()
  }

  #failed (run: Run, round: Round, { error, failures }: { readonly error: unknown, readonly failures: number }): void {
    const { outcome } = failureOf(error)
    const said = lakeError(error, { table: run.rows.table })
    if (outcome === 'refused') {
      round.failure = said
    } else if (outcome === 'large' && run.count === 1) {
      round.refused.push({ rows: run.rows, row: run.first, error: said })
    } else if (outcome === 'large') {
      this.#limits.bytesMax = Math.max(frameBytesMin, this.#limits.bytesMax / 2)
      round.again.push(...halves(run))
    } else {
      this.#flow.failed(performance.now(), failures)
      this.figures.retries += 1
      round.error = said
      round.again.push(run)
    }
  }
}

/** What is left of one call. */
class Round {
  readonly again: Run[] = []
  readonly refused: RefusedRow[] = []
  active = 0
  /** Ends the call. */
  failure: StreamError | null = null
  /** The last one that is waited out. */
  error: StreamError | null = null
  readonly #runs: Iterator<Run>
  #ahead: Run | null
  #woken = Promise.withResolvers<void>()

  constructor (runs: Iterator<Run>) {
    this.#runs = runs
    this.#ahead = this.#next()
  }

  get isDone (): boolean { return this.#ahead === null && this.again.length === 0 && this.active === 0 }

  take (): Run | null {
    const failed = this.again.pop()
    if (failed !== undefined) return failed
    const run = this.#ahead
    if (run !== null) this.#ahead = this.#next()
    return run
  }

  /** Resolves when a request has ended. */
  one (): Promise<void> { return this.#woken.promise }

  wake (): void {
    this.#woken.resolve()
    this.#woken = Promise.withResolvers()
  }

  #next (): Run | null {
    const { done, value } = this.#runs.next()
    return done === true ? null : value
  }
}

function pause (ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
