import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { randomOf } from '../sim/random.ts'

const child = new URL('kill-child.ts', import.meta.url).pathname

/** Until a line that says so, or the end; gives the exit code, null while it runs. */
export function start (t: TestContext, folder: string, mode: 'feed' | 'finish', environment: Readonly<Record<string, string>> = {}) {
  const running = spawn(process.execPath, [child, folder, mode], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } })
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

/** A pipeline with its feeder is killed again and again at any moment; then one runs to the end. Prints its seed, and takes SEED. */
export async function killed (t: TestContext, folder: string, rounds: number, environment: Readonly<Record<string, string>> = {}): Promise<void> {
  const seed = Number(process.env.SEED ?? Date.now() % 1e6)
  t.diagnostic(`SEED=${seed}`)
  const random = randomOf(seed)
  for (let round = 0; round < rounds; round += 1) {
    const { running, exit, until, complaint } = start(t, folder, 'feed', environment)
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
  const last = start(t, folder, 'finish', environment)
  await last.until('finished')
  assert.deepEqual(await last.exit, [0, null], last.complaint())
}
