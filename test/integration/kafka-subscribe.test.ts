import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import { memoryStore, SchemaCatalogue, serveRegistry } from '../../connectors/registry/public.ts'
import { partitionOf } from '../../pipelines/core/murmur2.ts'
import { RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { type ControlEvent, controlEventCodec } from '../../schemas/control-event.ts'
import { bootstrapServers, kafkaLog, noKafka } from '../contract/kafka-cluster.ts'

const program = fileURLToPath(new URL('../../examples/subscribe/subscribe.ts', import.meta.url))
const rounds = process.env.MILLRACE_SLOW ? 12 : 2
const partitions = 3
const keys = 20
const text = new TextEncoder()

function eventOf (key: string, ordinal: number, { mode = 'live', expiresAt = null, summary = null }: Partial<ControlEvent> = {}): ControlEvent {
  const seq = 2 - ordinal % 2
  const alertId = `${key}.${(ordinal + 1) >> 1}`
  return {
    id: `${alertId}-${seq}`, alertId, seq, ordinal, pipeline: 'fleet', rule: 'tooWarm', ruleVersion: 'v', key, state: seq === 1 ? 'raised' : 'cleared', severity: 'critical', reason: null, labels: { site: 'Bergen' }, summary,
    at: ordinal, raisedAt: ordinal, arrivedAt: ordinal, expiresAt, mode, values: { celsius: 9.5, door: true, note: 'x', limit: null }, units: {}, window: null, source: { topic: 't', partition: 0, offset: ordinal },
  }
}

/** Everything that is to be acted on, as it is written. */
class Sender {
  readonly wanted = new Map<string, string[]>()
  poison = 0
  readonly #ordinals = new Map<string, number>()
  readonly #log
  readonly #schemaId: number
  #step = 0

  constructor (log: Awaited<ReturnType<typeof kafkaLog>>['log'], schemaId: number) {
    this.#log = log
    this.#schemaId = schemaId
  }

  /** A turn: a few events, among them shadow ones, expired ones, repeated ones, and what cannot be read. */
  async send (): Promise<void> {
    const written = Array.from({ length: partitions }, () => new RecordBatchWriter())
    for (let many = 0; many < 10; many += 1) {
      this.#step += 1
      const key = `d${this.#step % keys}`
      const writer = written[partitionOf(text.encode(key), partitions)]!
      const put = (value: Uint8Array | null) => { writer.append(Date.now(), text.encode(key), value) }
      const ordinal = (this.#ordinals.get(key) ?? 0) + 1
      this.#ordinals.set(key, ordinal)
      if (this.#step % 17 === 0) put(controlEventCodec.encode(eventOf(key, ordinal, { mode: 'shadow' }), this.#schemaId))
      if (this.#step % 23 === 0) this.#poison(put)
      const expired = this.#step % 13 === 0
      const event = eventOf(key, ordinal, { expiresAt: expired ? 1_000 : this.#step % 3 === 0 ? Date.now() + 3_600_000 : null })
      put(controlEventCodec.encode(event, this.#schemaId))
      if (this.#step % 7 === 0) put(controlEventCodec.encode(event, this.#schemaId))
      if (!expired) this.wanted.set(key, [...this.wanted.get(key) ?? [], event.id])
    }
    for (const [partition, writer] of written.entries()) if (writer.count > 0) await this.#log.append('control', partition, writer.finish())
  }

  get last (): ReadonlyMap<string, number> { return this.#ordinals }

  #poison (put: (value: Uint8Array | null) => void): void {
    const good = controlEventCodec.encode(eventOf('p', 1), this.#schemaId)
    const all = [null, new Uint8Array(0), text.encode('{"id":1}'), good.subarray(0, 30), Uint8Array.of(0, 0, 0, 0x7f, 0xff, 1), Uint8Array.of(0, 0, 0, 0, this.#schemaId + 1, 2)]
    put(all[this.poison % all.length]!)
    this.poison += 1
  }
}

/** In a transaction that is aborted. */
async function abort (topic: string, schemaId: number): Promise<void> {
  const producer = new kafkajs.Kafka({ brokers: (await bootstrapServers()).split(','), logLevel: kafkajs.logLevel.NOTHING }).producer({ transactionalId: `${topic}-aborted`, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: Array.from({ length: 20 }, (_, at) => ({ key: `d${at}`, value: Buffer.from(controlEventCodec.encode(eventOf(`d${at}`, 1_000_000, { summary: 'never said' }), schemaId)) })) })
  await transaction.abort()
  await producer.disconnect()
}

test(`subscribe: two consumers of the guide, killed ${rounds * 2} times, act on every control event exactly once, in the order of its key`, { skip: noKafka ?? false }, async t => {
  const { log, prefix, finish } = await kafkaLog()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-subscribe-'))
  const registry = await serveRegistry({ catalogue: await SchemaCatalogue.open(memoryStore()), host: '127.0.0.1', port: 0 })
  const running = new Set<ChildProcess>()
  t.after(async () => {
    for (const child of running) child.kill('SIGKILL')
    await registry.close()
    await finish()
    rmSync(folder, { recursive: true, force: true })
  })
  const register = async (subject: string, schema: string) => (await (await fetch(`${registry.url}/subjects/${subject}/versions`, { method: 'POST', headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' }, body: JSON.stringify({ schema }) })).json() as { id: number }).id
  const schemaId = await register(`${prefix}control-value`, controlEventCodec.schema)
  assert.equal(await register('other-value', '{"type":"record","name":"Other","fields":[{"name":"a","type":"int"}]}'), schemaId + 1)
  await log.createTopic({ name: 'control', partitions, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })

  const store = join(folder, 'orders.db')
  const env = { ...process.env, KAFKA_BOOTSTRAP_SERVERS: await bootstrapServers(), SCHEMA_REGISTRY_URL: registry.url, GROUP_ID: `${prefix}orders`, STORE: store }
  let repeated = 0
  const start = () => {
    const child = spawn(process.execPath, [program, `${prefix}control`], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.setEncoding('utf8').on('data', (said: string) => { repeated += said.split('repeated').length - 1 })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (said: string) => { errors += said })
    running.add(child)
    child.on('exit', code => {
      running.delete(child)
      if (code !== null && code !== 0) console.error(errors)
    })
    return child
  }
  const pause = (ms: number) => new Promise(resolve => { setTimeout(resolve, ms) })
  const sender = new Sender(log, schemaId)
  let sending = true
  const sent = (async () => {
    while (sending) {
      await sender.send()
      await pause(20)
    }
  })()
  let [one, two] = [start(), start()]
  await abort(`${prefix}control`, schemaId)
  await pause(4_000)
  for (let round = 0; round < rounds; round += 1) {
    one.kill('SIGKILL')
    await once(one, 'exit')
    one = start()
    await pause(1_500 + Math.random() * 3_000)
    two.kill('SIGKILL')
    await once(two, 'exit')
    two = start()
    await pause(1_500 + Math.random() * 3_000)
  }
  sending = false
  await sent

  const database = new DatabaseSync(store, { readOnly: true, timeout: 10_000 })
  const settled = () => new Map(database.prepare('SELECT key, ordinal FROM last').all().map(({ key, ordinal }) => [String(key), Number(ordinal)]))
  const aside = () => Number(database.prepare('SELECT count(*) AS n FROM aside').get()!.n)
  for (let waits = 0; [...sender.last].some(([key, ordinal]) => settled().get(key) !== ordinal) || aside() < sender.poison; waits += 1) {
    assert(waits < 400, `everything is settled: ${JSON.stringify([...sender.last].filter(([key, ordinal]) => settled().get(key) !== ordinal))} aside ${aside()} of ${sender.poison}`)
    await pause(100)
  }
  for (const child of [one, two]) {
    child.kill('SIGTERM')
    await once(child, 'exit')
    assert.equal(child.exitCode, 0, 'it ends by itself when asked')
  }
  const done = new Map<string, string[]>()
  for (const { event_id, key } of database.prepare('SELECT event_id, key FROM work_orders ORDER BY number').all()) done.set(String(key), [...done.get(String(key)) ?? [], String(event_id)])
  database.close()
  for (const [key, ids] of sender.wanted) assert.deepEqual(done.get(key), ids, key)
  console.log(`events ${[...sender.wanted.values()].flat().length}, put aside ${sender.poison}, settled before when they came ${repeated}`)
})
