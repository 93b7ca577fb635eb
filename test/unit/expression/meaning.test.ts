import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resultOf, valuesOf } from './rows.ts'

const kleene = [true, false, null]

test('&& is false as soon as one side is false and unknown only where neither side settles it', () => {
  for (const doorOpen of kleene) {
    for (const alarm of kleene) {
      const wanted = doorOpen === false || alarm === false ? false : doorOpen === null || alarm === null ? null : true
      assert.equal(resultOf('doorOpen && alarm', { doorOpen, alarm }), wanted, `${doorOpen} && ${alarm}`)
    }
  }
})

test('|| is true as soon as one side is true and unknown only where neither side settles it', () => {
  for (const doorOpen of kleene) {
    for (const alarm of kleene) {
      const wanted = doorOpen === true || alarm === true ? true : doorOpen === null || alarm === null ? null : false
      assert.equal(resultOf('doorOpen || alarm', { doorOpen, alarm }), wanted, `${doorOpen} || ${alarm}`)
    }
  }
})

test('not unknown is unknown', () => {
  assert.deepEqual(valuesOf('!doorOpen', [{ doorOpen: true }, { doorOpen: false }, {}]), [false, true, null])
})

test('a comparison with a missing value is unknown, whichever way round', () => {
  for (const sign of ['<', '<=', '>', '>=', '==', '!=']) {
    assert.deepEqual(valuesOf(`celsius ${sign} limit`, [{ celsius: 1 }, { limit: 1 }, {}]), [null, null, null], sign)
    assert.equal(resultOf(`site ${sign} 'x'`), null)
    assert.equal(resultOf(`doorOpen ${sign} true`), null)
  }
})

test('a NaN that a device sent counts as missing', () => {
  assert.deepEqual(valuesOf('celsius > 3', [{ celsius: Number.NaN }, { celsius: 4 }]), [null, true])
  assert.deepEqual(valuesOf('known(celsius)', [{ celsius: Number.NaN }, { celsius: 4 }]), [false, true])
})

test('known says whether a value is there, for every kind of field and every expression', () => {
  assert.deepEqual(valuesOf('known(celsius)', [{}, { celsius: 0 }]), [false, true])
  assert.deepEqual(valuesOf('known(doorOpen)', [{}, { doorOpen: false }]), [false, true])
  assert.deepEqual(valuesOf('known(site)', [{}, { site: '' }]), [false, true])
  assert.deepEqual(valuesOf('known(tags)', [{}, { tags: ['a'] }]), [false, true])
  assert.deepEqual(valuesOf('known(celsius - limit)', [{ celsius: 1 }, { celsius: 1, limit: 1 }]), [false, true])
  assert.deepEqual(valuesOf('known(celsius) && celsius > 3', [{}, { celsius: 4 }]), [false, true])
})

test('?: takes the branch that the condition names and is unknown where the condition is', () => {
  assert.deepEqual(valuesOf('doorOpen ? celsius : limit', [{ doorOpen: true, celsius: 1, limit: 2 }, { doorOpen: false, celsius: 1, limit: 2 }, { celsius: 1, limit: 2 }, { doorOpen: true, limit: 2 }]), [1, 2, null, null])
  assert.deepEqual(valuesOf("doorOpen ? site : 'none'", [{ doorOpen: true, site: 'x' }, { doorOpen: false }, {}]), ['x', 'none', null])
})

test('whole numbers widen beside doubles and division is real division', () => {
  assert.equal(resultOf('7 / 2'), 3.5)
  assert.equal(resultOf('n / 4', { n: 1 }), 0.25)
  assert.equal(resultOf('n * 9 / 5 + 32', { n: 100 }), 212)
  assert.equal(resultOf('n > 8', { n: 8.5 }), true)
  assert.equal(resultOf('0x1f + 2u', {}), 33)
})

test('the remainder has the sign of the dividend', () => {
  assert.deepEqual(valuesOf('n % 3', [{ n: 7 }, { n: -7 }, { n: 7.5 }]), [1, -1, 1.5])
})

