import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../kit/clock.ts'
import { Brokers } from '../../kit/cluster/brokers.ts'
import { openSimulatedLog } from '../../kit/cluster/log.ts'

test('a member that has nothing to commit is told when another process has taken its name', async () => {
  const clock = new ManualClock(1_700_000_000_000)
  const brokers = new Brokers({ clock })
  brokers.createTopic('in', { partitions: 1, configs: new Map() })
  const join = async () => (await openSimulatedLog(brokers, { clock })).join({ group: 'g', member: 'a', topics: ['in'] })
  const first = await join()
  await clock.advance(2_000)
  assert.equal(first.over, null)
  const second = await join()
  await clock.advance(2_000)
  assert.throws(() => { throw first.over as Error | null }, { code: 'LOG_FENCED' })
  assert.equal(second.over, null)
})
