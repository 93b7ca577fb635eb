import type { ClockPort, Committed, Fetched, FetchRequest, JoinRequest, LogPort, Membership, TopicInfo, TopicSpec } from '../../pipelines/core/ports.ts'
import { Appender } from './appender.ts'
import { Cluster } from './cluster.ts'
import { Again, check } from './codes.ts'
import type { KafkaSettings } from './config.ts'
import type { Wire } from './connections.ts'
import { crc32c } from './crc.ts'
import { Fetcher } from './fetcher.ts'
import { committedOffset, type JoinFacts } from './group.ts'
import { KafkaGroups } from './groups.ts'
import { Member } from './member.ts'
import { unpackMetadata } from './metadata.ts'
import { checkName } from './names.ts'
import { deleteRecords, earliest, latest, listOffsets, readCommitted, readUncommitted } from './requests.ts'
import { LocalSeat, type SeatEvents } from './seat.ts'
import { parcel } from './stamp.ts'
import { takeThreadSeat } from './thread-seat.ts'
import { Topics } from './topics.ts'
import type { Written } from './transactions.ts'

const deleteTimeoutMs = 15_000
/** How long `range` waits for the markers of our own commits before it gives what there is. */
const markersMs = 2_000

/**
 * Open the log that a Kafka cluster is.
 *
 * Delivery: a commit is one transaction, of the protocol that the cluster has finalised. `range` counts what this log has committed; a fetch may show it some milliseconds later
 * Limits:   fetches and appends of any number may be under way; a batch at most `batchBytesMax`
 * Errors:   KAFKA_UNREACHABLE, KAFKA_DENIED; KAFKA_VERSION when brokers are older than 3.3
 */
export async function openKafkaLog (settings: KafkaSettings & { readonly clock: ClockPort, readonly wire?: Wire }): Promise<LogPort> {
  const { clock, wire, brokers, clientId, connection, patienceMs, metadataAgeMs, rebalanceTimeoutMs } = settings
  const cluster = new Cluster({ brokers, clientId, connection, clock, wire, patienceMs, metadataAgeMs, joinTimeoutMs: rebalanceTimeoutMs + settings.requestTimeoutMs })
  try {
    await cluster.retry('connect', () => cluster.features())
    return new KafkaLog(cluster, settings, { clock, onThread: wire === undefined })
  } catch (error) {
    await cluster.close()
    throw error
  }
}

class KafkaLog implements LogPort {
  readonly name: string
  readonly #cluster: Cluster
  readonly #settings: KafkaSettings
  readonly #clock: ClockPort
  /** Seats are kept by threads, which have a network of their own. */
  readonly #onThread: boolean
  readonly #topics: Topics
  readonly #fetcher: Fetcher
  readonly #appender: Appender
  readonly groups: KafkaGroups
  readonly #members = new Map<string, Member>()
  /** Ends of what this log has committed and not yet seen: their markers may still be on their way. */
  readonly #written = new Map<string, number>()

  constructor (cluster: Cluster, settings: KafkaSettings, { clock, onThread }: { readonly clock: ClockPort, readonly onThread: boolean }) {
    this.name = `kafka ${settings.brokers.map(({ host, port }) => `${host}:${port}`).join(',')}`
    this.#cluster = cluster
    this.#settings = settings
    this.#clock = clock
    this.#onThread = onThread
    const { topicPrefix: prefix, replication, batchBytesMax, decompressedBytesMax, requestTimeoutMs } = settings
    this.groups = new KafkaGroups(cluster, prefix)
    this.#topics = new Topics(cluster, { prefix, replication, batchBytesMax })
    this.#fetcher = new Fetcher(cluster, { clock, crc: crc32c, decompressedBytesMax })
    this.#appender = new Appender(cluster, { crc: crc32c, timeoutMs: requestTimeoutMs })
  }