test('division and remainder by zero are unknown, not infinite', () => {
  assert.deepEqual(valuesOf('1 / n', [{ n: 0 }, { n: -0 }, { n: 2 }]), [null, null, 0.5])
  assert.deepEqual(valuesOf('1 % n', [{ n: 0 }, { n: 2 }]), [null, 1])
  assert.deepEqual(valuesOf('1 / n > 5', [{ n: 0 }]), [null])
  assert.equal(resultOf('1 / 0 > 5 || true'), true)
})

test('a result that is not finite is unknown', () => {
  assert.equal(resultOf('n * 10', { n: 1e308 }), null)
  assert.equal(resultOf('n * 10 > 5', { n: 1e308 }), true)
})

test('in compares with each element and is unknown where that cannot be told', () => {
  assert.deepEqual(valuesOf("site in ['Oslo', 'Bergen']", [{ site: 'Oslo' }, { site: 'Bodø' }, {}]), [true, false, null])
  assert.deepEqual(valuesOf('celsius in [1, 2.5, -3]', [{ celsius: -3 }, { celsius: 2 }, {}]), [true, false, null])
  assert.deepEqual(valuesOf('celsius in [limit, 3]', [{ celsius: 3 }, { celsius: 2 }, { celsius: 2, limit: 2 }]), [true, null, true])
  assert.deepEqual(valuesOf('doorOpen in [true]', [{ doorOpen: true }, { doorOpen: false }]), [true, false])
  assert.equal(resultOf('n in []', { n: 1 }), false)
  const many = Array.from({ length: 50 }, (_, i) => (i * 37) % 50 * 2)
  assert.deepEqual(valuesOf(`n in [${many.join(', ')}]`, [{ n: 0 }, { n: 98 }, { n: 51 }, { n: -1 }, { n: 100 }, { n: -0 }, {}]), [true, true, false, false, false, true, null])
})

test('texts compare by code point, also against texts of another column', () => {
  assert.deepEqual(valuesOf('site == model', [{ site: 'a', model: 'a' }, { site: 'a', model: 'b' }, { site: 'a' }]), [true, false, null])
  assert.deepEqual(valuesOf("site < '\\U0001F600'", [{ site: '\uffee' }, { site: '\u{1F601}' }]), [true, false])
  assert.deepEqual(valuesOf("'Oslo' != site", [{ site: 'Oslo' }, { site: 'oslo' }, {}]), [false, true, null])
})

test('text functions answer per text', () => {
  const rows = [{ site: 'Tromsø 12' }, { site: '' }, {}]
  assert.deepEqual(valuesOf("site.startsWith('Trom')", rows), [true, false, null])
  assert.deepEqual(valuesOf("site.endsWith('12')", rows), [true, false, null])
  assert.deepEqual(valuesOf("site.contains('ø')", rows), [true, false, null])
  assert.deepEqual(valuesOf('site.size()', rows), [9, 0, null])
  assert.deepEqual(valuesOf('size(site) > 3', rows), [true, false, null])
  assert.deepEqual(valuesOf('site.upperAscii()', rows), ['TROMSø 12', '', null])
  assert.deepEqual(valuesOf('site.lowerAscii()', rows), ['tromsø 12', '', null])
  assert.deepEqual(valuesOf("site + '/' + model", [{ site: 'a', model: 'b' }, { site: 'a' }]), ['a/b', null])
  assert.equal(resultOf('size(site)', { site: '\u{1F600}é' }), 2)
  assert.deepEqual(valuesOf('double(site)', [{ site: '12.5' }, { site: '-1e3' }, { site: 'x' }, { site: '' }, { site: ' 1' }]), [12.5, -1000, null, null, null])
  assert.deepEqual(valuesOf('string(n)', [{ n: 1.5 }, {}]), ['1.5', null])
})

