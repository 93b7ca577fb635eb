import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { compileExpression } from '../../../pipelines/expression/compile.ts'
import { compiled, fields, resultOf } from './rows.ts'

function problem (text: string, expect: 'any' | 'bool' | 'number' | 'text' = 'any'): StreamError {
  try {
    compileExpression(text, { fields, expect, codegen: true })
  } catch (error) {
    assert.ok(error instanceof StreamError, `${text}: ${error}`)
    return error
  }
  throw new Error(`${text} was accepted`)
}

/** [expression, code, line, column, some details] */
const wrong: readonly (readonly [string, string, number, number, Readonly<Record<string, unknown>>?])[] = [
  ['', 'EXPRESSION_SYNTAX', 1, 1],
  ['   ', 'EXPRESSION_SYNTAX', 1, 1],
  ['celsius >', 'EXPRESSION_SYNTAX', 1, 10],
  ['celsius = 3', 'EXPRESSION_SYNTAX', 1, 9, { advice: 'equality is ==' }],
  ['celsius > 3 and doorOpen', 'EXPRESSION_SYNTAX', 1, 13, { advice: 'and, or, not are &&, ||, !' }],
  ['not doorOpen', 'EXPRESSION_SYNTAX', 1, 5, { advice: 'and, or, not are &&, ||, !' }],
  ["site == 'Oslo", 'EXPRESSION_SYNTAX', 1, 9],
  ['celsius > 3 &&\n  doorOpen |', 'EXPRESSION_SYNTAX', 2, 12],
  ['celsiu > 3', 'EXPRESSION_NAME', 1, 1, { name: 'celsiu', nearest: 'celsius' }],
  ['doorOpen &&\n  celcius > 3', 'EXPRESSION_NAME', 2, 3, { nearest: 'celsius' }],
  ['gps.lon > 3 && gps.lt > 3', 'EXPRESSION_NAME', 1, 16, { name: 'gps.lt', nearest: 'gps.lat' }],
  ['site == Oslo', 'EXPRESSION_NAME', 1, 9, { name: 'Oslo', advice: 'a text stands in quotes' }],
  ['has(celsius)', 'EXPRESSION_NAME', 1, 1, { nearest: 'known' }],
  ['site.length() > 3', 'EXPRESSION_NAME', 1, 1, { nearest: 'size' }],
  ['knwon(celsius)', 'EXPRESSION_NAME', 1, 1, { nearest: 'known' }],
  ["site.startWith('x')", 'EXPRESSION_NAME', 1, 1, { nearest: 'startsWith' }],
  ['geo.distnce(gps.lat, gps.lon, 1, 2)', 'EXPRESSION_NAME', 1, 1, { nearest: 'geo.distance' }],
  ["hour(at, 'Europe/Olso') > 3", 'EXPRESSION_NAME', 1, 10, { nearest: 'Europe/Oslo' }],
  ['celsius > true', 'EXPRESSION_TYPE', 1, 1, { left: 'number', right: 'bool' }],
  ['doorOpen == 1', 'EXPRESSION_TYPE', 1, 1],
  ['site > 3', 'EXPRESSION_TYPE', 1, 1],
  ['celsius && doorOpen', 'EXPRESSION_TYPE', 1, 1, { expected: 'bool', found: 'number' }],
  ['doorOpen ? 1 : site', 'EXPRESSION_TYPE', 1, 16],
  ['-site', 'EXPRESSION_TYPE', 1, 2],
  ['celsius == null', 'EXPRESSION_TYPE', 1, 12],
  ['known(celsius, limit)', 'EXPRESSION_TYPE', 1, 1, { expected: 'known(x) -> bool' }],
  ['celsius.known()', 'EXPRESSION_TYPE', 1, 1],
  ['startsWith(site, "x")', 'EXPRESSION_TYPE', 1, 1],
  ['tags == 1', 'EXPRESSION_TYPE', 1, 1, { name: 'tags' }],
  ['[1, 2]', 'EXPRESSION_TYPE', 1, 1],
  ['[1, 2][0]', 'EXPRESSION_TYPE', 1, 1],
  ['{"a": 1}', 'EXPRESSION_TYPE', 1, 1],
  ["b'x'", 'EXPRESSION_TYPE', 1, 1],
  ['9007199254740993 > 1', 'EXPRESSION_TYPE', 1, 1],
  ["site.matches(model)", 'EXPRESSION_TYPE', 1, 14],
  ["site.matches('(?=x)')", 'EXPRESSION_TYPE', 1, 14],
  ["site.matches('(a')", 'EXPRESSION_TYPE', 1, 14],
  ['geo.inside(gps.lat, gps.lon, [[1, 2], [3, 4]])', 'EXPRESSION_TYPE', 1, 30],
  ['geo.inside(gps.lat, gps.lon, [[1, 2], [3, 4], [n, 2]])', 'EXPRESSION_TYPE', 1, 48],
  ['celsius > fahrenheit', 'EXPRESSION_UNIT', 1, 1, { left: 'Cel', right: '[degF]' }],
  ['celsius + metres', 'EXPRESSION_UNIT', 1, 1, { left: 'Cel', right: 'm', advice: 'they measure different things' }],
  ['n > 1 && max(celsius, metres) > 1', 'EXPRESSION_UNIT', 1, 10],
  ['doorOpen ? celsius : fahrenheit', 'EXPRESSION_UNIT', 1, 1],
  ["convert(celsius, 'm')", 'EXPRESSION_UNIT', 1, 1],
  ["convert(celsius, 'degF')", 'EXPRESSION_UNIT', 1, 18, { nearest: '[degF]' }],
  ["convert(n, 'Cel')", 'EXPRESSION_UNIT', 1, 9],
  ['hour(seconds)', 'EXPRESSION_UNIT', 1, 6],
  ['geo.distance(celsius, 1, 2, 3)', 'EXPRESSION_UNIT', 1, 14],
  [`${'('.repeat(70)}n${')'.repeat(70)}`, 'EXPRESSION_LIMIT', 1, 65],
  [`${'!'.repeat(70)}doorOpen`, 'EXPRESSION_LIMIT', 1, 65],
  [`n > ${'1'.repeat(5000)}`, 'EXPRESSION_LIMIT', 1, 1, { bytes: 5004, bytesMax: 4096 }],
  [`'${'ø'.repeat(2048)}'`, 'EXPRESSION_LIMIT', 1, 1, { bytes: 4098 }],
  [`n${'+n'.repeat(1100)} > 1`, 'EXPRESSION_LIMIT', 1, 1799],
]