  async createTopic (spec: TopicSpec): Promise<TopicInfo> { return this.#topics.create(spec) }

  async deleteTopic (name: string): Promise<void> {
    await this.#topics.delete(name)
    const full = this.#topics.full(name)
    for (const key of this.#written.keys()) if (key.endsWith(` ${full}`)) this.#written.delete(key)
  }

  async topics (): Promise<readonly TopicInfo[]> { return this.#topics.all() }
  async topic (name: string): Promise<TopicInfo | null> { return this.#topics.find(name) }

  async range (topic: string, partition: number, { settled = false }: { readonly settled?: boolean } = {}): Promise<{ readonly start: number, readonly end: number }> {
    const full = this.#topics.full(topic)
    const key = `${partition} ${full}`
    const written = this.#written.get(key) ?? 0
    const wanted = settled ? await this.#cluster.retry(`find the end of ${topic}/${partition}`, () => this.#listOffset(full, partition, latest, readUncommitted)) : written
    const untilMs = settled ? Number.POSITIVE_INFINITY : this.#clock.monotonicMs() + markersMs
    return this.#cluster.retry(`find the ends of ${topic}/${partition}`, async () => {
      const [start, end] = await Promise.all([this.#listOffset(full, partition, earliest), this.#listOffset(full, partition, latest)])
      if (end < wanted && this.#clock.monotonicMs() < untilMs) throw new Again('the markers of a commit are on their way', false)
      if (this.#written.get(key) === written) this.#written.delete(key)
      return { start, end }
    })
  }

  async offsetAt (topic: string, partition: number, timestampMs: number): Promise<number> {
    const full = this.#topics.full(topic)
    const found = await this.#cluster.retry(`find ${timestampMs} in ${topic}/${partition}`, () => this.#listOffset(full, partition, Math.max(0, Math.ceil(timestampMs))))
    return found < 0 ? (await this.range(topic, partition)).end : found
  }

  async fetch (request: FetchRequest): Promise<Fetched> { return this.#fetcher.fetch({ ...request, topic: this.#topics.full(request.topic) }) }

  append (topic: string, partition: number, bytes: Uint8Array): Promise<{ readonly baseOffset: number }> {
    const { batchBytesMax, compression } = this.#settings
    try {
      const mine = parcel({ topic: this.#topics.full(topic), partition, bytes }, { crc: crc32c, batchBytesMax, compression })
      return this.#appender.append(mine).then(baseOffset => ({ baseOffset }))
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  async trim (topic: string, partition: number, before: number): Promise<void> {
    const { start, end } = await this.range(topic, partition)
    const offset = Math.min(before, end)
    if (offset <= start) return
    const full = this.#topics.full(topic)
    await this.#cluster.retry(`trim ${topic}/${partition}`, () => this.#cluster.atLeader(full, partition, async address => {
      const { topics: [answer] } = await this.#cluster.call(address, 'control', deleteRecords, { topics: [{ name: full, partitions: [{ partitionIndex: partition, offset }] }], timeoutMs: deleteTimeoutMs })
      check(answer?.partitions[0]?.errorCode ?? 0, { topic, partition, before, needs: 'DELETE' })
    }))
  }

  async join ({ group, member, topics }: JoinRequest): Promise<Membership> {
    const { topicPrefix: prefix, batchBytesMax, compression, sessionTimeoutMs, rebalanceTimeoutMs, transactionTimeoutMs, requestTimeoutMs, leavesOnClose } = this.#settings
    checkName('group', prefix + group)
    checkName('member', member)
    const full = topics.map(topic => this.#topics.full(topic))
    for (const topic of full) await this.#cluster.retry(`find topic ${topic}`, () => this.#cluster.topicPlace(topic))
    const name = `${group} ${member}`
    this.#members.get(name)?.stop()
    const written = (places: readonly Written[]) => { for (const { topic, partition, end } of places) this.#written.set(`${partition} ${topic}`, end) }
    const seat = (facts: JoinFacts, events: SeatEvents) => this.#onThread ? takeThreadSeat(this.#settings, facts, events) : new LocalSeat(this.#cluster, facts, { clock: this.#clock, sessionTimeoutMs, rebalanceTimeoutMs }, events)
    const joined = await Member.join(this.#cluster, { group: prefix + group, member, topics: full, prefix }, { clock: this.#clock, crc: crc32c, batchBytesMax, compression, transactionTimeoutMs, requestTimeoutMs, leavesOnClose, written }, seat)
    this.#members.set(name, joined)
    return joined
  }

  async committed (group: string, topic: string, partition: number): Promise<Committed | null> {
    const found = await committedOffset(this.#cluster, { group: this.#settings.topicPrefix + group, topic: this.#topics.full(topic), partition, stable: true })
    return found && { offset: found.offset, metadata: unpackMetadata(found.metadata) }
  }

  async close (): Promise<void> {
    for (const member of this.#members.values()) member.stop()
    await this.#cluster.close()
  }

  async #listOffset (topic: string, partition: number, timestamp: number, isolationLevel = readCommitted): Promise<number> {
    return this.#cluster.atLeader(topic, partition, async address => {
      const { topics: [answer] } = await this.#cluster.call(address, 'control', listOffsets, { isolationLevel, topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }] })
      const found = answer?.partitions[0]
      if (found === undefined) throw new Again('the answer lacks the partition', false)
      check(found.errorCode, { topic, partition, needs: 'DESCRIBE' })
      return found.offset
    })
  }
}
