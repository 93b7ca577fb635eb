import type { Api } from '../../../connectors/kafka/api.ts'
import { Again } from '../../../connectors/kafka/codes.ts'
import type { Address } from '../../../connectors/kafka/connection.ts'
import type { Lane, Wire } from '../../../connectors/kafka/connections.ts'
import type { ClockPort } from '../../../pipelines/core/ports.ts'
import type { Brokers } from './brokers.ts'
import type { Node } from './nodes.ts'

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

class Way {
  broken = false
  behind: Promise<unknown> = Promise.resolve()
  arrivesMs = 0
  readonly #node: Node
  readonly #life: number

  constructor (node: Node) {
    this.#node = node
    this.#life = node.life
  }

  /** A connection ends with the life of the node at its other end. */
  get isBroken (): boolean { return this.broken || this.isDead }
  get isDead (): boolean { return this.#node.life !== this.#life }
}

/**
 * The network between one process and the brokers. Requests of one lane arrive, and are served, in their order; when one is lost, the connection is
 * broken, and those behind it are lost too. So it is when the broker dies.
 */
export class SimulatedWire implements Wire {
  readonly #brokers: Brokers
  readonly #clock: ClockPort
  readonly #hooks: NetworkHooks
  readonly #ways = new Map<string, Way>()

  /** `clock` is the world's, which goes on while the process stands still. */
  constructor (brokers: Brokers, clock: ClockPort, hooks: NetworkHooks) {
    this.#brokers = brokers
    this.#clock = clock
    this.#hooks = hooks
  }

  async call<Q, A> ({ port }: Address, lane: Lane, asked: Api<Q, A>, request: Q): Promise<A> {
    const { name, handle } = this.#brokers.serving(asked)
    const node = this.#brokers.nodes.at(port)
    const serve = async () => await (handle as (request: Q, port: number) => A | Promise<A>)(request, port)
    await this.#hooks.at(name, 'before')
    const fate = this.#hooks.fate(name)
    if (fate.kind === 'refused' || !node.isUp) throw new Again('nobody listens', false)
    const answered = this.#sent(this.#way(node, lane), serve, fate)
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
      if (way.isBroken) throw new Again('the connection broke', true)
      if (fate.kind === 'lost' || fate.kind === 'late') way.broken = true
      if (fate.kind === 'late') void this.#clock.sleep(fate.ms).then(() => { if (!way.isDead) void serve() })
      const answer = way.isBroken ? null : { of: await serve() }
      if (fate.kind === 'unanswered') way.broken = true
      return answer
    })()
    way.behind = served.catch(() => {})
    const answer = await served
    if (fate.kind !== 'served' || answer === null || way.isBroken) {
      await this.#clock.sleep(noticeMs())
      throw new Again('the connection broke', true)
    }
    await this.#clock.sleep(latencyMs())
    if (way.isBroken) throw new Again('the connection broke', true)
    return answer.of
  }

  /** The connection of a lane, a new one when the last broke. */
  #way (node: Node, lane: Lane): Way {
    const name = `${node.port} ${lane}`
    const held = this.#ways.get(name)
    if (held !== undefined && !held.isBroken) return held
    const made = new Way(node)
    this.#ways.set(name, made)
    return made
  }
}
