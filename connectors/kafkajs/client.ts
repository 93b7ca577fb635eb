import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort } from '../../pipelines/core/ports.ts'
import { passes, rootOf, translated } from './errors.ts'
import type { Broker, Cluster } from './inner.ts'

const pauseMs = 5
const pauseMaxMs = 500
const metadataAgeMs = 300_000

/**
 * Who leads what, asked of kafkajs.
 *
 * State:  leaders as last heard; forgotten when an answer says they are wrong
 * Limits: what passes by itself is tried again for `patienceMs`
 * Errors: KAFKA_UNREACHABLE, KAFKA_DENIED, LOG_TOPIC_UNKNOWN
 */
export class Client {
  readonly #cluster: Cluster
  readonly #clock: ClockPort
  readonly #patienceMs: number
  readonly #leaders = new Map<string, { readonly nodes: readonly number[], readonly atMs: number }>()
  readonly #closing = new AbortController()

  constructor (cluster: Cluster, { clock, patienceMs }: { readonly clock: ClockPort, readonly patienceMs: number }) {
    this.#cluster = cluster
    this.#clock = clock
    this.#patienceMs = patienceMs
  }

  async connect (): Promise<void> { await this.retry('connect', () => this.#cluster.connect()) }

  async close (): Promise<void> {
    this.#closing.abort()
    await this.#cluster.disconnect().catch(() => {})
  }

  async retry<T> (what: string, attempt: () => Promise<T>, { signal, details = {} }: { readonly signal?: AbortSignal | undefined, readonly details?: Readonly<Record<string, unknown>> } = {}): Promise<T> {
    const beganMs = this.#clock.monotonicMs()
    for (let pause = pauseMs; ; pause = Math.min(pause * 2, pauseMaxMs)) {
      if (this.#closing.signal.aborted) throw new StreamError('LOG_CLOSED')
      try {
        return await attempt()
      } catch (error) {
        const afterMs = this.#clock.monotonicMs() - beganMs
        if (!passes(error) || afterMs + pause > this.#patienceMs || signal?.aborted) throw translated(error, { what, ...details, ...passes(error) && { afterMs: Math.round(afterMs) } })
      }
      await this.#clock.sleep(pause, signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]))
    }
  }

  /** Nodes that lead the partitions of a topic, in order; null when there is no such topic. */
  async leaders (topic: string): Promise<readonly number[] | null> {
    const held = this.#leaders.get(topic)
    if (held !== undefined && this.#clock.monotonicMs() - held.atMs < metadataAgeMs) return held.nodes
    try {
      const said = await this.#cluster.metadata({ topics: [topic] })
      if (said === null) {
        // kafkajs keeps to itself what the broker said, usually that the topic has gone: asked after everything anew, it tells.
        await this.#cluster.refreshMetadata()
        throw Object.assign(new Error('no metadata'), { type: 'LEADER_NOT_AVAILABLE' })
      }
      const { topicMetadata: [found] } = said
      const nodes: number[] = []
      for (const { partitionId, leader } of found?.partitionMetadata ?? []) nodes[partitionId] = leader
      this.#leaders.set(topic, { nodes, atMs: this.#clock.monotonicMs() })
      return nodes
    } catch (error) {
      if (rootOf(error).type === 'UNKNOWN_TOPIC_OR_PARTITION') return null
      throw error
    }
  }

  forget (topic: string): void { this.#leaders.delete(topic) }

  /** Errors: LOG_TOPIC_UNKNOWN, and what kafkajs throws */
  async leader (topic: string, partition: number): Promise<Broker> {
    const nodes = await this.leaders(topic)
    const nodeId = nodes?.[partition]
    if (nodeId === undefined) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic, ...nodes !== null && { partition, partitions: nodes.length } })
    return this.#cluster.findBroker({ nodeId })
  }

  /** Ask the leader until it answers. */
  async atLeader<T> (what: string, topic: string, partition: number, ask: (broker: Broker) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.retry(what, async () => {
      try {
        return await ask(await this.leader(topic, partition))
      } catch (error) {
        if (!(error instanceof StreamError)) this.forget(topic)
        if (rootOf(error).name === 'KafkaJSConnectionClosedError') await this.#cluster.refreshMetadata().catch(() => {})
        throw error
      }
    }, { signal, details: { topic, partition } })
  }

  async coordinator (group: string): Promise<Broker> { return this.#cluster.findGroupCoordinator({ groupId: group }) }
}
