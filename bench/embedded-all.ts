import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbedded } from '../pipelines/cli/embedded.ts'
import { Engine } from '../pipelines/cli/engine.ts'
import { loadDefinition } from '../pipelines/define/load.ts'
import { report } from './kit.ts'
import { readingBatches } from './readings.ts'

/** B8: everything embedded in one process, a backlog in the log -> control events, and every reading and rollup in the DuckDB lake. */

const records = 3_000_000
const partitions = 4
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
try {
  const embedded = await openEmbedded(folder)
  const definition = await loadDefinition(new URL('definitions/embedded.yaml', import.meta.url).pathname)
  await embedded.log.createTopic({ name: 'readings', partitions, cleanup: 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
  let next = 0
  for (const bytes of readingBatches({ records, keys: 10_000 })) {
    await embedded.log.append('readings', next % partitions, bytes)
    next += 1
  }
  let events = 0
  const cpu = process.cpuUsage()
  const from = performance.now()
  const engine = await Engine.start({ definition, embedded, partitions, reset: () => false, onEvent: () => { events += 1 } })
  let raced = 0
  while (engine.pond!.status.stored.readings < records || engine.race.status.readings < records) {
    if (raced === 0 && engine.race.status.readings >= records) raced = performance.now() - from
    await Promise.race([new Promise(resolve => { setTimeout(resolve, 2) }), engine.failed])
  }
  const wall = performance.now() - from
  const { user, system } = process.cpuUsage(cpu)
  const [row] = await engine.lake!.query('SELECT count(*) AS n, (SELECT count(*) FROM embedded_minute) AS rollups FROM embedded_readings')
  await engine.stop()
  await embedded.log.close()
  if (row!.n !== records || events === 0) throw new Error(`wrong result: ${JSON.stringify({ row, events })}`)
  console.log(`events ${events}, rollups ${row!.rollups}, race done after ${raced.toFixed(0)} ms, ${((user + system) / records * 1000).toFixed(0)} ns of CPU a reading, RSS ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`)
  const value = records / wall * 1_000
  report({ id: 'B8', what: 'all embedded in one process: file log -> control events + DuckDB lake', value, unit: 'readings/s', goal: '>= 1 M', met: value >= 1e6 })
} finally {
  rmSync(folder, { recursive: true })
}
