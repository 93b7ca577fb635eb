import type { Admin, Kafka, Producer } from 'kafkajs'
import { StreamError } from '../../pipelines/core/errors.ts'
import { checkName, unpackMetadata, workerOf } from '../../pipelines/core/log-names.ts'
import type { ClockPort, Committed, Fetched, FetchRequest, JoinRequest, LogPort, Membership, TopicInfo, TopicSpec } from '../../pipelines/core/ports.ts'
import { Client } from './client.ts'
import { type KafkajsSettings, type Missing, missing } from './config.ts'
import { translated } from './errors.ts'
import { Fetcher } from './fetcher.ts'
import { clusterOf, consumers, readCommitted } from './inner.ts'
import { Lead, worker } from './lead.ts'
import { loadKafkajs, testedVersion } from './package.ts'
import { parcel } from './parcel.ts'
import { Topics } from './topics.ts'
import { transactionalIds, Transactions } from './transactions.ts'

const earliest = -2
const latest = -1
/** How long `range` waits for the markers of our own commits before it gives what there is. */
const markersMs = 2_000
/** How long members that another client left in the group are waited for: their sessions end by themselves. */
const sessionsMs = 30_000

export interface KafkajsLogSettings extends KafkajsSettings {
  readonly clock: ClockPort
  /** How many members are going to share a group; more than one is refused. */
  readonly workers?: number
}

/**
 * Open the log that a Kafka cluster is, through kafkajs.
 *
 * Delivery: exactly once, for one worker a group: the newest leads alone and fences the one before
 * Limits:   records are taken apart and framed again; fetches to one broker wait behind one another for up to 100 ms
 * Errors:   KAFKA_CLIENT when the package is absent, when more than one worker is to share a group, and for what it lacks and is not told to do without; KAFKA_UNREACHABLE, KAFKA_DENIED
 */
export async function openKafkajsLog (settings: KafkajsLogSettings): Promise<LogPort> {
  const refuse = (lacks: string, why: string, todo: string): never => { throw new StreamError('KAFKA_CLIENT', { client: `kafkajs ${testedVersion}`, lacks, why, do: todo }) }
  if ((settings.workers ?? 1) > 1) refuse('shared groups', 'it commits offsets in transactions without member and generation, so that a member that has lost a partition is not fenced', 'run one worker a leg, or use another client')
  for (const [lacks, why] of Object.entries(missing)) {
    if (!settings.accepted.includes(lacks as Missing)) refuse(lacks, why, `use another client, or do without it: accept.missing=${Object.keys(missing).join(',')}`)
  }
  const { Kafka, logLevel } = await loadKafkajs(settings.decompressedBytesMax)
  const log = new KafkajsLog(new Kafka({ ...settings.kafka, logLevel: logLevel.NOTHING }), settings)
  try {
    await log.connect()
    return log
  } catch (error) {
    await log.close()
    throw error
  }
}

class KafkajsLog implements LogPort {
  readonly name: string
  readonly #kafka: Kafka
  readonly #settings: KafkajsLogSettings
  readonly #clock: ClockPort
  readonly #client: Client
  readonly #waiting: Client
  readonly #admin: Admin
  readonly #topics: Topics
  readonly #fetcher: Fetcher
  readonly #leads = new Map<string, Lead>()
  readonly #behind = new Map<string, Promise<unknown>>()
  /** Ends of what this log has committed and not yet seen: their markers may still be on their way. */
  readonly #written = new Map<string, number>()
  /** Offsets that this log has committed and not yet seen, for the same reason: kafkajs cannot ask a broker to wait for them. */
  readonly #moved = new Map<string, string>()
  #appender: Promise<Producer> | null = null

  constructor (kafka: Kafka, settings: KafkajsLogSettings) {
    const { clock, patienceMs, topicPrefix: prefix, replication, batchBytesMax } = settings
    this.name = `kafkajs ${(settings.kafka.brokers as string[]).join(',')}`
    this.#kafka = kafka
    this.#settings = settings
    this.#clock = clock
    this.#client = new Client(clusterOf(kafka), { clock, patienceMs })
    this.#waiting = new Client(clusterOf(kafka), { clock, patienceMs })
    this.#admin = kafka.admin()
    this.#topics = new Topics(this.#client, this.#admin, { prefix, replication, batchBytesMax })
    this.#fetcher = new Fetcher({ quick: this.#client, waiting: this.#waiting, clock })
  }

