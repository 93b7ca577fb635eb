import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Environment } from '@marcbachmann/cel-js'
import fc from 'fast-check'
import { batchOf, compiled, fields, type Row, results } from './rows.ts'

const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
const numRuns = process.env.MILLRACE_SLOW ? 50_000 : 800

const unitless = fields.map(field => ({ ...field, unit: null }))
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 4 })
const small = fc.integer({ min: -8, max: 8 }).map(n => n / 2)
const row: fc.Arbitrary<Row> = fc.record({
  $key: fc.constantFrom('a', 'b'), n: maybe(small), celsius: maybe(small), limit: maybe(small), metres: maybe(small), doorOpen: maybe(fc.boolean()), alarm: maybe(fc.boolean()),
  site: maybe(fc.constantFrom('Oslo', 'oslo', '', 'Å\u{1F600}')), model: maybe(fc.constantFrom('Oslo', 'x', ''))
})
const decimal = small.map(n => n < 0 ? `(${n.toFixed(1)})` : n.toFixed(1))
const quoted = fc.constantFrom("'Oslo'", "''", '"x"', "'Å'", "r'o'", "'\\U0001F600'")
const pair = (left: fc.Arbitrary<string>, sign: fc.Arbitrary<string>, right: fc.Arbitrary<string>) => fc.tuple(left, sign, right).map(parts => `(${parts.join(' ')})`)
const comparison = fc.constantFrom('<', '<=', '>', '>=', '==', '!=')

