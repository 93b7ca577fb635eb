import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { cell } from '../../../pipelines/core/batch.ts'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import { RecordBatchWriter } from '../../../pipelines/core/record-batch.ts'
import { createEncoder } from '../../../pipelines/decode/encode.ts'
import { compileDefinition, type CompileOptions } from '../../../pipelines/define/compile.ts'
import { loadDefinition } from '../../../pipelines/define/load.ts'
import { checkedDefinition, definePipeline } from '../../../pipelines/define/pipeline.ts'
import { problemsOf } from '../../../pipelines/define/problem.ts'
import type { TaskContext } from '../../../pipelines/core/stage.ts'
import { contract } from '../../../schemas/contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-compile-'))
after(() => { rmSync(folder, { recursive: true }) })

interface Reading { readonly id: string, readonly ts: number, readonly seq: number, readonly value: number | null, readonly door: number, readonly note: string }
const avro = { type: 'record', name: 'Reading', fields: [
  { name: 'id', type: 'string' }, { name: 'ts', type: { type: 'long', logicalType: 'timestamp-micros' } }, { name: 'seq', type: 'int' },
  { name: 'value', type: ['null', 'double'], unit: '[degF]' }, { name: 'door', type: 'int' }, { name: 'note', type: 'string' }, { name: 'tags', type: { type: 'array', items: 'string' } },
] }
const reading = contract<Reading>({ subject: 'readings-value', version: 7, schema: avro })
const short = { name: 'short', source: { contract: reading }, key: 'id', time: { field: 'ts' } } as const
const context = (leg: 'race' | 'pond', source: string): TaskContext => ({ leg, source, topic: 't', partition: 0, mode: 'replay', tables: new Map() })
const stages = (definition: Parameters<typeof compileDefinition>[0], leg: 'race' | 'pond' = 'race', options: CompileOptions = {}) => {
  const pipeline = compileDefinition(definition, options)
  return pipeline.createStages(context(leg, pipeline.sources[0]!.name))
}

test('compile: in the short form the fields of the contract are the signals, lists left out', () => {
  const { signals, sources } = compileDefinition(definePipeline(short))
  assert.deepEqual(signals.map(({ name, kind, unit }) => `${name} ${unit ?? kind}`), ['id text', 'ts number', 'seq number', 'value [degF]', 'door number', 'note text'])
  assert.deepEqual(sources.map(({ name, topic, subject }) => [name, topic, subject]), [['short', 'short', 'readings-value']])
})

test('compile: in the short form normalise adds signals and replaces those of its names', () => {
  const { signals } = compileDefinition(definePipeline({ ...short, normalise: { value: { field: 'value', from: 'K' }, open: 'door == 1', late: 'note + "!"' } }))
  assert.deepEqual(signals.map(({ name, kind, unit }) => `${name} ${unit ?? kind}`), ['id text', 'ts number', 'seq number', 'door number', 'note text', 'value K', 'open bool', 'late text'])
})

test('compile: in the short form declared signals take fields of their names', () => {
  const definition = definePipeline({ ...short, signals: { value: { unit: 'Cel' }, open: 'bool' }, normalise: { open: 'door == 1' } })
  const { signals } = compileDefinition(definition)
  assert.deepEqual(signals.map(({ name }) => name), ['value', 'open'])
  assert.equal(stages(definition).decode.name, 'decode')
})

test('compile: key, time and normalise may stand in the source as well as beside it', () => {
  const beside = definePipeline({ ...short, interval: '30s', dedupe: { by: ['seq'] } })
  const inside = checkedDefinition({ name: 'short', source: { contract: reading, key: 'id', time: { field: 'ts', lateness: '5s', watermark: 'explicit' }, interval: '30s', dedupe: { by: ['seq'] } } })
  assert.deepEqual(compileDefinition(inside).signals, compileDefinition(beside).signals)
  assert.deepEqual(stages(beside).clock, { latenessMs: 0, idleMs: 60_000, explicit: false })
  assert.deepEqual(stages(inside).clock, { latenessMs: 5_000, idleMs: 60_000, explicit: true })
})

test('compile: a checked definition is a definition again', () => {
  const once = definePipeline({ ...short, rules: { hot: { when: 'value > 3.0', missing: false } }, windows: { m: { tumbling: '1m', keep: { n: 'count' } } }, lake: {} })
  assert.deepEqual(checkedDefinition(once), once)
})

