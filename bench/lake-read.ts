import { types } from 'cassandra-driver'
import { BucketNames } from '../connectors/cassandra/buckets.ts'
import { cassandraEnvironment, cassandraSettings, type CassandraSettings } from '../connectors/cassandra/config.ts'
import { inOrder } from '../connectors/cassandra/in-order.ts'
import { applyPlan, lakePlan } from '../connectors/cassandra/migrate.ts'
import { openCassandraReader } from '../connectors/cassandra/reader.ts'
import { type CassandraSession, openSession } from '../connectors/cassandra/session.ts'
import { identifier, qualified } from '../connectors/cassandra/table.ts'
import { keyShards, lakeTables, type LakeTables, shardOf } from '../connectors/cassandra/tables.ts'
import { startStack } from '../infra/local/stack.ts'
import type { LakeLayout, LakePart, LakeReaderPort } from '../pipelines/core/lake-ports.ts'
import type { LakeQuery } from '../pipelines/lake/ask.ts'
import { queryLake } from '../pipelines/lake/query.ts'
import { report } from './kit.ts'

/**
 * Reading a lake in a real Cassandra on the same machine: the readings of one device and day (one a second), and 1,000 devices' hourly windows of 30 days,
 * then an hour (a reading a minute) whose windows are not closed yet.
 * Each figure is the best of five, on a server that has answered for some seconds; beside it the driver's row objects with the same queries, as many at once. CASSANDRA_CONTACT_POINTS names a Cassandra that
 * runs already.
 */
const devices = Number(process.env.MILLRACE_BENCH_DEVICES ?? 1_000)
const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
const from = Date.UTC(2026, 10, 1)
const to = from + 30 * day
const runs = 5
const warmRuns = 6
const rowsOfBatch = 60
const parts = (['n', 'sum', 'min', 'max'] as const).map((part): LakePart => ({ name: `celsius_${part}`, signal: 'celsius', part }))
const layout: LakeLayout = {
  pipeline: 'bench', keyspace: 'millrace_bench_read', rawMode: 'rows', intervalMs: 1_000, futureMaxMs: 0, rawBucket: 'day', rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
  signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'depot', kind: 'text', unit: null }], windows: [{ name: 'hour', shape: { kind: 'tumbling', sizeMs: hour }, columns: [{ name: 'mean', kind: 'number' }], parts }],
}
const keyOf = (device: number) => `truck-${String(device).padStart(5, '0')}`
const celsius = (device: number, row: number) => ((device * 31 + row * 7) % 400) / 10 - 10

let checksum = 0

const stack = process.env.CASSANDRA_CONTACT_POINTS === undefined ? await startStack({ kafka: false, registry: false }) : null
try {
  const { keyspace: _, ...properties } = cassandraEnvironment({ ...process.env, ...stack?.environment })
  await measure(cassandraSettings(properties))
} finally {
  await stack?.stop()
}

async function measure (settings: CassandraSettings): Promise<void> {
  const session = await openSession(settings)
  const tables = lakeTables(layout)
  try {
    await session.execute(`DROP KEYSPACE IF EXISTS ${layout.keyspace}`)
    await applyPlan(session, tables, await lakePlan(session, tables))
    await fill(session, tables)
    const reader = await openCassandraReader({ settings, layout })
    await measureDay(reader)
    await measureFleet(reader, session, tables)
    await reader.close()
  } finally {
    await session.execute(`DROP KEYSPACE IF EXISTS ${layout.keyspace}`)
    await session.close()
  }
}

async function measureDay (reader: LakeReaderPort): Promise<void> {
  const turns = await best(async () => {
    const began = performance.now()
    let firstMs = 0
    let rows = 0
    for await (const piece of reader.readings({ keys: [keyOf(1)], from, to: from + day, columns: ['celsius', 'depot'] })) {
      if (rows === 0) firstMs = performance.now() - began
      rows += piece.count
    }
    if (rows !== day / 1_000) throw new Error(`${rows} rows`)
    return { ms: performance.now() - began, firstMs, rows }
  })
  const firstMs = Math.min(...turns.map(turn => turn.firstMs))
  report({ id: 'read.day.first', what: 'a device and day of readings: the first piece', value: firstMs, unit: 'ms', goal: '< 50', met: firstMs < 50 })
  report({ id: 'read.day', what: 'the same: all 86,400 rows', value: Math.min(...turns.map(({ ms }) => ms)), unit: 'ms' })
}

