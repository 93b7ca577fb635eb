import { Worker } from 'node:worker_threads'
import type { ControlEvent } from '../../schemas/control-event.ts'
import { type ErrorCode, StreamError } from '../core/errors.ts'
import type { RunningRace } from './engine.ts'
import type { KafkaFacts } from './kafka.ts'
import type { LegHealth, TaskStatus } from '../runtime/health.ts'
import { createStatus, type LegStatus, mergeStatus } from '../runtime/status.ts'

export interface ThreadedRaceOptions {
  readonly threads: number
  readonly facts: KafkaFacts
  /** Its file: each thread loads it. */
  readonly definition: string
  readonly folder: string
  /** Threads are members of their own: `<member>.<thread>`. */
  readonly member: string
  readonly reset: readonly string[]
  readonly standby: boolean
  readonly onEvent: (event: ControlEvent) => void
}

/** What a thread begins with. */
export interface ThreadStart extends Omit<ThreadedRaceOptions, 'threads' | 'onEvent'> { readonly everyMs: number }
/** A status that can leave its thread. */
export interface PlainStatus extends Omit<LegStatus, 'health'> { readonly health: Omit<LegHealth, 'tasks'> & { readonly tasks: readonly TaskStatus[] } }
/** What a thread says. Events are those for people to see: the newest of each interval, the others are counted by the status. */
export type ThreadSaid =
  | { readonly kind: 'ready' }
  | { readonly kind: 'now', readonly status: PlainStatus, readonly committed: Omit<LegStatus, 'health'>, readonly events: readonly ControlEvent[] }
  | { readonly kind: 'failed', readonly code: ErrorCode | null, readonly details: Readonly<Record<string, unknown>>, readonly message: string }

const everyMs = 250
const entry = new URL(import.meta.url.endsWith('.ts') ? './race-thread.ts' : './race-thread.js', import.meta.url)

/**
 * A race on several threads, each a worker of the group with a share of the partitions, and a connection of its own to the cluster.
 *
 * Errors: what ends one thread ends them all
 */
export class ThreadedRace implements RunningRace {
  status: LegStatus = createStatus()
  readonly #options: ThreadedRaceOptions
  committed: LegStatus = createStatus()
  readonly #statuses: { status: LegStatus, committed: LegStatus }[] = []

  constructor (options: ThreadedRaceOptions) { this.#options = options }

  async run (signal: AbortSignal, ready: () => void = () => {}): Promise<void> {
    const { threads } = this.#options
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    let waiting = threads
    const oneReady = () => { if ((waiting -= 1) === 0) ready() }
    const running = Array.from({ length: threads }, (_, thread) => this.#run(thread, either, oneReady))
    for (const one of running) one.catch(() => { stop.abort() })
    const ends = await Promise.allSettled(running)
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  #run (thread: number, signal: AbortSignal, ready: () => void): Promise<void> {
    const { facts, definition, folder, member, reset, standby } = this.#options
    const workerData: ThreadStart = { facts, definition, folder, member: `${member}.${thread + 1}`, reset, standby, everyMs }
    const worker = new Worker(entry, { workerData })
    this.#statuses[thread] = { status: createStatus(), committed: createStatus() }
    const stop = () => { worker.postMessage('stop') }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    return new Promise<void>((resolve, reject) => {
      let failure: Error | null = null
      worker.on('message', (said: ThreadSaid) => {
        if (said.kind === 'ready') ready()
        else if (said.kind === 'failed') failure = said.code === null ? new Error(said.message) : new StreamError(said.code, said.details)
        else this.#told(thread, said)
      })
      worker.on('error', reject)
      worker.on('exit', code => {
        signal.removeEventListener('abort', stop)
        if (failure !== null) reject(failure)
        else if (code === 0) resolve()
        else reject(new Error(`worker thread ${thread + 1} ended with ${code}`))
      })
    })
  }

  #told (thread: number, { status, committed, events }: ThreadSaid & { readonly kind: 'now' }): void {
    const { tasks } = status.health
    const health = { ...status.health, tasks: () => tasks }
    this.#statuses[thread] = { status: { ...status, health }, committed: { ...committed, health } }
    this.status = mergeStatus(this.#statuses.map(({ status }) => status))
    this.committed = mergeStatus(this.#statuses.map(({ committed }) => committed))
    for (const event of events) this.#options.onEvent(event)
  }
}