/** CEL that means the same to the library and to us: doubles, booleans, texts; no division by what may be zero. */
const common = fc.letrec<{ bool: string, number: string, text: string }>(tie => ({
  number: fc.oneof({ maxDepth: 4, depthSize: 'small' }, fc.constantFrom('n', 'celsius', 'limit'), decimal, pair(tie('number'), fc.constantFrom('+', '-', '*'), tie('number')), pair(tie('number'), fc.constant('/'), fc.constantFrom('2.0', '(-4.0)')),
    tie('number').map(x => `(-${x})`), fc.tuple(tie('bool'), tie('number'), tie('number')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`)),
  text: fc.oneof({ maxDepth: 3, depthSize: 'small' }, fc.constantFrom('site', 'model'), quoted, pair(tie('text'), fc.constant('+'), tie('text')), fc.tuple(tie('bool'), tie('text'), tie('text')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`)),
  bool: fc.oneof({ maxDepth: 5, depthSize: 'small' }, fc.constantFrom('doorOpen', 'alarm', 'true', 'false'), pair(tie('number'), comparison, tie('number')), pair(tie('text'), comparison, tie('text')), pair(tie('bool'), fc.constantFrom('&&', '||', '==', '!='), tie('bool')), tie('bool').map(x => `!${x}`),
    fc.tuple(tie('text'), fc.constantFrom('startsWith', 'endsWith', 'contains'), tie('text')).map(([a, f, b]) => `${a}.${f}(${b})`), fc.tuple(tie('number'), fc.array(decimal, { minLength: 1, maxLength: 3 })).map(([x, list]) => `(${x} in [${list.join(', ')}])`),
    fc.tuple(tie('text'), fc.array(quoted, { minLength: 1, maxLength: 3 })).map(([x, list]) => `(${x} in [${list.join(', ')}])`), fc.tuple(tie('text'), fc.integer({ min: 0, max: 5 })).map(([x, n]) => `(size(${x}) > ${n})`), fc.tuple(tie('bool'), tie('bool'), tie('bool')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`)),
}))

const library = new Environment()
for (const name of ['n', 'celsius', 'limit']) library.registerVariable(name, 'double')
for (const name of ['doorOpen', 'alarm']) library.registerVariable(name, 'bool')
for (const name of ['site', 'model']) library.registerVariable(name, 'string')

/** The library's answer; its errors, of which a missing variable is one, are our unknown. */
function oracle (text: string): (row: Row) => unknown {
  const evaluate = library.parse(text)
  return row => {
    try {
      return evaluate(Object.fromEntries(Object.entries(row).filter(([name, value]) => value !== null && !name.startsWith('$'))))
    } catch { return null }
  }
}

test(`expressions mean what the CEL library says, an unknown value being its error (seed ${seed})`, () => {
  fc.assert(fc.property(fc.oneof(common.bool, common.number, common.text), fc.array(row, { minLength: 1, maxLength: 6 }), (text, rows) => {
    const expression = compiled(text, true, unitless)
    const wanted = rows.map(oracle(text)).map(value => typeof value === 'number' && (Number.isNaN(value) || !Number.isFinite(value)) ? null : value)
    assert.deepEqual(results(expression, batchOf(rows, unitless)).map(unsigned), wanted.map(unsigned), text)
  }), { seed, numRuns })
})

const unsigned = (value: unknown) => value === 0 ? 0 : value

/** The whole vocabulary. */
const anything = fc.letrec<{ bool: string, number: string, text: string }>(tie => ({
  number: fc.oneof({ maxDepth: 4, depthSize: 'small' }, fc.constantFrom('n', 'celsius', 'limit', "unit(at, '1')", '2', '0', '1e308'), decimal, pair(tie('number'), fc.constantFrom('+', '-', '*', '/', '%'), tie('number')),
    fc.tuple(fc.constantFrom('abs', 'round', 'int', 'sqrt', 'prev', 'rate', 'interpolate', 'floor', 'math.sign', 'dayOfWeek'), tie('number')).map(([f, x]) => `${f}(${x})`), fc.tuple(fc.constantFrom('min', 'max'), tie('number'), tie('number')).map(([f, a, b]) => `${f}(${a}, ${b})`),
    tie('text').map(x => `size(${x})`), tie('text').map(x => `double(${x})`), fc.tuple(tie('bool'), tie('number'), tie('number')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`), tie('number').map(x => `hour(${x}, 'Europe/Oslo')`), pair(tie('number'), fc.constant('-'), tie('number')).map(x => `unit(geo.distance(${x}, 1, 2, n), '1')`)),
  text: fc.oneof({ maxDepth: 3, depthSize: 'small' }, fc.constantFrom('site', 'model', 'key'), quoted, pair(tie('text'), fc.constant('+'), tie('text')), tie('text').map(x => `${x}.upperAscii()`), tie('text').map(x => `prev(${x})`), tie('number').map(x => `string(${x})`), fc.tuple(tie('bool'), tie('text'), tie('text')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`)),
  bool: fc.oneof({ maxDepth: 4, depthSize: 'small' }, fc.constantFrom('doorOpen', 'alarm', 'true', 'known(tags)'), pair(tie('number'), comparison, tie('number')), pair(tie('text'), comparison, tie('text')), pair(tie('bool'), fc.constantFrom('&&', '||', '==', '!=', '<'), tie('bool')), tie('bool').map(x => `!${x}`),
    fc.oneof(tie('number'), tie('text'), tie('bool')).map(x => `known(${x})`), tie('bool').map(x => `prev(${x})`), tie('text').map(x => `${x}.matches('^[Oo].*|x')`), fc.tuple(tie('text'), tie('text')).map(([a, b]) => `(${a} in [${b}, 'x'])`), fc.tuple(tie('number'), tie('number')).map(([a, b]) => `geo.inside(${a}, ${b}, [[0, 0], [0, 9], [9, 9], [9, 0]])`), fc.tuple(tie('bool'), tie('bool'), tie('bool')).map(([c, a, b]) => `(${c} ? ${a} : ${b})`)),
}))

test(`generated code and closures agree bit for bit on values, unknowns and state (seed ${seed})`, () => {
  fc.assert(fc.property(fc.oneof(anything.bool, anything.number, anything.text), fc.array(row, { minLength: 1, maxLength: 8 }), fc.boolean(), (text, rows, allKnown) => {
    const given = allKnown ? rows.map(one => ({ n: 1, celsius: 2, limit: 3, metres: 4, doorOpen: true, alarm: false, site: 'Oslo', model: '', tags: [], ...Object.fromEntries(Object.entries(one).filter(([, value]) => value !== null)) })) : rows
    const [generated, closures] = [compiled(text, true, unitless), compiled(text, false, unitless)]
    const skip = given.length > 3 ? Uint8Array.from(given, (_, i) => i === 2 ? 1 : 0) : null
    assert.deepEqual(results(generated, batchOf(given, unitless), skip), results(closures, batchOf(given, unitless), skip), text)
    assert.deepEqual(results(generated, batchOf(given, unitless)), results(closures, batchOf(given, unitless)), `${text}, second batch`)
    assert.deepEqual(generated.snapshot(), closures.snapshot())
  }), { seed, numRuns })
})