test('compile: durations are milliseconds, words left out have their defaults', () => {
  const { windows, rules, control, lake, sources } = compileDefinition(definePipeline({
    ...short, windows: { m: { hopping: ['1h', '5m'], keep: { all: { collect: 'note' } }, emit: { every: '5s' }, allowedLateness: '2m' } },
    rules: { hot: { when: 'value > 3.0', for: '5m', atLeast: [3, 5] }, quiet: { absent: '1m' } }, lake: {},
  }))
  assert.deepEqual(windows, [{
    name: 'm', shape: { kind: 'hopping', sizeMs: 3_600_000, advanceMs: 300_000 }, keep: [{ name: 'all', statistic: { kind: 'collect', signal: 'note', limit: 1_000 } }],
    emit: { mode: 'every', everyMs: 5_000 }, allowedLatenessMs: 120_000, intervalMs: null, panesMax: 4_000_000,
  }])
  const { version, ...hot } = rules[0]!
  assert.match(version, /^[\da-f]{12}$/)
  assert.deepEqual(hot, {
    name: 'hot', window: null, when: 'value > 3.0', clear: null, absentMs: null, registry: null, forMs: 300_000, forCount: 0, gapMs: null, keepFiringMs: 0, atLeast: { count: 3, of: 5 },
    missing: 'hold', order: 'arrival', early: false, severity: 'warning', labels: [], ttlMs: null, summary: null,
  })
  assert.deepEqual(control, { topic: 'short.control', delivery: 'exactly-once' })
  assert.deepEqual(lake, { keyspace: 'short', rawMode: 'rows', rawBucket: null, rawFields: false, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null, rollups: ['m'], chunks: { rowsMax: 500, withinMs: 600_000, openRowsMax: 1_000_000 }, allowedLatenessMs: 172_800_000 })
  assert.equal(sources[0]!.idleMs, 60_000)
})

test('compile: without rules there is no control topic, without a lake no pond', () => {
  const { control, lake } = compileDefinition(definePipeline(short))
  assert.deepEqual([control, lake], [null, null])
})

test('compile: the race has every window and rule, the pond its rollups only, corrected for longer', () => {
  const definition = definePipeline({
    ...short, windows: { a: { tumbling: '1m', keep: { n: 'count' }, emit: 'update' }, b: { tumbling: '1h', keep: { n: 'count' } } },
    rules: { hot: { when: 'value > 3.0' } }, lake: { rollups: ['b'] },
  })
  const race = stages(definition)
  assert.deepEqual([race.windows.map(({ name }) => name), race.windows.map(({ number }) => number)], [['window.a', 'window.b'], [2, 3]])
  assert(race.rules.some(({ name }) => name === 'rule.hot'))
  const pond = stages(definition, 'pond')
  assert.deepEqual([pond.windows.map(({ name }) => name), pond.windows.map(({ number }) => number), pond.rules], [['window.b'], [2], []])
})

test('compile: the race decodes what it uses, the pond every signal', () => {
  const definition = definePipeline({ ...short, windows: { m: { tumbling: '1m', keep: { mean: { mean: 'value' } } } }, rules: { hot: { when: 'door == 1', labels: ['note'] } }, lake: {} })
  const signals = (leg: 'race' | 'pond', options: CompileOptions = {}) => {
    const { decode, normalise } = stages(definition, leg, options)
    const writer = new RecordBatchWriter()
    writer.append(5, null, createEncoder(reading.schema, 1)({ id: 'a', ts: 5_000, seq: 1, value: 4, door: 1, note: 'n', tags: [] }))
    decode.schema(1, reading.schema)
    decode.load(writer.finish(0), 0, 1)
    const out = new Outputs()
    const batch = normalise.process(decode.next(out)!, out, null)
    assert.deepEqual([batch.count, out.deadLetters], [1, []])
    return Object.fromEntries(batch.columns.map(column => [column.name, cell(column, 0)]))
  }
  assert.deepEqual(signals('race'), { value: 4, door: 1, note: 'n' })
  const all = { id: 'a', ts: 5, seq: 1, value: 4, door: 1, note: 'n' }
  assert.deepEqual(signals('pond'), all)
  assert.deepEqual(signals('race', { readings: true }), all)
})

