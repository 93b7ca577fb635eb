import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type EmbeddedLog, embeddedRegistry, machineClock, openEmbeddedLog } from '../../../connectors/embedded/public.ts'
import { demoTopics, deviceTopic, openDemo } from '../../../pipelines/cli/demo/demo.ts'
import { Driver } from '../../../pipelines/cli/demo/driver.ts'
import { createFleet } from '../../../pipelines/cli/demo/fleet.ts'
import { poisons } from '../../../pipelines/cli/demo/poison.ts'
import { Random } from '../../../pipelines/cli/demo/random.ts'
import { partitionOf } from '../../../pipelines/core/murmur2.ts'
import type { ClockPort, LogPort } from '../../../pipelines/core/ports.ts'
import { type LogRecord, records } from '../../../pipelines/core/record-batch.ts'
import { createEncoder } from '../../../pipelines/decode/encode.ts'
import { arktis } from '../../../schemas/cold-chain/arktis.v1.ts'
import { device } from '../../../schemas/cold-chain/device.v1.ts'
import { polar } from '../../../schemas/cold-chain/polar.v1.ts'
import { tundra } from '../../../schemas/cold-chain/tundra.v1.ts'

const topics = ['fleet.polar', 'fleet.arktis', 'fleet.tundra', 'fleet.devices']
const startMs = 1_800_000_000_000

/** Time that passes when somebody sleeps. */
function quickClock (): ClockPort & { readonly passed: () => number } {
  let now = startMs
  return { passed: () => now - startMs, wallMs: () => now, monotonicMs: () => now, sleep: async ms => { now += ms } }
}

async function withLog (work: (log: LogPort) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-demo-'))
  const log = await openEmbeddedLog({ folder, clock: machineClock })
  try {
    for (const name of topics) await log.createTopic({ name, partitions: 2, cleanup: name === 'fleet.devices' ? 'compact' : 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
    await work(log)
  } finally {
    await log.close()
    rmSync(folder, { recursive: true })
  }
}

function driverOn (log: LogPort, clock: ClockPort, poisonEveryMs: number | null): Driver {
  return new Driver({
    fleet: createFleet({ trucks: 30, seed: 7, startMs }), seed: 7, log, clock, poisonEveryMs,
    sources: {
      polar: { topic: 'fleet.polar', encode: createEncoder(polar.schema, 1) }, arktis: { topic: 'fleet.arktis', encode: createEncoder(arktis.schema, 2) },
      tundra: { topic: 'fleet.tundra', encode: createEncoder(tundra.schema, 3) },
    },
    devices: { topic: 'fleet.devices', encode: createEncoder(device.schema, 4) },
  })
}

/** Run until so much time has passed on the clock. */
async function drive (driver: Driver, clock: ReturnType<typeof quickClock>, lastsMs: number): Promise<void> {
  const stop = new AbortController()
  const { sleep } = clock
  clock.sleep = async ms => {
    await sleep(ms)
    if (clock.passed() >= lastsMs) stop.abort()
  }
  await driver.run(stop.signal)
}

async function recordsOf (log: LogPort, topic: string): Promise<(LogRecord & { readonly partition: number })[]> {
  const all: (LogRecord & { readonly partition: number })[] = []
  for (let partition = 0; partition < (await log.topic(topic))!.partitions; partition += 1) {
    for (let { start: offset, end } = await log.range(topic, partition); offset < end;) {
      const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: 1 << 20, waitMs: 0 })
      for (const record of records(bytes)) if (record.offset >= offset) all.push({ ...record, partition })
      offset = all.at(-1)!.offset + 1
    }
  }
  return all
}

test('driver: every reading it counts is in the log, keyed by device, on the partition of the key', () => withLog(async log => {
  const clock = quickClock()
  const driver = driverOn(log, clock, null)
  await drive(driver, clock, 20_000)
  const written = (await Promise.all(topics.slice(0, 3).map(topic => recordsOf(log, topic)))).flat()
  assert.equal(written.length, driver.driven.readings)
  assert(written.length > 200, `${written.length} readings`)
  assert(written.every(({ key, partition }) => partitionOf(key!, 2) === partition))
  assert(written.every(({ value }) => value![0] === 0))
  assert.equal([...driver.driven.disturbances.values()].reduce((sum, count) => sum + count, 0), written.length)
}))

test('driver: the device registry is there before the first reading, a row per device', () => withLog(async log => {
  const driver = driverOn(log, quickClock(), null)
  await driver.introduce()
  assert.equal((await recordsOf(log, 'fleet.devices')).length, 31)
  assert.equal(driver.driven.devices, 31)
}))

test('driver: poison arrives in all its kinds, counted apart', () => withLog(async log => {
  const clock = quickClock()
  const driver = driverOn(log, clock, 500)
  await drive(driver, clock, 20_000)
  assert(driver.driven.poison >= Object.keys(poisons).length)
  const values = (await Promise.all(topics.slice(0, 3).map(topic => recordsOf(log, topic)))).flat().map(({ value }) => value)
  assert.equal(values.length, driver.driven.readings + driver.driven.poison)
  assert(values.some(value => value === null) && values.some(value => value?.length === 0) && values.some(value => value?.[0] === 0x7b))
}))

test('driver: a burst adds as many readings a second as wanted, for as long as wanted', () => withLog(async log => {
  const clock = quickClock()
  const driver = driverOn(log, clock, null)
  driver.burst(2_000, 1_000)
  assert(driver.bursting)
  await drive(driver, clock, 3_000)
  assert(!driver.bursting)
  assert(driver.driven.readings > 1_900 && driver.driven.readings < 2_200, `${driver.driven.readings} readings`)
}))

test('demo: on an empty log it makes topics, registers contracts and introduces devices; on a full one it goes on', () => withLog(async log => {
  for (const topic of topics) await log.deleteTopic(topic)
  const registry = embeddedRegistry(log as EmbeddedLog)
  for (const count of [51, 102]) {
    const clock = quickClock()
    const driver = await openDemo({ log, registry, clock, trucks: 50, poisonEveryMs: null })
    await drive(driver, clock, 2_000)
    assert.equal((await recordsOf(log, deviceTopic)).length, count)
  }
  for (const topic of Object.values(demoTopics)) {
    const value = (await recordsOf(log, topic))[0]?.value
    assert(value)
    assert.deepEqual(JSON.parse((await registry.byId(new DataView(value.buffer, value.byteOffset).getInt32(1)))!), JSON.parse((await registry.latest(`${topic}-value`))!.schema))
  }
}))

test('driver: a topic that is missing is named', () => withLog(async log => {
  await log.deleteTopic('fleet.tundra')
  await assert.rejects(driverOn(log, quickClock(), null).run(new AbortController().signal), { code: 'LOG_TOPIC_UNKNOWN', details: { topic: 'fleet.tundra' } })
}))

test('poison: each kind differs from the good record it was made of', () => {
  const good = createEncoder(polar.schema, 1)({ unitId: 'PL-0001', ts: 1, seq: 1, tempF: 1, ambientF: 1, door: 0, dutyPct: 1 })
  for (const [name, spoil] of Object.entries(poisons)) assert.notDeepEqual(spoil(good, new Random(1)), good, name)
})
