import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import kafkajs, { type Kafka as Client } from 'kafkajs'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import type { TopicSpec } from '../../pipelines/core/ports.ts'
import { bootstrapServers, type KafkaUnderTest, kafkaLog, noKafka, type OpenLog } from './kafka-cluster.ts'
import { batchOf, fails, valuesIn, valuesOf } from './log.ts'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.ZSTD] = () => ({ compress: async ({ buffer }: { readonly buffer: Buffer }) => zstdCompressSync(buffer), decompress: async (buffer: Buffer) => zstdDecompressSync(buffer) })

const topicSpec = (name: string, partitions = 1): TopicSpec => ({ name, partitions, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
const pause = (ms: number) => new Promise(resolve => { setTimeout(resolve, ms) })
const offsetAt = (offset: number, partition = 0, topic = 'in') => ({ appends: [], offsets: [{ topic, partition, offset, metadata: `at ${offset}` }] })

export interface ProbeOptions {
  readonly name?: string
  readonly open?: OpenLog
  /** How the behaviours begin that are not asked of it. */
  readonly without?: readonly string[]
  /** Absent: the Kafka of all files. */
  readonly servers?: () => Promise<string>
  /** Absent: when there is no Kafka for all files. */
  readonly skip?: string | false
}
type Probe = (behaviour: string, body: (subject: KafkaUnderTest, foreign: Client) => Promise<void>) => void

const probes = ({ name = 'kafka log', open, without = [], servers = bootstrapServers, skip = noKafka ?? false }: ProbeOptions): Probe => (behaviour, body) => {
  if (without.some(beginning => behaviour.startsWith(beginning))) return
  test(`${name} ${behaviour}`, { skip }, async () => {
    const subject = await kafkaLog({ 'bootstrap.servers': await servers() }, open)
    const foreign = new Kafka({ brokers: (await servers()).split(','), clientId: 'foreign', logLevel: logLevel.NOTHING })
    try { await body(subject, foreign) } finally { await subject.finish() }
  })
}

async function transactions (foreign: Client, transactionalId: string, topic: string, parts: readonly (readonly [values: readonly string[], end: 'commit' | 'abort'])[]): Promise<void> {
  const producer = foreign.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  for (const [values, end] of parts) {
    const transaction = await producer.transaction()
    for (const value of values) await transaction.send({ topic, messages: [{ partition: 0, key: 'k', value }] })
    await transaction[end]()
  }
  await producer.disconnect()
}

async function consumed (foreign: Client, prefix: string, count: number): Promise<readonly string[]> {
  const consumer = foreign.consumer({ groupId: `${prefix}reader` })
  const values: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topic: `${prefix}in`, fromBeginning: true })
  await new Promise<void>(resolve => {
    void consumer.run({ eachMessage: async ({ message }) => {
      values.push(String(message.value))
      if (values.length === count) resolve()
    } })
  })
  await consumer.disconnect()
  return values
}

