import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import cassandra from 'cassandra-driver'
import { BucketNames, type Era } from '../connectors/cassandra/buckets.ts'
import { chunksInsert, partsOf } from '../connectors/cassandra/chunk-rows.ts'
import { scanChunks } from '../connectors/cassandra/chunk-scan.ts'
import { cassandraEnvironment, cassandraSettings } from '../connectors/cassandra/config.ts'
import { openSession } from '../connectors/cassandra/session.ts'
import { lakeTables } from '../connectors/cassandra/tables.ts'
import { startStack } from '../infra/local/stack.ts'
import { createChunkStage } from '../pipelines/chunk/stage.ts'
import { openEmbedded } from '../pipelines/cli/embedded.ts'
import { Engine } from '../pipelines/cli/engine.ts'
import { layoutOf } from '../pipelines/cli/lake-layout.ts'
import { openLakeOf } from '../pipelines/cli/lake-of.ts'
import { type Batch, createBatch } from '../pipelines/core/batch.ts'
import { encodeChunk } from '../pipelines/core/chunk/encode.ts'
import { TaskClock } from '../pipelines/core/clock.ts'
import { KeyTable } from '../pipelines/core/keys.ts'
import type { LakeLayout } from '../pipelines/core/lake-ports.ts'
import { Outputs } from '../pipelines/core/outputs.ts'
import { checkedDefinition } from '../pipelines/define/pipeline.ts'
import { compileDefinition } from '../pipelines/define/public.ts'
import { report } from './kit.ts'
import { readingBatches } from './readings.ts'

/**
 * Readings in chunks into a real Cassandra on the same machine, and back.
 *
 * lake  a thousand devices, one number signal: gathered, cut, written through the lake with positions, half a million readings a commit; every reading is read
 *       back and compared. Beside it the same rows by the driver alone, 64 inserts under way.
 * pond  an embedded log filled before with Avro records of 2,000 devices -> the pond -> Cassandra, from the start of the engine until the lake has all of it.
 *
 * A part runs in a process of its own: the best of three turns. CASSANDRA_CONTACT_POINTS names a Cassandra that runs already.
 */
const records = Number(process.env.MILLRACE_BENCH_READINGS ?? 8_000_000)
const devices = 1_000
const signals = [{ name: 'value', kind: 'number', unit: 'Cel' }] as const
const startMs = Date.UTC(2026, 10, 23)
const part = process.env.MILLRACE_BENCH_TURN
interface Turn { readonly readings: number, readonly wallMs: number, readonly cpuMs: number, readonly bytes: number, readonly chunks: number, readonly rowsPerSecond?: number, readonly readBack?: number }

if (part === 'lake') console.log(JSON.stringify(await lakeTurn()))
else if (part === 'pond') console.log(JSON.stringify(await pondTurn()))
else await all()

async function all (): Promise<void> {
  const stack = process.env.CASSANDRA_CONTACT_POINTS === undefined ? await startStack({ kafka: false, registry: false }) : null
  try {
    const turns = (name: string) => Array.from({ length: 3 }, () => turnOf(name, stack?.environment ?? {})).sort((a, b) => a.wallMs / a.readings - b.wallMs / b.readings)
    const rate = ({ readings, wallMs }: Turn) => readings / wallMs * 1e3
    const [lake] = turns('lake')
    report({ id: 'chunks.lake', what: 'chunks into Cassandra, with positions, read back and compared', value: rate(lake!), unit: 'readings/s', goal: '>= 2 M', met: rate(lake!) >= 2e6 })
    report({ id: 'chunks.lake.driver', what: 'the same: rows a second', value: rate(lake!) / (lake!.readings / lake!.chunks), unit: 'rows/s', peer: { name: 'the driver alone, 64 inserts under way', value: lake!.rowsPerSecond! } })
    report({ id: 'chunks.lake.cpu', what: 'the same, for each CPU-second of our own process', value: lake!.readings / lake!.cpuMs * 1e3, unit: 'readings/CPU-s' })
    report({ id: 'chunks.lake.bytes', what: 'the same: bytes in a row for each reading', value: lake!.bytes / lake!.readings, unit: 'bytes' })
    report({ id: 'chunks.read', what: 'read back, a device at a time', value: lake!.readBack!, unit: 'readings/s' })
    const [pond] = turns('pond')
    report({ id: 'chunks.pond', what: 'file log -> pond -> chunks in Cassandra', value: rate(pond!), unit: 'readings/s', goal: '>= 2 M', met: rate(pond!) >= 2e6 })
    report({ id: 'chunks.pond.cpu', what: 'the same, for each CPU-second of our own process', value: pond!.readings / pond!.cpuMs * 1e3, unit: 'readings/CPU-s' })
  } finally {
    await stack?.stop()
  }
}

