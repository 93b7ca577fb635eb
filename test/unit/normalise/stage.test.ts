import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldSpec, MappingSpec, NormaliseSpec, SignalSpec } from '../../../pipelines/core/spec.ts'
import { Bench, field, from, type Reading, signal, specOf } from './kit.ts'

const reading = (fields: Reading['fields'], { key = 'a', at = 1_000, arrival = at }: { readonly key?: string, readonly at?: number, readonly arrival?: number } = {}): Reading => ({ key, at, arrival, fields })
/** A stage of one field and one signal. */
const single = (fieldSpec: FieldSpec, signalSpec: SignalSpec, mapping: MappingSpec = from(fieldSpec.name), more: Partial<NormaliseSpec> = {}) =>
  new Bench(specOf({ fields: [fieldSpec], signals: [signalSpec], mappings: [mapping], ...more }))
const values = (bench: Bench, name: string, cells: readonly unknown[]) =>
  bench.feed(cells.map(value => reading({ [name]: value }))).map(({ signals }) => Object.values(signals)[0])

test('normalise: a field in Fahrenheit becomes a signal in Celsius, and unknown stays unknown', () => {
  const bench = single(field('tempF', 'number'), signal('celsius', 'number', 'Cel'), from('tempF', { unit: '[degF]' }))
  assert.deepEqual(values(bench, 'tempF', [32, 212, 122, -40, null]), [0, 100, 50, -40, null])
})

test('normalise: the unit that the contract gives a field counts when the mapping names none', () => {
  const bench = single(field('speed', 'number', 'km/h'), signal('speed', 'number', 'm/s'))
  assert.deepEqual(values(bench, 'speed', [36]), [10])
})

test('normalise: calibration is applied in the unit of the field, before the conversion', () => {
  const bench = single(field('t', 'number'), signal('t', 'number', 'Cel'), from('t', { unit: 'K', scale: 2, offset: 1 }))
  const [value] = values(bench, 't', [136.575])
  assert(Math.abs(value as number - 1) < 1e-9)
})

test('normalise: a field that needs nothing shares its arrays with the signal', () => {
  const bench = new Bench(specOf({ fields: [field('x', 'number'), field('site', 'text')], signals: [signal('site', 'text'), signal('x', 'number')], mappings: [from('site'), from('x')] }))
  assert.deepEqual(bench.feed([reading({ x: 1, site: 'north' }), reading({ x: 2, site: 'south' })]).map(({ signals }) => signals), [{ site: 'north', x: 1 }, { site: 'south', x: 2 }])
  const [x, site] = bench.input.columns
  assert.equal(bench.last!.columns[0]!.values, site!.values)
  assert.equal(bench.last!.columns[1]!.values, x!.values)
  assert.equal(bench.last!.at, bench.input.at)
  assert.equal(bench.last!.position, bench.input.position)
})

test('normalise: the batch handed on is one object with the same column objects, drop or not', () => {
  const bench = single(field('x', 'number'), signal('x', 'number'))
  bench.feed([reading({ x: 1 })])
  const [first, columns] = [bench.last, bench.last!.columns.slice()]
  bench.feed([reading({ x: 1 }, { at: 1e9, arrival: 0 }), reading({ x: 2 })])
  assert.equal(bench.last, first)
  assert.deepEqual(bench.last!.columns.map((column, index) => column === columns[index]), [true])
})

test('normalise: booleans come from booleans and from 0 and 1', () => {
  assert.deepEqual(values(single(field('door', 'bool'), signal('open', 'bool')), 'door', [true, false, null]), [true, false, null])
  assert.deepEqual(values(single(field('door', 'number'), signal('open', 'bool')), 'door', [1, 0, 2, null]), [true, false, null, null])
  assert.deepEqual(values(single(field('door', 'bool'), signal('open', 'number')), 'door', [true, false, null]), [1, 0, null])
})

test('normalise: what has no dense form becomes a number where it is one', () => {
  assert.deepEqual(values(single(field('n', 'value'), signal('n', 'number')), 'n', [12n, 1.5, 'no', null]), [12, 1.5, null, null])
  assert.deepEqual(values(single(field('n', 'value'), signal('n', 'text')), 'n', ['yes', 1]), ['yes', null])
})

test('normalise: a kind that does not fit stops with NORMALISE_MAPPING', () => {
  assert.throws(() => single(field('name', 'text'), signal('x', 'number')), { code: 'NORMALISE_MAPPING' })
  assert.throws(() => single(field('celsius', 'number'), signal('x', 'number'), from('celsus')), { code: 'NORMALISE_MAPPING', details: { signal: 'x', field: 'celsus', nearest: 'celsius' } })
})

