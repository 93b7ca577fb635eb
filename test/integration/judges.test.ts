import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { stringify } from 'yaml'
import { play } from '../../pipelines/cli/play.ts'
import type { InputLine } from '../../pipelines/cli/input.ts'

/**
 * What others say is right, through the black box: every case of Kafka Streams and of Flink as a definition and input lines, played whole
 * and again with cuts, restarts or crashes. The judges' files lie beside the project; MILLRACE_JUDGES names another place.
 */
const judges = process.env.MILLRACE_JUDGES ?? '../shared/judges'
const folder = mkdtempSync(join(tmpdir(), 'millrace-judges-'))
after(() => rmSync(folder, { recursive: true, force: true }))
writeFileSync(join(folder, 'value.avsc'), JSON.stringify({ type: 'record', name: 'Value', fields: [{ name: 'key', type: 'string' }, { name: 'ts', type: 'long' }, { name: 'value', type: 'long' }] }))

interface WindowLine { readonly kind: string, readonly key: string, readonly start: number, readonly end: number, readonly final: boolean, readonly values: { readonly all: readonly number[] }, readonly line: number }
interface Operator { readonly kind: string, readonly emit?: string, readonly sizeMs?: number, readonly advanceMs?: number, readonly gapMs?: number, readonly graceMs?: number, readonly latenessMs?: number }

function shapeOf ({ kind, sizeMs, advanceMs, gapMs }: Operator): object {
  if (kind === 'session') return { session: `${gapMs}ms` }
  return kind === 'hopping' ? { hopping: [`${sizeMs}ms`, `${advanceMs}ms`] } : { tumbling: `${sizeMs}ms` }
}

function definition (name: string, time: object, window: object): string {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, stringify({ name, source: { contract: 'value.avsc', key: 'key', time: { field: 'ts' } }, time, windows: { w: { ...window, keep: { all: { collect: 'value' } } } } }))
  return file
}

/** Different cuts for different cases, so that all of them see all kinds in the end. */
const cuts = [
  { batch: 4096 }, { batch: 1 }, { batch: 7 }, { restartEvery: 1 }, { restartEvery: 3, batch: 2 }, { crashEvery: 1 }, { snapshotEvery: 4, crashEvery: 3 },
]

async function lines (file: string, input: readonly InputLine[], cut: object): Promise<readonly string[]> {
  const printed: string[] = []
  await play({
    definition: file, input: (async function * () { yield * input })(), emit: new Set(['windows', 'late']), batch: 4096, snapshotEvery: null, restartEvery: null, crashEvery: null,
    drain: false, tables: new Map(), codegen: true, print: line => { printed.push(line) }, turn: async () => true, ...cut,
  })
  return printed
}

const cases = (file: string) => readFileSync(join(judges, file), 'utf8').trim().split('\n').map(line => JSON.parse(line))
const here = existsSync(judges) ? {} : { skip: `the judges are not at ${judges}; MILLRACE_JUDGES names their folder` }
const reading = (line: number, [key, value, ts]: readonly [string, number | string, number]): InputLine =>
  ({ kind: 'reading', line, source: null, arrival: null, fields: { key, ts, value: Number(value) }, text: '' })
/** Where sessions merge, Kafka Streams joins their lists and Flink their states; ours is in order of arrival. The same readings, then. */
const inArrival = (values: string) => values.split('+').map(Number).sort((a, b) => a - b).join('+')
const show = (row: WindowLine, end = row.end) => `${row.key}@${row.start}/${end}=${row.values.all.join('+')}`
const values = (shown: string) => { const at = shown.indexOf('='); return at < 0 || shown.startsWith('LATE') ? shown : shown.slice(0, at + 1) + inArrival(shown.slice(at + 1)) }

test('black box: equals Kafka Streams on every tumbling, hopping and session case', here, async () => {
  let played = 0
  for (const { id, op, inputs, outputs } of cases('kstreams/kstreams-4.1.0-windows.jsonl')) {
    if (op.kind === 'sliding') continue
    const file = definition('ks', { lateness: `${op.graceMs}ms`, futureMax: '100000d' }, { ...shapeOf(op), emit: op.emit === 'update' ? 'update' : 'close' })
    const input = inputs.map((one: readonly [string, number, number], i: number) => reading(i + 1, one))
    const whole = await lines(file, input, {})
    const rows = whole.map(line => JSON.parse(line) as WindowLine).filter(row => row.kind === 'window' && row.final === (op.emit !== 'update'))
    // A session's end is last + gap here, `last` there. The initial '0' is left out, also where sessions merged.
    const got = rows.map(row => show(row, op.kind === 'session' ? row.end - op.gapMs : row.end))
    const theirs = outputs.flat().filter(([, value]: [string, string | null]) => value !== null)
      .map(([key, value]: [string, string]) => `${key}=${value.replace(/^(0\|)*0\+?/, '').replaceAll('|0+', '+').replaceAll('|0', '')}`)
    const wanted = op.kind === 'session' ? theirs.map(values) : theirs
    assert.deepEqual(op.emit === 'update' ? got : [...got].sort(), op.emit === 'update' ? wanted : [...wanted].sort(), id)
    assert.deepEqual(await lines(file, input, cuts[played % cuts.length]!), whole, `${id}, cut ${played % cuts.length}`)
    played += 1
  }
  assert(played > 800)
})

test('black box: equals Flink on every case, every firing counted, late readings too', here, async () => {
  let played = 0
  for (const { id, op, events, outputs } of cases('flink/flink-1.20.1-windows-600.jsonl')) {
    const file = definition('flink', { watermark: 'explicit', futureMax: '100000d' }, { ...shapeOf(op), allowedLateness: `${op.latenessMs}ms` })
    const input = events.map((one: readonly ['w', number] | readonly ['e', string, string, number], i: number): InputLine =>
      one[0] === 'w' ? { kind: 'watermark', line: i + 1, ms: one[1] } : reading(i + 1, [one[1], one[2], one[3]]))
    const whole = await lines(file, input, {})
    const got = whole.map(line => JSON.parse(line) as WindowLine).filter(row => row.kind !== 'retraction')
      .map(row => row.kind === 'late' ? `LATE ${row.key}=${events[row.line - 1][2]}` : show(row)).sort()
    const wanted = outputs.flat().map((text: string) => text.replace(/,\d+$/, '')).map((text: string) => op.kind === 'session' ? values(text) : text).sort()
    assert.deepEqual(got, wanted, id)
    assert.deepEqual(await lines(file, input, cuts[played % cuts.length]!), whole, `${id}, cut ${played % cuts.length}`)
    played += 1
  }
  assert(played >= 600)
})