test('compile: equal definitions have equal hashes, whatever the order of words and the text for people', () => {
  const hash = (more: object) => compileDefinition(checkedDefinition({ ...short, ...more })).hash
  assert.equal(hash({ description: 'this' }), hash({ description: 'that' }))
  assert.equal(hash({ windows: { m: { tumbling: '1m', keep: { n: 'count' } } } }), hash({ windows: { m: { keep: { n: 'count' }, emit: 'close', tumbling: '1m' } } }))
  const [a, b] = [{ tumbling: '1m', keep: { n: 'count' } }, { tumbling: '2m', keep: { n: 'count' } }]
  assert.notEqual(hash({ windows: { a, b } }), hash({ windows: { b, a } }), 'the order of windows is the order of their results')
  assert.notEqual(hash({ windows: { m: { tumbling: '1m', keep: { n: 'count' } } } }), hash({ windows: { m: { tumbling: '2m', keep: { n: 'count' } } } }))
})

test('compile: a version of a rule changes with its text and the units it reads, not with its neighbours', () => {
  const versions = (rules: object, value: object = { unit: 'Cel' }) => Object.fromEntries(compileDefinition(checkedDefinition({ ...short, signals: { value, open: 'bool' }, normalise: { open: 'door == 1' }, rules })).rules.map(({ name, version }) => [name, version]))
  const one = versions({ hot: { when: 'value > 3.0' } })
  assert.equal(versions({ other: { when: 'open' }, hot: { when: 'value > 3.0' } }).hot, one.hot)
  assert.notEqual(versions({ hot: { when: 'value > 4.0' } }).hot, one.hot)
  assert.notEqual(versions({ hot: { when: 'value > 3.0' } }, { unit: '[degF]' }).hot, one.hot)
})

test('compile: functions come from the exports of a file, and their code is part of the hash', async () => {
  const load = async (name: string, code: string) => {
    writeFileSync(join(folder, 'reading.avsc'), JSON.stringify(avro))
    writeFileSync(join(folder, `${name}.mts`), code)
    writeFileSync(join(folder, `${name}.yaml`), `name: f\nsource: { contract: reading.avsc }\nkey: id\ntime: { field: ts }\nsignals: { twice: number }\nnormalise: { twice: { map: double, args: [value] } }
windows: { m: { tumbling: 1m, keep: { spread: { range: twice } } } }\nrules: { wide: { window: m, when: spread > 3.0 } }\nfunctions: ./${name}.mts\n`)
    return compileDefinition(await loadDefinition(join(folder, `${name}.yaml`)))
  }
  const range = 'export const range = { create: () => [], add: (s, v) => [...s, v], merge: (a, b) => [...a, ...b], result: s => Math.max(...s) - Math.min(...s) }\n'
  const one = await load('one', `export const double = value => value * 2\n${range}`)
  const same = await load('same', `export const double = value => value * 2\n${range}`)
  const other = await load('other', `export const double = value => value + value\n${range}`)
  assert.equal(one.windows[0]!.keep[0]!.statistic.kind, 'user')
  assert.equal(one.hash, same.hash)
  assert.notEqual(one.hash, other.hash)
})

test('compile: a definition whose functions were not loaded is refused', () => {
  const definition = definePipeline({ ...short, signals: { twice: 'number' }, normalise: { twice: { map: 'double', args: ['value'] } }, functions: './functions.ts' })
  assert.throws(() => compileDefinition(definition), { code: 'DEFINITION_UNREADABLE' })
  assert.equal(compileDefinition({ ...definition, functions: { double: (value: number) => value * 2 } }).signals.length, 1)
})

test('define: definePipeline throws one error that lists every problem', () => {
  const wrong = { ...short, key: 'idd', rules: { hot: { when: 'valu > 3.0' }, cold: { when: 'value < 3.0', severity: 'info', labels: ['sit'] } } }
  assert.throws(() => definePipeline(wrong as never), (error: unknown) => {
    const told = problemsOf(error)!
    assert.deepEqual(told.map(({ path, nearest }) => [path.join('.'), nearest]), [['key', 'id'], ['rules.hot.when', 'value'], ['rules.cold.labels.0', null]])
    assert.match((error as Error).message, /Cannot use definition: .*idd.*valu.*sit/)
    return true
  })
})

