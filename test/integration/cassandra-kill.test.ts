import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { cassandraEnvironment, cassandraSettings } from '../../connectors/cassandra/config.ts'
import { openCassandraReader } from '../../connectors/cassandra/reader.ts'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { openEmbeddedLog } from '../../connectors/embedded/log.ts'
import { layoutOf } from '../../pipelines/cli/lake-layout.ts'
import type { LakeRow } from '../../pipelines/core/lake-ports.ts'
import { compileDefinition } from '../../pipelines/define/compile.ts'
import { cassandraKeyspace, noCassandra } from '../kit/cassandra.ts'
import { plainRows } from '../kit/cassandra-rows.ts'
import { checkKilled } from './kill-check.ts'
import { chunkedDefinition } from './kill-pipeline.ts'
import { killed } from './kill-rounds.ts'

const rounds = Number(process.env.ROUNDS ?? (process.env.MILLRACE_SLOW === '1' ? 50 : 5))
const dayMs = 86_400_000

//  child   both legs on the embedded log, the lake in Cassandra ▸ ready ▸ ... ✂ kill -9; again and again; then one runs to the end
//  then    Cassandra holds the rows that the logs alone say, none more and none less: what a killed process wrote beyond its position is written again
for (const mode of ['rows', 'chunks'] as const) {
  test(`kill -9 at any moment with the lake in Cassandra, in ${mode}: it is row-exact`, { skip: noCassandra ?? false }, async t => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
    t.after(() => { rmSync(folder, { recursive: true }) })
    const { environment, keyspace, client, finish } = await cassandraKeyspace()
    t.after(finish)
    await killed(t, folder, rounds, { ...environment, MILLRACE_KILL_MODE: mode })
    const log = await openEmbeddedLog({ folder: join(folder, 'log'), clock: machineClock, readOnly: true })
    t.after(() => log.close())
    const rows = (table: string) => mode === 'chunks' && table === 'readings' ? chunkedReadings(environment, keyspace) : plainRows(client, `SELECT * FROM ${keyspace}.killed_${table}`)
    t.diagnostic(JSON.stringify(await checkKilled(log, { rows, positions: () => plainRows(client, `SELECT * FROM ${keyspace}.millrace_offsets`) }, mode)))
  })
}

/** As whoever reads the lake gets them out of its chunks. */
async function chunkedReadings (environment: Readonly<Record<string, string>>, keyspace: string): Promise<readonly LakeRow[]> {
  const { lake } = chunkedDefinition
  const { keyspace: _, ...properties } = cassandraEnvironment(environment) as Record<string, string>
  const reader = await openCassandraReader({ settings: cassandraSettings(properties), layout: layoutOf(compileDefinition({ ...chunkedDefinition, lake: { ...lake!, keyspace } })) })
  try {
    const rows: LakeRow[] = []
    for await (const { key, count, partition, offset } of reader.readings({ keys: null, from: Date.now() - dayMs, to: Date.now() + dayMs, columns: ['celsius'] })) {
      for (let row = 0; row < count; row += 1) rows.push({ key, partition: partition[row]!, offset: offset[row]! })
    }
    return rows
  } finally {
    await reader.close()
  }
}