async function measureFleet (reader: LakeReaderPort, session: CassandraSession, tables: LakeTables): Promise<void> {
  const [scan, objects] = await alternating(() => scanned(reader), () => rowObjects(session, tables))
  const rate = (turns: readonly { readonly ms: number }[]) => Math.min(...turns.map(({ ms }) => ms))
  const cpu = (turns: readonly { readonly cpuMs: number }[]) => Math.min(...turns.map(({ cpuMs }) => cpuMs))
  report({ id: 'read.fleet', what: `${devices} devices x 30 days of hours, scanned`, value: rate(scan), unit: 'ms', peer: { name: 'the driver\'s row objects', value: rate(objects) }, goal: '< 2,000', met: rate(scan) < 2_000 })
  report({ id: 'read.fleet.cpu', what: 'the same: CPU of our own process', value: cpu(scan), unit: 'ms', peer: { name: 'the driver\'s row objects', value: cpu(objects) } })
  for (const [id, changes] of [['read.query', { by: ['key'], resolution: hour }], ['read.query.day', { by: ['key'], resolution: day }], ['read.query.one', { by: [], resolution: day }]] as const) {
    const ask: LakeQuery = { keys: null, where: {}, signal: 'celsius', statistics: ['mean', 'count'], from, to, points: null, source: 'auto', ...changes }
    const turns = await best(async () => {
      let rows = 0
      const timed = await timing(async () => { for await (const { received } of queryLake(reader, ask)) rows += received > 0 ? 1 : 0 })
      return { ...timed, rows }
    })
    report({ id, what: `the same as a question: mean and count by ${[...ask.by, ask.resolution === hour ? 'hour' : 'day'].join(' and ')}, ${turns[0]!.rows} rows`, value: rate(turns), unit: 'ms' })
  }
  const open = { keys: null, where: {}, signal: 'celsius', statistics: ['mean', 'count'], from, to: to + hour, points: null, source: 'auto', by: ['key'], resolution: day } as const satisfies LakeQuery
  const whole = await best(async () => await asked(reader, open))
  const closed = await best(async () => await asked(reader, { ...open, closed: true }))
  for (const [turns, wanted] of [[whole, devices * (720 * 3_600 + 60)], [closed, devices * 720 * 3_600]] as const) if (turns.some(({ received }) => received !== wanted)) throw new Error(`${turns[0]!.received} received instead of ${wanted}`)
  report({ id: 'read.query.open', what: 'mean and count by key and day, with an hour of readings whose windows are not closed', value: rate(whole), unit: 'ms', peer: { name: 'closed windows alone', value: rate(closed) } })
  report({ id: 'read.rss', what: 'resident memory of our own process after all of it', value: process.memoryUsage().rss / 2 ** 20, unit: 'MiB' })
}

async function scanned (reader: LakeReaderPort): Promise<Timed> {
  let [rows, sum] = [0, 0]
  const range = { keys: null, from, to, window: 'hour', columns: ['celsius_n', 'celsius_sum'], brief: true }
  const timed = await timing(async () => {
    for await (const { count, columns: [, sums] } of reader.rollups(range)) {
      rows += count
      for (let row = 0; row < count; row += 1) sum += (sums!.values as Float64Array)[row]!
    }
  })
  check(rows, sum)
  return timed
}

async function asked (reader: LakeReaderPort, ask: LakeQuery): Promise<Timed & { readonly received: number }> {
  let received = 0
  const timed = await timing(async () => { for await (const row of queryLake(reader, ask)) received += row.received })
  return { ...timed, received }
}

