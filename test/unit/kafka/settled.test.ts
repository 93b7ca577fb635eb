import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAll } from '../../../pipelines/runtime/journal.ts'
import { batchOf } from '../../contract/log.ts'
import { ManualClock } from '../../kit/clock.ts'
import { Brokers } from '../../kit/cluster/brokers.ts'
import { openSimulatedLog } from '../../kit/cluster/log.ts'

/**
 *     one        commit is acknowledged, and it trims what came before
 *     markers                                        |  in, 5 s |
 *     another                 reads the topic to its end        | and finds what was committed
 */
test('whoever takes over finds what the last owner was told is committed, though its markers are slow', async () => {
  const clock = new ManualClock(1_700_000_000_000)
  let markerMs = 1
  const brokers = new Brokers({ clock, markerMs: () => markerMs })
  for (const name of ['in', 'state']) brokers.createTopic(name, { partitions: 1, configs: new Map([['message.timestamp.type', 'CreateTime']]) })
  const [one, another] = [await openSimulatedLog(brokers, { clock }), await openSimulatedLog(brokers, { clock })]
  const member = await one.join({ group: 'g', member: 'a', topics: ['in'] })
  await member.commit({ appends: [{ topic: 'state', partition: 0, bytes: batchOf(['old']) }], offsets: [] })
  await clock.advance(10)
  markerMs = 5_000
  await member.commit({ appends: [{ topic: 'state', partition: 0, bytes: batchOf(['new']) }], offsets: [] })
  assert.equal((await another.range('state', 0)).end, 2)
  const found: string[] = []
  let over = false
  const reading = (async () => { for await (const { value } of readAll(another, 'state', 0, 0)) found.push(Buffer.from(value!).toString()) })().then(() => { over = true })
  await clock.advance(4_000)
  assert.equal(over, false)
  await clock.advance(2_000)
  await reading
  assert.deepEqual(found, ['old', 'new'])
})