test('normalise: a signal that the source lacks is unknown everywhere', () => {
  const bench = single(field('x', 'number'), signal('y', 'number'), { kind: 'nothing' })
  assert.deepEqual(values(bench, 'x', [1, 2]), [null, null])
  assert(Number.isNaN((bench.last!.columns[0]!.values as Float64Array)[0]))
})

test('normalise: an expression over the fields gives a signal', () => {
  const spec = specOf({ fields: [field('door', 'number'), field('t', 'number')], signals: [signal('open', 'bool'), signal('warm', 'number'), signal('word', 'text')],
    mappings: [{ kind: 'expression', text: 'door == 1' }, { kind: 'expression', text: 't * 2.0 + 1.0' }, { kind: 'expression', text: 't > 3.0 ? "hot" : "cold"' }] })
  for (const codegen of [true, false]) {
    const bench = new Bench({ ...spec, codegen })
    assert.deepEqual(bench.feed([reading({ door: 1, t: 5 }), reading({ door: 0, t: null })]).map(({ signals }) => signals),
      [{ open: true, warm: 11, word: 'hot' }, { open: false, warm: null, word: null }])
  }
})

test('normalise: an expression that remembers skips dropped rows and survives a restart', () => {
  const spec = specOf({ fields: [field('t', 'number'), field('seq', 'number')], signals: [signal('step', 'number')], mappings: [{ kind: 'expression', text: 't - prev(t)' }], dedupe: { by: ['seq'], withinMs: 1e6, entriesMax: 10 } })
  const bench = new Bench(spec)
  assert.deepEqual(bench.feed([reading({ t: 1, seq: 1 }), reading({ t: 9, seq: 1 }), reading({ t: 3, seq: 2 })]).map(({ signals }) => signals.step), [null, 2])
  bench.restart()
  assert.deepEqual(bench.feed([reading({ t: 7, seq: 3 })], 3).map(({ signals }) => signals.step), [4])
})

test('normalise: an expression may read the key', () => {
  const bench = single(field('x', 'number'), signal('mine', 'bool'), { kind: 'expression', text: 'key == "a" && x > 1.0' })
  assert.deepEqual(bench.feed([reading({ x: 2 }), reading({ x: 2 }, { key: 'b' })]).map(({ signals }) => signals.mine), [true, false])
})

test('normalise: a named function maps fields, and its failure is a dead letter with the original bytes', () => {
  const apply = (x: number | null) => { if (x === 13) throw new Error('unlucky'); return x === 7 ? 'seven' : x === null ? null : x * 2 }
  const bench = single(field('x', 'number'), signal('y', 'number'), { kind: 'function', call: { name: 'twice', apply }, fields: ['x'] })
  assert.deepEqual(values(bench, 'x', [1, 13, null, 7, 2]), [2, null, 4])
  assert.deepEqual(bench.out.deadLetters.map(({ position, reason, schemaId, stage, step }) => ({ position, reason, schemaId, stage, step })), [
    { position: 1, reason: 'NORMALISE_FUNCTION', schemaId: 7, stage: 1, step: 'normalise' }, { position: 3, reason: 'NORMALISE_FUNCTION', schemaId: 7, stage: 1, step: 'normalise' }])
  assert.match(bench.out.deadLetters[0]!.message, /function="twice".*error="unlucky"/)
  assert.deepEqual(bench.out.deadLetters.map(({ key, value }) => [Buffer.from(key!).toString(), Buffer.from(value!).toString()]), [['a', '\0\0\0\0\x07    1'], ['a', '\0\0\0\0\x07    3']])
})

// arrival          10 s
// at  ... 10 s ... 15 s | 15.001 s
//              futureMax^
test('normalise: a reading beyond arrival + futureMax is dead-lettered, one at the edge is not', () => {
  const bench = single(field('x', 'number'), signal('x', 'number'), from('x'), { futureMaxMs: 5_000 })
  const rows = bench.feed([15_000, 15_001, 10_000, -5].map((at, x) => reading({ x }, { at, arrival: 10_000 })))
  assert.deepEqual(rows.map(({ position, at }) => [position, at]), [[0, 15_000], [2, 10_000], [3, -5]])
  assert.deepEqual(bench.out.deadLetters.map(({ position, reason, arrival }) => [position, reason, arrival]), [[1, 'NORMALISE_FUTURE', 10_000]])
})

