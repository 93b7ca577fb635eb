import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { TopicSpec } from '../../pipelines/core/ports.ts'
import { bootstrapServers, type KafkaUnderTest, kafkaLog, noKafka } from '../contract/kafka-cluster.ts'
import { batchOf, valuesIn } from '../contract/log.ts'

const topicSpec = (name: string, partitions: number): TopicSpec => ({ name, partitions, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
const foreign = async () => new Kafka({ brokers: (await bootstrapServers()).split(','), clientId: 'foreign', logLevel: logLevel.NOTHING })

function incident (what: string, body: (subject: KafkaUnderTest) => Promise<void>): void {
  test(`kafka log: ${what}`, { skip: noKafka ?? false }, async () => {
    const subject = await kafkaLog({ 'metadata.max.age.ms': '500' })
    try { await body(subject) } finally { await subject.finish() }
  })
}

incident('partitions added to a topic end its reading within seconds, with what to do', async ({ log, prefix }) => {
  await log.createTopic(topicSpec('in', 2))
  await log.append('in', 0, batchOf(['a']))
  assert.deepEqual(await valuesIn(log, 'in', 0), ['a'])
  const admin = (await foreign()).admin()
  await admin.connect()
  await admin.createPartitions({ topicPartitions: [{ topic: `${prefix}in`, count: 3 }] })
  await admin.disconnect()
  const began = performance.now()
  await assert.rejects(async () => { for (;;) await log.fetch({ topic: 'in', partition: 0, offset: 1, bytesMax: 100, waitMs: 200 }) }, error => {
    assert(error instanceof StreamError && error.code === 'LOG_PARTITIONS_ADDED', String(error))
    assert.deepEqual([error.details.was, error.details.is, error.action], [2, 3, 'stop'])
    return true
  })
  assert(performance.now() - began < 5_000)
  assert.equal((await log.topic('in'))?.partitions, 3, 'asked for anew, it is the topic with three')
  await log.fetch({ topic: 'in', partition: 2, offset: 0, bytesMax: 100, waitMs: 0 })
})

incident('an offset that retention deleted is named with what is there', async ({ log }) => {
  await log.createTopic(topicSpec('in', 1))
  for (const value of ['a', 'b', 'c']) await log.append('in', 0, batchOf([value]))
  await log.trim('in', 0, 2)
  await assert.rejects(log.fetch({ topic: 'in', partition: 0, offset: 0, bytesMax: 100, waitMs: 0 }), error => {
    assert(error instanceof StreamError && error.code === 'LOG_OUT_OF_RANGE')
    assert.deepEqual([error.details.offset, error.details.start, error.details.end], [0, 2, 3])
    return true
  })
})

incident('a topic that is deleted and made anew while it is read is not read on', async ({ log, another }) => {
  await log.createTopic(topicSpec('in', 1))
  await log.append('in', 0, batchOf(['old']))
  const reading = (async () => { for (let offset = 0; ;) offset += (await log.fetch({ topic: 'in', partition: 0, offset, bytesMax: 100, waitMs: 100 })).bytes.length > 0 ? 1 : 0 })()
  reading.catch(() => {})
  const other = await another()
  await other.deleteTopic('in')
  await other.createTopic(topicSpec('in', 1))
  await other.append('in', 0, batchOf(['new']))
  await assert.rejects(reading, error => error instanceof StreamError && error.code === 'LOG_TOPIC_UNKNOWN')
})

incident('a topic that nobody made is missing, and not made by asking', async ({ log, prefix }) => {
  await assert.rejects(log.fetch({ topic: 'nothing', partition: 0, offset: 0, bytesMax: 100, waitMs: 0 }), error => error instanceof StreamError && error.code === 'LOG_TOPIC_UNKNOWN' && error.details.topic === `${prefix}nothing`)
  await assert.rejects(log.append('nothing', 0, batchOf(['a'])), error => error instanceof StreamError && error.code === 'LOG_TOPIC_UNKNOWN')
  assert.equal(await log.topic('nothing'), null)
})

incident('a topic with fewer partitions than told says both numbers', async ({ log }) => {
  await log.createTopic(topicSpec('in', 2))
  await assert.rejects(log.createTopic(topicSpec('in', 4)), error => {
    assert(error instanceof StreamError && error.code === 'LOG_TOPIC_DIFFERS')
    assert.deepEqual([error.details.setting, error.details.is, error.details.wanted], ['partitions', 2, 4])
    return true
  })
})

incident('who stamps the records of a topic that others made is known', async ({ log, prefix }) => {
  const admin = (await foreign()).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: `${prefix}theirs`, numPartitions: 1 }] })
  await admin.disconnect()
  assert.equal((await log.topic('theirs'))?.timestamps, 'CreateTime')
})
