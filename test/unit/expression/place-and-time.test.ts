import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePattern } from '../../../pipelines/expression/pattern.ts'
import { resultOf, valuesOf } from './rows.ts'

const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))

//  Europe/Oslo 2024-03-31: 01:59:59 CET, then 03:00:00 CEST
test('the hour of the day follows daylight saving', () => {
  const spring = Date.UTC(2024, 2, 31, 1)
  assert.deepEqual(valuesOf("hour(at, 'Europe/Oslo')", [{ $at: spring - 1 }, { $at: spring }, { $at: Date.UTC(2024, 9, 27, 0, 59) }, { $at: Date.UTC(2024, 9, 27, 1) }]), [1, 3, 2, 2])
  assert.deepEqual(valuesOf("hour(at, 'Asia/Kolkata') * 100 + minute(at, 'Asia/Kolkata')", [{ $at: Date.UTC(2024, 0, 1, 18, 29) }, { $at: Date.UTC(2024, 0, 1, 18, 30) }]), [2359, 0])
  assert.deepEqual(valuesOf('hour(at)', [{ $at: Date.UTC(2024, 0, 1, 23, 59) }, { $at: -1 }]), [23, 23])
  assert.deepEqual(valuesOf("dayOfWeek(at, 'Pacific/Auckland')", [{ $at: Date.UTC(2024, 0, 6, 10, 59) }, { $at: Date.UTC(2024, 0, 6, 11) }]), [6, 0])
  assert.equal(resultOf("hour(n, 'Europe/Oslo')", {}), null)
  assert.equal(resultOf("hour(n, 'Europe/Oslo')", { n: 1e300 }), null)
})

test(`clock parts are those that Intl says (seed ${seed})`, () => {
  const zones = ['Europe/Oslo', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Africa/Monrovia', 'America/St_Johns', 'Pacific/Apia', 'UTC'] as const
  fc.assert(fc.property(fc.constantFrom(...zones), fc.array(fc.integer({ min: Date.UTC(1900, 0), max: Date.UTC(2100, 0) }), { minLength: 1, maxLength: 20 }), (zone, times) => {
    const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit', weekday: 'short' })
    const wanted = times.map(time => { const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value])); return ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(parts.weekday!) * 10000 + Number(parts.hour) * 100 + Number(parts.minute) })
    assert.deepEqual(valuesOf(`dayOfWeek(at, '${zone}') * 10000 + hour(at, '${zone}') * 100 + minute(at, '${zone}')`, times.map($at => ({ $at }))), wanted)
  }), { seed, numRuns: 100 })
})

test(`the clock of UTC holds for every time that a date can be (seed ${seed})`, () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -8.64e15 + 1, max: 8.64e15 - 1 }), { minLength: 1, maxLength: 20 }), times => {
    const rows = times.map($at => ({ $at }))
    assert.deepEqual(valuesOf("hour(at, 'Etc/UTC') * 60 + minute(at, 'Etc/UTC')", rows), times.map(time => new Date(time).getUTCHours() * 60 + new Date(time).getUTCMinutes()))
    assert.deepEqual(valuesOf('dayOfWeek(at)', rows), times.map(time => new Date(time).getUTCDay()))
  }), { seed, numRuns: 100 })
})

test('distance on the earth', () => {
  const oslo = { 'gps.lat': 59.9139, 'gps.lon': 10.7522 }
  const metres = resultOf('geo.distance(gps.lat, gps.lon, 60.3913, 5.3221)', oslo) as number
  assert.ok(Math.abs(metres - 305_000) < 1500, `${metres} m from Oslo to Bergen`)
  assert.equal(resultOf('geo.distance(gps.lat, gps.lon, gps.lat, gps.lon)', oslo), 0)
  assert.ok(Math.abs((resultOf('geo.distance(0, 0, 0, 180)') as number) - Math.PI * 6_371_008.8) < 1)
  assert.equal(resultOf('geo.distance(gps.lat, gps.lon, 1, 2)', { 'gps.lat': 1 }), null)
})

//   10 +-----+        the notch: (5,5) lies outside
//      |  /\ |
//    0 +-/  \+
//      0     10
test('inside an area with a notch, and across the date line', () => {
  const area = '[[0, 0], [10, 0], [10, 10], [0, 10], [8, 5]]'
  const at = (lat: number, lon: number) => ({ 'gps.lat': lat, 'gps.lon': lon })
  assert.deepEqual(valuesOf(`geo.inside(gps.lat, gps.lon, ${area})`, [at(9, 5), at(5, 5), at(1, 1), at(11, 5), at(5, -1), {}]), [true, false, false, false, false, null])
  const fiji = '[[-20, 177], [-20, -178], [-15, -178], [-15, 177]]'
  assert.deepEqual(valuesOf(`geo.inside(gps.lat, gps.lon, ${fiji})`, [at(-18, 178.4), at(-18, -179), at(-18, 181), at(-18, 176), at(-18, 0)]), [true, true, true, false, false])
})

test('patterns match any part of a text, by RE2', () => {
  const rows = [{ site: 'truck-17' }, { site: 'van 9' }, {}]
  assert.deepEqual(valuesOf("site.matches('^truck-[0-9]+$')", rows), [true, false, null])
  assert.deepEqual(valuesOf("matches(site, '[0-9]')", rows), [true, true, null])
  assert.deepEqual(valuesOf("site.matches('(?i)TRUCK|VAN')", rows), [true, true, null])
  assert.deepEqual(valuesOf("site.matches(r'\\bvan\\b')", rows), [false, true, null])
})

const test1 = (source: string, text: string) => compilePattern(source, problem => { throw new Error(problem) }).test(text)

test('a pattern that makes others backtrack takes no longer than its text', () => {
  const text = `${'a'.repeat(20_000)}b`
  const from = process.hrtime.bigint()
  for (const pattern of ['(a+)+$', '(a|aa)+$', '(a*)*c', '(.*)(.*)(.*)(.*)[^a-z]$']) assert.equal(test1(pattern, text), false)
  assert.ok(Number(process.hrtime.bigint() - from) < 2e9)
})

test('a pattern too large or of another dialect is refused', () => {
  for (const pattern of ['(?=a)', '(?<!a)b', '\\1', '(a', 'a)', '[a', '*a', 'a**', 'a{2000}', '(a{100}){100}', '((){1000}){1000}', '\\p{L}', '[z-a]', '\\', '(?P<n', '[[:nope:]]', `${'('.repeat(60)}a${')'.repeat(60)}`]) assert.throws(() => test1(pattern, 'a'), Error, pattern)
})

const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\w', '\\s', '\\b', '^', '$', '(a|b)', '(?:ab)', 'a?', 'b*', 'a+', '(ab){1,2}', 'a{2}', '\\.', '[a-c1]', '\\x61', '(|a)', '(a*)*', '\\D', '[\\d_-]', 'é', '(?:a|b?)+?')

test(`patterns agree with JavaScript's where both have the syntax (seed ${seed})`, () => {
  fc.assert(fc.property(fc.array(atom, { maxLength: 6 }), fc.boolean(), fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '.', ' ', '\n', 'é', 'A', '_', '-'), maxLength: 10 }), (atoms, either, text) => {
    const source = either ? `${atoms.slice(0, 3).join('')}|${atoms.slice(3).join('')}` : atoms.join('')
    assert.equal(test1(source, text), new RegExp(source, 'u').test(text), `${source} on ${JSON.stringify(text)}`)
  }), { seed, numRuns: 3000 })
})
