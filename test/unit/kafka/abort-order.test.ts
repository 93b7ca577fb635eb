import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordBatchWriter } from '../../../pipelines/core/record-batch.ts'
import { batchOf, fails, valuesIn } from '../../contract/log.ts'
import { ManualClock } from '../../kit/clock.ts'
import { Brokers } from '../../kit/cluster/brokers.ts'
import { openSimulatedLog } from '../../kit/cluster/log.ts'
import type { Fate, Stage } from '../../kit/cluster/network.ts'

const properties = { 'transaction.timeout.ms': '10000', 'request.timeout.ms': '9000' }

function keyless (): Uint8Array {
  const writer = new RecordBatchWriter(64)
  writer.append(0, null, Buffer.from('refused'))
  return writer.finish().slice()
}

async function passed<T> (clock: ManualClock, ms: number, promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  await clock.advance(ms)
  return promise
}

/**
 *     leader of one      | refuses for good
 *     leader of another  |------- 5 s ------- has the batch
 *     end                                       | abort
 */
test('a transaction that one leader refuses is aborted only when no other leader has anything of it to answer', async () => {
  const clock = new ManualClock(1_700_000_000_000)
  const brokers = new Brokers({ clock, nodes: 2, addMs: topic => topic === 'out' ? 5_000 : 0 })
  brokers.createTopic('compacted', { partitions: 1, configs: new Map([['cleanup.policy', 'compact'], ['message.timestamp.type', 'CreateTime']]) })
  for (const name of ['in', 'out']) brokers.createTopic(name, { partitions: 1, configs: new Map([['message.timestamp.type', 'CreateTime']]) })
  // The first that is asked for is led by the first node, and so on in turn.
  assert.notEqual(brokers.nodes.leaderOf('0 compacted'), brokers.nodes.leaderOf('0 out'))
  const seen: string[] = []
  const at = (request: string, stage: Stage) => { if (/^(produce|end)$/.test(request) && stage !== 'before') seen.push(`${request} ${stage}`) }
  const log = await openSimulatedLog(brokers, { clock, hooks: { at }, properties })
  const member = await passed(clock, 100, log.join({ group: 'g', member: 'a', topics: ['in'] }))
  const refused = member.commit({ appends: [{ topic: 'compacted', partition: 0, bytes: keyless() }, { topic: 'out', partition: 0, bytes: batchOf(['never seen']) }], offsets: [] })
  await assert.rejects(passed(clock, 20_000, refused), fails('LOG_BATCH_REFUSED'))
  assert.deepEqual(seen, ['produce sent', 'produce sent', 'produce answered', 'produce answered', 'end sent', 'end answered'])
})

/**
 *     one      | a batch, no answer     | joins again: what it left open is aborted  | commits
 *     network        |-------- 3 s -------------------------- the batch comes
 */
for (const transactionVersion of [0, 2] as const) {
  test(`a batch that comes when its transaction is over is never seen, whatever is committed next under the same id (transaction.version ${transactionVersion})`, async () => {
    const clock = new ManualClock(1_700_000_000_000)
    const brokers = new Brokers({ clock, transactionVersion })
    for (const name of ['in', 'out']) brokers.createTopic(name, { partitions: 1, configs: new Map([['message.timestamp.type', 'CreateTime']]) })
    let lateMs = 0
    const fate = (request: string): Fate => {
      if (request !== 'produce' || lateMs === 0) return { kind: 'served' }
      const ms = lateMs
      lateMs = 0
      return { kind: 'late', ms }
    }
    const log = await openSimulatedLog(brokers, { clock, hooks: { fate }, properties })
    const join = () => passed(clock, 1_000, log.join({ group: 'g', member: 'a', topics: ['in'] }))
    const commit = (value: string) => ({ appends: [{ topic: 'out', partition: 0, bytes: batchOf([value]) }], offsets: [{ topic: 'in', partition: 0, offset: 1, metadata: '' }] })
    const first = await join()
    lateMs = 3_000
    await assert.rejects(passed(clock, 10, first.commit(commit('aborted'))), fails('KAFKA_UNREACHABLE'))
    await passed(clock, 100, first.leave())
    const second = await join()
    await clock.advance(3_000)
    // Each id has its turn.
    for (let turn = 0; turn < 4; turn += 1) await passed(clock, 100, second.commit(commit(`${turn}`)))
    assert.deepEqual(await passed(clock, 1_000, valuesIn(log, 'out', 0)), ['0', '1', '2', '3'])
  })
}

/** A worker that fails abandons its transactions at once, and again as it leaves. */
test('a transaction that failed is aborted once, under the epoch that it had', async () => {
  const clock = new ManualClock(1_700_000_000_000)
  const brokers = new Brokers({ clock, markerMs: () => 300 })
  brokers.createTopic('compacted', { partitions: 1, configs: new Map([['cleanup.policy', 'compact'], ['message.timestamp.type', 'CreateTime']]) })
  brokers.createTopic('in', { partitions: 1, configs: new Map() })
  let ends = 0
  const at = (request: string, stage: Stage) => { if (request === 'end' && stage === 'sent') ends += 1 }
  const log = await passed(clock, 200, openSimulatedLog(brokers, { clock, hooks: { at, latencyMs: () => 10 }, properties }))
  const member = await passed(clock, 2_000, log.join({ group: 'g', member: 'a', topics: ['in'] }))
  const refused = member.commit({ appends: [{ topic: 'compacted', partition: 0, bytes: keyless() }], offsets: [] })
  const left = refused.catch(() => member.leave())
  await passed(clock, 5_000, left)
  await assert.rejects(refused, fails('LOG_BATCH_REFUSED'))
  assert.equal(ends, 1)
})