test('texts are cleaned by trim, replace, indexOf and substring, counted in characters', () => {
  assert.deepEqual(valuesOf('site.trim()', [{ site: ' \t Oslo\u00a0' }, { site: '   ' }]), ['Oslo', ''])
  assert.deepEqual(valuesOf("site.replace('-', '/')", [{ site: 'a-b-c' }, { site: '' }]), ['a/b/c', ''])
  assert.deepEqual(valuesOf("site.replace('', 'x')", [{ site: 'a' }]), [null])
  assert.deepEqual(valuesOf("site.indexOf('b')", [{ site: '\u{1F600}b' }, { site: 'a' }]), [1, -1])
  assert.deepEqual(valuesOf("site.indexOf('a', n)", [{ site: 'aba', n: 1 }, { site: 'aba', n: 4 }, { site: 'aba' }]), [2, null, null])
  assert.deepEqual(valuesOf('site.substring(1, 3)', [{ site: '\u{1F600}bcd' }, { site: 'ab' }]), ['bc', null])
  assert.deepEqual(valuesOf('site.substring(n)', [{ site: 'abc', n: 2 }, { site: 'abc', n: -1 }, { site: 'abc', n: 1.5 }]), ['c', null, null])
  assert.deepEqual(valuesOf('int(site)', [{ site: '-12' }, { site: '1.5' }]), [-12, null])
  assert.deepEqual(valuesOf('bool(site)', [{ site: 'True' }, { site: '0' }, { site: 'yes' }]), [true, false, null])
})

test('a long text takes no longer than its length', () => {
  const site = `${' '.repeat(60_000)}x${' '.repeat(60_000)}x`
  const from = process.hrtime.bigint()
  assert.equal(resultOf('site.trim()', { site }), site.trim())
  assert.equal(resultOf("site.replace(' ', model)", { site, model: 'y'.repeat(60_000) }), null)
  assert.ok(Number(process.hrtime.bigint() - from) < 1e9)
})

test('a text longer than the limit is unknown', () => {
  const site = 'x'.repeat(40_000)
  assert.deepEqual(valuesOf('size(site + model)', [{ site, model: 'y' }, { site, model: site }]), [40_001, null])
})

test('abs, min, max and roundings', () => {
  assert.deepEqual(valuesOf('abs(n)', [{ n: -2 }, {}]), [2, null])
  assert.deepEqual(valuesOf('min(n, celsius, 3)', [{ n: 5, celsius: 4 }, { n: 1, celsius: 4 }, { n: 1 }]), [3, 1, null])
  assert.deepEqual(valuesOf('max(n, 3)', [{ n: 5 }, { n: 1 }, {}]), [5, 3, null])
  assert.deepEqual(valuesOf('round(n)', [{ n: 2.5 }, { n: -2.5 }, { n: 2.4 }]), [3, -3, 2])
  assert.deepEqual(valuesOf('floor(n)', [{ n: -1.5 }]), [-2])
  assert.deepEqual(valuesOf('ceil(n)', [{ n: 1.2 }]), [2])
  assert.deepEqual(valuesOf('int(n)', [{ n: -1.7 }, { n: 1e30 }]), [-1, null])
  assert.deepEqual(valuesOf('sqrt(n)', [{ n: 9 }, { n: -1 }]), [3, null])
})

test('the reading itself is there as at, arrival and key; a field of that name hides it', () => {
  assert.deepEqual(valuesOf('arrival - at', [{ $at: 1000, $arrival: 1500 }]), [500])
  assert.deepEqual(valuesOf("key == 'truck-7'", [{ $key: 'truck-7' }, { $key: 'x' }]), [true, false])
  assert.deepEqual(valuesOf("key.startsWith('truck') && n > 1", [{ $key: 'truck-7', n: 2 }, { $key: 'x', n: 2 }]), [true, false])
  assert.deepEqual(valuesOf('key', [{ $key: 'truck-7' }]), ['truck-7'])
})

test('a field of a record is named with dots', () => {
  assert.equal(resultOf('gps.lat + 1', { 'gps.lat': 59 }), 60)
})
