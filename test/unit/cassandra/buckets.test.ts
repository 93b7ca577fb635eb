import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BucketNames, bucketEnd, bucketsOf, bucketStart, bucketText, type Era, eraAt, widthFor } from '../../../connectors/cassandra/buckets.ts'

const widths = ['minute', 'hour', 'day', 'month', 'year'] as const
const at = (text: string) => Date.parse(text)
const always = (width: Era['width']): Era[] => [{ from: Number.NEGATIVE_INFINITY, width }]

test('a bucket is named by the beginning of its time, UTC', () => {
  assert.deepEqual(widths.map(width => bucketText(at('2026-11-23T14:05:59.999Z'), width)), ['2026-11-23T14:05', '2026-11-23T14', '2026-11-23', '2026-11', '2026'])
  assert.equal(bucketText(at('+012345-06-07T00:00:00Z'), 'month'), '+012345-06')
  assert.equal(bucketText(-1, 'year'), '1969')
})

test('the width is the widest with at most 100,000 rows of a device', () => {
  const chosen = [[0.5, 'minute'], [1, 'minute'], [36, 'hour'], [1_000, 'day'], [30_000, 'month'], [60_000, 'month'], [600_000, 'year'], [86_400_000, 'year']] as const
  for (const [interval, width] of chosen) assert.equal(widthFor(interval), width, `every ${interval} ms`)
  assert.equal(widthFor(null), 'day')
  assert.equal(widthFor(0), 'day')
})

test('a bucket begins, ends and is named consistently', () => {
  const time = fc.integer({ min: at('0000-01-01T00:00:00Z'), max: at('9999-12-31T00:00:00Z') })
  fc.assert(fc.property(time, fc.constantFrom(...widths), (at, width) => {
    const [start, end] = [bucketStart(at, width), bucketEnd(at, width)]
    assert(start <= at && at < end)
    assert.equal(bucketText(start, width), bucketText(at, width))
    assert.equal(bucketText(end - 1, width), bucketText(at, width))
    assert.notEqual(bucketText(end, width), bucketText(at, width))
    assert.notEqual(bucketText(start - 1, width), bucketText(at, width))
  }))
})

//   2026-11-29        2026-12-01                   2026-12-03 (days from here on)
//   |----- month 2026-11 -----|-- month 2026-12 --|-- 2026-12-03 --|-- 2026-12-04 ...
test('a range over a change of width is walked in the old buckets, then in the new ones', () => {
  const eras: Era[] = [{ from: Number.NEGATIVE_INFINITY, width: 'month' }, { from: at('2026-12-03T00:00:00Z'), width: 'day' }]
  assert.deepEqual([...bucketsOf(eras, { from: at('2026-11-29T10:00:00Z'), to: at('2026-12-04T06:00:00Z') })], [
    { text: '2026-11', from: at('2026-11-29T10:00:00Z'), to: at('2026-12-01T00:00:00Z') },
    { text: '2026-12', from: at('2026-12-01T00:00:00Z'), to: at('2026-12-03T00:00:00Z') },
    { text: '2026-12-03', from: at('2026-12-03T00:00:00Z'), to: at('2026-12-04T00:00:00Z') },
    { text: '2026-12-04', from: at('2026-12-04T00:00:00Z'), to: at('2026-12-04T06:00:00Z') },
  ])
  assert.deepEqual([...bucketsOf(eras, { from: 5, to: 5 })], [])
  assert.equal(eraAt(eras, at('2026-12-02T23:59:59.999Z')).width, 'month')
  assert.equal(eraAt(eras, at('2026-12-03T00:00:00Z')).width, 'day')
})

test('a width that becomes wider in mid-month names the rest of the month by the month', () => {
  const eras: Era[] = [{ from: Number.NEGATIVE_INFINITY, width: 'day' }, { from: at('2026-12-30T00:00:00Z'), width: 'month' }]
  assert.deepEqual([...bucketsOf(eras, { from: at('2026-12-29T00:00:00Z'), to: at('2027-01-02T00:00:00Z') })].map(({ text }) => text), ['2026-12-29', '2026-12', '2027-01'])
})

test('the parts of a range cover it without a gap, and every time in them has their name', () => {
  const start = at('2026-01-01T00:00:00Z')
  const day = fc.integer({ min: 0, max: 40 }).map(days => start + days * 86_400_000)
  const eras = fc.uniqueArray(fc.tuple(day, fc.constantFrom('hour', 'day', 'month', 'year')), { selector: ([from]) => from, maxLength: 3 })
    .map(list => [...always('month'), ...list.toSorted(([a], [b]) => a - b).map(([from, width]): Era => ({ from, width: width as Era['width'] }))])
  fc.assert(fc.property(eras, fc.integer({ min: 0, max: 40 * 86_400 }), fc.integer({ min: 1, max: 5 * 86_400 }), (eras, offset, length) => {
    const from = start + offset * 1_000
    const names = new BucketNames(eras)
    let next = from
    for (const part of bucketsOf(eras, { from, to: from + length * 1_000 })) {
      assert.equal(part.from, next)
      assert(part.to > part.from)
      for (const time of [part.from, part.to - 1]) assert.equal(names.of(time), part.text)
      next = part.to
    }
    assert.equal(next, from + length * 1_000)
  }))
})

test('names are right in any order of times, and beyond what is remembered', () => {
  const names = new BucketNames(always('minute'))
  for (let turn = 0; turn < 2; turn += 1) {
    for (let minute = 5_000; minute >= 0; minute -= 1) assert.equal(names.of(minute * 60_000 + 59_999), bucketText(minute * 60_000, 'minute'))
  }
})
