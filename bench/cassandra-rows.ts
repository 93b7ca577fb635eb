import cassandra, { type Client } from 'cassandra-driver'
import { BucketNames } from '../connectors/cassandra/buckets.ts'
import { cassandraEnvironment, cassandraSettings, type CassandraSettings } from '../connectors/cassandra/config.ts'
import { openCassandraLake } from '../connectors/cassandra/lake.ts'
import { openSession } from '../connectors/cassandra/session.ts'
import { qualified } from '../connectors/cassandra/table.ts'
import { lakeTables } from '../connectors/cassandra/tables.ts'
import { startStack } from '../infra/local/stack.ts'
import { type Batch, createBatch } from '../pipelines/core/batch.ts'
import { KeyTable } from '../pipelines/core/keys.ts'
import type { LakeLayout } from '../pipelines/core/lake-ports.ts'
import { report } from './kit.ts'

/**
 * Readings as rows into a real Cassandra on the same machine: a thousand devices, three signals, each row with its own write timestamp.
 *
 * ours     the lake: from columns to durable rows with keys and positions, as the pond does it; every row is read back and compared
 * batches  the driver as connectors for Kafka use it: unlogged batches of 32 rows of one partition, 64 under way
 * single   the driver's executeConcurrent, a row each, 256 under way
 *
 * In turn, the best of MILLRACE_BENCH_TURNS (3) each: the server is the same, and what else the machine does. CASSANDRA_CONTACT_POINTS names a Cassandra
 * that runs already.
 */
const rows = Number(process.env.MILLRACE_BENCH_READINGS ?? 400_000)
const turns = Number(process.env.MILLRACE_BENCH_TURNS ?? 3)
const devices = 1_000
const startMs = Date.UTC(2026, 10, 23)
const signals = [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'doorOpen', kind: 'bool', unit: null }, { name: 'site', kind: 'text', unit: null }] as const
const keyOf = (n: number) => `sensor-${n % devices}`
const atOf = (n: number) => startMs + Math.floor(n / devices) * 1_000 + n % 7
const celsiusOf = (n: number) => Math.round(2_000 + 500 * Math.sin(n / 900)) / 100
const siteOf = (n: number) => `site ${n % 40}`

interface Turn { readonly perSecond: number, readonly perCpuSecond: number, readonly cores: number }

const stack = process.env.CASSANDRA_CONTACT_POINTS === undefined ? await startStack({ kafka: false, registry: false }) : null
try {
  const { keyspace: _, ...properties } = cassandraEnvironment(stack?.environment ?? process.env) as Record<string, string>
  await all(cassandraSettings(properties))
} finally {
  await stack?.stop()
}