/** What every client of Kafka must do, beyond the port: small experiments that others fail. */
export function kafkaProbes (options: ProbeOptions = {}): void {
  const probe = probes(options)
  probe('never shows records of aborted transactions, when one producer aborts and commits in turn', async ({ log, prefix }, foreign) => {
    await log.createTopic(topicSpec('in'))
    await transactions(foreign, `${prefix}tx`, `${prefix}in`, [[['A', 'A', 'A'], 'abort'], [['c', 'd'], 'commit'], [['B'], 'abort'], [['e'], 'commit']])
    assert.deepEqual(await valuesIn(log, 'in', 0), ['c', 'd', 'e'])
  })

  probe('never shows an aborted transaction that is larger than a fetch, and gets past it', async ({ log, prefix }, foreign) => {
    await log.createTopic(topicSpec('in'))
    await transactions(foreign, `${prefix}tx`, `${prefix}in`, [[Array.from({ length: 6 }, () => 'x'.repeat(300_000)), 'abort'], [['c'], 'commit']])
    const { end } = await log.range('in', 0)
    const seen: string[] = []
    let fetches = 0
    for (let offset = 0; offset < end; fetches += 1) {
      const { bytes } = await log.fetch({ topic: 'in', partition: 0, offset, bytesMax: 400_000, waitMs: 0 })
      seen.push(...valuesOf(bytes))
      assert(bytes.length > 0)
      const last = Buffer.from(bytes)
      let at = 0
      while (at < last.length) {
        offset = Number(last.readBigInt64BE(at)) + last.readInt32BE(at + 23) + 1
        at += 12 + last.readInt32BE(at + 8)
      }
    }
    assert.deepEqual(seen, ['c'])
    assert(fetches > 1)
  })

  probe('shows nothing of an open transaction, nor anything behind it, until it ends', async ({ log, prefix }, foreign) => {
    await log.createTopic(topicSpec('in'))
    const producer = foreign.producer({ transactionalId: `${prefix}tx`, maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic: `${prefix}in`, messages: [{ partition: 0, value: 'open' }] })
    await log.append('in', 0, batchOf(['behind']))
    assert.deepEqual(await log.range('in', 0), { start: 0, end: 0 })
    assert.equal((await log.fetch({ topic: 'in', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 100 })).bytes.length, 0)
    const waiting = log.fetch({ topic: 'in', partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 10_000 })
    await transaction.commit()
    assert.deepEqual(valuesOf((await waiting).bytes), ['open', 'behind'])
    await producer.disconnect()
  })

  probe('commits the offsets of all partitions of a commit, as other clients read them', async ({ log, prefix }, foreign) => {
    await log.createTopic(topicSpec('in', 8))
    const member = await log.join({ group: 'g', member: 'm', topics: ['in'] })
    await member.commit({ appends: [], offsets: Array.from({ length: 8 }, (_, partition) => ({ topic: 'in', partition, offset: partition + 10, metadata: '' })) })
    for (let partition = 0; partition < 8; partition += 1) assert.equal((await log.committed('g', 'in', partition))?.offset, partition + 10)
    const admin = foreign.admin()
    await admin.connect()
    const [offsets] = await admin.fetchOffsets({ groupId: `${prefix}g`, topics: [`${prefix}in`] })
    await admin.disconnect()
    assert.deepEqual(offsets!.partitions.map(({ partition, offset }) => [partition, offset]).sort(), Array.from({ length: 8 }, (_, partition) => [partition, `${partition + 10}`]))
  })

  probe('waits for offsets that an open transaction holds, instead of reading past them', async ({ log, prefix }, foreign) => {
    await log.createTopic(topicSpec('in'))
    const producer = foreign.producer({ transactionalId: `${prefix}tx`, maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    const commit = await producer.transaction()
    await commit.sendOffsets({ consumerGroupId: `${prefix}g`, topics: [{ topic: `${prefix}in`, partitions: [{ partition: 0, offset: '5' }] }] })
    let read: number | null | undefined
    const reading = log.committed('g', 'in', 0).then(committed => { read = committed?.offset ?? null })
    await pause(400)
    assert.equal(read, undefined)
    await commit.commit()
    await reading
    assert.equal(read, 5)
    await producer.disconnect()
  })

  probe('is a group that other clients can describe: who is in it, what each reads and has', async ({ log, prefix }, foreign) => {
    await log.createTopic(topicSpec('in', 3))
    await log.join({ group: 'g', member: 'a', topics: ['in'] })
    const admin = foreign.admin()
    await admin.connect()
    const { groups: [group] } = await admin.describeGroups([`${prefix}g`])
    await admin.disconnect()
    assert.deepEqual([group!.state, group!.protocolType, group!.protocol], ['Stable', 'consumer', 'cooperative-sticky'])
    const { memberMetadata, memberAssignment } = group!.members[0]!
    assert.deepEqual(kafkajs.AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics, [`${prefix}in`])
    assert.deepEqual(kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment, { [`${prefix}in`]: [0, 1, 2] })
  })

  probe('goes on committing through a rebalance that takes nothing from it', async ({ log, another }) => {
    await log.createTopic(topicSpec('in', 1))
    const first = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    let offset = 0
    let over = false
    const committing = (async () => { while (!over) { offset += 1; await first.commit(offsetAt(offset)) } })()
    const second = await (await another()).join({ group: 'g', member: 'b', topics: ['in'] })
    assert.deepEqual(second.assignments, [])
    const before = offset
    await pause(300)
    over = true
    await committing
    assert(offset > before, 'commits went on')
    assert.equal((await log.committed('g', 'in', 0))?.offset, offset)
  })

  probe('gives the partitions of a member that has gone to another, once its session is over', async ({ log, another }) => {
    await log.createTopic(topicSpec('in', 2))
    const dying = await another()
    const first = await dying.join({ group: 'g', member: 'a', topics: ['in'] })
    await first.commit(offsetAt(7, 1))
    await dying.close()
    const began = performance.now()
    const second = await log.join({ group: 'g', member: 'b', topics: ['in'] })
    assert.equal(second.assignments.length, 2)
    assert(performance.now() - began < 6_000 + 2_000, 'session timeout and two seconds')
    assert.deepEqual(await log.committed('g', 'in', 1), { offset: 7, metadata: 'at 7' })
    await assert.rejects(first.commit(offsetAt(8, 1)))
  })

  probe('begins anew when another client has taken its transactional ids but not its name', async ({ log, prefix }, foreign) => {
    await log.createTopic(topicSpec('in'))
    const member = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    await member.commit(offsetAt(1))
    for (let turn = 0; turn < 4; turn += 1) await transactions(foreign, `${prefix}g.a.${turn}`, `${prefix}in`, [[['x'], 'abort']])
    await assert.rejects(member.commit(offsetAt(2)), fails('KAFKA_TRANSACTION'))
    await member.leave()
    const again = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    await again.commit(offsetAt(2))
    assert.equal((await log.committed('g', 'in', 0))?.offset, 2)
  })

  probe('reads what other clients compressed', async ({ log, prefix }, foreign) => {
    const producer = foreign.producer()
    await producer.connect()
    for (const name of ['GZIP', 'ZSTD'] as const) {
      await log.createTopic(topicSpec(name))
      const values = Array.from({ length: 500 }, (_, index) => `${name} ${index} ${'reading '.repeat(index % 20)}`)
      await producer.send({ topic: prefix + name, compression: CompressionTypes[name], messages: values.map(value => ({ partition: 0, key: 'k', value })) })
      assert.deepEqual(await valuesIn(log, name, 0), values)
    }
    await producer.disconnect()
  })

  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd']) {
    probe(`writes ${compression} that brokers check and other clients read, in transactions and outside`, async ({ prefix, log }, foreign) => {
      const packing = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': await (options.servers ?? bootstrapServers)(), 'topic.prefix': prefix, 'compression.type': compression }), clock: machineClock })
      const values = Array.from({ length: 2_000 }, (_, index) => `${compression} ${index * 7_919 % 100_000} ${'reading '.repeat(index % 9)}`)
      try {
        await log.createTopic(topicSpec('in'))
        await packing.append('in', 0, batchOf(values))
        const member = await packing.join({ group: 'g', member: 'm', topics: ['in'] })
        await member.commit({ appends: [{ topic: 'in', partition: 0, bytes: batchOf(values) }], offsets: [{ topic: 'in', partition: 0, offset: 1, metadata: '' }] })
        assert.deepEqual(await valuesIn(packing, 'in', 0), [...values, ...values])
        if (compression === 'gzip' || compression === 'zstd') assert.deepEqual(await consumed(foreign, prefix, 2 * values.length), [...values, ...values])
      } finally {
        await packing.close()
      }
    })
  }

  probe('refuses to read on in a topic that was made anew under the same name, until it is asked for it', async ({ log, another }) => {
    await log.createTopic(topicSpec('in'))
    await log.append('in', 0, batchOf(['old']))
    const other = await another()
    await other.deleteTopic('in')
    await other.createTopic(topicSpec('in'))
    await other.append('in', 0, batchOf(['new']))
    await assert.rejects(log.fetch({ topic: 'in', partition: 0, offset: 0, bytesMax: 100, waitMs: 0 }), fails('LOG_TOPIC_UNKNOWN'))
    assert.notEqual(await log.topic('in'), null)
    assert.deepEqual(await valuesIn(log, 'in', 0), ['new'])
  })

  probe('waits for many partitions at once, each for its own', async ({ log }) => {
    await log.createTopic(topicSpec('in', 32))
    const waits = Array.from({ length: 32 }, async (_, partition) => valuesOf((await log.fetch({ topic: 'in', partition, offset: 0, bytesMax: 1 << 16, waitMs: 20_000 })).bytes))
    for (let partition = 0; partition < 32; partition += 1) await log.append('in', partition, batchOf([`${partition}`]))
    assert.deepEqual(await Promise.all(waits), Array.from({ length: 32 }, (_, partition) => [`${partition}`]))
  })

  if (options.open === undefined && options.servers === undefined) test('kafka log says that nobody answers, and where', async () => {
    const settings = kafkaSettings({ 'bootstrap.servers': '127.0.0.1:1', 'default.api.timeout.ms': '300' })
    await assert.rejects(openKafkaLog({ ...settings, clock: machineClock }), error => fails('KAFKA_UNREACHABLE')(error) && /127\.0\.0\.1:1/.test((error as Error).message))
  })
}
