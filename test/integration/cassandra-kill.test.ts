import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { openEmbeddedLog } from '../../connectors/embedded/log.ts'
import { cassandraKeyspace, noCassandra } from '../kit/cassandra.ts'
import { plainRows } from '../kit/cassandra-rows.ts'
import { checkKilled } from './kill-check.ts'
import { killed } from './kill-rounds.ts'

const rounds = Number(process.env.ROUNDS ?? (process.env.MILLRACE_SLOW === '1' ? 50 : 5))

//  child   both legs on the embedded log, the lake in Cassandra ▸ ready ▸ ... ✂ kill -9; again and again; then one runs to the end
//  then    Cassandra holds the rows that the logs alone say, none more and none less: what a killed process wrote beyond its position is written again
test('kill -9 at any moment with the lake in Cassandra: it is row-exact', { skip: noCassandra ?? false }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  const { environment, keyspace, client, finish } = await cassandraKeyspace()
  t.after(finish)
  await killed(t, folder, rounds, environment)
  const log = await openEmbeddedLog({ folder: join(folder, 'log'), clock: machineClock, readOnly: true })
  t.after(() => log.close())
  t.diagnostic(JSON.stringify(await checkKilled(log, { rows: table => plainRows(client, `SELECT * FROM ${keyspace}.killed_${table}`), positions: () => plainRows(client, `SELECT * FROM ${keyspace}.millrace_offsets`) })))
})
