import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import type { LegPlan } from '../../../pipelines/runtime/lead.ts'
import { names } from '../../../pipelines/runtime/names.ts'
import { PondLead } from '../../../pipelines/runtime/pond-lead.ts'
import { ManualClock } from '../../kit/clock.ts'
import { Brokers } from '../../kit/cluster/brokers.ts'
import { openSimulatedLog } from '../../kit/cluster/log.ts'
import { batchWith, text, topicSpec } from './kit.ts'

const fails = (code: string) => (error: unknown) => error instanceof StreamError && error.code === code
const state = names.state('rig', 'pond')

test('pond: of several processes one leads; the next can when it has gone, and what it still writes is refused', async () => {
  const clock = new ManualClock(1_700_000_000_000)
  const brokers = new Brokers({ clock, markerMs: () => 3 })
  let over = false
  const driving = (async () => { while (!over) await clock.step() })()
  const open = () => openSimulatedLog(brokers, { clock, hooks: { latencyMs: () => 1 } })
  const logs = [await open(), await open()] as const
  await logs[0].createTopic(topicSpec(state, { partitions: 3 }))
  const [first, second] = logs.map(log => ({ log, clock, pipeline: { name: 'rig' } }) as unknown as LegPlan) as [LegPlan, LegPlan]
  const signal = new AbortController().signal
  const lead = await PondLead.take(first, 'a', signal)
  const record = () => [{ topic: state, partition: 2, bytes: batchWith(text('k'), text('v')) }]
  await lead!.append(record())
  const keeping = (async () => { for (let turn = 0; turn < 900; turn += 1) { await lead!.keep(); await clock.sleep(50) } })()
  await assert.rejects(PondLead.take(second, 'b', signal), fails('POND_ELSEWHERE'))
  await keeping
  await lead!.append(record())
  // As kill -9: no word to the group, and then its session is over.
  await logs[0].close()
  const next = await PondLead.take(second, 'b', signal)
  await next!.append(record())
  await assert.rejects(lead!.append(record()))
  await next!.leave()
  await logs[1].close()
  over = true
  await driving
})

test('pond: a process that is told to stop while it waits for the lead ends', async () => {
  const clock = new ManualClock(1_700_000_000_000)
  const brokers = new Brokers({ clock, markerMs: () => 3 })
  let over = false
  const driving = (async () => { while (!over) await clock.step() })()
  const log = await openSimulatedLog(brokers, { clock, hooks: { latencyMs: () => 1 } })
  await log.createTopic(topicSpec(state))
  const plan = { log, clock, pipeline: { name: 'rig' } } as unknown as LegPlan
  const lead = await PondLead.take(plan, 'a', new AbortController().signal)
  const stop = new AbortController()
  const waiting = PondLead.take(plan, 'b', stop.signal)
  void clock.sleep(2_000).then(() => { stop.abort() })
  assert.equal(await waiting, null)
  await lead!.leave()
  await log.close()
  over = true
  await driving
})
