import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Asks Prometheus itself which alerts are pending and firing, minute by minute, for random series; see README.md.
 *
 * node generate.ts SEED COUNT > alerts.jsonl
 */
const [seed = 1, count = 200] = process.argv.slice(2).map(Number)
const steps = 40
const states = new Map([['pending', 'p'], ['firing', 'f']])

interface Case { readonly forMinutes: number, readonly keepMinutes: number, readonly samples: string }

/** Source: mulberry32 */
function random (state: number): () => number {
  return () => {
    state = state + 0x6d2b79f5 | 0
    let t = Math.imul(state ^ state >>> 15, 1 | state)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32
  }
}

function makeCases (): Case[] {
  const next = random(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!
  return Array.from({ length: count }, () => {
    const stay = 0.3 + next() * 0.6
    let symbol = '-'
    const samples = Array.from({ length: steps }, () => next() < stay ? symbol : symbol = pick(['T', 'T', '-', 'x'])).join('')
    return { forMinutes: pick([0, 1, 2, 3, 5, 8]), keepMinutes: pick([0, 0, 1, 2, 4, 7]), samples }
  })
}

/** One rule and one series per case: T is a value over the threshold, - one under it, x a staleness marker. */
function ask (cases: readonly Case[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'promtool-'))
  const rules = cases.map(({ forMinutes, keepMinutes }, i) => `  - alert: a${i}\n    expr: v${i} > 5\n    for: ${forMinutes}m\n    keep_firing_for: ${keepMinutes}m\n`).join('')
  writeFileSync(join(folder, 'rules.yml'), `groups:\n- name: g\n  interval: 1m\n  rules:\n${rules}`)
  const series = cases.map(({ samples }, i) => `  - series: v${i}\n    values: '${[...samples].map(sample => sample === 'T' ? 9 : sample === '-' ? 1 : 'stale').join(' ')}'\n`).join('')
  const questions = Array.from({ length: steps }, (_, minute) => `  - expr: ALERTS\n    eval_time: ${minute}m\n    exp_samples:\n    - labels: 'nothing'\n      value: ${minute}\n`).join('')
  writeFileSync(join(folder, 'test.yml'), `rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n${series}  promql_expr_test:\n${questions}`)
  const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'test.yml'], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 })
  rmSync(folder, { recursive: true })
  const answers = cases.map(() => Array.from({ length: steps }, () => '.'))
  let minute = -1
  for (const line of `${stdout}\n${stderr}`.split('\n')) {
    const time = /time: (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?,/.exec(line)
    if (time) minute = Number(time[1] ?? 0) * 60 + Number(time[2] ?? 0)
    if (!/^\s*got:/.test(line)) continue
    for (const [, alert, state] of line.matchAll(/alertname=\\?"a(\d+)\\?", alertstate=\\?"(\w+)\\?"/g)) answers[Number(alert)]![minute] = states.get(state!)!
  }
  return answers.map(answer => answer.join(''))
}

const cases = makeCases()
for (const [i, states] of ask(cases).entries()) process.stdout.write(`${JSON.stringify({ ...cases[i], states })}\n`)
