import { StreamError } from '../../pipelines/core/errors.ts'
import { checkName } from '../../pipelines/core/log-names.ts'
import type { ClockPort, Committed, Fetched, FetchRequest, JoinRequest, LogPort, Membership, TopicInfo, TopicSpec } from '../../pipelines/core/ports.ts'
import { type Missing, missing, type RdkafkaSettings } from './config.ts'
import { passes, translated } from './errors.ts'
import { Member } from './member.ts'
import { asked, type Callback, type Conf, type Consumer, loadRdkafka, type Place, type Producer, type Rdkafka } from './package.ts'
import { Deliveries, parcel } from './parcel.ts'
import { Positions, positionsTopic } from './positions.ts'
import { Reader } from './reader.ts'
import { Transactions, type Written } from './transactions.ts'

const none = -1
const markersMs = 2_000
const pollMs = 2
const pauseMaxMs = 500

/** What node-rdkafka has no requests for. connectors/kafka has, and every other log of the same cluster and prefix. */
export type TopicAdmin = Pick<LogPort, 'createTopic' | 'deleteTopic' | 'topics' | 'topic' | 'trim'>

export interface RdkafkaLogSettings extends RdkafkaSettings {
  readonly clock: ClockPort
  readonly admin: TopicAdmin
  /** In whose node_modules the package is, if not beside this one. */
  readonly folder?: string
}

/**
 * Open the log that a Kafka cluster is, through node-rdkafka; its topics are made and described by another connector.
 *
 * Delivery: exactly once; members share a group under static names. The metadata of commits is kept in a topic of its own
 * Limits:   records come one by one and are framed again; blocking calls use libuv's threads: with several members in a process, raise UV_THREADPOOL_SIZE
 * Errors:   KAFKA_CLIENT when the package is absent, and for what it lacks and is not told to do without; KAFKA_UNREACHABLE, KAFKA_DENIED
 */
export async function openRdkafkaLog (settings: RdkafkaLogSettings): Promise<LogPort> {
  const { rdkafka, version } = loadRdkafka(settings.folder)
  const lacking = (Object.entries(missing) as [Missing, string][]).filter(([lacks]) => lacks !== 'zstd' || !rdkafka.features.includes('zstd'))
  for (const [lacks, why] of lacking) {
    if (!settings.accepted.includes(lacks)) throw new StreamError('KAFKA_CLIENT', { client: `node-rdkafka ${version} (librdkafka ${rdkafka.librdkafkaVersion})`, lacks, why, do: `use another client, or do without it: accept.missing=${lacking.map(([name]) => name).join(',')}` })
  }
  const log = new RdkafkaLog(rdkafka, settings)
  try {
    await log.connect()
    return log
  } catch (error) {
    await log.close()
    throw translated(error, { what: `connect to ${settings.servers}` })
  }
}

class RdkafkaLog implements LogPort {
  readonly name: string
  readonly #rdkafka: Rdkafka
  readonly #settings: RdkafkaLogSettings
  readonly #clock: ClockPort
  readonly #conf: Conf
  readonly #consumer: Consumer
  readonly #producer: Producer
  readonly #deliveries: Deliveries
  readonly #reader: Reader
  readonly #positions: Positions
  readonly #members = new Map<string, Member>()
  /** Consumers that ask for a group's offsets, and are not in it. */
  readonly #askers = new Map<string, Promise<Consumer>>()
  readonly #behind = new Map<string, Promise<unknown>>()
  /** Ends of what this log has committed and not yet seen: their markers may still be on their way. */
  readonly #written = new Map<string, number>()