  async connect (): Promise<void> {
    const servers = (this.#settings.kafka.brokers as string[]).join(',')
    await this.#client.retry(`connect to ${servers}`, () => Promise.all([this.#client.connect(), this.#waiting.connect(), this.#admin.connect()]))
  }

  async createTopic (spec: TopicSpec): Promise<TopicInfo> { return this.#topics.create(spec) }

  async deleteTopic (name: string): Promise<void> {
    await this.#topics.delete(name)
    const full = this.#topics.full(name)
    this.#waiting.forget(full)
    for (const key of this.#written.keys()) if (key.endsWith(` ${full}`)) this.#written.delete(key)
    for (const key of this.#moved.keys()) if (key.endsWith(` ${full}`)) this.#moved.delete(key)
    // kafkajs's producers ask for every topic they have ever written to, and fail when one is gone.
    const appender = this.#appender
    this.#appender = null
    await (await appender)?.disconnect()
  }

  async topics (): Promise<readonly TopicInfo[]> { return this.#topics.all() }
  async topic (name: string): Promise<TopicInfo | null> { return this.#topics.find(name) }

  async range (topic: string, partition: number): Promise<{ readonly start: number, readonly end: number }> {
    const key = `${partition} ${this.#topics.full(topic)}`
    const wanted = this.#written.get(key) ?? 0
    const untilMs = this.#clock.monotonicMs() + markersMs
    for (;;) {
      const [start, end] = await Promise.all([this.#listOffset(topic, partition, earliest), this.#listOffset(topic, partition, latest)])
      if (end >= wanted || this.#clock.monotonicMs() >= untilMs) {
        if (this.#written.get(key) === wanted) this.#written.delete(key)
        return { start, end }
      }
      await this.#clock.sleep(5)
    }
  }

  async offsetAt (topic: string, partition: number, timestampMs: number): Promise<number> {
    const found = await this.#listOffset(topic, partition, Math.max(0, Math.ceil(timestampMs)))
    return found < 0 ? (await this.range(topic, partition)).end : found
  }

  async fetch (request: FetchRequest): Promise<Fetched> { return this.#fetcher.fetch({ ...request, topic: this.#topics.full(request.topic) }) }

  append (topic: string, partition: number, bytes: Uint8Array): Promise<{ readonly baseOffset: number }> {
    try {
      const { batchBytesMax } = this.#settings
      const mine = parcel({ topic: this.#topics.full(topic), partition, bytes }, batchBytesMax)
      const name = `${partition} ${mine.topic}`
      const before = this.#behind.get(name)
      const appended = (async () => {
        await before?.catch(() => {})
        await this.#client.retry(`append to ${topic}`, () => this.#client.leader(mine.topic, partition))
        const producer = await (this.#appender ??= this.#makeAppender())
        const [written] = await producer.send({ topic: mine.topic, acks: -1, messages: mine.messages as never }).catch((error: unknown) => { throw translated(error, { topic, partition }) })
        return { baseOffset: Number(written!.baseOffset) }
      })()
      this.#behind.set(name, appended)
      return appended
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  async trim (topic: string, partition: number, before: number): Promise<void> {
    const { start, end } = await this.range(topic, partition)
    const offset = Math.min(before, end)
    if (offset <= start) return
    const full = this.#topics.full(topic)
    await this.#client.atLeader(`trim ${topic}/${partition}`, full, partition, broker => broker.deleteRecords({ topics: [{ topic: full, partitions: [{ partition, offset: `${offset}` }] }] }))
  }

  async join ({ group, member, topics }: JoinRequest): Promise<Membership> {
    const { topicPrefix: prefix, batchBytesMax, transactionTimeoutMs: timeoutMs, patienceMs } = this.#settings
    const full = prefix + group
    checkName('group', full)
    checkName('member', member)
    const assignments = (await Promise.all(topics.map(async topic => {
      const leaders = await this.#client.retry(`find topic ${topic}`, () => this.#client.leaders(prefix + topic))
      if (leaders === null) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic })
      return leaders.map((_, partition) => ({ topic, partition }))
    }))).flat()
    await this.#alone(full)
    const options = { clock: this.#clock, timeoutMs, patienceMs }
    const earlier = this.#leads.get(full)
    const transactions = await Transactions.open(this.#kafka, transactionalIds(full, worker), options)
    earlier?.fence()
    for (const left of await this.#leftBehind(full, assignments)) await (await Transactions.open(this.#kafka, transactionalIds(full, left), options)).close()
    const lead = new Lead(transactions, {
      group: full, prefix, assignments, batchBytesMax,
      written: (places, offsets) => {
        for (const { topic, partition, end } of places) this.#written.set(`${partition} ${topic}`, end)
        for (const { topic, partitions } of offsets) for (const { partition, offset } of partitions) this.#moved.set(`${full} ${partition} ${topic}`, offset)
      },
      mustExist: async (topic, partition) => { await this.#client.retry(`commit to ${topic}`, () => this.#client.leader(topic, partition)) },
    })
    this.#leads.set(full, lead)
    void earlier?.stop()
    return lead
  }

  async committed (group: string, topic: string, partition: number): Promise<Committed | null> {
    const [full, name] = [this.#settings.topicPrefix + group, this.#topics.full(topic)]
    const key = `${full} ${partition} ${name}`
    const untilMs = this.#clock.monotonicMs() + markersMs
    for (;;) {
      const wanted = this.#moved.get(key)
      const found = await this.#committed(full, name, partition)
      if (wanted === undefined || `${found?.offset}` === wanted || this.#clock.monotonicMs() > untilMs) {
        if (this.#moved.get(key) === wanted) this.#moved.delete(key)
        return found && { offset: found.offset, metadata: unpackMetadata(found.metadata) }
      }
      await this.#clock.sleep(5)
    }
  }

  async close (): Promise<void> {
    await Promise.all([...this.#leads.values()].map(lead => lead.stop()))
    const appender = await this.#appender?.catch(() => null)
    await Promise.allSettled([this.#client.close(), this.#waiting.close(), this.#admin.disconnect(), appender?.disconnect()])
  }

  /** A commit of ours does not go through the group: members that share it, of another client, would not notice. */
  async #alone (group: string): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + sessionsMs
    for (;;) {
      const { groups: [found] } = await this.#client.retry(`describe group ${group}`, () => this.#admin.describeGroups([group]))
      const members = found?.members.length ?? 0
      if (members === 0) return
      if (this.#clock.monotonicMs() > untilMs) throw new StreamError('KAFKA_CLIENT', { client: 'kafkajs', group, members, why: 'the group has members, which a lead of this client would not fence', do: 'stop them first' })
      await this.#clock.sleep(200)
    }
  }

  /** Workers of another client that committed these partitions last: what they left open is settled by taking their ids over. */
  async #leftBehind (group: string, assignments: Lead['assignments']): Promise<ReadonlySet<string>> {
    const offsets = await Promise.all(assignments.map(({ topic, partition }) => this.#committed(group, this.#topics.full(topic), partition)))
    const workers = new Set(offsets.flatMap(offset => offset === null ? [] : workerOf(offset.metadata) ?? []))
    workers.delete(worker)
    return workers
  }

  async #committed (group: string, topic: string, partition: number): Promise<Committed | null> {
    return this.#client.retry(`read committed offset of ${topic}/${partition}`, async () => {
      const { responses: [found] } = await (await this.#client.coordinator(group)).offsetFetch({ groupId: group, topics: [{ topic, partitions: [{ partition }] }] })
      const offset = found?.partitions[0]
      return offset === undefined || Number(offset.offset) < 0 ? null : { offset: Number(offset.offset), metadata: offset.metadata ?? '' }
    })
  }

  async #listOffset (topic: string, partition: number, timestamp: number): Promise<number> {
    const full = this.#topics.full(topic)
    return this.#client.atLeader(`find the ends of ${topic}/${partition}`, full, partition, async broker => {
      const { responses: [found] } = await broker.listOffsets({ replicaId: consumers, isolationLevel: readCommitted, topics: [{ topic: full, partitions: [{ partition, timestamp }] }] })
      return Number(found!.partitions[0]!.offset)
    })
  }

  async #makeAppender (): Promise<Producer> {
    const producer = this.#kafka.producer({ idempotent: true, allowAutoTopicCreation: false, createPartitioner: () => ({ message }) => message.partition! })
    await producer.connect().catch((error: unknown) => { this.#appender = null; throw translated(error, { what: 'begin to append' }) })
    return producer
  }
}
