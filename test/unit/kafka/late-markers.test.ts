import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf, fails, valuesIn } from '../../contract/log.ts'
import { ManualClock } from '../../kit/clock.ts'
import { Brokers, type BrokersOptions } from '../../kit/cluster/brokers.ts'
import { openSimulatedLog } from '../../kit/cluster/log.ts'
import type { Fate } from '../../kit/cluster/network.ts'

const properties = { 'transaction.timeout.ms': '60000', 'request.timeout.ms': '9000' }
const turns = 4

async function passed<T> (clock: ManualClock, ms: number, promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  await clock.advance(ms)
  return promise
}

/**
 *     an id      | kept 0 ── end ── markers      (three others)      | lost: records, offsets ─ ─ ─ end never comes ─── aborted
 *     brokers                          |----------- the same markers once more ----------|
 */
async function life (options: Omit<BrokersOptions, 'clock' | 'markerAgainMs'>): Promise<{ readonly asked: readonly string[], readonly values: readonly string[], readonly offset: number | undefined }> {
  const clock = new ManualClock(1_700_000_000_000)
  const asked: string[] = []
  let [twice, deaf] = [true, false]
  const brokers = new Brokers({ clock, ...options, markerMs: () => 20, markerAgainMs: () => twice ? 2_000 : null })
  for (const name of ['in', 'out']) brokers.createTopic(name, { partitions: 1, configs: new Map([['message.timestamp.type', 'CreateTime']]) })
  const fate = (request: string): Fate => ({ kind: deaf && request === 'end' ? 'lost' : 'served' })
  const log = await openSimulatedLog(brokers, { clock, hooks: { fate, at: (request, stage) => { if (stage === 'sent') asked.push(request) } }, properties })
  const member = await passed(clock, 1_000, log.join({ group: 'g', member: 'a', topics: ['in'] }))
  const commit = (value: string, offset: number) => member.commit({ appends: [{ topic: 'out', partition: 0, bytes: batchOf([value]) }], offsets: [{ topic: 'in', partition: 0, offset, metadata: '' }] })
  asked.length = 0
  for (let turn = 0; turn < turns; turn += 1) {
    await passed(clock, 300, commit(`kept ${turn}`, turn + 1))
    twice = false
  }
  deaf = true
  await assert.rejects(passed(clock, 12_000, commit('lost', 9)), fails('KAFKA_UNREACHABLE'))
  deaf = false
  const end = await openSimulatedLog(brokers, { clock, properties })
  await passed(clock, 3_000, end.join({ group: 'g', member: 'a', topics: ['in'] }))
  const values = await passed(clock, 1_000, valuesIn(end, 'out', 0))
  return { asked, values, offset: (await passed(clock, 1_000, end.committed('g', 'in', 0)))?.offset }
}

const kept = Array.from({ length: turns }, (_, turn) => `kept ${turn}`)

for (const [brokers, options, renewals] of [
  ['of Kafka 4.1', { transactionVersion: 2, strictMarkers: false }, turns],
  ['of Kafka 4.2', { transactionVersion: 2, strictMarkers: true }, 0],
  ['that speak the older protocol', { transactionVersion: 0, strictMarkers: true }, turns],
] as const) {
  test(`a commit marker that comes once more shows nothing of the id's next transaction, which is aborted, on brokers ${brokers}`, async () => {
    const { asked, values, offset } = await life(options)
    assert.deepEqual(values, kept)
    assert.equal(offset, turns)
    assert.equal(asked.filter(request => request === 'init').length >= renewals, true, asked.join(' '))
    if (renewals === 0) assert(!asked.includes('init'), 'an id is initialised anew only where it has to be')
  })
}
