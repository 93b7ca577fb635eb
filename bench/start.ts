import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { report } from './kit.ts'

/**
 * How long a person waits: `npm start` to the first control event on the screen, and `millrace check`. Whole commands as child
 * processes, npm, start of Node and compilation included; the best of several, since every disturbance adds.
 */
const root = new URL('..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
const launcher = 'pipelines/cli/launch.js'
const goalStartMs = 5_000
const goalCheckMs = 500

try {
  const starts = await times(3, turn => untilLine(['npm', 'start', '--', '--for', '20s', '--data', join(folder, `data-${turn}`)], / raised +(?:critical|warning|info) /))
  const start = Math.min(...starts)
  report({ id: 'start', what: 'npm start: first control event after the command, best of 3', value: start / 1_000, unit: 's', goal: '< 5 s', met: start < goalStartMs })
  for (const [what, file] of [['a definition in TypeScript', 'pipelines/catalog/cold-chain.ts'], ['a definition in YAML', 'bench/definitions/engine.yaml']] as const) {
    const command = [process.execPath, launcher, 'check', file]
    const first = await untilExit(command, { NODE_COMPILE_CACHE: join(folder, `cache-${file.length}`) })
    const checks = await times(9, () => untilExit(command))
    const check = Math.min(...checks)
    report({ id: 'check', what: `millrace check: ${what}, best of 9`, value: check, unit: 'ms', goal: '< 500 ms', met: check < goalCheckMs })
    report({ id: 'check-first', what: 'the same, the first time on a machine: no code compiled before', value: first, unit: 'ms' })
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function times (count: number, once: (turn: number) => Promise<number>): Promise<number[]> {
  const all: number[] = []
  for (let turn = 0; turn < count; turn += 1) all.push(await once(turn))
  return all
}

/** Milliseconds from the command until it prints a line that matches; the command is then interrupted, as by Ctrl-C. */
function untilLine ([name, ...args]: readonly string[], pattern: RegExp): Promise<number> {
  const from = performance.now()
  // A group of its own: npm, its shell and Millrace end together.
  const child = spawn(name!, args, { cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  let seenMs = Number.NaN
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (!Number.isNaN(seenMs) || !pattern.test(text)) return
      seenMs = performance.now() - from
      process.kill(-child.pid!, 'SIGINT')
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', code => {
      if (Number.isNaN(seenMs)) reject(new Error(`${name} ended (${code}) without a line that matches ${pattern}:\n${text.slice(-2_000)}`))
      else resolve(seenMs)
    })
  })
}

/** Milliseconds of a whole command that must succeed. */
function untilExit ([name, ...args]: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const from = performance.now()
  const child = spawn(name!, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', code => {
      if (code === 0) resolve(performance.now() - from)
      else reject(new Error(`${[name, ...args].join(' ')} ended with ${code}:\n${text.slice(-2_000)}`))
    })
  })
}
