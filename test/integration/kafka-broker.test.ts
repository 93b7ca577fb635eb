import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { lacking, startStack } from '../../infra/local/stack.ts'
import type { TopicSpec } from '../../pipelines/core/ports.ts'
import { KafkaTraffic } from '../kit/kafka-traffic.ts'

const skip = await lacking({ cassandra: false }) ?? false
/** Stamped by the broker: one that restarts forgets producers whose records look older than a day, and with them what they sent twice. */
const topicSpec = (name: string): TopicSpec => ({ name, partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })

//  appends   ────────────────x   (waits)   x──────────────
//  reads     ────────────────x   (waits)   x──────────────
//  commits   ────────────────x  join again x──────────────
//  broker    running    kill -9   restart    running
test('kafka log: a broker killed in mid-run loses nothing and doubles nothing; a membership begins anew', { skip }, async () => {
  const stack = await startStack({ cassandra: false })
  const log = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': stack.bootstrapServers, 'request.timeout.ms': '5000', 'session.timeout.ms': '6000' }), clock: machineClock })
  try {
    for (const name of ['in', 'out']) await log.createTopic(topicSpec(name))
    const traffic = new KafkaTraffic(log)
    const [broker] = stack.brokers
    for (let round = 0; round < 2; round += 1) {
      await machineClock.sleep(1_000)
      await broker!.kill()
      await machineClock.sleep(500)
      await broker!.start()
      await traffic.progress(20)
    }
    await machineClock.sleep(2_000)
    await traffic.rest()
    assert(traffic.memberships > 1, 'the membership began anew')
    console.log(`appended ${traffic.appended.length}, committed ${traffic.committed}, memberships ${traffic.memberships}`)
  } finally {
    await log.close()
    await stack.stop()
  }
})
