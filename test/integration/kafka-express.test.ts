import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Kafka, logLevel } from 'kafkajs'
import { memoryStore, SchemaCatalogue, serveRegistry } from '../../connectors/registry/public.ts'
import { RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { createEncoder } from '../../pipelines/decode/encode.ts'
import { type ControlEvent, controlEventCodec } from '../../schemas/control-event.ts'
import { bootstrapServers, kafkaLog, noKafka } from '../contract/kafka-cluster.ts'
import { readingAvro } from '../kit/kafka-express.ts'

const child = new URL('../kit/kafka-express.ts', import.meta.url).pathname
const rounds = process.env.MILLRACE_SLOW ? 40 : 6
const partitions = 2
const keysEach = 5

//  feeder   one key after another: hot, cold, hot, ...: each reading changes its alert, so the oracle is a count
//  worker   ▸ ready ▸ ... ✂ kill -9, again and again; a foreign client reads what is written, whether it is committed or not
test('express: through kills a reader of uncommitted records gets every event, and once each when it drops ids that it has seen', { skip: noKafka ?? false }, async () => {
  const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`MILLRACE_SEED=${seed}`)
  let random = seed
  const next = (below: number) => { random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff; return random % below }
  const folder = mkdtempSync(join(tmpdir(), 'millrace-express-'))
  const catalogue = await SchemaCatalogue.open(memoryStore())
  const registry = await serveRegistry({ catalogue, host: '127.0.0.1', port: 0 })
  const { log, prefix, finish } = await kafkaLog()
  const servers = await bootstrapServers()
  const consumer = new Kafka({ brokers: servers.split(','), logLevel: logLevel.NOTHING }).consumer({ groupId: `${prefix}reader`, readUncommitted: true })
  const start = () => spawn(process.execPath, [child, servers, registry.url, prefix, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await log.createTopic({ name: 'readings', partitions, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
    await log.createTopic({ name: 'control', partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
    const seen: ControlEvent[] = []
    await consumer.connect()
    await consumer.subscribe({ topics: [`${prefix}control`], fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => { seen.push(controlEventCodec.decode(message.value!)) } })
    let running = start()
    await once(running.stdout!, 'data')
    const encode = createEncoder(readingAvro, 1)
    let [feedsOn, turns] = [true, 0]
    const feeding = (async () => {
      for (; feedsOn || turns % 2 === 1; turns += 1) {
        for (let partition = 0; partition < partitions; partition += 1) {
          const writer = new RecordBatchWriter()
          for (let key = 0; key < keysEach; key += 1) writer.append(0, Buffer.from(`d${partition}${key}`), encode({ id: `d${partition}${key}`, ts: Date.now(), celsius: turns % 2 === 0 ? 9 : 4 }))
          await log.append('readings', partition, writer.finish())
        }
        await new Promise(resolve => { setTimeout(resolve, 3) })
      }
    })()
    for (let round = 0; round < rounds; round += 1) {
      await new Promise(resolve => { setTimeout(resolve, 50 + next(500)) })
      running.kill('SIGKILL')
      await once(running, 'exit')
      running = start()
      await once(running.stdout!, 'data')
    }
    feedsOn = false
    await feeding
    const wanted = turns * partitions * keysEach
    const distinct = () => new Map(seen.map(event => [event.id, event]))
    for (let waits = 0; waits < 600 && distinct().size < wanted; waits += 1) await new Promise(resolve => { setTimeout(resolve, 100) })
    running.kill('SIGKILL')
    await once(running, 'exit')
    const events = [...distinct().values()]
    console.log(`${wanted} events, ${seen.length - wanted} of them seen again`)
    const told = Map.groupBy(events, ({ key }) => key)
    assert.equal(told.size, partitions * keysEach)
    for (const [key, one] of told) {
      const states = one.sort((a, b) => a.ordinal - b.ordinal).map(({ ordinal, state }) => `${ordinal} ${state}`)
      assert.deepEqual(states, Array.from({ length: turns }, (_, turn) => `${turn + 1} ${turn % 2 === 0 ? 'raised' : 'cleared'}`), `${key}, MILLRACE_SEED=${seed}`)
    }
  } finally {
    await consumer.disconnect()
    await finish()
    await registry.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
