import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import type { LakeLayout, LakePart, LakeWindow } from '../../../pipelines/core/lake-ports.ts'
import type { LakeQuery } from '../../../pipelines/lake/ask.ts'
import { plannedQuery } from '../../../pipelines/lake/plan.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const parts = (...names: LakePart['part'][]): LakePart[] => names.map(part => ({ name: `celsius_${part}`, signal: 'celsius', part }))
const all = parts('n', 'sum', 'm2', 'min', 'max', 'first', 'last', 'sketch')
const tumbling = (name: string, sizeMs: number, has = all): LakeWindow => ({ name, shape: { kind: 'tumbling', sizeMs }, columns: [], parts: has })
const layout = (...windows: LakeWindow[]): LakeLayout => ({
  pipeline: 'cold-chain', keyspace: 'millrace', signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'depot', kind: 'text', unit: null }], windows,
  rawMode: 'rows', intervalMs: 1_000, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
})
const fleet = layout(tumbling('minute', minute), tumbling('hour', hour))
const ask = (changes: Partial<LakeQuery>): LakeQuery => ({ keys: null, where: {}, signal: 'celsius', statistics: ['mean'], from: 0, to: day, resolution: null, points: null, by: [], source: 'auto', ...changes })
const code = (code: string) => (error: unknown) => error instanceof StreamError && error.code === code

test('the coarsest window whose size divides the resolution answers', () => {
  assert.deepEqual(plannedQuery(fleet, ask({ resolution: hour })).segments, [{ source: 'hour', from: 0, to: day }])
  assert.deepEqual(plannedQuery(fleet, ask({ resolution: 90 * minute })).segments, [{ source: 'minute', from: 0, to: day }])
  assert.deepEqual(plannedQuery(fleet, ask({ resolution: 90_000 })).segments, [{ source: 'readings', from: 0, to: day }])
})

test('the ends of a range that lies across windows come from finer ones, then from readings', () => {
  //            readings        minute              hour                 minute        readings
  // 00:58:30 ├──────────┤00:59├──────┤01:00├──────────────────┤03:00├──────────┤03:02├──────┤ 03:02:10
  const { segments } = plannedQuery(fleet, ask({ from: hour - 90_000, to: 3 * hour + 130_000 }))
  assert.deepEqual(segments, [
    { source: 'readings', from: hour - 90_000, to: hour - minute }, { source: 'minute', from: hour - minute, to: hour }, { source: 'hour', from: hour, to: 3 * hour },
    { source: 'minute', from: 3 * hour, to: 3 * hour + 120_000 }, { source: 'readings', from: 3 * hour + 120_000, to: 3 * hour + 130_000 },
  ])
})

test('a range without a whole window is read from readings', () => {
  assert.deepEqual(plannedQuery(fleet, ask({ from: 1, to: minute })).segments, [{ source: 'readings', from: 1, to: minute }])
})

test('a window that lacks a part, or has sessions, or panes that never lie side by side, does not answer; the plan says why', () => {
  const odd = layout(
    tumbling('bare', hour, parts('n', 'sum')), { name: 'visit', shape: { kind: 'session', gapMs: minute }, columns: [], parts: all },
    { name: 'odd', shape: { kind: 'hopping', sizeMs: hour, advanceMs: 25 * minute }, columns: [], parts: all }, { name: 'even', shape: { kind: 'hopping', sizeMs: hour, advanceMs: 5 * minute }, columns: [], parts: all },
  )
  const { segments, refused, why } = plannedQuery(odd, ask({ statistics: ['p99', 'max'], resolution: hour }))
  assert.deepEqual(segments, [{ source: 'even', from: 0, to: day }])
  assert.deepEqual(refused.map(({ window }) => window), ['bare', 'visit', 'odd'])
  assert.match(why, /^even: the coarsest.*bare: it does not keep sketch, max of celsius; visit: sessions/)
})

test('the first or last value of several devices comes from readings, of one from windows', () => {
  assert.equal(plannedQuery(fleet, ask({ statistics: ['last'], resolution: hour })).segments[0]!.source, 'readings')
  for (const one of [{ keys: ['a'] }, { by: ['key'] }]) assert.equal(plannedQuery(fleet, ask({ statistics: ['last'], resolution: hour, ...one })).segments[0]!.source, 'hour')
})

test('a number of points becomes a step that people like, preferably one that a window answers', () => {
  const points = (count: number, rest: Partial<LakeQuery> = {}) => plannedQuery(fleet, ask({ points: count, ...rest }))
  assert.equal(points(24).resolutionMs, hour)
  assert.equal(points(100).resolutionMs, 15 * minute)
  assert.equal(points(100).segments[0]!.source, 'minute')
  assert.equal(points(3_000, { to: 24 * hour }).resolutionMs, minute, '28.8 s would need readings; a minute is little more')
  assert.equal(points(3_000, { to: hour }).resolutionMs, 2_000)
  assert.equal(points(1, { to: 5_000 * day }).resolutionMs, 5_000 * day)
  assert.equal(points(100, { source: 'hour' }).resolutionMs, hour)
})

test('a window asked for by name gives its whole windows that begin in the range, and a resolution that is not a multiple of it is refused', () => {
  assert.deepEqual(plannedQuery(fleet, ask({ source: 'hour', from: 1, to: 3 * hour + 1 })).segments, [{ source: 'hour', from: hour, to: 4 * hour }])
  assert.deepEqual(plannedQuery(fleet, ask({ source: 'hour', from: 1, to: 2 })).segments, [])
  assert.throws(() => plannedQuery(fleet, ask({ source: 'hour', resolution: 90 * minute })), code('LAKE_ASK'))
  assert.throws(() => plannedQuery(layout(tumbling('hour', hour, parts('n'))), ask({ source: 'hour' })), code('LAKE_ASK'))
})

test('what cannot be asked is refused with the reason', () => {
  for (const wrong of [{ from: 5, to: 5 }, { to: Number.NaN }, { statistics: [] }, { resolution: 0 }, { resolution: 1.5 }, { points: 0 }, { points: 3, resolution: 1_000 }, { signal: 'depot' }, { statistics: ['p101'] as const }, { statistics: ['p'] as unknown as ['count'] }]) {
    assert.throws(() => plannedQuery(fleet, ask(wrong)), code('LAKE_ASK'), JSON.stringify(wrong))
  }
  for (const wrong of [{ signal: 'celcius' }, { by: ['celsius'] }, { where: { dept: 'x' } }, { source: 'minutes' }]) assert.throws(() => plannedQuery(fleet, ask(wrong)), code('LAKE_UNKNOWN'), JSON.stringify(wrong))
})
