import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { registryClient, registryConfig } from '../../connectors/registry/public.ts'
import { startStack } from '../../infra/local/stack.ts'
import { Engine } from '../../pipelines/cli/engine.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { createEncoder } from '../../pipelines/decode/encode.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { deadLetterCodec } from '../../schemas/dead-letter.ts'
import { kafkaLog, noKafka } from '../contract/kafka-cluster.ts'
import { poisoned } from './kill-feed.ts'
import { definition, partitions, readingAvro } from './kill-pipeline.ts'
import { allOf } from './kill-truth.ts'

const skip = noKafka ?? false
const count = process.env.MILLRACE_SLOW === '1' ? 1_000_000 : 60_000
const batchReadings = 1_000
const text = new TextEncoder()
const { sleep } = machineClock

/** What is sent as reading `n` of a partition: its key and value, and whether it can be read. */
type Stream = (n: number, encode: (reading: object) => Uint8Array) => { readonly record: Parameters<RecordBatchWriter['append']> extends [number, ...infer Rest] ? Rest : never, readonly bad: boolean }
const startMs = Date.now() - 3_600_000
const reading = (n: number, id: string) => ({ id, ts: startMs + n * 10, seq: n, celsius: 5 + Math.sin(n / 60) })

/** Of the list of poison, without schema ids that nobody knows: a registry is given half a minute to learn of one (registry-outage.test.ts). The large ones are few. */
const small = [0, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14]
const large = [15, 16]

const clean: Stream = (n, encode) => {
  const id = `d${n % 100}`
  return { record: [text.encode(id), encode(reading(n, id))], bad: false }
}
const poison: Stream = (n, encode) => {
  if (n % 100 !== 50) return clean(n, encode)
  const id = `d${n % 100}`
  return { record: [text.encode(id), ...poisoned(encode(reading(n, id)), n % 20_000 === 50 ? large[Math.floor(n / 20_000) % large.length]! : small[Math.floor(n / 100) % small.length]!)], bad: true }
}
/** Nine in ten are one device's, and every two thousandth record is of a megabyte that is no reading. */
const hot: Stream = (n, encode) => {
  if (n % 2_000 === 1_999) return { record: [text.encode('huge'), new Uint8Array(1_000_000).fill(7)], bad: true }
  const id = n % 10 === 0 ? `d${n % 100}` : 'hot'
  return { record: [text.encode(id), encode(reading(n, id))], bad: false }
}

async function fill (log: LogPort, stream: Stream, schemaId: number): Promise<number> {
  const encode = createEncoder(readingAvro, schemaId) as (reading: object) => Uint8Array
  let bad = 0
  for (let from = 0; from < count / partitions; from += batchReadings) {
    for (let partition = 0; partition < partitions; partition += 1) {
      const writer = new RecordBatchWriter()
      for (let n = from; n < from + batchReadings; n += 1) {
        const { record, bad: isBad } = stream(n, encode)
        writer.append(startMs + n * 10, ...record)
        if (isBad) bad += 1
      }
      await log.append('killed.readings', partition, writer.finish())
    }
  }
  return bad
}

interface Went { readonly rate: number, readonly rssBytesMax: number }

/** Run the race over all of a stream that is there; everything bad stands among the dead letters once. */
async function goesThrough (t: TestContext, stream: Stream): Promise<Went> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-poison-'))
  const { log, finish } = await kafkaLog()
  const schemas = await startStack({ kafka: false, cassandra: false })
  t.after(async () => {
    await finish()
    await schemas.stop()
    rmSync(folder, { recursive: true })
  })
  const registry = registryClient({ ...registryConfig({ SCHEMA_REGISTRY_URL: schemas.registry!.url })!, clock: machineClock, cacheFolder: null })
  await log.createTopic({ name: 'killed.readings', partitions, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
  await log.createTopic({ name: names.deadLetters('killed'), partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
  const bad = await fill(log, stream, await registry.register('killed.readings-value', readingAvro))
  const began = performance.now()
  const engine = await Engine.start({ definition, system: { log, registry, clock: machineClock, lakeFile: join(folder, 'lake.duckdb') }, partitions, legs: ['race'], member: 'm', reset: () => false, onEvent: () => {} })
  let rssBytesMax = 0
  while (engine.race!.committed.readings < count) {
    rssBytesMax = Math.max(rssBytesMax, process.memoryUsage.rss())
    await Promise.race([sleep(10), engine.failed])
  }
  const rate = count / ((performance.now() - began) / 1000)
  await engine.stop()
  const sources = (await allOf(log, names.deadLetters('killed'), 0)).map(({ value }) => deadLetterCodec.decode(value!).source).map(({ partition, offset }) => `${partition}/${offset}`)
  assert.equal(sources.length, bad)
  assert.equal(new Set(sources).size, bad, 'each once')
  return { rate, rssBytesMax }
}

test('kafka: poison of every kind at one in a hundred goes to the dead letters, each once, and the rest goes on', { skip }, async t => {
  await goesThrough(t, clean)
  const before = await goesThrough(t, clean)
  const after = await goesThrough(t, poison)
  t.diagnostic(`clean ${before.rate.toFixed(0)} readings/s, poisoned ${after.rate.toFixed(0)} (${(100 * after.rate / before.rate).toFixed(0)} %)`)
})

test('kafka: a device that sends nine in ten readings, and records of a megabyte, are taken with bounded memory', { skip }, async t => {
  const { rate, rssBytesMax } = await goesThrough(t, hot)
  t.diagnostic(`${rate.toFixed(0)} readings/s, at most ${(rssBytesMax / 2 ** 20).toFixed(0)} MiB of memory in all`)
})
