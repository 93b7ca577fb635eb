import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { StreamError } from '../../../pipelines/core/errors.ts'
import type { SignalSpec, StatisticSpec, UserStatistic, WindowSpec } from '../../../pipelines/core/spec.ts'
import { windowColumns } from '../../../pipelines/window/stage.ts'
import { playWindow, type Step, type WindowRow } from '../../kit/window-driver.ts'

const signals: readonly SignalSpec[] = [{ name: 'x', kind: 'number', unit: 'Cel' }, { name: 'door', kind: 'text', unit: null }, { name: 'on', kind: 'bool', unit: null }]
const windowOf = (statistic: StatisticSpec, shape: WindowSpec['shape'] = { kind: 'tumbling', sizeMs: 100_000 }): WindowSpec =>
  ({ name: 'w', shape, keep: [{ name: 'got', statistic }], emit: { mode: 'close' }, allowedLatenessMs: 0, intervalMs: null, panesMax: 1_000 })

/** The result of one window over all of the steps' readings. */
function resultOf (statistic: StatisticSpec, steps: readonly Step[], restarts = false): unknown {
  const rows = playWindow(windowOf(statistic), [...steps, { drain: true }], { signals, restarts }).flat() as WindowRow[]
  assert.equal(rows.length, 1)
  return rows[0]!.values.got
}
const xs = (...values: readonly (number | null)[]): Step[] => values.map((x, i) => ({ key: 'a', at: i * 1_000, values: { x } }))

test('stddev is that of the population: the window holds all of its readings', () => {
  assert.equal(resultOf({ kind: 'stddev', signal: 'x' }, xs(2, 4, 4, 4, 5, 5, 7, 9)), 2)
  assert.equal(resultOf({ kind: 'stddev', signal: 'x' }, xs(3)), 0)
  assert.equal(resultOf({ kind: 'stddev', signal: 'x' }, xs(null)), null)
})

test('stddev does not lose its digits far from zero', () => {
  const got = resultOf({ kind: 'stddev', signal: 'x' }, xs(...[4, 7, 13, 16].map(x => x + 1e9))) as number
  assert(Math.abs(got - Math.sqrt(22.5)) < 1e-9, String(got))
})

test('stddev over slices equals stddev over readings', () => {
  fc.assert(fc.property(fc.array(fc.record({ by: fc.integer({ min: 0, max: 4 }), x: fc.double({ min: -1e3, max: 1e3, noNaN: true }) }), { minLength: 1, maxLength: 40 }), given => {
    let at = 1_000
    const steps = given.map(({ by, x }): Step => ({ key: 'a', at: at += by, values: { x } }))
    const rows = playWindow(windowOf({ kind: 'stddev', signal: 'x' }, { kind: 'hopping', sizeMs: 20, advanceMs: 3 }), [...steps, { drain: true }], { signals }).flat() as WindowRow[]
    for (const { start, end, values } of rows) {
      const inside = steps.flatMap(step => 'key' in step && step.at >= start && step.at < end ? [step.values.x as number] : [])
      const mean = inside.reduce((a, b) => a + b, 0) / inside.length
      const wanted = Math.sqrt(inside.reduce((sum, x) => sum + (x - mean) ** 2, 0) / inside.length)
      assert(Math.abs(values.got as number - wanted) < 1e-6, `${values.got} for ${wanted}`)
    }
  }), { numRuns: 100 })
})

test('first and last go by event time, and by arrival within one moment', () => {
  // time     0   1   2       arrival: y, z, w, v
  //          z   y
  //          v   w
  const steps: Step[] = [['y', 1], ['z', 0], ['w', 1], ['v', 0]].map(([door, at]) => ({ key: 'a', at: at as number, values: { door: door as string } }))
  assert.equal(resultOf({ kind: 'first', signal: 'door' }, steps, true), 'z')
  assert.equal(resultOf({ kind: 'last', signal: 'door' }, steps, true), 'w')
})

test('first and last of a bool are bools, and skip what is not known', () => {
  const steps: Step[] = [null, false, true, null].map((on, at) => ({ key: 'a', at, values: { on } }))
  assert.equal(resultOf({ kind: 'first', signal: 'on' }, steps), false)
  assert.equal(resultOf({ kind: 'last', signal: 'on' }, steps), true)
})

test('delta and rate go from the first reading to the last', () => {
  assert.equal(resultOf({ kind: 'delta', signal: 'x' }, xs(10, 99, 16)), 6)
  assert.equal(resultOf({ kind: 'rate', signal: 'x' }, xs(10, 99, 16)), 3)
  assert.equal(resultOf({ kind: 'delta', signal: 'x' }, xs(10)), 0)
  assert.equal(resultOf({ kind: 'rate', signal: 'x' }, xs(10)), null)
})

test('collect keeps the first to arrive up to its limit, and says when there were more', () => {
  const list = resultOf({ kind: 'collect', signal: 'x', limit: 3 }, xs(1, null, 2, 3), true) as number[] & { truncated?: true }
  assert.deepEqual([...list], [1, 2, 3])
  assert.equal(list.truncated, undefined)
  const more = resultOf({ kind: 'collect', signal: 'x', limit: 3 }, xs(1, null, 2, 3, 4), true) as number[] & { truncated?: true }
  assert.deepEqual([...more], [1, 2, 3])
  assert.equal(more.truncated, true)
})

