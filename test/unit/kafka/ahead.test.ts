import assert from 'node:assert/strict'
import { test } from 'node:test'
import { records } from '../../../pipelines/core/record-batch.ts'
import { batchOf } from '../../contract/log.ts'
import { ManualClock } from '../../kit/clock.ts'
import { Brokers } from '../../kit/cluster/brokers.ts'
import { openSimulatedLog } from '../../kit/cluster/log.ts'
import type { Fate } from '../../kit/cluster/network.ts'

const places = { topic: 'out', partition: 0 }
const appends = (value: string) => [{ ...places, bytes: batchOf([value]) }]
const offsets = (offset: number) => [{ topic: 'in', partition: 0, offset, metadata: '' }]

async function rig () {
  const clock = new ManualClock(1_700_000_000_000)
  const brokers = new Brokers({ clock })
  for (const name of ['in', 'out']) brokers.createTopic(name, { partitions: 1, configs: new Map() })
  let fate: Fate = { kind: 'served' }
  let held: Promise<void> | null = null
  const log = await openSimulatedLog(brokers, { clock, hooks: { fate: request => request === 'produce' ? fate : { kind: 'served' }, at: (request, stage) => request === 'commit-offsets' && stage === 'answered' && held !== null ? held : undefined } })
  const member = await log.join({ group: 'g', member: 'a', topics: ['in'] })
  await clock.advance(1_000)
  const { bytes: none } = await log.fetch({ ...places, offset: 0, bytesMax: 1 << 20, waitMs: 0 })
  assert.equal(none.length, 0)
  const committed = async () => {
    const { bytes } = await log.fetch({ ...places, offset: 0, bytesMax: 1 << 20, waitMs: 0 })
    return [...records(bytes)].map(({ value }) => Buffer.from(value!).toString())
  }
  /** Everything that stands there, markers and all. */
  const written = () => brokers.partition('out', 0).end
  /** Answers to offsets, until what it gives is called. */
  const holdOffsets = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    held = promise
    return () => {
      held = null
      resolve()
    }
  }
  return { clock, log, member, committed, written, holdOffsets, lose: (kind: Fate['kind']) => { fate = { kind } as Fate } }
}

//  ahead   a | b |           | d |
//  commit        | s | b c + 1        | d + 2
test('what is written ahead is there at once, and is committed by the commit that continues it, by no other', async () => {
  const { log, member, committed, written } = await rig()
  await member.ahead!(appends('a'))
  await member.ahead!(appends('b'))
  assert.equal(written(), 2)
  await member.commit({ appends: [], offsets: [] })
  assert.deepEqual(await committed(), [])
  await member.commit({ appends: appends('c'), offsets: offsets(1), continues: true })
  assert.deepEqual(await committed(), ['a', 'b', 'c'])
  assert.equal((await log.committed('g', 'in', 0))?.offset, 1)
  await member.ahead!(appends('d'))
  assert.deepEqual(await committed(), ['a', 'b', 'c'])
  await member.commit({ appends: [], offsets: offsets(2), continues: true })
  assert.deepEqual(await committed(), ['a', 'b', 'c', 'd'])
  assert.equal((await log.committed('g', 'in', 0))?.offset, 2)
})

test('commits without positions go by while more is written ahead, as many as they are', async () => {
  const { member, committed } = await rig()
  await member.ahead!([{ topic: 'in', partition: 0, bytes: batchOf(['ahead']) }])
  const snapshots = Array.from({ length: 9 }, (_, at) => member.commit({ appends: appends(`s${at}`), offsets: [] }))
  await member.ahead!([{ topic: 'in', partition: 0, bytes: batchOf(['more']) }])
  await Promise.all(snapshots)
  assert.deepEqual(await committed(), snapshots.map((_, at) => `s${at}`))
  await member.commit({ appends: [], offsets: offsets(1), continues: true })
})

//  ahead   a |           | b |
//  commit      | c + 1 ···········✓
test('what is written ahead waits for the records of the commit before, and not for its offsets', async () => {
  const { member, written, committed, holdOffsets } = await rig()
  await member.ahead!(appends('a'))
  const release = holdOffsets()
  let isThrough = false
  const commit = member.commit({ appends: appends('c'), offsets: offsets(1), continues: true }).then(() => { isThrough = true })
  await member.ahead!(appends('b'))
  assert.equal(written(), 3)
  assert(!isThrough)
  release()
  await commit
  assert.deepEqual(await committed(), ['a', 'c'])
  await member.commit({ appends: [], offsets: offsets(2), continues: true })
  assert.deepEqual(await committed(), ['a', 'c', 'b'])
})

test('what was written ahead and never committed is aborted when the member leaves: no reader waits for it, none sees it', async () => {
  const { log, member, committed, written } = await rig()
  await member.ahead!(appends('a'))
  await member.leave()
  assert.equal(written(), 2)
  assert.equal((await log.range('out', 0)).end, 2)
  assert.deepEqual(await committed(), [])
})

test('when writing ahead fails, so does the commit, and nothing of either is there', async () => {
  const { clock, member, committed, lose } = await rig()
  await member.ahead!(appends('a'))
  lose('unanswered')
  const failed = [member.ahead!(appends('b')), member.commit({ appends: appends('c'), offsets: offsets(1), continues: true })].map(one => assert.rejects(one, { code: 'KAFKA_UNREACHABLE' }))
  await clock.advance(30_000)
  lose('served')
  await Promise.all(failed)
  await assert.rejects(member.ahead!(appends('d')), { code: 'KAFKA_UNREACHABLE' })
  await clock.advance(30_000)
  assert.deepEqual(await committed(), [])
})
