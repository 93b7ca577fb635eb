import assert from 'node:assert/strict'
import type { Commit } from '../../pipelines/core/ports.ts'
import { batchOf, type Contract, fails, topicSpec, valuesIn } from './log.ts'

export function committing (contract: Contract): void {
  contract('commits outputs of several topics and offsets together', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    await log.createTopic(topicSpec('out'))
    await log.createTopic(topicSpec('state'))
    const member = await log.join({ group: 'g', member: 'm', topics: ['in'] })
    assert.deepEqual(member.assignments, [{ topic: 'in', partition: 0 }, { topic: 'in', partition: 1 }])
    assert.equal(await log.committed('g', 'in', 0), null)
    await member.commit({
      appends: [{ topic: 'out', partition: 0, bytes: batchOf(['a', 'b']) }, { topic: 'out', partition: 0, bytes: batchOf(['c']) }, { topic: 'state', partition: 1, bytes: batchOf(['s']) }],
      offsets: [{ topic: 'in', partition: 0, offset: 7, metadata: 'm7' }, { topic: 'in', partition: 1, offset: 9, metadata: '' }],
    })
    assert.deepEqual(await log.committed('g', 'in', 0), { offset: 7, metadata: 'm7' })
    assert.deepEqual(await log.committed('g', 'in', 1), { offset: 9, metadata: '' })
    assert.equal(await log.committed('other', 'in', 0), null)
    assert.equal(await log.committed('g', 'nothing', 0), null)
    assert.deepEqual(await valuesIn(log, 'out', 0), ['a', 'b', 'c'])
    assert.deepEqual(await valuesIn(log, 'state', 1), ['s'])
  })

  contract('writes nothing of a commit with one bad part', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    await log.createTopic(topicSpec('out'))
    const commit = async (commit: Commit) => (await log.join({ group: 'g', member: 'm', topics: ['in'] })).commit(commit)
    const offsets = [{ topic: 'in', partition: 0, offset: 1, metadata: '' }]
    const good = { topic: 'out', partition: 0, bytes: batchOf(['a']) }
    await assert.rejects(commit({ appends: [good, { topic: 'out', partition: 0, bytes: new Uint8Array(80) }], offsets }), fails('LOG_BATCH_REFUSED'))
    await assert.rejects(commit({ appends: [good, { topic: 'nothing', partition: 0, bytes: batchOf(['a']) }], offsets }), fails('LOG_TOPIC_UNKNOWN'))
    await assert.rejects(commit({ appends: [good], offsets: [...offsets, { topic: 'nothing', partition: 0, offset: 1, metadata: '' }] }), fails('LOG_TOPIC_UNKNOWN'))
    assert.deepEqual(await valuesIn(log, 'out', 0), [])
    assert.equal(await log.committed('g', 'in', 0), null)
  })

  contract('fences the earlier run of a member when it joins again, and a member that has left', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    const commitAt = (offset: number) => ({ appends: [{ topic: 'in', partition: 1, bytes: batchOf([`${offset}`]) }], offsets: [{ topic: 'in', partition: 0, offset, metadata: '' }] })
    const first = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    await first.commit(commitAt(1))
    const second = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    const other = await log.join({ group: 'h', member: 'c', topics: ['in'] })
    await assert.rejects(first.commit(commitAt(2)), fails('LOG_FENCED'))
    await first.leave()
    await second.commit(commitAt(3))
    await second.leave()
    await assert.rejects(second.commit(commitAt(4)), fails('LOG_FENCED'))
    await other.commit({ appends: [], offsets: [{ topic: 'in', partition: 0, offset: 5, metadata: '' }] })
    assert.equal((await log.committed('g', 'in', 0))?.offset, 3)
    assert.deepEqual(await valuesIn(log, 'in', 1), ['1', '3'])
  })

  contract('refuses whatever a member commits behind a commit that failed, also what is under way', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    const member = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    const commitAt = (offset: number, topic = 'in') => member.commit({ appends: [{ topic: 'in', partition: 0, bytes: batchOf([`${offset}`]) }], offsets: [{ topic, partition: 0, offset, metadata: '' }] })
    const settled = await Promise.allSettled([commitAt(1), commitAt(2, 'nothing'), commitAt(3), commitAt(4)])
    assert.deepEqual(settled.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected', 'rejected'])
    await assert.rejects(commitAt(5), fails('LOG_TOPIC_UNKNOWN'))
    assert.equal((await log.committed('g', 'in', 0))?.offset, 1)
    assert.deepEqual(await valuesIn(log, 'in', 0), ['1'])
    const next = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    await next.commit({ appends: [], offsets: [{ topic: 'in', partition: 0, offset: 6, metadata: '' }] })
    assert.equal((await log.committed('g', 'in', 0))?.offset, 6)
  })

  contract('shows a member that joins every commit that its predecessor is told of', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    const first = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    let told = 0
    const commits = Promise.allSettled(Array.from({ length: 50 }, async (_, index) => {
      await first.commit({ appends: [], offsets: [{ topic: 'in', partition: 0, offset: index + 1, metadata: '' }] })
      told = index + 1
    }))
    await log.join({ group: 'g', member: 'a', topics: ['in'] })
    const seen = (await log.committed('g', 'in', 0))?.offset ?? 0
    await commits
    assert.equal(told, seen)
    assert.equal((await log.committed('g', 'in', 0))?.offset ?? 0, seen)
  })

  contract('applies commits of one member in the order of the calls', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    const member = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    await Promise.all(Array.from({ length: 100 }, (_, index) => member.commit({ appends: [{ topic: 'in', partition: 0, bytes: batchOf([`${index}`]) }], offsets: [{ topic: 'in', partition: 0, offset: index, metadata: `${index}` }] })))
    assert.deepEqual(await valuesIn(log, 'in', 0), Array.from({ length: 100 }, (_, index) => `${index}`))
    assert.deepEqual(await log.committed('g', 'in', 0), { offset: 99, metadata: '99' })
  })
}
