import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createBatch, createColumn } from '../../../pipelines/core/batch.ts'
import type { StateTree } from '../../../pipelines/core/state.ts'
import { batchOf, compiled, fields, fill, type Row, results, valuesOf } from './rows.ts'

const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))

//  key a   1 . 5 .        at seconds 0 1 2 3
test('prev is the last known value before this reading, across readings without one', () => {
  assert.deepEqual(valuesOf('prev(celsius)', [{ celsius: 1 }, {}, { celsius: 5 }, {}]), [null, 1, 1, 5])
  assert.deepEqual(valuesOf('prev(site)', [{ site: 'x' }, {}, { site: 'y' }, {}]), [null, 'x', 'x', 'y'])
  assert.deepEqual(valuesOf('prev(doorOpen)', [{ doorOpen: true }, {}, { doorOpen: false }, {}]), [null, true, true, false])
  assert.deepEqual(valuesOf('prev(prev(n))', [{ n: 1 }, { n: 2 }, { n: 3 }]), [null, null, 1])
})

test('each key remembers its own', () => {
  assert.deepEqual(valuesOf('prev(n)', [{ $key: 'a', n: 1 }, { $key: 'b', n: 2 }, { $key: 'a', n: 3 }, { $key: 'b', n: 4 }, { $key: 'c', n: 5 }]), [null, null, 1, 2, null])
})

test('rate is the change per second of event time, whatever the distance', () => {
  assert.deepEqual(valuesOf('rate(n)', [{ $at: 0, n: 1 }, { $at: 500, n: 2 }, { $at: 10_500, n: -3 }, { $at: 20_500 }, { $at: 30_500, n: 7 }]), [null, 2, -0.5, null, 0.5])
})

test('a reading that is not newer has no rate and does not disturb the next one', () => {
  assert.deepEqual(valuesOf('rate(n)', [{ $at: 1000, n: 1 }, { $at: 1000, n: 9 }, { $at: 500, n: 9 }, { $at: 2000, n: 2 }]), [null, null, null, 1])
})

//  value   0     10    .     .     .        the line through the last two, no further than they are apart
//  at      0     10    15    20    21
test('interpolate carries the last two known values on, as far as they are apart', () => {
  const rows = [{ $at: 0, n: 0 }, { $at: 5 }, { $at: 10, n: 10 }, { $at: 15 }, { $at: 20 }, { $at: 21 }, { $at: 5 }, { $at: -1 }, { $at: 30, n: 4 }, { $at: 40 }]
  assert.deepEqual(valuesOf('interpolate(n)', rows), [0, null, 10, 15, 20, null, 5, null, 4, 1])
})

test('memory takes every reading, also where && or ?: would not look', () => {
  const rows = [{ doorOpen: true, n: 1 }, { doorOpen: false, n: 2 }, { doorOpen: true, n: 4 }]
  assert.deepEqual(valuesOf('doorOpen && rate(n) == 2.0', rows), [null, false, true])
  assert.deepEqual(valuesOf('doorOpen ? n - prev(n) : 0.0', rows), [null, 0, 2])
})

test('a skipped row leaves memory alone and is unknown', () => {
  for (const codegen of [true, false]) {
    const expression = compiled('prev(n)', codegen)
    assert.deepEqual(results(expression, batchOf([{ n: 1 }, { n: 2 }, { n: 3 }]), Uint8Array.of(0, 1, 0)), [null, null, 1])
    const answers = Uint8Array.of(9, 9, 9)
    compiled('n > 1', codegen).test(batchOf([{ n: 1 }, { n: 2 }, { n: 3 }]), answers, Uint8Array.of(0, 1, 0))
    assert.deepEqual([...answers], [0, 2, 1])
  }
})

test('a snapshot is as small as what is remembered, and a copy', () => {
  const expression = compiled('rate(n) > 1.0 && prev(site) == "x"')
  assert.deepEqual(compiled('n > 1').snapshot(), {})
  results(expression, batchOf([{ $key: 'a', n: 1, site: 'x' }]))
  const before = JSON.stringify(expression.snapshot())
  const taken = expression.snapshot()
  assert.ok(before.length < 200, before)
  results(expression, batchOf([{ $key: 'a', n: 2, site: 'y' }], fields))
  assert.equal(JSON.stringify(taken), before)
})

const remembering = ['prev(n)', 'rate(n)', 'interpolate(n)', 'prev(site)', 'prev(doorOpen)', "prev(site) == site", 'rate(prev(n)) > 0.0 || interpolate(celsius) > 3.0', "site.startsWith('x') ? prev(n) : rate(n)", "prev(site) + '/' + site", "site.upperAscii()", "key + site", "site in ['x', 'zz']"]
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 3 })
const row: fc.Arbitrary<Row> = fc.record({ $key: fc.constantFrom('a', 'b', 'c'), $at: fc.integer({ min: 0, max: 50 }).map(x => x * 100), n: maybe(fc.integer({ min: -5, max: 5 })), celsius: maybe(fc.integer({ min: 0, max: 9 })), doorOpen: maybe(fc.boolean()), site: maybe(fc.constantFrom('x', 'xy', 'zz', '')) })

test(`batches, restarts and code generation are invisible (seed ${seed})`, () => {
  fc.assert(fc.property(fc.constantFrom(...remembering), fc.array(row, { minLength: 1, maxLength: 30 }), fc.infiniteStream(fc.record({ take: fc.integer({ min: 1, max: 7 }), restart: fc.boolean(), clear: fc.boolean(), codegen: fc.boolean() })), (text, rows, cuts) => {
    const whole = results(compiled(text, false), batchOf(rows))
    const batch = createBatch(fields, 8)
    let expression = compiled(text)
    const out = createColumn({ name: 'result', kind: expression.kind }, 8)
    const pieces: unknown[] = []
    for (let from = 0; from < rows.length;) {
      const { take, restart, clear, codegen } = cuts.next().value!
      if (clear) for (const column of batch.columns) if (column.kind === 'text') column.dictionary.clear()
      if (restart) {
        const state = structuredClone(expression.snapshot()) as StateTree
        expression = compiled(text, codegen)
        expression.restore(state)
      }
      fill(batch, rows.slice(from, from + take), from)
      expression.evaluate(batch, out, null)
      for (let i = 0; i < batch.count; i += 1) pieces.push(out.known[i] === 0 ? null : out.kind === 'text' ? out.dictionary.text(out.values[i]!) : out.kind === 'bool' ? out.values[i] === 1 : out.values[i])
      from += take
    }
    assert.deepEqual(pieces, whole, text)
  }), { seed, numRuns: 600 })
})
