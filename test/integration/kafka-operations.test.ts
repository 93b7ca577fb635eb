import assert from 'node:assert/strict'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import { memoryStore, SchemaCatalogue, serveRegistry } from '../../connectors/registry/public.ts'
import type { PipelineStanding } from '../../pipelines/cli/standing.ts'
import { RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { bootstrapServers, kafkaLog, noKafka } from '../contract/kafka-cluster.ts'
import { controlEventCodec } from '../../schemas/control-event.ts'
import { Command, millrace } from '../kit/cli.ts'
import { asLines, readings, rooms, roomsFolder } from '../kit/rooms.ts'

const pause = (ms: number) => new Promise(resolve => { setTimeout(resolve, ms) })

/** Every record of a topic as another client reads it. */
async function consumed (topic: string, many: number, reader = 'reader'): Promise<readonly { readonly key: string, readonly headers: Readonly<Record<string, string>>, readonly value: Buffer }[]> {
  const kafka = new kafkajs.Kafka({ brokers: (await bootstrapServers()).split(','), logLevel: kafkajs.logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `${topic}-${reader}` })
  const found: { key: string, headers: Record<string, string>, value: Buffer }[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message: { key, value, headers = {} } }) => { found.push({ key: String(key), value: value!, headers: Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, String(bytes)])) }) } })
  for (let waits = 0; found.length < many && waits < 150; waits += 1) await pause(100)
  await consumer.disconnect()
  return found
}