test('define: what is misshapen in one rule does not hide mistakes elsewhere', () => {
  const wrong = { ...short, time: { field: 'ts', lateness: 5 }, rules: { hot: { when: 'value > 3.0', severity: 'critcal' }, cold: { when: 'valeu < 3.0' } }, lake: { allowedLatness: '1h' }, windows: { m: { tumbling: '1m', keep: { mean: { mean: 'note' } } } } }
  assert.throws(() => definePipeline(wrong as never), (error: unknown) => {
    assert.deepEqual(problemsOf(error)!.map(({ path }) => path.join('.')).sort(), ['lake.allowedLatness', 'rules.cold.when', 'rules.hot.severity', 'time.lateness', 'windows.m.keep.mean.mean'])
    return true
  })
})

test('define: a file that is missing, broken or without a definition is told', async () => {
  await assert.rejects(loadDefinition(join(folder, 'nowhere.yaml')), { code: 'DEFINITION_UNREADABLE' })
  writeFileSync(join(folder, 'text.txt'), 'name: x')
  await assert.rejects(loadDefinition(join(folder, 'text.txt')), { code: 'DEFINITION_UNREADABLE' })
  for (const [name, text, message] of [
    ['nothing.yaml', '', /is wanted here/], ['list.yaml', '- a\n', /is wanted here/], ['twice.yaml', 'name: a\nname: b\n', /twice.yaml:2:1 .*unique/],
    ['none.mts', 'export const a = 1\n', /no default export/], ['throws.mts', "\nthrow new Error('by hand')\nexport default 1\n", /throws.mts:2:7 .*by hand/], ['syntax.mts', 'export default {{\n', /cannot import/],
    ['contract.yaml', 'name: a\nsource: { contract: none.avsc }\nkey: id\ntime: { field: ts }\n', /contract.yaml:2:21 .*no such file/],
    ['registry.yaml', 'name: a\nsource: { contract: readings-value@3 }\nkey: id\ntime: { field: ts }\n', /no registry is at hand/],
    ['avro.yaml', 'name: a\nsource: { contract: avro.yaml }\nkey: id\ntime: { field: ts }\n', /avro.yaml:2:21 .*Cannot read Avro schema/],
  ] as const) {
    writeFileSync(join(folder, name), text)
    await assert.rejects(loadDefinition(join(folder, name)), (error: Error) => { assert.match(error.message.replaceAll(`${folder}/`, ''), message); return true })
  }
})

test('define: subject@version is asked of the resolver', async () => {
  writeFileSync(join(folder, 'subject.yaml'), 'name: a\nsource: { topic: t, contract: readings-value@7 }\nkey: id\ntime: { field: ts }\n')
  const definition = await loadDefinition(join(folder, 'subject.yaml'), {
    contracts: async (subject, version) => subject === 'readings-value' && version === 7 ? { version: 7, schema: JSON.stringify(avro) } : null,
  })
  assert.deepEqual(compileDefinition(definition).sources.map(({ topic, subject }) => [topic, subject]), [['t', 'readings-value']])
  await assert.rejects(loadDefinition(join(folder, 'subject.yaml'), { contracts: async () => null }), /the registry does not know readings-value@7/)
})

test('compile: readings go into chunks in a pond whose lake takes them, where the definition wants it', () => {
  const definition = (mode: 'rows' | 'chunks') => compileDefinition(definePipeline({ ...short, lake: { raw: { mode, chunk: { readings: 60, within: '1h' } } } }))
  const stage = (mode: 'rows' | 'chunks', leg: 'race' | 'pond', chunked: boolean) => definition(mode).createStages({ ...context(leg, definition(mode).sources[0]!.name), chunked }).chunks?.name ?? null
  assert.equal(stage('chunks', 'pond', true), 'chunk')
  assert.deepEqual([stage('rows', 'pond', true), stage('chunks', 'race', true), stage('chunks', 'pond', false)], [null, null, null])
  assert.deepEqual(definition('chunks').lake!.chunks, { rowsMax: 60, withinMs: 3_600_000, openRowsMax: 1_000_000 })
})
