import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort } from '../../pipelines/core/ports.ts'
import type { Api } from './api.ts'
import { Again, check } from './codes.ts'
import type { Address, ConnectionSettings } from './connection.ts'
import { Connections, type Lane, type Wire } from './connections.ts'
import { apiVersions, findCoordinator, metadata } from './requests.ts'

const pauseMs = 5
const pauseMaxMs = 500

export interface ClusterOptions {
  readonly brokers: readonly Address[]
  readonly clientId: string
  readonly connection: ConnectionSettings
  readonly clock: ClockPort
  /** How long a step is tried again before it is an error. */
  readonly patienceMs: number
  /** How long what is known of a topic counts. */
  readonly metadataAgeMs: number
  readonly joinTimeoutMs: number
  /** Instead of connections of its own. */
  readonly wire?: Wire | undefined
}

export interface TopicPlace { readonly id: string, readonly name: string, readonly leaders: readonly number[], /** Partitions that were not there when the topic was first asked for. */ readonly added: number }
type Coordinated = 'group' | 'transaction'

/**
 * Who leads what, and a way to ask them.
 *
 * State:  topics, leaders and coordinators as last heard; forgotten when an answer says they are wrong
 * Limits: what passes by itself is tried again for `patienceMs`
 * Errors: KAFKA_UNREACHABLE, KAFKA_DENIED, LOG_TOPIC_UNKNOWN
 */
export class Cluster {
  readonly #options: ClusterOptions
  readonly #wire: Wire
  readonly #nodes = new Map<number, Address>()
  readonly #topics = new Map<string, TopicPlace & { readonly atMs: number }>()
  readonly #coordinators = new Map<string, Address>()
  /** Topics as they were first read: one made anew under the same name is not the same, and one with more partitions has other keys in each. */
  readonly #pinned = new Map<string, { readonly id: string, readonly partitions: number }>()
  readonly #closing = new AbortController()

  constructor (options: ClusterOptions) {
    this.#options = options
    this.#wire = options.wire ?? new Connections(options)
  }

  async close (): Promise<void> {
    this.#closing.abort()
    await this.#wire.close()
  }