/** The same rows by the driver's own decoding, as many queries at once. */
async function rowObjects (session: CassandraSession, { keyspace, rollups: [table] }: LakeTables): Promise<Timed> {
  const cql = `SELECT start, "end", expected, received, celsius_n, celsius_sum FROM ${qualified(keyspace, table!.name)} WHERE key = ? AND bucket = ? AND start >= ? AND start < ?`
  let [rows, sum] = [0, 0]
  const timed = await timing(async () => {
    const one = async function * (device: number): AsyncGenerator<types.ResultSet> { yield await session.client.execute(cql, [keyOf(device), '2026', new Date(from), new Date(to)], { prepare: true, fetchSize: 4096 }) }
    for await (const result of inOrder(Array.from({ length: devices }, (_, device) => device), one, 24)) {
      rows += result.rows.length
      for (const row of result.rows) sum += row.celsius_sum as number
    }
  })
  check(rows, sum)
  return timed
}

function check (rows: number, sum: number): void {
  if (rows !== devices * 720 || Math.abs(sum / checksum - 1) > 1e-9) throw new Error(`${rows} rows, sum ${sum} instead of ${checksum}`)
}

interface Timed { readonly ms: number, readonly cpuMs: number }

async function timing (work: () => Promise<void>): Promise<Timed> {
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { ms: performance.now() - began, cpuMs: (user + system) / 1e3 }
}

/** Both in turn, so that both meet the same server; a server that has just begun to answer takes three times as long, so the first `warmRuns` do not count. */
async function alternating<Turn> (one: () => Promise<Turn>, other: () => Promise<Turn>): Promise<readonly [Turn[], Turn[]]> {
  const turns: [Turn, Turn][] = []
  for (let run = 0; run < warmRuns + runs; run += 1) turns.push([await one(), await other()])
  const counted = turns.slice(warmRuns)
  return [counted.map(([turn]) => turn), counted.map(([, turn]) => turn)]
}

async function best<Turn> (work: () => Promise<Turn>): Promise<Turn[]> {
  const turns: Turn[] = []
  for (let run = 0; run < runs; run += 1) turns.push(await work())
  return turns
}

async function fill (session: CassandraSession, tables: LakeTables): Promise<void> {
  const [table] = tables.rollups
  const buckets = new BucketNames([{ from: Number.NEGATIVE_INFINITY, width: table!.width }])
  const statement = insert(tables, table!.name, ['key', 'bucket', 'start', 'end', 'source', 'partition', 'expected', 'received', 'revision', 'final', 'mean', 'celsius_n', 'celsius_sum', 'celsius_min', 'celsius_max'])
  await together(devices, async device => {
    const key = keyOf(device)
    await session.execute(insert(tables, tables.keys.name, ['shard', 'key', 'source', 'first_arrival', 'last_arrival', 'depot']), [shardOf(key, keyShards), key, 'trucks', new Date(from), new Date(to + hour - minute), device % 2 === 0 ? 'north' : 'south'])
    for (let row = 0; row < 720; row += rowsOfBatch) {
      await session.client.batch(Array.from({ length: rowsOfBatch }, (_, index) => {
        const start = from + (row + index) * hour
        const sum = celsius(device, row + index) * 3_600
        checksum += sum
        return { query: statement, params: [key, buckets.of(start), new Date(start), new Date(start + hour), 'trucks', 0, 3_600, 3_600, 0, true, sum / 3_600, 3_600, sum, -10, 30] }
      }), { prepare: true, logged: false })
    }
  })
  const readings = insert(tables, tables.readings!.name, ['key', 'bucket', 'at', 'partition', 'offset', 'arrived_at', 'source', 'celsius', 'depot'])
  const store = async (device: number, start: number, stepMs: number) => {
    await session.client.batch(Array.from({ length: rowsOfBatch }, (_, index) => {
      const at = start + index * stepMs
      return { query: readings, params: [keyOf(device), new Date(start).toISOString().slice(0, 10), new Date(at), 0, types.Long.fromNumber((at - from) / 1_000), new Date(at + 40), 'trucks', celsius(device, (at - from) / 1_000), 'north'] }
    }), { prepare: true, logged: false })
  }
  await together(day / 1_000 / rowsOfBatch, piece => store(1, from + piece * minute, 1_000))
  await together(devices, device => store(device, to, minute))
}

function insert ({ keyspace }: LakeTables, table: string, columns: readonly string[]): string {
  return `INSERT INTO ${qualified(keyspace, table)} (${columns.map(identifier).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
}

async function together (count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: 8 }, async () => { while (next < count) await work(next++) }))
}
