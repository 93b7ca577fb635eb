import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { records } from '../../../pipelines/core/record-batch.ts'
import { names } from '../../../pipelines/runtime/names.ts'
import { definitionOf, readingSchema, Rig } from './rig.ts'

const definition = definitionOf()
const group = names.group('rig', 'race')
const down = async (): Promise<never> => { throw new StreamError('REGISTRY_UNAVAILABLE', { url: 'http://registry' }) }
const committed = async (rig: Rig, topic: string) => (await rig.log.committed(group, topic, 0))!.offset

async function letters (rig: Rig): Promise<number> {
  const { bytes } = await rig.log.fetch({ topic: names.deadLetters('rig'), partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 0 })
  return [...records(bytes)].length
}

async function verdicts (rig: Rig): Promise<readonly unknown[]> {
  const { bytes } = await rig.log.fetch({ topic: names.journal('rig', 'race'), partition: 0, offset: 0, bytesMax: 1 << 20, waitMs: 0 })
  return [...records(bytes)].map(({ value }) => JSON.parse(Buffer.from(value!).toString())).filter(({ kind }) => kind === 'schema').map(({ position, id, schema }) => [position, id, schema === null ? null : 'avro'])
}

// north   1 1 7 1     7: the registry is away and must be asked
// south   1 1 1 1
test('parked task: an unknown id waits for a registry that is away, the other partition goes on, and nothing is committed beyond it', async () => {
  const rig = await Rig.make()
  const race = rig.start(definition)
  await rig.send('rig.north', 'n', 1, 20)
  await rig.send('rig.south', 's', 1)
  await race.pass(500)
  rig.registry = down
  await rig.sendAs(7, 'rig.north', 'n', 5)
  await rig.send('rig.north', 'n', 20)
  await rig.send('rig.south', 's', 20)
  assert.equal(await race.pass(600_000), null)
  assert.deepEqual(await rig.events(), ['hot n raised #1.1', 'hot s raised #1.1'])
  assert.deepEqual([await committed(rig, 'rig.north'), await committed(rig, 'rig.south')], [2, 2])
  const [north, south] = race.race.status.health.tasks()
  assert.deepEqual([north?.parked?.schema, south?.parked], [7, null])
  assert.match(north!.parked!.why, /Cannot reach the schema registry/)
  assert.equal(race.race.status.lag, 2)
  rig.registry = async () => readingSchema
  await race.pass(5_000)
  assert.deepEqual((await rig.events()).slice(2), ['hot n cleared #2.2', 'hot n raised #3.1'])
  assert.deepEqual([race.race.status.health.tasks()[0]!.parked, race.race.status.lag], [null, 0])
  await race.drain()
  assert.equal(await letters(rig), 0)
})

test('parked task: a registry that says "not found" for 30 s is believed: the verdict is journaled, the record is a dead letter, and the task goes on', async () => {
  const rig = await Rig.make()
  let race = rig.start(definition)
  await rig.sendAs(7, 'rig.north', 'n', 5)
  await rig.send('rig.north', 'n', 20)
  await race.pass(29_000)
  assert.deepEqual([await letters(rig), await rig.events(), await verdicts(rig)], [0, [], []])
  await race.pass(3_000)
  assert.deepEqual([await letters(rig), await rig.events(), await verdicts(rig)], [1, ['hot n raised #1.1'], [[0, 7, null], [1, 1, 'avro']]])
  await race.crash(rig)
  // Restored, it knows; the registry, asked now, would say otherwise.
  race = rig.start(definition)
  await rig.sendAs(7, 'rig.north', 'n', 5)
  await race.pass(200)
  await race.drain()
  assert.equal(await letters(rig), 2)
})

test('parked task: the 30 s of a "not found" begin anew when the registry was away meanwhile', async () => {
  const rig = await Rig.make()
  const race = rig.start(definition)
  await rig.sendAs(7, 'rig.north', 'n', 5)
  const missing = rig.registry
  await race.pass(20_000)
  rig.registry = down
  await race.pass(20_000)
  rig.registry = missing
  await race.pass(25_000)
  assert.equal(await letters(rig), 0)
  await race.pass(7_000)
  assert.equal(await letters(rig), 1)
})

