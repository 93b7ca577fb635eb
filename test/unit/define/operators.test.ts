import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { type PlayOptions, play } from '../../../pipelines/cli/play.ts'
import { checkDefinition } from '../../../pipelines/define/check.ts'

const repository = resolve(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'millrace-operators-'))
after(() => { rmSync(folder, { recursive: true }) })
writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
writeFileSync(join(folder, 'reading.avsc'), '{"type":"record","name":"R","fields":[{"name":"id","type":"string"},{"name":"ts","type":"long"},{"name":"value","type":["null","double"],"default":null}]}')

/** Smooths per device, and says in words which way it goes. */
writeFileSync(join(folder, 'functions.ts'), `
import type { OperatorFactory } from '${repository}/pipelines/define/public.ts'

export const smooth: OperatorFactory = () => {
  let last = new Float64Array(0)
  return {
    process (batch, { reads: [value], writes: [smoothed, trend] }) {
      if (value?.kind !== 'number' || smoothed?.kind !== 'number' || trend?.kind !== 'text') throw new TypeError('kinds')
      for (let row = 0; row < batch.count; row += 1) {
        const key = batch.key[row]!
        if (key >= last.length) { const grown = new Float64Array(key + 16).fill(Number.NaN); grown.set(last); last = grown }
        if (value.known[row] === 0) continue
        const before = last[key]!
        const now = Number.isNaN(before) ? value.values[row]! : before + (value.values[row]! - before) / 4
        last[key] = now
        smoothed.values[row] = now
        smoothed.known[row] = 1
        trend.values[row] = trend.dictionary.internText(now > before ? 'up' : 'flat or down')
        trend.known[row] = 1
      }
    },
    snapshot: () => ({ last: last.slice() }),
    restore: state => { last = (state.last as Float64Array).slice() },
  }
}
export const breaks: OperatorFactory = () => ({ process () { throw new Error('by hand') }, snapshot: () => ({}), restore () {} })
`)
const head = 'name: op\nsource: { contract: reading.avsc }\nkey: id\ntime: { field: ts }\nsignals: { value: number, smoothed: number, trend: text }\nfunctions: ./functions.ts\n'
const file = join(folder, 'definition.yaml')
writeFileSync(file, `${head}operators: { smooth: { reads: [value], writes: [smoothed, trend] } }
windows: { ten: { tumbling: 10s, keep: { top: { max: smoothed }, n: count, way: { last: trend } } } }
rules: { high: { when: smoothed > 4.0, labels: [trend] } }
`)
const input = join(folder, 'input.jsonl')
writeFileSync(input, Array.from({ length: 60 }, (_, index) => JSON.stringify({ id: 'abc'[index % 3], ts: index * 1_000, value: index % 7 === 3 ? null : (index * 37) % 11 })).join('\n'))

async function replay (definition: string, options: Partial<PlayOptions> = {}): Promise<string> {
  let text = ''
  await play({
    definition, input, emit: new Set(['readings', 'windows', 'events']), batch: 4096, snapshotEvery: null, restartEvery: null, crashEvery: null, drain: true, tables: new Map(), codegen: true,
    print: line => { text += `${line}\n` }, turn: async () => true, ...options,
  })
  return text
}

test('operators: what an operator writes reaches windows and rules, and what it remembers follows the log', async () => {
  const lines = (await replay(file)).trim().split('\n').map(line => JSON.parse(line))
  const last = new Map<string, number>()
  const readings = lines.filter(({ kind }) => kind === 'reading')
  assert.equal(readings.length, 60)
  for (const { key, signals } of readings) {
    const before = last.get(key)
    const now = signals.value === null ? null : before === undefined ? signals.value : before + (signals.value - before) / 4
    assert.equal(signals.smoothed, now)
    assert.equal(signals.trend, now === null ? null : now > (before ?? Number.NaN) ? 'up' : 'flat or down')
    if (now !== null) last.set(key, now)
  }
  assert(lines.some(({ kind, values }) => kind === 'window' && values.top !== null && values.way === 'up'))
  assert(lines.some(({ kind, labels }) => kind === 'event' && labels.trend === 'up'))
})

test('operators: output is the same bytes however the log is cut, restarted and crashed', async () => {
  const text = await replay(file)
  for (const options of [{ batch: 1 }, { batch: 7, restartEvery: 5 }, { snapshotEvery: 8, crashEvery: 11 }]) assert.equal(await replay(file, options), text, JSON.stringify(options))
})

test('operators: one that throws stops the task with its name and the cause', async () => {
  const broken = join(folder, 'broken.yaml')
  writeFileSync(broken, `${head}operators: { breaks: { writes: [smoothed] } }\nnormalise: { trend: null }\n`)
  await assert.rejects(replay(broken), { code: 'OPERATOR_FAILED', details: { operator: 'breaks', problem: 'by hand' } })
})

for (const [name, operators, message] of [
  ['that is not exported', '{ smoth: { reads: [value], writes: [smoothed, trend] } }', /8:14 operators\.smoth: the file of functions exports no operator "smoth"; did you mean "smooth"/],
  ['that reads no signal', '{ smooth: { reads: [valu], writes: [smoothed, trend] } }', /8:32 operators\.smooth\.reads\[0\]: there is no signal "valu".*did you mean "value"/],
  ['that writes what is not declared', '{ smooth: { reads: [value], writes: [smoothed, trend, trent] } }', /8:66 .*declare "trent" in signals.*did you mean "trend"/],
] as const) {
  test(`operators: one ${name} is told where it stands`, async () => {
    const wrong = join(folder, `wrong-${name.replaceAll(' ', '-')}.yaml`)
    writeFileSync(wrong, `${head}# the operators\noperators: ${operators}\n`)
    const problems = await checkDefinition(wrong)
    assert.equal(problems.length, 1, JSON.stringify(problems))
    assert.match(`${problems[0]!.line}:${problems[0]!.column} ${problems[0]!.message}`, message)
  })
}