  get isClosed (): boolean { return this.#closing.signal.aborted }

  /** Try until it is done, or is an error that does not pass, or patience is at its end. */
  async retry<T> (what: string, attempt: () => Promise<T>, { patienceMs = this.#options.patienceMs, signal }: { readonly patienceMs?: number, readonly signal?: AbortSignal | undefined } = {}): Promise<T> {
    const { clock } = this.#options
    const beganMs = clock.monotonicMs()
    for (let pause = pauseMs; ; pause = Math.min(pause * 2, pauseMaxMs)) {
      if (this.isClosed) throw new StreamError('LOG_CLOSED')
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof Again)) throw error
        if (clock.monotonicMs() - beganMs + pause > patienceMs || signal?.aborted) throw unreachable(what, error, clock.monotonicMs() - beganMs)
      }
      await clock.sleep(pause, signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]))
    }
  }

  /** Ask the leader of a partition. An answer that is `Again` forgets who leads. */
  async atLeader<T> (topic: string, partition: number, ask: (address: Address, place: TopicPlace) => Promise<T>): Promise<T> {
    const place = await this.topicPlace(topic)
    const leader = place.leaders[partition]
    if (leader === undefined) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic, partition, partitions: place.leaders.length })
    try {
      return await ask(this.address(leader), place)
    } catch (error) {
      if (error instanceof Again) this.forget(topic)
      throw error
    }
  }

  /** Errors: Again when the partition has no leader that is known */
  address (node: number): Address {
    const address = this.#nodes.get(node)
    if (address === undefined) throw new Again(`broker ${node} is not there`, false)
    return address
  }

  forget (topic: string): void { this.#topics.delete(topic) }

  /** The topic is known to be gone or made by us: another id is right. */
  unpin (topic: string): void {
    this.forget(topic)
    this.#pinned.delete(topic)
  }

  /** Errors: LOG_TOPIC_UNKNOWN, also when the topic was made anew since it was first asked for; Again */
  async topicPlace (name: string): Promise<TopicPlace> {
    const held = this.#topics.get(name)
    if (held !== undefined && this.#options.clock.monotonicMs() - held.atMs < this.#options.metadataAgeMs) return held
    const found = await this.findTopic(name)
    if (found === null) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic: name })
    const pinned = this.#pinned.get(name) ?? { id: found.id, partitions: found.leaders.length }
    if (pinned.id !== found.id) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic: name, why: 'it was deleted and made anew', was: pinned.id, is: found.id })
    this.#pinned.set(name, pinned)
    const place = { ...found, added: found.leaders.length - pinned.partitions, atMs: this.#options.clock.monotonicMs() }
    this.#topics.set(name, place)
    return place
  }

  /** As the cluster knows it now; null when there is none. Errors: Again, KAFKA_DENIED */
  async findTopic (name: string): Promise<TopicPlace | null> { return (await this.#metadata([name]))[0] ?? null }

  async allTopics (): Promise<readonly TopicPlace[]> { return this.#metadata(null) }

  /** Ask whichever broker answers. */
  async anywhere<Q, A> (lane: Lane, asked: Api<Q, A>, request: Q): Promise<A> {
    const known = [...this.#nodes.values()]
    let failure: unknown
    for (const address of [...known, ...this.#options.brokers]) {
      try {
        return await this.call(address, lane, asked, request)
      } catch (error) {
        if (!(error instanceof Again)) throw error
        failure = error
      }
    }
    throw failure
  }

  call<Q, A> (address: Address, lane: Lane, asked: Api<Q, A>, request: Q): Promise<A> { return this.#wire.call(address, lane, asked, request) }

  /** Ask the coordinator of a group or transactional id. An answer that is `Again` forgets who coordinates. */
  async atCoordinator<T> (kind: Coordinated, key: string, ask: (address: Address) => Promise<T>): Promise<T> {
    const name = `${kind} ${key}`
    const address = this.#coordinators.get(name) ?? await this.#findCoordinator(kind, key)
    this.#coordinators.set(name, address)
    try {
      return await ask(address)
    } catch (error) {
      if (error instanceof Again && error.message !== 'CONCURRENT_TRANSACTIONS') this.#coordinators.delete(name)
      throw error
    }
  }

  /** Features that the cluster has finalised, by name, with their level. */
  async features (): Promise<ReadonlyMap<string, number>> {
    const { errorCode, finalizedFeatures } = await this.anywhere('control', apiVersions, {})
    check(errorCode, { what: 'versions' })
    return new Map(finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]))
  }

  /** Whether every broker of the cluster takes a request in this version; one that does not answer is taken for one that does not. */
  async offeredByAll (key: number, version: number): Promise<boolean> {
    const offers = async (address: Address) => (await this.call(address, 'control', apiVersions, {})).apiKeys.some(one => one.apiKey === key && one.maxVersion >= version)
    const answers = await Promise.allSettled([...this.#nodes.values()].map(offers))
    return answers.length > 0 && answers.every(answer => answer.status === 'fulfilled' && answer.value)
  }

  async #findCoordinator (kind: Coordinated, key: string): Promise<Address> {
    const { coordinators: [found] } = await this.anywhere('control', findCoordinator, { keyType: kind === 'group' ? 0 : 1, coordinatorKeys: [key] })
    if (found === undefined) throw new Again('no coordinator', false)
    check(found.errorCode, { [kind]: key, needs: 'DESCRIBE' })
    return { host: found.host, port: found.port }
  }

  async #metadata (names: readonly string[] | null): Promise<readonly TopicPlace[]> {
    const { brokers, topics } = await this.anywhere('control', metadata, { topics: names?.map(name => ({ name })) ?? null })
    if (brokers.length > 0) this.#nodes.clear()
    for (const { nodeId, host, port } of brokers) this.#nodes.set(nodeId, { host, port })
    return topics.flatMap(({ errorCode, name, topicId, isInternal, partitions }) => {
      if (name === null || isInternal || errorCode === unknownTopic) return []
      check(errorCode, { topic: name, needs: 'DESCRIBE' })
      const leaders = Array.from<number>({ length: partitions.length })
      for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId
      return [{ id: topicId, name, leaders, added: 0 }]
    })
  }
}

const unknownTopic = 3

function unreachable (what: string, again: Again, afterMs: number): StreamError {
  return new StreamError('KAFKA_UNREACHABLE', { what, afterMs: Math.round(afterMs), why: again.message }, { cause: again.cause ?? again })
}
