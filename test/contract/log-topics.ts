import assert from 'node:assert/strict'
import { batchOf, type Contract, fails, topicSpec } from './log.ts'

export function topics (contract: Contract, { nameMax, ids }: { readonly nameMax: number, readonly ids: boolean }): void {
  contract('keeps a topic of the same shape and refuses another shape', async ({ log }) => {
    const first = await log.createTopic(topicSpec('readings'))
    const again = await log.createTopic(topicSpec('readings', { retentionMs: 5_000 }))
    assert.equal(again.id, first.id)
    assert.equal((await log.topic('readings'))?.retentionMs, 5_000)
    await assert.rejects(log.createTopic(topicSpec('readings', { partitions: 3 })), fails('LOG_TOPIC_DIFFERS'))
    assert.equal(await log.topic('nothing'), null)
    assert.deepEqual((await log.topics()).map(topic => topic.name), ['readings'])
  })

  contract('gives a topic made anew another id, no records and no committed offsets', async ({ log }) => {
    const { id } = await log.createTopic(topicSpec('readings'))
    await log.append('readings', 0, batchOf(['a']))
    const member = await log.join({ group: 'g', member: 'm', topics: ['readings'] })
    await member.commit({ appends: [], offsets: [{ topic: 'readings', partition: 0, offset: 1, metadata: '' }] })
    await log.deleteTopic('readings')
    assert.equal(await log.topic('readings'), null)
    await assert.rejects(log.fetch({ topic: 'readings', partition: 0, offset: 0, bytesMax: 100, waitMs: 0 }), fails('LOG_TOPIC_UNKNOWN'))
    const anew = await log.createTopic(topicSpec('readings'))
    if (ids) assert.notEqual(anew.id, id)
    assert.deepEqual(await log.range('readings', 0), { start: 0, end: 0 })
    assert.equal(await log.committed('g', 'readings', 0), null)
  })

  contract('refuses names and numbers of partitions that Kafka would refuse', async ({ log }) => {
    for (const name of ['', '.', '..', 'a b', 'a/b', 'x'.repeat(250)]) await assert.rejects(log.createTopic(topicSpec(name)), fails('LOG_NAME'), name)
    for (const partitions of [0, 1.5, -1, 1025]) await assert.rejects(log.createTopic(topicSpec('in', { partitions })), fails('LOG_NAME'))
    await log.createTopic(topicSpec('x'.repeat(nameMax)))
    await assert.rejects(log.join({ group: 'g'.repeat(5_000), member: 'm', topics: [] }), fails('LOG_NAME'))
  })

  contract('refuses topics and partitions that do not exist', async ({ log }) => {
    await log.createTopic(topicSpec('readings'))
    await assert.rejects(log.append('nothing', 0, batchOf(['a'])), fails('LOG_TOPIC_UNKNOWN'))
    await assert.rejects(log.append('readings', 2, batchOf(['a'])), fails('LOG_TOPIC_UNKNOWN'))
    await assert.rejects(log.range('readings', -1), fails('LOG_TOPIC_UNKNOWN'))
    await assert.rejects(log.join({ group: 'g', member: 'm', topics: ['nothing'] }), fails('LOG_TOPIC_UNKNOWN'))
  })
}