test('parked task: after a crash or a drain it stands where it stood', async () => {
  const rig = await Rig.make()
  for (const end of ['crash', 'drain'] as const) {
    const race = rig.start(definition)
    rig.registry = async id => id === 1 ? readingSchema : down()
    await rig.send('rig.north', 'n', 20)
    await rig.sendAs(end === 'crash' ? 7 : 8, 'rig.north', 'n', 5)
    await race.pass(3_000)
    await race[end](rig)
    const before = await rig.events()
    const again = rig.start(definition)
    await again.pass(3_000)
    assert.deepEqual(await rig.events(), before, 'nothing twice, nothing early')
    rig.registry = async () => readingSchema
    await again.pass(5_000)
    assert.equal((await rig.events()).length, before.length + 1)
    await again.drain()
  }
  assert.deepEqual(await rig.events(), ['hot n raised #1.1', 'hot n cleared #2.2', 'hot n raised #3.1', 'hot n cleared #4.2'])
})

test('parked task: a schema that is registered after it was taken for unknown is read from then on, also by a restore', async () => {
  const rig = await Rig.make()
  let race = rig.start(definition, { snapshotEveryMs: 1e9 })
  await rig.sendAs(7, 'rig.north', 'n', 20)
  await race.pass(40_000)
  assert.deepEqual([await letters(rig), await rig.events()], [1, []])
  rig.registry = async () => readingSchema
  await race.pass(45_000)
  await rig.sendAs(7, 'rig.north', 'n', 20)
  await race.pass(500)
  assert.deepEqual([await letters(rig), await rig.events()], [1, ['hot n raised #1.1']])
  await race.crash(rig)
  race = rig.start(definition)
  await rig.sendAs(7, 'rig.north', 'n', 5)
  await race.pass(500)
  assert.deepEqual([await letters(rig), await rig.events()], [1, ['hot n raised #1.1', 'hot n cleared #2.2']])
})

test('parked task: one that the registry refuses to tell of waits too, and one that is no Avro is a dead letter at once', async () => {
  const rig = await Rig.make()
  rig.registry = async () => { throw new StreamError('REGISTRY_DENIED', { status: 403 }) }
  const race = rig.start(definition)
  await rig.sendAs(7, 'rig.north', 'n', 5)
  assert.equal(await race.pass(60_000), null)
  assert.match(race.race.status.health.tasks()[0]!.parked!.why, /403/)
  rig.registry = async () => { throw new StreamError('REGISTRY_UNSUPPORTED', { schemaType: 'PROTOBUF' }) }
  await race.pass(2_000)
  assert.equal(await letters(rig), 1)
})

test('table: a row whose schema the registry cannot tell of now holds up the table and nothing else, and is read when it can', async () => {
  const rig = await Rig.make()
  const race = rig.start(definitionOf({ registry: true }))
  await rig.enrol('a')
  await rig.send('rig.north', 'a', 1)
  await race.pass(1_000)
  rig.rows = down
  await rig.enrol('b')
  await rig.send('rig.north', 'a', 20)
  assert.equal(await race.pass(20_000), null)
  // Its row names no source, so each source's task misses it.
  assert.deepEqual([race.race.status.retries, await rig.events()], [0, ['hot a raised #1.1', 'silent a raised #1.1', 'silent a raised #1.1']])
  rig.rows = null
  await race.pass(20_000)
  assert.deepEqual((await rig.events()).slice(3), ['silent b raised #1.1', 'silent b raised #1.1'])
  await race.drain()
})

test('parked task: a fetch of its partition that fails begins the leg anew, and turns in no circle', { timeout: 20_000 }, async () => {
  const rig = await Rig.make()
  rig.registry = async id => id === 1 ? readingSchema : down()
  const race = rig.start(definition)
  await rig.sendAs(7, 'rig.north', 'n', 20)
  await race.pass(1_000)
  assert.equal(race.race.status.health.tasks()[0]!.parked?.schema, 7)
  let failing = 1
  rig.at = (point, detail) => {
    if (point === 'fetch' && detail === 'rig.north' && failing-- > 0) throw new StreamError('LOG_UNAVAILABLE', { point })
  }
  assert.equal(await race.pass(5_000), null)
  assert.equal(race.race.status.retries, 1)
  await rig.send('rig.north', 'n', 5)
  rig.registry = async () => readingSchema
  await race.pass(5_000)
  assert.deepEqual(await rig.events(), ['hot n raised #1.1', 'hot n cleared #2.2'])
  await race.drain()
})
