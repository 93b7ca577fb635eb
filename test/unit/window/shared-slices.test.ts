import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { WindowSpec } from '../../../pipelines/core/spec.ts'
import { Slices } from '../../../pipelines/window/slices.ts'
import { modelWindow } from '../../kit/window-model.ts'
import { playWindow, type Step, type WindowRow } from '../../kit/window-driver.ts'

const signals = [{ name: 'x', kind: 'number', unit: null }] as const
const hopping: WindowSpec = {
  name: 'w', shape: { kind: 'hopping', sizeMs: 30, advanceMs: 1 }, emit: { mode: 'close' }, allowedLatenessMs: 0, intervalMs: null, panesMax: 10_000,
  keep: [{ name: 'sum', statistic: { kind: 'sum', signal: 'x' } }, { name: 'mean', statistic: { kind: 'mean', signal: 'x' } }, { name: 'spread', statistic: { kind: 'stddev', signal: 'x' } }],
}
const shapes = fc.tuple(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 9 })).map(([sizeMs, advanceMs]) => ({ kind: 'hopping' as const, sizeMs: Math.max(sizeMs, advanceMs), advanceMs }))
/** Doubles whose sum depends on the order of additions in its last bits. */
const moves = fc.array(fc.record({ by: fc.integer({ min: 0, max: 3 }), late: fc.constantFrom(0, 0, 0, 5, 20), key: fc.constantFrom('a', 'b', 'c'), x: fc.double({ min: -1e9, max: 1e9, noNaN: true }) }), { maxLength: 150 })

function stepsOf (given: typeof moves extends fc.Arbitrary<infer T> ? T : never): Step[] {
  let now = 1_000
  return [...given.map(({ by, late, key, x }): Step => ({ key, at: (now += by) - late, arrival: now, values: { x } })), { drain: true }]
}

test('sums over slices have one value to the last bit, whatever was cut, restarted or already reported', () => {
  fc.assert(fc.property(shapes, moves, fc.constantFrom(0, 10), fc.constantFrom(0, 15), (of, given, latenessMs, allowedLatenessMs) => {
    const spec = { ...hopping, shape: of, allowedLatenessMs }
    const steps = stepsOf(given)
    const options = { signals, latenessMs }
    const plain = playWindow(spec, steps, options)
    for (const how of [{ batchRows: 4096 }, { batchRows: 5 }, { restarts: true }, { batchRows: 9, restarts: true }]) assert.deepEqual(playWindow(spec, steps, { ...options, ...how }), plain)
    const finals = (rows: readonly (readonly unknown[])[]) => (rows.flat() as WindowRow[]).filter(row => row.final).map(({ key, start, values }) => ({ key, start, values }))
    assert.deepEqual(finals(playWindow({ ...spec, emit: { mode: 'update' } }, steps, options)), finals(plain))
    assert.deepEqual(finals(playWindow({ ...spec, emit: { mode: 'every', everyMs: 7 } }, steps, options)), finals(plain))
  }), { numRuns: process.env.MILLRACE_SLOW ? 3_000 : 100 })
})

test('early results are the same whether few keys changed or many', () => {
  // 200 keys report, then between two boundaries one of them, ten of them, all of them
  const reading = (i: number, at: number): Step => ({ key: `k${i}`, at, values: { x: i } })
  const all = (at: number) => Array.from({ length: 200 }, (_, i) => reading(i, at))
  const steps = [...all(1), reading(7, 11), ...[3, 1, 150, 2, 99].map(i => reading(i, 21)), reading(3, 19), reading(3, 29), ...all(31), reading(5, 40), { drain: true as const }]
  for (const shape of [{ kind: 'hopping', sizeMs: 24, advanceMs: 5 }, { kind: 'tumbling', sizeMs: 50 }] as const) {
    const spec: WindowSpec = { ...hopping, shape, keep: hopping.keep.slice(0, 2), emit: { mode: 'every', everyMs: 10 } }
    const early = playWindow(spec, steps, { signals, latenessMs: 5 })
    assert.deepEqual(early, modelWindow(spec, steps, { signals, latenessMs: 5 }))
    assert.equal(early.flat().some(row => row.kind === 'window' && !row.final && row.received === 1), true)
  }
})

test('slices tile time, and a window is a run of whole slices', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), fc.integer({ min: -500, max: 500 }), (size, advance, ms) => {
    const slices = new Slices(Math.max(size, advance), Math.min(size, advance))
    const slice = slices.at(ms)
    assert(slices.start(slice) <= ms && ms < slices.end(slice))
    for (let window = slices.firstWindow(slice) - 1; window <= slices.lastWindow(slice) + 1; window += 1) {
      const isInside = slices.windowStart(window) <= ms && ms < slices.windowEnd(window)
      assert.equal(isInside, window >= slices.firstWindow(slice) && window <= slices.lastWindow(slice))
      assert.equal(slices.start(slices.firstSlice(window)), slices.windowStart(window))
      assert.equal(slices.end(slices.firstSlice(window) + slices.perWindow - 1), slices.windowEnd(window))
    }
    const closed = slices.closedBy(ms)
    assert(slices.windowEnd(closed) <= ms && slices.windowEnd(closed + 1) > ms)
  }))
})

test('a hopping window of very many slices looks at those that have readings', () => {
  const spec: WindowSpec = { ...hopping, shape: { kind: 'hopping', sizeMs: 100_000, advanceMs: 1 } }
  const emitted = playWindow(spec, [{ key: 'a', at: 0, values: { x: 1 } }, { key: 'a', at: 99_990, values: { x: 2 } }, { watermark: 3 }, { drain: true }], { signals, explicit: true, batchRows: 9 })
  assert.deepEqual(emitted.map(rows => rows.length), [0, 0, 3, 199_987])
})
