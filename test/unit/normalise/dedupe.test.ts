import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldSpec } from '../../../pipelines/core/spec.ts'
import { Bench, field, from, type Reading, signal, specOf } from './kit.ts'

const bench = (by: readonly FieldSpec[], { withinMs = 1_000, entriesMax = 100 } = {}) => new Bench(specOf({
  fields: [...by, field('x', 'number')], signals: [signal('x', 'number')], mappings: [from('x')], dedupe: { by: by.map(({ name }) => name), withinMs, entriesMax } }))
const reading = (arrival: number, fields: Reading['fields'], key = 'a'): Reading => ({ key, at: arrival, arrival, fields })
const positions = (rows: readonly { readonly position: number }[]) => rows.map(({ position }) => position)

test('dedupe: a second reading with the same fields is dropped and counted, per key', () => {
  const stage = bench([field('seq', 'number')])
  assert.deepEqual(positions(stage.feed([reading(0, { seq: 1 }), reading(1, { seq: 2 }), reading(2, { seq: 1 }), reading(3, { seq: 1 }, 'b'), reading(4, { seq: 2 })])), [0, 1, 3])
  assert.equal(stage.out.counts.get('duplicate'), 2)
  assert.equal(stage.out.deadLetters.length, 0)
})

// arrival  0 .......... 1000 | 1001
// seq 1    accepted     dup    accepted again
test('dedupe: a repetition counts up to `within` after the accepted one, by arrival; repetitions do not prolong it', () => {
  const stage = bench([field('seq', 'number')])
  assert.deepEqual(positions(stage.feed([reading(0, { seq: 1 }), reading(900, { seq: 1 }), reading(1_000, { seq: 1 }), reading(1_001, { seq: 1 }), reading(1_500, { seq: 1 })])), [0, 3])
})

test('dedupe: every field counts, and texts do whatever their id in the batch', () => {
  const stage = bench([field('seq', 'number'), field('boot', 'text'), field('up', 'bool'), field('raw', 'value')])
  const first = { seq: 1, boot: 'x', up: true, raw: 5n }
  assert.equal(stage.feed([reading(0, first)]).length, 1)
  assert.deepEqual(positions(stage.feed([reading(1, { ...first, boot: 'y' }), reading(1, { ...first, up: false }), reading(1, { ...first, raw: 6n }), reading(1, { ...first, seq: 2 }), reading(1, first)], 1)), [1, 2, 3, 4])
})

test('dedupe: a reading that lacks a field is never a duplicate', () => {
  const stage = bench([field('seq', 'number'), field('boot', 'text')])
  assert.equal(stage.feed([reading(0, { seq: null, boot: 'x' }), reading(0, { seq: null, boot: 'x' }), reading(0, { seq: 1, boot: null }), reading(0, { seq: 1, boot: null }), reading(0, { seq: Number.NaN, boot: 'x' }), reading(0, { seq: Number.NaN, boot: 'x' })]).length, 6)
})

test('dedupe: -0 and 0 are the same number', () => {
  assert.equal(bench([field('seq', 'number')]).feed([reading(0, { seq: 0 }), reading(0, { seq: -0 })]).length, 1)
})

test('dedupe: beyond its bound the oldest reading is forgotten and counted', () => {
  const stage = bench([field('seq', 'number')], { entriesMax: 3 })
  assert.deepEqual(positions(stage.feed([1, 2, 3, 4, 1, 4, 3].map(seq => reading(0, { seq })))), [0, 1, 2, 3, 4])
  assert.equal(stage.out.counts.get('dedupe-forgotten'), 2)
})

test('dedupe: a dead-lettered reading is not remembered', () => {
  const stage = bench([field('seq', 'number')])
  const future = { key: 'a', at: 1e12, arrival: 0, fields: { seq: 1 } }
  assert.equal(stage.feed([future, reading(1, { seq: 1 })]).length, 1)
  assert.equal(stage.out.counts.get('duplicate'), undefined)
})

test('dedupe: what is remembered survives a restart, and a snapshot of little is little', () => {
  const stage = bench([field('seq', 'number'), field('boot', 'text')], { withinMs: 100, entriesMax: 1 << 20 })
  for (let i = 0; i < 6_000; i += 50) stage.feed(Array.from({ length: 50 }, (_, j) => reading(i + j, { seq: i + j, boot: `boot ${i + j}` })), i)
  stage.restart()
  assert.equal(stage.feed([reading(6_000, { seq: 5_990, boot: 'boot 5990' }), reading(6_000, { seq: 5_990, boot: 'boot 5991' })]).length, 1)
  stage.restart()
  assert(JSON.stringify(stage.stage.snapshot(), (_, value: unknown) => ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value).length < 400_000)
})
