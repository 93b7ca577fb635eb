import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { amountOf, labelsWanted, lengthOf, momentOf, queryOf, rangeOf, statisticsOf } from '../../../pipelines/cli/lake/words.ts'

const now = Date.parse('2026-11-23T14:05:06.789Z')
const iso = (text: string) => new Date(momentOf('from', text, now)).toISOString()
const wrong = (run: () => unknown, parameter: string) => { assert.throws(run, (error: unknown) => error instanceof StreamError && error.code === 'LAKE_ASK' && error.details.parameter === parameter) }

test('moments: now, before and after now, days, and times with or without a zone', () => {
  assert.equal(iso('now'), '2026-11-23T14:05:06.789Z')
  assert.equal(iso('-7d'), '2026-11-16T14:05:06.789Z')
  assert.equal(iso('-1h30m'), '2026-11-23T12:35:06.789Z')
  assert.equal(iso('-1w'), '2026-11-16T14:05:06.789Z')
  assert.equal(iso('+10s'), '2026-11-23T14:05:16.789Z')
  assert.equal(iso('today'), '2026-11-23T00:00:00.000Z')
  assert.equal(iso('yesterday'), '2026-11-22T00:00:00.000Z')
  assert.equal(iso('2026-11-23'), '2026-11-23T00:00:00.000Z')
  assert.equal(iso('2026-11-23T14:05'), '2026-11-23T14:05:00.000Z')
  assert.equal(iso('2026-11-23 14:05:06.5'), '2026-11-23T14:05:06.500Z')
  assert.equal(iso('2026-11-23T14:05+02:00'), '2026-11-23T12:05:00.000Z')
  assert.equal(iso('2026-11-23t14:05:00z'), '2026-11-23T14:05:00.000Z')
})

test('moments that are none are refused, also days that no month has', () => {
  for (const text of ['', 'yesterdy', '-7', '-7y', '7d', '2026-02-31', '2026-02-31T10:00Z', '2026-13-01', '23.11.2026', '2026-11-23T25:00', '1700000000000', '-999999999w', '2026-11-23T14:05+99:00', '--7d']) wrong(() => momentOf('from', text, now), 'from')
})

test('no text makes a moment that a date cannot say, or another error than the one that is documented', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+]\d{1,12}(ms|s|m|h|d|w)$/), fc.stringMatching(/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d)?(Z|[+-]\d\d:\d\d)?$/)), text => {
    try { assert(!Number.isNaN(new Date(momentOf('to', text, now)).getTime())) } catch (error) { assert(error instanceof StreamError && error.code === 'LAKE_ASK', String(error)) }
  }))
})

test('a range ends after it begins', () => {
  assert.deepEqual(rangeOf({ from: '-1h', to: 'now' }, now), { from: now - 3_600_000, to: now })
  wrong(() => rangeOf({ from: 'now', to: '-1h' }, now), 'from')
  wrong(() => rangeOf({ from: 'now', to: 'now' }, now), 'from')
})

test('statistics come once each, and a wrong one is told with the nearest', () => {
  assert.deepEqual(statisticsOf('mean, p99,max,mean'), ['mean', 'p99', 'max'])
  assert.throws(() => statisticsOf('mean,maxx'), /"stat".*"maxx".*nearest="max"/)
  for (const text of ['p101', 'p', 'p-1', 'constructor', '__proto__']) wrong(() => statisticsOf(text), 'stat')
})

test('labels: a value may hold an equals sign, a label has one value', () => {
  assert.deepEqual({ ...labelsWanted(['site=Oslo', 'note=a=b', 'empty=']) }, { site: 'Oslo', note: 'a=b', empty: '' })
  for (const texts of [['site'], ['=Oslo'], ['site=Oslo', 'site=Bergen']]) wrong(() => labelsWanted(texts), 'where')
  assert.deepEqual(Object.keys(labelsWanted(['__proto__=x'])), ['__proto__'])
})

test('lengths and amounts are above zero', () => {
  assert.equal(lengthOf('every', '10m'), 600_000)
  for (const text of ['0s', '10', '-1m', '1.5h', '']) wrong(() => lengthOf('every', text), 'every')
  assert.equal(amountOf('points', '200'), 200)
  for (const text of ['0', '-1', '1.5', '', '1e3', '9999999999999999']) wrong(() => amountOf('points', text), 'points')
})

test('a question has either a length of its intervals or their number', () => {
  const words = { signal: 'celsius', stat: 'mean', from: '-7d', to: 'now', by: 'key,site', source: 'auto', key: ['a,b'] }
  const ask = queryOf({ ...words, every: '1h' }, now)
  assert.deepEqual({ keys: ask.keys, by: ask.by, resolution: ask.resolution, points: ask.points }, { keys: ['a,b'], by: ['key', 'site'], resolution: 3_600_000, points: null })
  wrong(() => queryOf({ ...words, every: '1h', points: '5' }, now), 'points')
})
