import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { lacking, startStack } from '../../infra/local/stack.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { TopicSpec } from '../../pipelines/core/ports.ts'
import { batchOf, valuesIn } from '../contract/log.ts'

const skip = await lacking({ cassandra: false }) ?? false
/** Stamped by the broker: one that restarts forgets producers whose records look older than a day, and with them what they sent twice. */
const topicSpec = (name: string): TopicSpec => ({ name, partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })

//  appends   ────────────────x   (waits)   x──────────────
//  commits   ────────────────x  join again x──────────────
//  broker    running    kill -9   restart    running
test('kafka log: a broker killed in mid-run loses nothing and doubles nothing; a membership begins anew', { skip }, async () => {
  const stack = await startStack({ cassandra: false })
  const log = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': stack.bootstrapServers, 'request.timeout.ms': '5000', 'session.timeout.ms': '6000' }), clock: machineClock })
  try {
    for (const name of ['in', 'out']) await log.createTopic(topicSpec(name))
    let running = true
    const appended: string[] = []
    const appending = (async () => {
      for (let number = 0; running; number += 1) {
        await log.append('in', 0, batchOf([`${number}`]))
        appended.push(`${number}`)
      }
    })()
    let fresh = 0
    const committing = (async () => {
      let at = 0
      while (running) {
        try {
          const member = await log.join({ group: 'g', member: 'm', topics: ['in'] })
          fresh += 1
          at = (await log.committed('g', 'in', 0))?.offset ?? 0
          for (; running; at += 1) await member.commit({ appends: [{ topic: 'out', partition: 0, bytes: batchOf([`${at}`]) }], offsets: [{ topic: 'in', partition: 0, offset: at + 1, metadata: '' }] })
        } catch (error) {
          assert(error instanceof StreamError && error.action === 'retry', String(error))
        }
      }
    })()
    const [broker] = stack.brokers
    for (let round = 0; round < 2; round += 1) {
      await machineClock.sleep(1_000)
      await broker!.kill()
      await machineClock.sleep(500)
      await broker!.start()
      const before = appended.length
      for (let waits = 0; appended.length < before + 20; waits += 1) {
        assert(waits < 300, 'appends go on')
        await machineClock.sleep(100)
      }
    }
    await machineClock.sleep(2_000)
    running = false
    await Promise.all([appending, committing])
    assert.deepEqual(await valuesIn(log, 'in', 0), appended)
    const committed = (await log.committed('g', 'in', 0))!.offset
    assert.deepEqual(await valuesIn(log, 'out', 0), Array.from({ length: committed }, (_, at) => `${at}`))
    assert(fresh > 1, 'the membership began anew')
    console.log(`appended ${appended.length}, committed ${committed}, memberships ${fresh}`)
  } finally {
    await log.close()
    await stack.stop()
  }
})