  constructor (rdkafka: Rdkafka, settings: RdkafkaLogSettings) {
    const { clock, common, servers, batchBytesMax, admin, patienceMs } = settings
    this.name = `node-rdkafka ${servers}`
    this.#rdkafka = rdkafka
    this.#settings = settings
    this.#clock = clock
    this.#conf = {
      ...common, 'enable.auto.commit': false, 'isolation.level': 'read_committed', 'enable.partition.eof': true, 'check.crcs': true, 'fetch.wait.max.ms': 100,
      'fetch.message.max.bytes': Math.min(batchBytesMax, 8 << 20), 'fetch.max.bytes': Math.max(batchBytesMax, 50 << 20), 'receive.message.max.bytes': Math.max(batchBytesMax, 50 << 20) + (1 << 20), 'queued.max.messages.kbytes': 16_384,
    }
    this.#consumer = new rdkafka.KafkaConsumer({ ...this.#conf, 'group.id': `${settings.topicPrefix}millrace.reader` }, { 'auto.offset.reset': 'error' })
    this.#producer = new rdkafka.Producer({ ...common, 'enable.idempotence': true, 'linger.ms': 0, 'dr_cb': true }, {})
    this.#deliveries = new Deliveries(this.#producer)
    for (const client of [this.#consumer, this.#producer]) client.on('event.error', () => {})
    const range = (topic: string, partition: number) => this.#range(topic, partition)
    this.#reader = new Reader(this.#consumer, { clock, patienceMs, range, isStampedByLog: async topic => (await admin.topic(topic.slice(settings.topicPrefix.length)))?.timestamps === 'LogAppendTime' })
    this.#positions = new Positions({ clock, createTopic: spec => admin.createTopic(spec), range: (topic, partition) => this.range(topic, partition), fetch: request => this.fetch(request) })
  }

  async connect (): Promise<void> {
    const { patienceMs: timeout } = this.#settings
    await Promise.all([asked(done => { this.#consumer.connect({ timeout }, done) }), asked(done => { this.#producer.connect({ timeout }, done) })])
    this.#producer.setPollInterval(pollMs)
  }

  async createTopic (spec: TopicSpec): Promise<TopicInfo> { return this.#settings.admin.createTopic(spec) }

  async deleteTopic (name: string): Promise<void> {
    await this.#settings.admin.deleteTopic(name)
    const full = this.#full(name)
    this.#reader.forget(full)
    for (const key of this.#written.keys()) if (key.endsWith(` ${full}`)) this.#written.delete(key)
  }

  async topics (): Promise<readonly TopicInfo[]> { return (await this.#settings.admin.topics()).filter(({ name }) => name !== positionsTopic) }
  async topic (name: string): Promise<TopicInfo | null> { return this.#settings.admin.topic(name) }

  async range (topic: string, partition: number): Promise<{ readonly start: number, readonly end: number }> {
    const full = this.#full(topic)
    const key = `${partition} ${full}`
    const wanted = this.#written.get(key) ?? 0
    const untilMs = this.#clock.monotonicMs() + markersMs
    for (;;) {
      const range = await this.#range(full, partition)
      if (range.end >= wanted || this.#clock.monotonicMs() > untilMs) {
        if (this.#written.get(key) === wanted) this.#written.delete(key)
        return range
      }
      await this.#clock.sleep(5)
    }
  }

  async offsetAt (topic: string, partition: number, timestampMs: number): Promise<number> {
    const full = this.#full(topic)
    await this.#mustExist(full, partition)
    const [found] = await this.#asked<readonly { readonly offset: number }[]>(done => { this.#consumer.offsetsForTimes([{ topic: full, partition, offset: Math.max(0, Math.ceil(timestampMs)) }], this.#settings.requestTimeoutMs, done) }, { topic, partition })
    return found === undefined || found.offset <= none ? (await this.range(topic, partition)).end : found.offset
  }

  async fetch (request: FetchRequest): Promise<Fetched> { return this.#reader.fetch({ ...request, topic: this.#full(request.topic) }) }

  append (topic: string, partition: number, bytes: Uint8Array): Promise<{ readonly baseOffset: number }> {
    try {
      const mine = parcel({ topic: this.#full(topic), partition, bytes }, this.#settings.batchBytesMax)
      const name = `${partition} ${mine.topic}`
      const before = this.#behind.get(name)
      const appended = (async () => {
        await before?.catch(() => {})
        await this.#mustExist(mine.topic, partition)
        return { baseOffset: (await this.#deliveries.deliver(mine)).first }
      })()
      this.#behind.set(name, appended)
      return appended
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  async trim (topic: string, partition: number, before: number): Promise<void> { await this.#settings.admin.trim(topic, partition, before) }

  async join ({ group, member, topics }: JoinRequest): Promise<Membership> {
    const { topicPrefix: prefix, batchBytesMax, sessionTimeoutMs, rebalanceTimeoutMs, transactionTimeoutMs, patienceMs, common } = this.#settings
    const full = prefix + group
    checkName('group', full)
    checkName('member', member)
    for (const topic of topics) await this.#mustExist(this.#full(topic), 0)
    await this.#positions.create()
    const key = `${full} ${member}`
    const earlier = this.#members.get(key)
    const transactions = await Transactions.open(`${full}.${member}`, { rdkafka: this.#rdkafka, clock: this.#clock, conf: common, timeoutMs: transactionTimeoutMs, patienceMs })
    await earlier?.stop()
    const joined = await Member.join({
      rdkafka: this.#rdkafka, clock: this.#clock, transactions, group: full, member, prefix, batchBytesMax, topics: topics.map(topic => this.#full(topic)),
      patienceMs: Math.max(sessionTimeoutMs, rebalanceTimeoutMs) * 2 + patienceMs,
      conf: { ...this.#conf, 'group.id': full, 'group.instance.id': member, 'partition.assignment.strategy': 'cooperative-sticky', 'session.timeout.ms': sessionTimeoutMs, 'heartbeat.interval.ms': Math.floor(sessionTimeoutMs / 5), 'max.poll.interval.ms': rebalanceTimeoutMs },
      written: (places: readonly Written[]) => { for (const { topic, partition, end } of places) this.#written.set(`${partition} ${topic}`, end) },
      noted: offsets => parcel({ topic: this.#full(positionsTopic), partition: 0, bytes: this.#positions.batch(group, offsets) }, batchBytesMax),
      mustExist: (topic, partition) => this.#mustExist(topic, partition),
    })
    this.#members.set(key, joined)
    return joined
  }

  async committed (group: string, topic: string, partition: number): Promise<Committed | null> {
    const { topicPrefix, patienceMs } = this.#settings
    const asker = await this.#asker(topicPrefix + group)
    const [found] = await this.#asked<readonly (Place & { readonly offset?: number })[]>(done => { asker.committed([{ topic: this.#full(topic), partition }], patienceMs, done) }, { group, topic, partition })
    if (found?.offset === undefined || found.offset < 0) return null
    return { offset: found.offset, metadata: await this.#positions.metadata({ group, topic, partition }, found.offset) }
  }

  async close (): Promise<void> {
    this.#reader.close()
    await Promise.all([...this.#members.values()].map(member => member.stop()))
    const askers = await Promise.allSettled(this.#askers.values())
    const consumers = [this.#consumer, ...askers.flatMap(one => one.status === 'fulfilled' ? [one.value] : [])].filter(client => client.isConnected())
    await Promise.all(consumers.map(client => new Promise<void>(resolve => { client.disconnect(() => { resolve() }) })))
    if (this.#producer.isConnected()) await new Promise<void>(resolve => { this.#producer.disconnect(2_000, () => { resolve() }) })
  }

  #full (topic: string): string { return this.#settings.topicPrefix + topic }

  async #range (full: string, partition: number): Promise<{ readonly start: number, readonly end: number }> {
    await this.#mustExist(full, partition)
    const { lowOffset, highOffset } = await this.#asked<{ readonly lowOffset: number, readonly highOffset: number }>(done => { this.#consumer.queryWatermarkOffsets(full, partition, this.#settings.requestTimeoutMs, done) }, { topic: full, partition })
    return { start: lowOffset, end: highOffset }
  }

  /** Asked again for as long as what is in the way passes by itself. */
  async #asked<T> (ask: (done: Callback<T>) => void, details: Readonly<Record<string, unknown>>): Promise<T> {
    const untilMs = this.#clock.monotonicMs() + this.#settings.patienceMs
    for (let pause = 5; ; pause = Math.min(pause * 2, pauseMaxMs)) {
      try {
        return await asked(ask)
      } catch (error) {
        if (!passes(error) || this.#clock.monotonicMs() + pause > untilMs) throw translated(error, details)
      }
      await this.#clock.sleep(pause)
    }
  }

  /** librdkafka waits long for topics that are not there. */
  async #mustExist (full: string, partition: number): Promise<void> {
    const { topics } = await this.#asked<{ readonly topics: readonly { readonly name: string, readonly partitions: readonly unknown[] }[] }>(done => { this.#consumer.getMetadata({ topic: full, timeout: this.#settings.requestTimeoutMs }, done) }, { topic: full })
    const partitions = topics.find(({ name }) => name === full)?.partitions.length ?? 0
    if (!(partition >= 0 && partition < partitions)) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic: full, ...partitions > 0 && { partition, partitions } })
  }

  async #asker (group: string): Promise<Consumer> {
    const held = this.#askers.get(group)
    if (held !== undefined) return held
    const opening = (async () => {
      const consumer = new this.#rdkafka.KafkaConsumer({ ...this.#conf, 'group.id': group }, {})
      consumer.on('event.error', () => {})
      await asked(done => { consumer.connect({ timeout: this.#settings.patienceMs }, done) })
      return consumer
    })()
    this.#askers.set(group, opening)
    return opening
  }
}
