import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import foreign from '@kafkajs/confluent-schema-registry'
import kafkajs from 'kafkajs'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { registryClient, registryConfig } from '../../connectors/registry/public.ts'
import { Engine } from '../../pipelines/cli/engine.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { bootstrapServers, kafkaLog, noKafka } from '../contract/kafka-cluster.ts'
import { Command } from '../kit/cli.ts'
import { eventsOf, fleetDefinition, lettersOf, readingOf, type Version, versions, within } from '../kit/fleet.ts'

const { SchemaRegistry, SchemaType } = foreign
const { Kafka, logLevel, Partitioners } = kafkajs

function folderFor (t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-registry-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}

/** `millrace registry` with its schemas on the cluster. */
async function serving (t: TestContext, prefix: string, port = 0): Promise<{ readonly server: Command, readonly url: string, readonly port: number }> {
  const server = new Command(['registry', '--port', `${port}`, '-X', `topic.prefix=${prefix}`], { env: { KAFKA_BOOTSTRAP_SERVERS: await bootstrapServers() } })
  t.after(() => { server.process.kill('SIGKILL') })
  await server.said(/Ctrl-C/, 40_000)
  const url = /http:\/\/\S+/.exec(server.stderr)![0]
  return { server, url, port: Number(new URL(url).port) }
}

async function engineOn (log: LogPort, url: string, folder: string): Promise<Engine> {
  const registry = registryClient({ ...registryConfig({ SCHEMA_REGISTRY_URL: url })!, clock: machineClock, cacheFolder: join(folder, 'cache') })
  return Engine.start({ definition: fleetDefinition(), system: { log, registry, clock: machineClock, lakeFile: join(folder, 'lake.duckdb') }, partitions: 2, reset: () => false, onEvent: () => {} })
}

test('kafka and registry: old and new writers of another team in one stream, ids in prefix and header, through a registry that is killed and started again', { skip: noKafka ?? false }, async t => {
  const folder = folderFor(t)
  const { log, prefix, finish } = await kafkaLog()
  t.after(finish)
  const { server, url, port } = await serving(t, prefix)
  const other = new SchemaRegistry({ host: url, retry: { retries: 0 } })
  const register = async (version: Version) => (await other.register({ type: SchemaType.AVRO, schema: versions[version] }, { subject: 'fleet-value' })).id
  const ids = { first: await register('first'), second: await register('second') }
  const engine = await engineOn(log, url, folder)
  t.after(() => engine.stop().catch(() => {}))
  const latest = await (await fetch(`${url}/subjects/fleet-value/versions/latest`)).json() as { readonly id: number, readonly guid: string, readonly version: number }
  assert.equal(latest.version, 3, 'the pipeline has registered its contract')

  const producer = new Kafka({ clientId: 'devices', brokers: (await bootstrapServers()).split(','), logLevel: logLevel.NOTHING }).producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  t.after(() => producer.disconnect())
  const topic = `${prefix}fleet`
  const all = ['first', 'second', 'third'] as const
  const send = async (from: number, count: number, partition?: number) => {
    const messages = await Promise.all(Array.from({ length: count }, async (_, i) => {
      const n = from + i
      const version = all[n % 3]!
      const reading = readingOf(version, { device: partition === undefined ? `d${n % 5}` : 'solo', celsius: Math.floor(n / 5) % 2 === 0 ? 20 : 5, guid: latest.guid })
      const headers = Object.fromEntries(reading.headers)
      const payload = { id: `d${n % 5}`, ts: 1_700_000_000_000 + n * 1_000, celsius: Math.floor(n / 5) % 2 === 0 ? 20 : 5, site: version }
      const value = version === 'third' ? Buffer.from(reading.value) : await other.encode(ids[version], payload)
      return { key: `d${n % 5}`, value, ...version === 'third' && { headers: headers as Record<string, Buffer> } }
    }))
    for (const message of messages) await producer.send({ topic, messages: [message] })
  }
  await send(0, 60)
  const events = () => eventsOf(log, 'fleet')
  assert(await within(20_000, async () => (await events()).length === 60), `${(await events()).length} events`)
  assert.deepEqual(new Set((await events()).map(event => event.split(' ')[2])), new Set(['unknown', 'second', 'third']))
  await assert.rejects(register('demanding'), /incompatible/i)

  // A schema that the pipeline has not met, and no registry to ask.
  const met = await other.register({ type: SchemaType.AVRO, schema: versions.second.replace('"unknown"', '"nowhere"') }, { subject: 'fleet-value' })
  server.process.kill('SIGKILL')
  await server.done
  const stranger = readingOf('second', { id: met.id, device: 'stranger', celsius: 20 })
  await producer.send({ topic, messages: [{ key: 'stranger', value: Buffer.from(stranger.value), partition: 0 }] })
  assert(await within(10_000, () => engine.race!.status.health.tasks().some(({ parked }) => parked?.schema === met.id)))
  await send(60, 10)
  const again = await serving(t, prefix, port)
  const returned = performance.now()
  assert(await within(5_000, async () => (await events()).length === 71), `${(await events()).length} events`)
  t.diagnostic(`resumed ${Math.round(performance.now() - returned)} ms after the return`)
  assert.deepEqual(await lettersOf(log, 'fleet'), [])
  assert((await events()).includes('stranger raised second'))
  await engine.stop()
  assert.equal((await again.server.interrupt()).status, 0)
})

test('kafka and registry: a second registry takes the first one\'s place, and the first writes nothing any more', { skip: noKafka ?? false }, async t => {
  const { prefix, finish } = await kafkaLog()
  t.after(finish)
  const [first, second] = [await serving(t, prefix), await serving(t, prefix)]
  const registerAt = (url: string, schema: string) => fetch(`${url}/subjects/s/versions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ schema }) })
  assert.equal((await registerAt(second.url, '"int"')).status, 200)
  const refused = await registerAt(first.url, '"long"')
  assert.deepEqual([refused.status, (await refused.json() as { readonly error_code: number }).error_code], [500, 50001])
  assert.deepEqual(await (await fetch(`${second.url}/subjects/s/versions`)).json(), [1])
})
