import type { ClockPort } from '../../pipelines/core/ports.ts'
import type { Point } from '../../pipelines/runtime/points.ts'

/** The process is dead: what its code throws on the way out is of no interest to anybody. */
export class Killed extends Error {}

/** Runtime points, and `request:stage` of the network. */
export type Place = Point | `${string}:${'before' | 'sent' | 'answered'}`
export interface ProcessHooks {
  /** Told of every place that the process comes to, while it lives. */
  readonly at: (process: SimulatedProcess, place: Place) => void
}

/**
 * What makes a process: it can be killed, and it can be stopped for a while, as SIGSTOP does. Its code runs on when a timer goes off or an answer
 * comes, so both pass through here. Answers and timers of one that is stopped wait; those of one that is dead never come.
 */
export class SimulatedProcess implements ClockPort {
  readonly name: string
  isAlive = true
  /** Of its machine's wall clock. */
  skewMs = 0
  readonly #world: ClockPort
  readonly #hooks: ProcessHooks
  #stopped: (() => void)[] | null = null

  constructor (name: string, world: ClockPort, hooks: ProcessHooks) {
    this.name = name
    this.#world = world
    this.#hooks = hooks
  }

  wallMs (): number { return this.#world.wallMs() + this.skewMs }
  monotonicMs (): number { return this.#world.monotonicMs() }

  sleep (ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.isAlive) return never()
    if (ms <= 0 || signal?.aborted) return Promise.resolve()
    return this.#world.sleep(ms, signal).then(() => this.gate())
  }

  /** Where code of the process goes on: at once, later, or never. */
  gate (): Promise<void> | void {
    if (!this.isAlive) return never()
    const stopped = this.#stopped
    if (stopped !== null) return new Promise<void>(resolve => { stopped.push(resolve) }).then(() => this.gate())
  }

  get isStopped (): boolean { return this.#stopped !== null }
  stop (): void { this.#stopped ??= [] }

  continue (): void {
    const stopped = this.#stopped ?? []
    this.#stopped = null
    for (const wake of stopped) wake()
  }

  kill (): void {
    this.isAlive = false
    this.#stopped = null
  }

  /** A place in code that awaits nothing. */
  at (place: Point): void {
    if (this.isAlive) this.#hooks.at(this, place)
    if (!this.isAlive) throw new Killed(place)
  }

  /** A place in what waits for the network. */
  passing (request: string, stage: 'before' | 'sent' | 'answered'): Promise<void> | void {
    if (this.isAlive && this.#stopped === null) this.#hooks.at(this, `${request}:${stage}`)
    return this.gate()
  }
}

const never = (): Promise<never> => new Promise(() => {})
