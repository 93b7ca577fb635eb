import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { openEmbeddedLog } from '../../connectors/embedded/log.ts'
import { openLakeReader } from '../../connectors/duckdb/reader.ts'
import { checkKilled, duckLook } from './kill-check.ts'
import { killed } from './kill-rounds.ts'

const rounds = Number(process.env.ROUNDS ?? (process.env.MILLRACE_SLOW === '1' ? 100 : 8))

//  child   both legs and a feeder ▸ ready ▸ ... ✂ kill -9, from the first instruction on; again and again; then one runs to the end
//  then    topics and lake hold what the logs alone say, each row once
test('kill -9 at any moment: every output stands on its topic once, the lake is row-exact, and the next start goes on', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  await killed(t, folder, rounds)
  await check(t, folder)
})

async function check (t: TestContext, folder: string): Promise<void> {
  const log = await openEmbeddedLog({ folder: join(folder, 'log'), clock: machineClock, readOnly: true })
  const lake = await openLakeReader(join(folder, 'lake.duckdb'))
  t.after(async () => {
    lake.close()
    await log.close()
  })
  t.diagnostic(JSON.stringify(await checkKilled(log, duckLook(lake))))
}