for (const [text, code, line, column, details = {}] of wrong) {
  test(`${code} at ${line}:${column} for ${JSON.stringify(text.slice(0, 60))}`, () => {
    const error = problem(text)
    assert.deepEqual([error.code, error.details.line, error.details.column], [code, line, column], error.message)
    for (const [name, value] of Object.entries(details)) assert.deepEqual(error.details[name], value, error.message)
    assert.equal(typeof error.details.expression, 'string')
  })
}

test('an expression of the wrong kind for its place says which it must be', () => {
  assert.deepEqual([problem('celsius', 'bool').details.expected, problem('celsius', 'bool').details.found], ['bool', 'number'])
  assert.equal(problem('doorOpen', 'number').code, 'EXPRESSION_TYPE')
  assert.equal(problem('doorOpen', 'text').code, 'EXPRESSION_TYPE')
})

test('comparing Cel with [degF] suggests a conversion that then passes', () => {
  assert.match(String(problem('celsius > fahrenheit').details.advice), /convert\(x, 'Cel'\)/)
  assert.equal(resultOf("celsius > convert(fahrenheit, 'Cel')", { celsius: 1, fahrenheit: 32 }), true)
})

test('a long chain of one operator is one level deep', () => {
  const chain = Array.from({ length: 300 }, (_, i) => `n > ${i}`)
  assert.equal(resultOf(chain.join(' && '), { n: 1000 }), true)
  assert.equal(resultOf(chain.join(' || '), { n: 0.5 }), true)
  assert.equal(resultOf(`n${' + n'.repeat(500)}`, { n: 1 }), 501)
})

test('nothing of JavaScript can be reached', () => {
  for (const text of ['constructor', 'celsius.constructor', 'site.constructor("x")', 'toString()', 'site.toString()', 'hasOwnProperty("x")', 'this', 'globalThis', 'process.exit(1)', 'valueOf()', '__proto__', 'site.__proto__', 'geo.constructor(1)', 'math.constructor(1)', 'known.call(n)', 'link.keys', 'batch.count', 'values', 'row', 'prototype', '__defineGetter__("x")']) {
    assert.ok(['EXPRESSION_NAME', 'EXPRESSION_SYNTAX', 'EXPRESSION_TYPE'].includes(problem(text).code), text)
  }
})

test('units travel through an expression', () => {
  for (const [text, unit] of [
    ['celsius', 'Cel'], ['celsius + 1', 'Cel'], ['celsius - limit', 'Cel'], ['max(celsius, 3)', 'Cel'], ['prev(celsius)', 'Cel'], ['rate(celsius)', 'Cel/s'], ['rate(metres)', 'm/s'], ['interpolate(limit)', 'Cel'],
    ['metres / seconds', 'm/s'], ['metres * metres', 'm2'], ['metres / metres', null], ['metres * 2', 'm'], ['1 / seconds', '/s'], ['celsius * 2', null], ['n * 2', null], ["convert(fahrenheit, 'Cel')", 'Cel'], ["unit((fahrenheit - 32) * 5 / 9, 'Cel')", 'Cel'],
    ['at', 'ms'], ['at - prev(at)', 'ms'], ['geo.distance(gps.lat, gps.lon, 60, 10)', 'm'], ['doorOpen ? 1 : celsius', 'Cel'], ['celsius > 8', null], ['abs(celsius)', 'Cel'], ['sqrt(metres)', null], ['-celsius', 'Cel'],
  ] as const) assert.equal(compiled(text).unit, unit, text)
})

test('an expression says what it reads', () => {
  assert.deepEqual(compiled('gps.lat > 1 && known(tags) || gps.lat < n || celsius > 1').fields, ['gps.lat', 'tags', 'n', 'celsius'])
  assert.deepEqual([compiled('celsius > 1').stateful, compiled('prev(celsius) > 1').stateful], [false, true])
  assert.deepEqual([compiled('key == "a"').readsKey, compiled('celsius > 1').readsKey], [true, false])
})