test('distinct counts texts, numbers and bools; 0 and -0 are one', () => {
  const doors = ['open', 'shut', 'open', null, 'ajar'].map((door, at): Step => ({ key: 'a', at, values: { door } }))
  assert.equal(resultOf({ kind: 'distinct', signal: 'door' }, doors, true), 3)
  assert.equal(resultOf({ kind: 'distinct', signal: 'x' }, xs(0, -0, 1, 1, null), true), 2)
  assert.equal(resultOf({ kind: 'distinct', signal: 'x' }, xs(null)), 0)
})

test('a user statistic is fed values, merged over slices, and survives restarts with odd numbers in its state', () => {
  interface Peak { readonly most: number, readonly at: number[] }
  const peak = {
    name: 'peak',
    create: (): Peak => ({ most: Number.NEGATIVE_INFINITY, at: [-0] }),
    add: (state: Peak, value: number): Peak => ({ most: Math.max(state.most, value), at: [...state.at, value] }),
    merge: (left: Peak, right: Peak): Peak => ({ most: Math.max(left.most, right.most), at: left.at.concat(right.at) }),
    result: (state: Peak) => state.most + state.at.length / 100,
  } as unknown as UserStatistic
  const spec = windowOf({ kind: 'user', signal: 'x', statistic: peak }, { kind: 'hopping', sizeMs: 4_000, advanceMs: 2_000 })
  const steps: Step[] = [...xs(1, 5, null, 2), { drain: true }]
  const results = (restarts: boolean) => (playWindow(spec, steps, { signals, restarts }).flat() as WindowRow[]).map(({ start, values }) => [start, values.got])
  assert.deepEqual(results(false), [[-2_000, 5.03], [0, 5.05], [2_000, 2.02]])
  assert.deepEqual(results(true), results(false))
})

test('a user statistic may say texts or bools, and nothing', () => {
  const kindly = (kind: 'text' | 'bool', value: unknown) => ({ name: 'k', kind, create: () => 0, add: () => 0, merge: () => 0, result: () => value }) as unknown as UserStatistic
  assert.equal(resultOf({ kind: 'user', signal: 'x', statistic: kindly('text', 'warm') }, xs(1)), 'warm')
  assert.equal(resultOf({ kind: 'user', signal: 'x', statistic: kindly('bool', true) }, xs(1)), true)
  assert.equal(resultOf({ kind: 'user', signal: 'x', statistic: kindly('text', null) }, xs(1)), null)
})

test('a user statistic that throws or gives another kind of result stops the task with its name', () => {
  const throwing = { name: 'bad', create: () => 0, add: () => { throw new Error('no') }, merge: () => 0, result: () => 0 } as unknown as UserStatistic
  assert.throws(() => resultOf({ kind: 'user', signal: 'x', statistic: throwing }, xs(1)), (error: StreamError) => error.code === 'WINDOW_STATISTIC' && error.details.statistic === 'bad' && error.details.reason === 'no')
  const wrong = { name: 'wrong', create: () => 0, add: () => 0, merge: () => 0, result: () => 'text' } as unknown as UserStatistic
  assert.throws(() => resultOf({ kind: 'user', signal: 'x', statistic: wrong }, xs(1)), (error: StreamError) => error.code === 'WINDOW_STATISTIC' && error.details.given === 'string')
})

test('a statistic of numbers refuses another kind of signal, and any refuses a signal that is not there', () => {
  assert.throws(() => resultOf({ kind: 'mean', signal: 'door' }, []), (error: StreamError) => error.code === 'WINDOW_SIGNAL' && error.details.kind === 'text')
  assert.throws(() => windowColumns(windowOf({ kind: 'last', signal: 'dooor' }), signals), (error: StreamError) => error.code === 'WINDOW_SIGNAL')
})

test('columns of results have the kind and unit of what they say', () => {
  const column = (statistic: StatisticSpec) => windowColumns(windowOf(statistic), signals)[0]
  assert.deepEqual(column({ kind: 'mean', signal: 'x' }), { name: 'got', kind: 'number', unit: 'Cel' })
  assert.deepEqual(column({ kind: 'rate', signal: 'x' }), { name: 'got', kind: 'number', unit: 'Cel/s' })
  assert.deepEqual(column({ kind: 'count' }), { name: 'got', kind: 'number', unit: null })
  assert.deepEqual(column({ kind: 'distinct', signal: 'door' }), { name: 'got', kind: 'number', unit: null })
  assert.deepEqual(column({ kind: 'last', signal: 'door' }), { name: 'got', kind: 'text', unit: null })
  assert.deepEqual(column({ kind: 'first', signal: 'on' }), { name: 'got', kind: 'bool', unit: null })
  assert.deepEqual(column({ kind: 'quantile', signal: 'x', q: 0.5 }), { name: 'got', kind: 'number', unit: 'Cel' })
  assert.deepEqual(column({ kind: 'collect', signal: 'x', limit: 5 }), { name: 'got', kind: 'value', unit: null })
})
