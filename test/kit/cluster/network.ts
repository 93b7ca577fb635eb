import type { Api } from '../../../connectors/kafka/api.ts'
import { Again } from '../../../connectors/kafka/codes.ts'
import type { Address } from '../../../connectors/kafka/connection.ts'
import type { Lane, Wire } from '../../../connectors/kafka/connections.ts'
import type { ClockPort } from '../../../pipelines/core/ports.ts'
import type { Brokers } from './brokers.ts'

/**
 * What becomes of a request. `refused`: nobody listens. `lost`: it never arrives, and no answer comes. `unanswered`: it is served, and no answer comes.
 * `late`: no answer comes, and it is served `ms` later, when nobody reckons with it any more.
 */
export type Fate = { readonly kind: 'served' | 'refused' | 'lost' | 'unanswered' } | { readonly kind: 'late', readonly ms: number }

/** Where a request stands: not sent yet; on its way; its answer is there and not read yet. */
export type Stage = 'before' | 'sent' | 'answered'

export interface NetworkHooks {
  /** One way. */
  readonly latencyMs: () => number
  readonly fate: (request: string) => Fate
  /** Until a broken connection is noticed. */
  readonly noticeMs: () => number
  /** Called at every stage of every request: the place to end or stop a process. */
  readonly at: (request: string, stage: Stage) => Promise<void> | void
}

interface Way { broken: boolean, behind: Promise<unknown>, arrivesMs: number }

/**
 * The network between one process and the brokers. Requests of one lane arrive, and are served, in their order; when one is lost, the connection is
 * broken, and those behind it are lost too.
 */
export class SimulatedWire implements Wire {
  readonly #brokers: Brokers
  readonly #clock: ClockPort
  readonly #hooks: NetworkHooks
  readonly #ways = new Map<Lane, Way>()

  /** `clock` is the world's, which goes on while the process stands still. */
  constructor (brokers: Brokers, clock: ClockPort, hooks: NetworkHooks) {
    this.#brokers = brokers
    this.#clock = clock
    this.#hooks = hooks
  }

  async call<Q, A> (_address: Address, lane: Lane, asked: Api<Q, A>, request: Q): Promise<A> {
    const { name, handle } = this.#brokers.serving(asked)
    const serve = async () => await (handle as (request: Q) => A | Promise<A>)(request)
    await this.#hooks.at(name, 'before')
    const fate = this.#hooks.fate(name)
    if (fate.kind === 'refused') throw new Again('nobody listens', false)
    const way = this.#way(lane)
    const answered = this.#sent(way, serve, fate)
    answered.catch(() => {})
    await this.#hooks.at(name, 'sent')
    try {
      const answer = await answered
      await this.#hooks.at(name, 'answered')
      return answer
    } catch (error) {
      await this.#hooks.at(name, 'answered')
      throw error
    }
  }

  async close (): Promise<void> {}

  async #sent<R> (way: Way, serve: () => Promise<R>, fate: Fate): Promise<R> {
    const { latencyMs, noticeMs } = this.#hooks
    const nowMs = this.#clock.monotonicMs()
    way.arrivesMs = Math.max(way.arrivesMs, nowMs + latencyMs())
    const { behind, arrivesMs } = way
    const served = (async () => {
      await Promise.all([this.#clock.sleep(arrivesMs - nowMs), behind])
      if (way.broken) throw new Again('the connection broke', true)
      if (fate.kind === 'lost' || fate.kind === 'late') way.broken = true
      if (fate.kind === 'late') void this.#clock.sleep(fate.ms).then(serve)
      const answer = way.broken ? null : { of: await serve() }
      if (fate.kind === 'unanswered') way.broken = true
      return answer
    })()
    way.behind = served.catch(() => {})
    const answer = await served
    if (fate.kind !== 'served' || answer === null) {
      await this.#clock.sleep(noticeMs())
      throw new Again('the connection broke', true)
    }
    await this.#clock.sleep(latencyMs())
    return answer.of
  }

  /** The connection of a lane, a new one when the last broke. */
  #way (lane: Lane): Way {
    const held = this.#ways.get(lane)
    if (held !== undefined && !held.broken) return held
    const made: Way = { broken: false, behind: Promise.resolve(), arrivesMs: 0 }
    this.#ways.set(lane, made)
    return made
  }
}
