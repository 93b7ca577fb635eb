import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { openEmbeddedLog } from '../../connectors/embedded/log.ts'
import { openLakeReader } from '../../connectors/duckdb/reader.ts'
import { randomOf } from '../sim/random.ts'
import { checkKilled } from './kill-check.ts'

const child = new URL('kill-child.ts', import.meta.url).pathname
const rounds = Number(process.env.ROUNDS ?? (process.env.MILLRACE_SLOW === '1' ? 100 : 8))

/** Until a line that says so, or the end; gives the exit code, null while it runs. */
function start (t: TestContext, folder: string, mode: 'feed' | 'finish') {
  const running = spawn(process.execPath, [child, folder, mode], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => running.kill('SIGKILL'))
  let said = ''
  let complaint = ''
  running.stdout.on('data', chunk => { said += String(chunk) })
  running.stderr.on('data', chunk => { complaint += String(chunk) })
  const exit = once(running, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const until = async (word: string) => {
    while (!said.includes(word)) {
      const ended = await Promise.race([exit, once(running.stdout, 'data').then(() => null)])
      if (ended !== null && !said.includes(word)) assert.fail(`the process ended before it was ${word}: ${ended.join()} ${complaint}`)
    }
  }
  return { running, exit, until, complaint: () => complaint }
}

//  child   both legs and a feeder ▸ ready ▸ ... ✂ kill -9, from the first instruction on; again and again; then one runs to the end
//  then    topics and lake hold what the logs alone say, each row once
test('kill -9 at any moment: every output stands on its topic once, the lake is row-exact, and the next start goes on', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  const seed = Number(process.env.SEED ?? Date.now() % 1e6)
  t.diagnostic(`SEED=${seed}`)
  const random = randomOf(seed)
  for (let round = 0; round < rounds; round += 1) {
    const { running, exit, until, complaint } = start(t, folder, 'feed')
    // Now and then while it restores, mostly while it runs.
    if (random.chance(0.25)) await Promise.race([exit, new Promise(resolve => { setTimeout(resolve, random.whole(200, 1_200)) })])
    else {
      await until('ready')
      await Promise.race([exit, new Promise(resolve => { setTimeout(resolve, random.whole(50, 1_100)) })])
    }
    running.kill('SIGKILL')
    const [, signal] = await exit
    assert.equal(signal, 'SIGKILL', `round ${round}: ${complaint()}`)
  }
  const last = start(t, folder, 'finish')
  await last.until('finished')
  assert.deepEqual(await last.exit, [0, null], last.complaint())
  await check(t, folder)
})

async function check (t: TestContext, folder: string): Promise<void> {
  const log = await openEmbeddedLog({ folder: join(folder, 'log'), clock: machineClock, readOnly: true })
  const lake = await openLakeReader(join(folder, 'lake.duckdb'))
  t.after(async () => {
    lake.close()
    await log.close()
  })
  t.diagnostic(JSON.stringify(await checkKilled(log, lake)))
}