async function all (settings: CassandraSettings): Promise<void> {
  const session = await openSession(settings)
  const keyspace = `bench_${process.pid}`
  try {
    const found = { ours: [] as Turn[], batches: [] as Turn[], single: [] as Turn[] }
    for (let turn = 0; turn < turns; turn += 1) {
      const layout = (name: string): LakeLayout => ({ pipeline: `${name}${turn}`, keyspace, rawMode: 'rows', intervalMs: 1_000, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null, signals, windows: [] })
      found.ours.push(await ours(settings, session.client, layout('ours')))
      found.batches.push(await driver(settings, session.client, layout('batches'), { rows: Math.ceil(rows / 2), rowsABatch: 32 }))
      found.single.push(await driver(settings, session.client, layout('single'), { rows: Math.ceil(rows / 6), rowsABatch: 1 }))
    }
    const best = (of: keyof typeof found, by: keyof Turn = 'perSecond') => Math.max(...found[of].map(turn => turn[by]))
    const ours1 = found.ours.toSorted((a, b) => b.perSecond - a.perSecond)[0]!
    report({ id: 'lake.rows', what: 'readings as rows into Cassandra, with keys and positions, read back and compared', value: best('ours'), unit: 'rows/s', peer: { name: 'executeConcurrent, a row each', value: best('single') }, goal: '>= 4x', met: best('ours') >= 4 * best('single') })
    report({ id: 'lake.rows.batches', what: 'the same, beside the driver in batches of 32', value: best('ours'), unit: 'rows/s', peer: { name: 'batches of 32 rows', value: best('batches') }, goal: '>= 1x', met: best('ours') >= best('batches') })
    report({ id: 'lake.rows.cpu', what: 'the same, for each CPU-second of our own process', value: best('ours', 'perCpuSecond'), unit: 'rows/CPU-s', peer: { name: 'batches of 32 rows', value: best('batches', 'perCpuSecond') } })
    report({ id: 'lake.rows.cores', what: 'the same: cores that our own process keeps busy', value: ours1.cores, unit: 'cores', goal: '< 1', met: ours1.cores < 1 })
  } finally {
    await session.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`).finally(() => session.close())
  }
}

async function timed (many: number, work: () => Promise<void>): Promise<Turn> {
  const before = process.cpuUsage()
  const fromMs = performance.now()
  await work()
  const seconds = (performance.now() - fromMs) / 1e3
  const { user, system } = process.cpuUsage(before)
  const cpuSeconds = (user + system) / 1e6
  return { perSecond: many / seconds, perCpuSecond: many / cpuSeconds, cores: cpuSeconds / seconds }
}

async function ours (settings: CassandraSettings, client: Client, layout: LakeLayout): Promise<Turn> {
  const lake = await openCassandraLake({ settings, layout })
  const keys = new KeyTable(devices)
  const batch = createBatch(signals)
  const turn = await timed(rows, async () => {
    let committing = Promise.resolve()
    for (let from = 0; from < rows; from += batch.count) {
      fill(batch, from, keys)
      lake.addReadings({ source: 'bench', topic: 'in', partition: 0, batch, keys })
      // As the pond does, which reads between two batches.
      await new Promise(resolve => { setImmediate(resolve) })
      if (lake.pendingRows * 2 <= lake.pendingRowsMax) continue
      await committing
      committing = lake.commit([{ topic: 'in', partition: 0, offset: from + batch.count, metadata: '' }])
    }
    await committing
    await lake.commit([{ topic: 'in', partition: 0, offset: rows, metadata: '' }])
  })
  await compare(client, layout, rows)
  await lake.close()
  return turn
}

function fill (batch: Batch, from: number, keys: KeyTable): void {
  const [celsius, door, site] = batch.columns
  batch.count = Math.min(batch.capacity, rows - from)
  for (let row = 0; row < batch.count; row += 1) {
    const n = from + row
    batch.key[row] = keys.internText(keyOf(n))
    batch.at[row] = atOf(n)
    batch.arrival[row] = batch.arrivalClock[row] = atOf(n) + 20
    batch.position[row] = n
    celsius!.values[row] = celsiusOf(n)
    door!.values[row] = n % 3 === 0 ? 1 : 0
    if (site!.kind === 'text') site!.values[row] = site!.dictionary.internText(siteOf(n))
    celsius!.known[row] = door!.known[row] = site!.known[row] = 1
  }
}

/** The rows of the same table by the driver alone: `rowsABatch` of one device go together. */
async function driver (settings: CassandraSettings, client: Client, layout: LakeLayout, { rows: many, rowsABatch }: { readonly rows: number, readonly rowsABatch: number }): Promise<Turn> {
  await (await openCassandraLake({ settings, layout })).close()
  const table = lakeTables(layout).readings!
  const names = [...table.columns.map(({ name }) => name)]
  const query = `INSERT INTO ${qualified(layout.keyspace, table.name)} (${names.map(name => `"${name}"`).join(', ')}) VALUES (${names.map(() => '?').join(', ')}) USING TIMESTAMP ?`
  const buckets = new BucketNames([{ from: Number.NEGATIVE_INFINITY, width: table.width }])
  const { Long } = cassandra.types
  const parameters = (n: number) => [keyOf(n), buckets.of(atOf(n)), new Date(atOf(n)), 0, Long.fromNumber(n), new Date(atOf(n) + 20), 'bench', celsiusOf(n), n % 3 === 0, siteOf(n), Long.fromNumber((atOf(n) + 20) * 1_000)]
  const options = { prepare: true, isIdempotent: true, consistency: cassandra.types.consistencies.localQuorum }
  return await timed(many, async () => {
    if (rowsABatch === 1) {
      const rowsOf = function * () { for (let n = 0; n < many; n += 1) yield parameters(n) }
      await cassandra.concurrent.executeConcurrent(client, query, [...rowsOf()], { concurrencyLevel: 256, raiseOnFirstError: true, ...options } as cassandra.concurrent.Options)
      return
    }
    const groups = batchesOf(many, rowsABatch)
    await Promise.all(Array.from({ length: 64 }, async () => {
      for (const group of groups) await client.batch(group.map(n => ({ query, params: parameters(n) })), { ...options, logged: false })
    }))
  })
}

function * batchesOf (many: number, rowsABatch: number): Generator<readonly number[]> {
  for (let device = 0; device < devices; device += 1) {
    let group: number[] = []
    for (let n = device; n < many; n += devices) {
      group.push(n)
      if (group.length < rowsABatch) continue
      yield group
      group = []
    }
    if (group.length > 0) yield group
  }
}

/** Every row, once and as it was. A wrong result voids the run. */
async function compare (client: Client, layout: LakeLayout, many: number): Promise<void> {
  const seen = new Uint8Array(many)
  const table = lakeTables(layout).readings!
  for await (const row of client.stream(`SELECT * FROM ${qualified(layout.keyspace, table.name)}`, [], { prepare: true, fetchSize: 5_000 }) as unknown as AsyncIterable<cassandra.types.Row>) {
    const n = Number(row.offset)
    if (row.key !== keyOf(n) || (row.at as Date).getTime() !== atOf(n) || row.celsius !== celsiusOf(n) || row.door_open !== (n % 3 === 0) || row.site !== siteOf(n)) throw new Error(`wrong result: reading ${n} is ${JSON.stringify(row)}`)
    seen[n]! += 1
  }
  const wrong = seen.findIndex(times => times !== 1)
  if (wrong >= 0) throw new Error(`wrong result: reading ${wrong} is there ${seen[wrong]} times`)
}