function turnOf (name: string, environment: Readonly<Record<string, string>>): Turn {
  const { stdout, status } = spawnSync(process.execPath, ['--disable-warning=TimeoutNegativeWarning', import.meta.filename], { env: { ...process.env, ...environment, MILLRACE_BENCH_TURN: name }, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`a turn ended with ${status}: ${stdout}`)
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Turn
}

/** Settings of the Cassandra, and a keyspace of this turn's own. */
async function place () {
  const { keyspace: _, ...properties } = cassandraEnvironment(process.env) as Record<string, string>
  const session = await openSession(cassandraSettings(properties))
  const keyspace = `bench_${process.pid}`
  return { properties, session, keyspace, finish: async () => { await session.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`).finally(() => session.close()) } }
}

/**
 * What the `index`th reading says: of each device one a second, with a jitter of 40 ms and a delay of 30 to 93; a slow wave with noise, two digits. The devices of a second
 * come in another order each time, so that a device's offsets are as far apart as chance has it.
 */
function chance (index: number): number { return Math.imul(Math.imul(index + 1, 0x9e3779b1) ^ index >>> 3, 0x85ebca6b) >>> 12 }
function atOf (index: number): number { return startMs + Math.floor(index / devices) * 1_000 + chance(index) % 40 }
function delayOf (index: number): number { return 30 + (chance(index) >>> 8 & 63) }
function valueAt (index: number): number { return Math.round(2_000 + 300 * Math.sin(index / devices / 50) + chance(index) % 16) / 100 }
function deviceOf (index: number): number { return (index % devices * 7_919 + chance(Math.floor(index / devices))) % devices }

function fill (batch: Batch, from: number, clock: TaskClock): void {
  const { values, known } = batch.columns[0]! as { values: Float64Array, known: Uint8Array }
  const count = Math.min(batch.capacity, records - from)
  for (let row = 0; row < count; row += 1) {
    const index = from + row
    batch.key[row] = deviceOf(index)
    batch.at[row] = atOf(index)
    batch.arrival[row] = batch.at[row]! + delayOf(index)
    batch.position[row] = index
    values[row] = valueAt(index)
    known[row] = 1
  }
  batch.count = count
  clock.stamp(batch)
}

async function lakeTurn (): Promise<Turn> {
  const { properties, session, keyspace, finish } = await place()
  try {
    const layout: LakeLayout = { pipeline: 'bench', keyspace, rawMode: 'chunks', intervalMs: 1_000, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null, signals, windows: [] }
    const lake = await openLakeOf({ lakeFile: '', cassandra: properties }, layout)
    const table = lakeTables(layout).chunks!
    const eras: readonly Era[] = [{ from: Number.NEGATIVE_INFINITY, width: table.width }]
    const keys = new KeyTable(devices)
    for (let device = 0; device < devices; device += 1) keys.internText(`sensor-${device}`)
    const stage = createChunkStage({ rowsMax: 500, withinMs: 6e8, openRowsMax: 1 << 20 }, { number: 2, keys, signals })
    const batches = Array.from({ length: 8 }, () => createBatch(signals))
    const out = new Outputs()
    const clock = new TaskClock({ latenessMs: 0, idleMs: Number.POSITIVE_INFINITY, explicit: false })
    const taken: { chunks: number, bytes: number } = { chunks: 0, bytes: 0 }
    const take = () => {
      for (const chunks of out.chunks) {
        lake.addChunks!({ source: 'bench', topic: 'in', partition: 0, chunks })
        taken.chunks += chunks.count
      }
      out.clear()
    }
    const before = process.cpuUsage()
    const from = performance.now()
    let committing: Promise<void> = Promise.resolve()
    for (let next = 0; next < records; next += batches[0]!.count) {
      fill(batches[0]!, next, clock)
      stage.process(batches[0]!, out)
      take()
      if (lake.pendingRows * 2 > lake.pendingRowsMax || next % (1 << 19) === 0) {
        await committing
        committing = lake.commit([{ topic: 'in', partition: 0, offset: next, metadata: '' }])
        await new Promise(resolve => { setImmediate(resolve) })
      }
    }
    stage.drain(out)
    take()
    await committing
    await lake.commit([{ topic: 'in', partition: 0, offset: records, metadata: '' }])
    const wallMs = performance.now() - from
    const { user, system } = process.cpuUsage(before)
    taken.bytes = await bytesOf(session, keyspace, table.name)
    const readFrom = performance.now()
    await compare(key => scanChunks(session, { keyspace, table, eras, key, columns: signals, from: startMs, to: startMs + records / devices * 1_000 + 1_000 }))
    const readBack = records / (performance.now() - readFrom) * 1e3
    await lake.close()
    const rowsPerSecond = await driverAlone(session.client, keyspace, { keys, layout, eras })
    return { readings: records, wallMs, cpuMs: (user + system) / 1e3, ...taken, rowsPerSecond, readBack }
  } finally {
    await finish()
  }
}

async function bytesOf (session: Awaited<ReturnType<typeof place>>['session'], keyspace: string, table: string): Promise<number> {
  let bytes = 0
  for (let pageState: string | undefined; ;) {
    const page = await session.execute(`SELECT block FROM ${keyspace}.${table}`, [], { prepare: true, fetchSize: 1_000, ...pageState !== undefined && { pageState } })
    for (const row of page.rows) bytes += (row.block as Buffer).length
    pageState = page.pageState
    if (!pageState) return bytes
  }
}

/** Every reading, once and as it was. A wrong result voids the run. */
async function compare (scan: (key: string) => ReturnType<typeof scanChunks>): Promise<void> {
  const seen = new Uint8Array(records)
  for (let device = 0; device < devices; device += 1) {
    for await (const { count, at, arrival, offset, columns } of scan(`sensor-${device}`)) {
      const values = columns[0]!.values as Float64Array
      for (let row = 0; row < count; row += 1) {
        const index = offset[row]!
        if (deviceOf(index) !== device || at[row] !== atOf(index) || arrival[row] !== at[row]! + delayOf(index) || values[row] !== valueAt(index)) throw new Error(`wrong result: device ${device}, reading ${index}`)
        seen[index]! += 1
      }
    }
  }
  const wrong = seen.findIndex(times => times !== 1)
  if (wrong >= 0) throw new Error(`wrong result: reading ${wrong} is there ${seen[wrong]} times`)
}

/** Rows of the same kind, made before, by the driver as anybody would use it. */
async function driverAlone (client: cassandra.Client, keyspace: string, { keys, layout, eras }: { readonly keys: KeyTable, readonly layout: LakeLayout, readonly eras: readonly Era[] }): Promise<number> {
  const stage = createChunkStage({ rowsMax: 500, withinMs: 6e8, openRowsMax: 1 << 20 }, { number: 2, keys, signals })
  const clock = new TaskClock({ latenessMs: 0, idleMs: Number.POSITIVE_INFINITY, explicit: false })
  const batch = createBatch(signals)
  const out = new Outputs()
  const rows: unknown[][] = []
  const buckets = new BucketNames(eras)
  for (let next = 0; rows.length < 4_000 && next < records; next += batch.count) {
    fill(batch, next, clock)
    stage.process(batch, out)
    for (const chunks of out.chunks) {
      for (let index = 0; index < chunks.count; index += 1) {
        const chunk = chunks.read(index)
        for (const { bucket, block, first, last } of partsOf(chunk, buckets, () => {})) {
          rows.push([keys.text(chunk.key), bucket, new Date(first), 0, block.offset[0], new Date(last), block.count, 'bench', Buffer.from(encodeChunk(block, 0)), chunk.arrivalClock * 1_000])
        }
      }
    }
    out.clear()
  }
  const { cql } = chunksInsert(keyspace, lakeTables(layout).chunks!)
  const from = performance.now()
  await cassandra.concurrent.executeConcurrent(client, cql, rows, { concurrencyLevel: 64 })
  return rows.length / (performance.now() - from) * 1e3
}

async function pondTurn (): Promise<Turn> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  const { properties, session, keyspace, finish } = await place()
  try {
    const embedded = await openEmbedded(folder)
    await fillLog(embedded.log)
    const { loadDefinition } = await import('../pipelines/define/load.ts')
    const plain = await loadDefinition(new URL('definitions/embedded.yaml', import.meta.url).pathname)
    const definition = checkedDefinition({ ...plain, windows: {}, rules: {}, lake: { keyspace, rollups: [], raw: { mode: 'chunks', chunk: { within: '7d' } } } })
    const layout = layoutOf(compileDefinition(definition))
    // Tables are made before, and not measured.
    await (await openLakeOf({ lakeFile: '', cassandra: properties }, layout)).close()
    const before = process.cpuUsage()
    const from = performance.now()
    const engine = await Engine.start({ definition, system: { ...embedded, cassandra: properties }, partitions: 2, reset: () => false, legs: ['pond'], onEvent: () => {} })
    while (engine.behind > 0 || engine.pond!.status.stored.readings === 0) await Promise.race([new Promise(resolve => { setTimeout(resolve, 5) }), engine.failed])
    await engine.stop()
    const wallMs = performance.now() - from
    const { user, system } = process.cpuUsage(before)
    const { stored } = engine.pond!.status
    const table = lakeTables(layout).chunks!.name
    const [found] = (await session.execute(`SELECT count(*) AS chunks, sum(readings) AS readings FROM ${keyspace}.${table}`, [], { readTimeout: 60_000 })).rows as unknown as [{ chunks: { toNumber (): number }, readings: number }]
    if (found.readings !== stored.readings || stored.readings < records * 0.9) throw new Error(`wrong result: ${found.readings} readings in the lake, ${stored.readings} said to be stored of ${records}`)
    await embedded.log.close()
    return { readings: records, wallMs, cpuMs: (user + system) / 1e3, bytes: 0, chunks: found.chunks.toNumber() }
  } finally {
    await finish()
    rmSync(folder, { recursive: true })
  }
}

async function fillLog (log: Awaited<ReturnType<typeof openEmbedded>>['log']): Promise<void> {
  await log.createTopic({ name: 'readings', partitions: 2, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
  for (let partition = 0; partition < 2; partition += 1) {
    for (const bytes of readingBatches({ records: records / 2, keys: devices, perSecond: devices, keyPrefix: `sensor-${partition}` })) await log.append('readings', partition, bytes)
  }
}
