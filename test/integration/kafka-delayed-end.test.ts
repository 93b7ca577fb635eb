import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { endTxn } from '../../connectors/kafka/requests.ts'
import { type Held, KafkaProxy } from '../kit/kafka-proxy.ts'
import { bootstrapServers, kafkaLog, noKafka } from '../contract/kafka-cluster.ts'
import { batchOf, fails, valuesIn } from '../contract/log.ts'

const rounds = process.env.MILLRACE_SLOW ? 200 : 20

//  first life    produce n ── EndTxn n ──x (kept back, the connection breaks, what aborts it is kept back as well)
//  second life                            takes the id over ── produce n+1 ──────────── EndTxn n+1 (kept back) ─────────▶
//  broker                                                                    ◀── EndTxn n, twice                 ◀── EndTxn n+1
test(`kafka log: an EndTxn that comes late neither commits nor aborts a later transaction, ${rounds} times of ${rounds}`, { skip: noKafka ?? false, timeout: 600_000 }, async () => {
  const { log, prefix, finish } = await kafkaLog()
  const [host, port] = (await bootstrapServers()).split(',')[0]!.split(':') as [string, string]
  const proxy = await KafkaProxy.open(host, Number(port))
  const settings = kafkaSettings({ 'bootstrap.servers': await bootstrapServers(), 'topic.prefix': prefix, 'session.timeout.ms': '6000' })
  const delayed = await openKafkaLog({ ...settings, clock: machineClock, wire: proxy.wire(settings) })
  const append = (value: string) => ({ appends: [{ topic: 'out', partition: 0, bytes: batchOf([value]) }], offsets: [] })
  const seen: string[] = []
  try {
    for (const name of ['in', 'out']) await log.createTopic({ name, partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
    for (let round = 0; round < rounds; round += 1) {
      const late: Held[] = []
      proxy.hold(endTxn.key, held => { late.push(held); held.cut() })
      const first = await delayed.join({ group: 'g', member: 'm', topics: ['in'] })
      await assert.rejects(first.commit(append(`lost ${round}`)), fails('KAFKA_UNREACHABLE'))
      for (let waits = 0; late.length < 2; waits += 1) {
        assert(waits < 500, 'the first life tries to abort')
        await machineClock.sleep(10)
      }
      const own: Held[] = []
      proxy.hold(endTxn.key, held => { own.push(held) })
      const second = await delayed.join({ group: 'g', member: 'm', topics: ['in'] })
      const committing = second.commit(append(`kept ${round}`))
      for (let waits = 0; own.length < 1; waits += 1) {
        assert(waits < 500, 'the second life comes to its end')
        await machineClock.sleep(10)
      }
      for (const one of late) await one.release()
      await machineClock.sleep(50)
      assert.deepEqual(await valuesIn(log, 'out', 0), seen, `round ${round}: nothing is committed by an end that is another's`)
      proxy.hold(endTxn.key, null)
      await Promise.all([own[0]!.release(), committing])
      seen.push(`kept ${round}`)
      assert.deepEqual(await valuesIn(delayed, 'out', 0), seen, `round ${round}: nothing is aborted by an end that is another's`)
      await second.leave()
    }
  } finally {
    await delayed.close()
    await proxy.close()
    await finish()
  }
})
