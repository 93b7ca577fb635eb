import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { openEmbeddedLog } from '../../connectors/embedded/log.ts'
import { registryClient, registryConfig, type RegistryServer, SchemaCatalogue, serveRegistry } from '../../connectors/registry/public.ts'
import { memoryStore } from '../../connectors/registry/store.ts'
import { openEmbedded } from '../../pipelines/cli/embedded.ts'
import { Engine } from '../../pipelines/cli/engine.ts'
import type { StreamError } from '../../pipelines/core/errors.ts'
import type { System } from '../../pipelines/cli/system.ts'
import { appendReadings, eventsOf, fleetDefinition, lettersOf, readingOf, versions, within } from '../kit/fleet.ts'

function folderFor (t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-outage-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}
const start = (system: System, definition = fleetDefinition()) => Engine.start({ definition, system, partitions: 2, reset: () => false, onEvent: () => {} })

test('a registry that is stopped and started again: known ids go on, an unknown one parks its partition, and resumes within 5 s of the return', async t => {
  const folder = folderFor(t)
  const catalogue = await SchemaCatalogue.open(memoryStore())
  let server: RegistryServer = await serveRegistry({ catalogue })
  const { port, url } = server
  t.after(() => server.close())
  const log = await openEmbeddedLog({ folder: join(folder, 'log'), clock: machineClock })
  t.after(() => log.close())
  const system = (): System => ({ log, clock: machineClock, lakeFile: join(folder, 'lake.duckdb'), registry: registryClient({ ...registryConfig({ SCHEMA_REGISTRY_URL: url })!, clock: machineClock, cacheFolder: join(folder, 'cache') }) })
  const first = await catalogue.register({ subject: 'fleet-value', schema: versions.first })
  let engine = await start(system())
  const send = (partition: number, version: 'first' | 'second', id: number, celsius: number) => appendReadings(log, 'fleet', partition, [readingOf(version, { id, device: `d${partition}`, celsius })])
  const events = () => eventsOf(log, 'fleet')
  await send(0, 'first', first, 20)
  await send(1, 'first', first, 20)
  assert(await within(5_000, async () => (await events()).length === 2), (await events()).join())

  const second = await catalogue.register({ subject: 'other-value', schema: versions.second })
  await server.close()
  await send(0, 'second', second, 5)
  await send(0, 'first', first, 20)
  await send(1, 'first', first, 5)
  assert(await within(5_000, async () => (await events()).includes('d1 cleared unknown')), 'the other partition goes on')
  await new Promise(done => { setTimeout(done, 1_500) })
  const [parked] = engine.race!.status.health.tasks()
  assert.deepEqual([parked!.parked?.schema, parked!.position], [second, 1])
  assert.equal((await events()).length, 3)

  server = await serveRegistry({ catalogue, port })
  const returned = performance.now()
  assert(await within(5_000, async () => (await events()).length === 5), (await events()).join())
  t.diagnostic(`resumed ${Math.round(performance.now() - returned)} ms after the return`)
  await engine.stop()

  await server.close()
  engine = await start(system())
  await send(0, 'second', second, 5)
  assert(await within(5_000, async () => (await events()).length === 6), 'a start with the registry down works from the cache')
  await engine.stop()
  assert.deepEqual(await lettersOf(log, 'fleet'), [])
  await assert.rejects(start({ ...system(), registry: registryClient({ ...registryConfig({ SCHEMA_REGISTRY_URL: url, SCHEMA_REGISTRY_RETRIES: '0' })!, clock: machineClock, cacheFolder: null }) }), (error: StreamError) => error.code === 'REGISTRY_UNAVAILABLE')
})

test('old and new writers in one stream: every reading is read under the contract, whatever version wrote it; what does not fit is refused with a reason', async t => {
  const system = await openEmbedded(folderFor(t))
  t.after(() => system.log.close())
  const { registry, catalogue, log } = system
  const ids = { first: await registry.register('fleet-value', versions.first), second: await registry.register('fleet-value', versions.second), third: 0 }
  let engine = await start(system)
  ids.third = (await registry.latest('fleet-value'))!.id
  const writers = ['first', 'second', 'third'] as const
  const count = 600
  for (let from = 0; from < count; from += 50) {
    const readings = Array.from({ length: 50 }, (_, i) => {
      const n = from + i
      const version = writers[n * 7 % 3]!
      return readingOf(version, { id: ids[version], device: `d${n % 5}`, celsius: Math.floor(n / 5) % 2 === 0 ? 20 : 5, guid: n % 4 === 3 ? catalogue.byId(ids[version])!.guid : null })
    })
    await appendReadings(log, 'fleet', 0, readings)
  }
  assert(await within(10_000, async () => (await eventsOf(log, 'fleet')).length === count), `${(await eventsOf(log, 'fleet')).length}`)
  assert.deepEqual(await lettersOf(log, 'fleet'), [])
  assert.deepEqual(new Set((await eventsOf(log, 'fleet')).map(event => event.split(' ')[2])), new Set(['unknown', 'second', 'third']))

  // A writer whose schema nobody checked: its records are dead letters that name the field, the others go on.
  await catalogue.setLevel('fleet-value', 'NONE')
  const broken = await registry.register('fleet-value', versions.broken)
  await appendReadings(log, 'fleet', 0, [readingOf('broken', { id: broken, device: 'x', celsius: 20 }), readingOf('first', { id: ids.first, device: 'y', celsius: 20 })])
  assert(await within(5_000, async () => (await eventsOf(log, 'fleet')).includes('y raised unknown')))
  const [letter, ...more] = await lettersOf(log, 'fleet')
  assert.deepEqual([letter!.reason, letter!.schemaId, more.length], ['DECODE_SCHEMA_INCOMPATIBLE', broken, 0])
  assert.match(letter!.message, /celsius/)
  await engine.stop()

  // A contract that does not go with what is registered is refused at the start, and says why.
  await catalogue.deleteVersion('fleet-value', 'latest')
  await catalogue.setLevel('fleet-value', 'FULL')
  await assert.rejects(start(system, fleetDefinition({ reads: 'demanding' })), (error: StreamError) => error.code === 'REGISTRY_INCOMPATIBLE' && /serial/.test(error.message))
  engine = await start(system)
  await engine.stop()
})