test('operations on Kafka: status, dead letters and reset from another process, control events as CloudEvents', { skip: noKafka ?? false, timeout: 150_000 }, async t => {
  const { log, prefix, finish } = await kafkaLog()
  const registry = await serveRegistry({ catalogue: await SchemaCatalogue.open(memoryStore()), host: '127.0.0.1', port: 0 })
  t.after(async () => {
    await registry.close()
    await finish()
  })
  const { folder, definition, write } = roomsFolder()
  const at = ['-X', `bootstrap.servers=${await bootstrapServers()}`, '-X', `topic.prefix=${prefix}`, '-X', `schema.registry.url=${registry.url}`]
  const on = [...at, '-X', 'session.timeout.ms=6000']
  const command = new Command(['run', definition, ...on, '--member', 'one', '--partitions', '2', '--data', `${folder}/data`, '--http', '0', '--input', write('in.jsonl', asLines(readings))])
  t.after(() => { command.process.kill('SIGKILL') })
  await command.said(/raised/, 60_000)
  const poison = new RecordBatchWriter()
  poison.append(0, Buffer.from('a'), Buffer.from('poison'), [['trace', Buffer.from('7')]])
  await log.append('rooms', 0, poison.finish())
  const standing = async (): Promise<PipelineStanding> => {
    const { status, stdout, stderr } = await millrace(['status', ...at, '--output', 'json'])
    assert.equal(status, 0, stderr)
    return JSON.parse(stdout) as PipelineStanding
  }
  let now = await standing()
  const race = () => now.legs.find(({ leg }) => leg === 'race')!
  for (let waits = 0; race().tasks.some(({ lagRecords }) => lagRecords > 0) && waits < 20; waits += 1) now = await standing()
  assert.equal(now.pipeline, 'rooms')
  assert.deepEqual(race().members!.map(({ name, assignments }) => [name, assignments!.length]), [['one', 2]])
  assert.deepEqual(race().tasks.map(({ source, topic, partition, member, positionOf, lagRecords, lagSeconds }) => ({ source, topic, partition, member, positionOf, lagRecords, lagSeconds })),
    [0, 1].map(partition => ({ source: 'rooms', topic: 'rooms', partition, member: 'one', positionOf: 'commit', lagRecords: 0, lagSeconds: 0 })))
  assert.equal(race().tasks.reduce((sum, { position }) => sum + position, 0), readings.length + 1)
  for (const { committedAt, snapshotAt, stateBytes } of race().tasks) assert(Date.now() - committedAt! < 60_000 && Date.now() - snapshotAt! < 60_000 && stateBytes! > 0)

  const letters = await millrace(['dlq', 'ls', ...at, '--output', 'json'])
  assert.deepEqual(JSON.parse(letters.stdout).map(({ reason, key, source, headers }: { reason: string, key: string, source: { topic: string }, headers: unknown }) => [reason, key, source.topic, headers]), [['DECODE_WIRE_FORMAT', 'a', 'rooms', [{ name: 'trace', value: 'Nw==' }]]], letters.stderr)

  const events = await consumed(`${prefix}rooms.control`, 2)
  assert.deepEqual(events.map(({ key, headers }) => [key, headers.ce_specversion, headers.ce_type, headers.ce_source, headers.ce_subject, headers['content-type']]), ['raised', 'cleared'].map(state => ['a', '1.0', `millrace.alert.${state}`, '/millrace/rooms/warm', 'a', 'application/avro']))
  assert.equal(new Set(events.map(({ headers }) => headers.ce_id)).size, 2)
  for (const { headers } of events) assert.match(headers.ce_time!, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

  const [, url] = /monitoring {2}(http\S+)\/metrics/.exec(command.stderr)!
  assert.deepEqual([(await fetch(`${url}/readyz`)).status, /millrace_build_info\{version="[\d.]+",member="one"\} 1/.test(await (await fetch(`${url}/metrics`)).text())], [200, true])
  assert.equal((await command.interrupt()).status, 0, command.stderr)

  // The worker's name is in the group until its session is over.
  const reset = () => millrace(['reset', definition, ...at, '--data', `${folder}/data`, '--to', 'latest', '--yes'])
  let done = await reset()
  const refusals: string[] = []
  for (let waits = 0; done.status !== 0 && waits < 15; waits += 1) {
    refusals.push(done.stderr)
    await pause(1_000)
    done = await reset()
  }
  assert.equal(done.status, 0, done.stderr)
  for (const refusal of refusals) assert.match(refusal, /somebody is in it: .*one@/)
  now = await standing()
  assert.deepEqual([race().members, race().tasks.map(({ positionOf, lagRecords }) => [positionOf, lagRecords])], [[], [['snapshot', 0], ['snapshot', 0]]])
  const again = new Command(['run', definition, ...on, '--member', 'two', '--data', `${folder}/data`, '--input', write('more.jsonl', asLines([{ room: 'a', at: 100_000, celsius: 9 }]))])
  t.after(() => { again.process.kill('SIGKILL') })
  await again.said(/raised/, 60_000)
  assert.equal((await again.interrupt()).status, 0, again.stderr)
  const ordinals = (await consumed(`${prefix}rooms.control`, 3, 'again')).map(({ value }) => controlEventCodec.decode(value)).map(({ state, ordinal }) => `${state} ${ordinal}`)
  assert.deepEqual(ordinals, ['raised 1', 'cleared 2', 'raised 3'])
})

test('status on Kafka: a pond that waits for its lake has left word in its group, and what it tells is of now', { skip: noKafka ?? false, timeout: 150_000 }, async t => {
  const { prefix, finish } = await kafkaLog()
  const registry = await serveRegistry({ catalogue: await SchemaCatalogue.open(memoryStore()), host: '127.0.0.1', port: 0 })
  t.after(async () => {
    await registry.close()
    await finish()
  })
  const { folder, write } = roomsFolder()
  const definition = write('kept.yaml', `${rooms}signals: { celsius: { unit: Cel } }\nlake: { keyspace: rooms }\n`)
  const at = ['-X', `bootstrap.servers=${await bootstrapServers()}`, '-X', `topic.prefix=${prefix}`, '-X', `schema.registry.url=${registry.url}`]
  const command = new Command(['run', definition, ...at, '--partitions', '2', '--data', `${folder}/data`, '-X', 'cassandra.contact.points=127.0.0.1:1', '-X', 'cassandra.local.data.center=nowhere'])
  t.after(() => { command.process.kill('SIGKILL') })
  const waits = async () => (JSON.parse((await millrace(['status', 'rooms', ...at, '--output', 'json'])).stdout) as PipelineStanding).legs.find(({ leg }) => leg === 'pond')?.waits ?? null
  let told = null
  for (const endMs = performance.now() + 90_000; told === null; told = await waits().catch(() => null)) assert(performance.now() < endMs, command.stderr)
  assert.equal(told.code, 'LAKE_UNREACHABLE')
  // It looks again and again, and says so each time.
  let later = told
  for (const endMs = performance.now() + 60_000; later.toldAt === told.toldAt; later = await waits() ?? later) assert(performance.now() < endMs, JSON.stringify(later))
  assert.equal(later.sinceMs, told.sinceMs)
  assert.equal((await command.interrupt()).status, 0, command.stderr)
})
