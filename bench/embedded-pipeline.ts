import type { EmbeddedLake } from '../connectors/duckdb/lake.ts'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Embedded, openEmbedded } from '../pipelines/cli/embedded.ts'
import { Engine } from '../pipelines/cli/engine.ts'
import { loadDefinition } from '../pipelines/define/load.ts'
import { names } from '../pipelines/runtime/names.ts'
import { report } from './kit.ts'
import { readingBatches } from './readings.ts'

/**
 * B8: everything embedded in one process. A backlog in the file log -> control events on the control topic, and every reading, rollup
 * and alert in the DuckDB lake.
 *
 * Measured from the start of the engine (nothing compiled or warmed before) until the race has committed every position and the lake
 * every reading and every event. What came out is counted afterwards, in the log and by SQL. The best of three processes.
 */
const partitions = 4
const keys = 10_000
const records = Number(process.env.MILLRACE_BENCH_READINGS ?? 6_000_000)
const perSecond = 10_000
interface Turn { readonly perSecond: number, readonly perCpuSecond: number, readonly memoryBytes: number, readonly diskBytes: number }

if (process.env.MILLRACE_BENCH_TURN) {
  console.log(JSON.stringify(await turn()))
} else {
  const turns = Array.from({ length: 3 }, () => {
    const { stdout, status } = spawnSync(process.execPath, [import.meta.filename], { env: { ...process.env, MILLRACE_BENCH_TURN: '1' }, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })
    if (status !== 0) throw new Error(`a turn ended with ${status}: ${stdout}`)
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Turn
  })
  const value = Math.max(...turns.map(one => one.perSecond))
  report({ id: 'B8', what: 'embedded in one process: file log -> control events + DuckDB lake', value, unit: 'readings/s', goal: '>= 1 M', met: value >= 1e6 })
  report({ id: 'B8-cpu', what: 'the same for each CPU-second of the process', value: Math.max(...turns.map(one => one.perCpuSecond)), unit: 'readings/CPU-s' })
  report({ id: 'B8-memory', what: 'the same: peak of its own memory, pages of the log\'s file left out', value: Math.max(...turns.map(one => one.memoryBytes)) / 2 ** 20, unit: 'MiB' })
  report({ id: 'B8-disk', what: 'the same: the lake on disk, rollups included', value: Math.max(...turns.map(one => one.diskBytes)) / records, unit: 'bytes/reading' })
}

async function turn (): Promise<Turn> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  try {
    const embedded = await openEmbedded(folder)
    await fill(embedded)
    const definition = await loadDefinition(new URL('definitions/embedded.yaml', import.meta.url).pathname)
    let memoryBytes = 0
    const cpu = process.cpuUsage()
    const from = performance.now()
    const engine = await Engine.start({ definition, system: embedded, partitions, reset: () => false, onEvent: () => {} })
    for (let poll = 0; !await isDone(embedded, engine); poll += 1) {
      await Promise.race([new Promise(resolve => { setTimeout(resolve, 5) }), engine.failed])
      if (poll % 20 === 0) memoryBytes = Math.max(memoryBytes, ownMemory())
    }
    const wallMs = performance.now() - from
    const { user, system } = process.cpuUsage(cpu)
    await check(embedded, engine)
    await engine.stop()
    await embedded.log.close()
    return { perSecond: records / wallMs * 1e3, perCpuSecond: records / (user + system) * 1e6, memoryBytes, diskBytes: statSync(embedded.lakeFile).size }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The log's file is mapped, and its pages count as resident while they are cached: they are the machine's to take back. */
function ownMemory (): number {
  if (process.platform !== 'linux') return process.memoryUsage.rss()
  return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024
}

/** A device belongs to one partition: each has a quarter of the keys and a quarter of the readings. */
async function fill ({ log }: Embedded): Promise<void> {
  await log.createTopic({ name: 'readings', partitions, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
  for (let partition = 0; partition < partitions; partition += 1) {
    const batches = readingBatches({ records: records / partitions, keys: keys / partitions, perSecond: perSecond / partitions, keyPrefix: `sensor-${partition}` })
    for (const bytes of batches) await log.append('readings', partition, bytes)
  }
}

async function isDone ({ log }: Embedded, { race, pond }: Engine): Promise<boolean> {
  const { stored } = pond!.status
  if (race!.status.readings < records || stored.readings < records || stored.events < race!.status.raised + race!.status.cleared) return false
  return await racePosition(log) === records
}

async function racePosition (log: Embedded['log']): Promise<number> {
  const committed = await Promise.all(Array.from({ length: partitions }, (_, partition) => log.committed(names.group('embedded', 'race'), 'readings', partition)))
  return committed.reduce((sum, one) => sum + (one?.offset ?? 0), 0)
}

/** A wrong result voids the run. */
async function check ({ log }: Embedded, { race, lake: opened }: Engine): Promise<void> {
  const lake = opened as EmbeddedLake
  const [readings] = await lake.query('SELECT count(*) AS n, count(DISTINCT "partition" * 1e9 + "offset") AS positions, count(DISTINCT key) AS keys FROM embedded_readings')
  const [rollups] = await lake.query('SELECT count(*) AS n, CAST(sum(n) AS BIGINT) AS readings, count(DISTINCT "start") AS minutes FROM embedded_minute')
  const [alerts] = await lake.query("SELECT count(*) AS n, count(*) FILTER (WHERE state = 'cleared') AS cleared FROM embedded_alerts")
  const { end } = await log.range('embedded.control', 0)
  const { raised, cleared } = race!.status
  const minutes = Math.floor((records / perSecond - 5) / 60)
  const right = readings!.n === records && readings!.positions === records && readings!.keys === keys
    && rollups!.n === keys * minutes && rollups!.readings === minutes * 60 * perSecond
    && alerts!.n === raised && alerts!.cleared === cleared && end === raised + cleared && raised > 0
  if (!right) throw new Error(`wrong result: ${JSON.stringify({ readings, rollups, minutes, alerts, end, raised, cleared })}`)
  console.log(`${readings!.n} readings, ${rollups!.n} rollups, ${alerts!.n} alerts in the lake; ${end} control events`)
}
