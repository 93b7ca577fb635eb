import { Outputs } from '../pipelines/core/outputs.ts'
import type { TaskStages } from '../pipelines/core/stage.ts'
import { compileDefinition } from '../pipelines/define/compile.ts'
import { loadDefinition } from '../pipelines/define/load.ts'
import { Task } from '../pipelines/runtime/task.ts'
import { report } from './kit.ts'
import { readingBatches } from './readings.ts'

/**
 * B9: what one more rule costs on one stream, against the whole pipeline (decode, two expressions, a window, one rule).
 *
 * The same pipeline runs with 1 and with 100 rules, in turn, and the difference over 99 is one rule's cost. A rule that is
 * never true is the usual case; `rarely` is one reading in 5,000, which with 100 rules is 4 events for every 100 readings.
 */
const records = 1_600_000
/** Left out of the time: each rule's generated function is compiled and optimised in the first batches. */
const warmup = 400_000
const measured = records - warmup
const batches = readingBatches({ records, keys: 10_000 })
const base = await loadDefinition(new URL('definitions/engine.yaml', import.meta.url).pathname)
const { for: _, ...plain } = base.rules.hot!

type Rules = typeof base.rules
const rules = (count: number, of: (n: number) => Partial<Rules[string]>): Rules => Object.fromEntries(Array.from({ length: count }, (_, n) => [`rule${n}`, { ...plain, ...of(n) }]))

function stagesOf (all: Rules): TaskStages {
  return compileDefinition({ ...base, rules: all }).createStages({ leg: 'race', source: 'engine', topic: 'readings', partition: 0, mode: 'live', tables: new Map() })
}

function seconds (all: Rules, schema: string): number {
  const task = new Task(stagesOf(all))
  const out = new Outputs()
  let from = 0n
  let offset = 0
  for (const bytes of batches) {
    if (from === 0n && offset >= warmup) from = process.hrtime.bigint()
    const to = Math.min(offset + 4096, records)
    task.load(bytes, offset, to)
    for (let step = task.step(out, null); step !== 'end'; step = task.step(out, null)) {
      if (step === 'schema') task.control({ kind: 'schema', id: task.schemaWanted!, schema }, out)
      out.clear()
    }
    offset = to
  }
  return Number(process.hrtime.bigint() - from) / 1e9
}

/** Seconds of each variant, the best of several turns, so that a disturbance meets all alike. */
function best (variants: readonly Rules[], schema: string, turns = 3): number[] {
  const least = variants.map(() => Number.POSITIVE_INFINITY)
  for (let turn = 0; turn < turns; turn += 1) for (const [i, all] of variants.entries()) least[i] = Math.min(least[i]!, seconds(all, schema))
  return least
}

const compiled = compileDefinition(base)
const schema = compiled.sources[0]!.contract
for (const [what, goal, of] of [
  ['threshold, never true', true, n => ({ when: `heat > ${(200 + n / 1e6).toFixed(6)}` })],
  ['threshold, rarely true', true, n => ({ when: `heat > ${(121.97 + n / 1e6).toFixed(6)}` })],
  ['threshold with `for`, one in ten true', false, n => ({ when: `heat > ${(113 + n / 1e6).toFixed(6)}`, for: '1h' })],
  ['two clauses and `clear`, rarely true', false, n => ({ when: `heat > ${(121.97 + n / 1e6).toFixed(6)} && good`, clear: 'heat < 100.0' })],
  ['absent', true, () => ({ when: undefined, absent: '10m' })],
] as readonly (readonly [string, boolean, (n: number) => Partial<Rules[string]>])[]) {
  const [one, hundred] = best([rules(1, of), rules(100, of)], schema) as [number, number]
  const each = (hundred - one) / 99
  report({ id: 'B9', what: `the hundredth rule (${what}), share of all with one rule`, value: each / one * 100, unit: '%', ...goal && { goal: '< 5 %', met: each / one < 0.05 } })
  report({ id: 'B9-ns', what: `the same in time; all with one rule: ${(one / measured * 1e9).toFixed(0)} ns`, value: each / measured * 1e9, unit: 'ns/reading' })
}