test('normalise: a time that is no point in time is dead-lettered, whatever futureMax is', () => {
  const bench = single(field('x', 'number'), signal('x', 'number'), from('x'), { futureMaxMs: Number.POSITIVE_INFINITY })
  const rows = bench.feed([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -8.64e15 - 2, 0].map(at => reading({ x: 1 }, { at, arrival: 0 })))
  assert.deepEqual(rows.map(({ at }) => at), [0])
  assert.deepEqual(bench.out.deadLetters.map(({ reason }) => reason), Array<string>(4).fill('NORMALISE_TIME'))
})

test('normalise: dead letters hold copies, not views of bytes that the next batch overwrites', () => {
  const bench = single(field('x', 'number'), signal('x', 'number'), from('x'))
  bench.feed([reading({ x: 1 }, { at: 1e9, arrival: 0 })])
  const [letter] = bench.out.deadLetters
  assert.notEqual(letter!.value!.buffer, bench.input.bytes.buffer)
  bench.input.bytes.fill(1)
  assert.equal(letter!.value![0], 0)
})

test('normalise: outside its range a signal becomes unknown, drops the reading, or stays; each is counted', () => {
  const ranged = (outside: 'unknown' | 'dead-letter' | 'keep') => single(field('x', 'number'), signal('x', 'number'), from('x'), { ranges: [{ min: -10, max: 10, outside }] })
  const cells = [-10, -10.5, 10, Number.NaN, null, 11]
  const unknown = ranged('unknown')
  assert.deepEqual(values(unknown, 'x', cells), [-10, null, 10, null, null, null])
  assert.equal(unknown.out.counts.get('out-of-range'), 3)
  assert.deepEqual(Array.from(unknown.input.columns[0]!.known.subarray(0, 6)), [1, 1, 1, 1, 0, 1], 'the field itself is left alone')
  const dead = ranged('dead-letter')
  assert.deepEqual(values(dead, 'x', cells), [-10, 10, null])
  assert.deepEqual(dead.out.deadLetters.map(({ position, reason }) => [position, reason]), [[1, 'NORMALISE_RANGE'], [3, 'NORMALISE_RANGE'], [5, 'NORMALISE_RANGE']])
  const keep = ranged('keep')
  assert.deepEqual(values(keep, 'x', cells), [-10, -10.5, 10, Number.NaN, null, 11])
  assert.equal(keep.out.counts.get('out-of-range'), 3)
})

test('normalise: a range holds in the unit of the signal', () => {
  const bench = single(field('f', 'number'), signal('c', 'number', 'Cel'), from('f', { unit: '[degF]' }), { ranges: [{ min: -1, max: 1, outside: 'unknown' }] })
  assert.deepEqual(values(bench, 'f', [0.5, 32]).map(value => value === null), [true, false])
})

test('normalise: one reading makes at most one dead letter, and they come in order of rows', () => {
  const bench = new Bench(specOf({ fields: [field('x', 'number'), field('y', 'number')], signals: [signal('x', 'number'), signal('y', 'number')], mappings: [from('x'), from('y')],
    ranges: [{ min: 0, max: 1, outside: 'dead-letter' }, { min: 0, max: 1, outside: 'dead-letter' }] }))
  assert.equal(bench.feed([reading({ x: 0, y: 5 }), reading({ x: 5, y: 5 }), reading({ x: 1, y: 1 }), reading({ x: 0, y: 9 })]).length, 1)
  assert.deepEqual(bench.out.deadLetters.map(({ position }) => position), [0, 1, 3])
  assert.match(bench.out.deadLetters[1]!.message, /signal="x"/)
})

test('normalise: its hash changes with what it remembers, and with nothing else', () => {
  const base = specOf({ fields: [field('x', 'number'), field('seq', 'number')], signals: [signal('a', 'number'), signal('b', 'number')], mappings: [from('x'), { kind: 'expression', text: 'x - prev(x)' }], dedupe: { by: ['seq'], withinMs: 1, entriesMax: 9 } })
  const hash = (spec: NormaliseSpec) => new Bench(spec).stage.hash
  const [, step] = base.mappings as readonly [MappingSpec, MappingSpec]
  assert.equal(hash(base), hash({ ...base, mappings: [from('x', { scale: 2 }), step], futureMaxMs: 1, ranges: [{ min: 0, max: 1, outside: 'keep' }, null] }))
  const others = [{ ...base, dedupe: null }, { ...base, dedupe: { ...base.dedupe!, withinMs: 2 } }, { ...base, mappings: [from('x'), { kind: 'expression', text: 'prev(x)' }] }, { ...base, mappings: [{ kind: 'table', table: 't', column: 'c', otherwise: null }, step] }, { ...base, fields: [field('x', 'number'), field('seq', 'text')] }] satisfies NormaliseSpec[]
  assert.equal(new Set([base, ...others].map(hash)).size, 6)
})
