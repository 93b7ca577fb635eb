import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { cassandraEnvironment as properties, cassandraSettings } from '../../connectors/cassandra/config.ts'
import { openCassandraLake } from '../../connectors/cassandra/lake.ts'
import { startStack } from '../../infra/local/stack.ts'
import { type Batch, createBatch } from '../../pipelines/core/batch.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'
import type { LakeLayout } from '../../pipelines/core/lake-ports.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import { cassandraKeyspace, noCassandra } from '../kit/cassandra.ts'

const skip = noCassandra ?? false
/** Less than a batch of ours, and a row of 8 MiB at most. */
const small = { commitlog_segment_size: '1MiB', max_mutation_size: '256KiB', batch_size_warn_threshold: '8KiB', batch_size_fail_threshold: '16KiB' }
const signals = [{ name: 'note', kind: 'text', unit: null }] as const
const base: LakeLayout = { pipeline: 'tight', keyspace: '', rawMode: 'rows', intervalMs: 1_000, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null, signals, windows: [] }
const [devices, startMs] = [40, Date.UTC(2026, 10, 23)]
const noteOf = (n: number) => `${n} `.padEnd(200, 'x')

async function tightLake (t: TestContext, limits: Readonly<Record<string, string>>) {
  const stack = await startStack({ kafka: false, registry: false, cassandraSettings: limits })
  const ending: (() => Promise<unknown>)[] = []
  t.after(async () => {
    for (const end of ending) await end().catch(() => {})
    await stack.stop()
  })
  const { environment } = stack
  const { keyspace, client, finish } = await cassandraKeyspace(environment)
  ending.push(finish)
  const lake = await openCassandraLake({ settings: cassandraSettings(properties(environment)), layout: { ...base, keyspace } })
  ending.unshift(() => lake.close())
  const keys = new KeyTable(devices)
  const batch = createBatch(signals)
  /** Readings [from, to), with their notes. */
  const add = (from: number, to: number, note: (n: number) => string) => {
    for (let at = from; at < to; at += batch.count) {
      batch.count = Math.min(batch.capacity, to - at)
      fill(batch, keys, { from: at, note })
      lake.addReadings({ source: 's', topic: 'in', partition: 0, batch, keys })
    }
  }
  const stored = async () => (await client.execute(`SELECT COUNT(*) AS n FROM ${keyspace}.tight_readings`)).first().n.toNumber() as number
  return { lake, add, stored }
}

function fill (batch: Batch, keys: KeyTable, { from, note }: { readonly from: number, readonly note: (n: number) => string }): void {
  const [column] = batch.columns
  assert(column?.kind === 'text')
  for (let row = 0; row < batch.count; row += 1) {
    const n = from + row
    batch.key[row] = keys.internText(`device ${n % devices}`)
    batch.at[row] = batch.arrival[row] = batch.arrivalClock[row] = startMs + n
    batch.position[row] = n
    column.values[row] = column.dictionary.internText(note(n))
    column.known[row] = 1
  }
}

test('a batch that is too large goes in halves, and a row that is too large becomes a dead letter; all others are stored', { skip, timeout: 240_000 }, async t => {
  const { lake, add, stored } = await tightLake(t, small)
  const large = [7, 1_500, 1_999]
  const letters: DeadLetter[] = []
  add(0, 2_000, n => large.includes(n) ? 'y'.repeat(300_000) : noteOf(n))
  await lake.commit([{ topic: 'in', partition: 0, offset: 2_000, metadata: '' }], { refused: async list => { letters.push(...list) } })
  assert.deepEqual(letters.map(({ step, reason, source }) => [step, reason, source.topic, source.partition, source.offset]).toSorted((a, b) => Number(a[4]) - Number(b[4])), large.map(offset => ['sink', 'LAKE_ROW_REFUSED', 'in', 0, offset]))
  for (const { message } of letters) assert.match(message, /tight_readings.*oversized mutation \(\d+\/262144\)/)
  assert.equal(await stored(), 2_000 - large.length)
})
