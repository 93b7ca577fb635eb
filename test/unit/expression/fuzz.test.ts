import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { compileExpression, expressionFunctions } from '../../../pipelines/expression/compile.ts'
import { batchOf, fields, keys, results } from './rows.ts'

const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
const count = Number(process.env.MILLRACE_FUZZ ?? (process.env.MILLRACE_SLOW ? 1_000_000 : 10_000))

const words = [
  ...fields.map(({ name }) => name), 'at', 'arrival', 'key', ...expressionFunctions.map(({ name }) => name), ...'+ - * / % < <= > >= == != && || ! ? : ( ) [ ] { } , . in true false null'.split(' '), ' ', '\n', '//', '0', '1', '2.5', '1e999', '0x1F', '7u', '9223372036854775808', '.5', '1.',
  "'a'", '"Oslo"', "'\\u0041'", "'\\", "b'x'", "r'[a-z'", '"""', "'Cel'", "'Europe/Oslo'", "'[degF]'", "'(a+)+$'", '`', ';', '=', '&', '|', '$', '#', '@', '\\', '\u2028', '\u0000', '💥', 'é',
  'constructor', '__proto__', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'this', 'link', 'batch', 'row', 'values', 'has', 'exists', 'map', 'all', 'filter', 'cel', 'bind', 'dyn', 'type', 'timestamp', 'duration', 'optional', 'x',
]
const leaves = ['n', 'n', 'celsius', 'limit', 'doorOpen', 'alarm', 'site', 'model', 'key', 'at', '0', '1', '2.5', 'true', "'Oslo'", "'a'", 'tags', 'gps.lat']
const shapes = ['_ > _', '_ && _', '_ || _', '(_)', '!_', '-_', '_ ? _ : _', '_ + _', '_ - _', '_ * _', '_ / _', '_ % _', '_ == _', '_ in [_, _]', 'known(_)', 'prev(_)', 'rate(_)', 'interpolate(_)', 'min(_, _)', '_.startsWith(_)', '_.matches(_)', '_.size()', "convert(_, 'Cel')", "unit(_, 'm')", "hour(_, 'Asia/Tokyo')", 'geo.distance(_, _, _, _)', 'geo.inside(_, _, [[0, 0], [1, 0], [1, 1]])', '_.replace(_, _)', '_.substring(_, _)', 'double(_)', 'string(_)']

function generator (from: number): (below: number) => number {
  let state = from | 1
  return below => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d)
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39)
    state ^= state >>> 15
    state = (state + 0x6d2b79f5) | 0
    return (state >>> 0) % below
  }
}

const random = generator(seed)
const pick = (list: readonly string[]) => list[random(list.length)]!

/** Half of them word by word, half from shapes that often pass the check. */
function expression (): string {
  if (random(2) === 0) return Array.from({ length: 1 + random(12) }, () => pick(words)).join(random(2) === 0 ? ' ' : '')
  let text = '_'
  for (let step = random(5); step >= 0; step -= 1) text = text.replace('_', () => pick(shapes))
  return text.replaceAll('_', () => pick(random(20) === 0 ? words : leaves))
}

const batch = batchOf([
  { celsius: 1, limit: 2, fahrenheit: 3, metres: 4, seconds: 5, n: 6, doorOpen: true, alarm: false, site: 'Oslo', model: 'a', tags: [], 'gps.lat': 1, 'gps.lon': 2 },
  {},
  { n: Number.NaN, celsius: Number.POSITIVE_INFINITY, metres: -0, site: '', model: '💥' },
])

test(`${count} random expressions throw nothing but StreamError, and mean the same both ways (seed ${seed})`, () => {
  let accepted = 0
  for (let i = 0; i < count; i += 1) {
    const text = expression()
    try {
      const [generated, closures] = [true, false].map(codegen => results(compileExpression(text, { fields, expect: 'any', codegen, keys }), batch))
      assert.deepEqual(generated, closures, text)
      accepted += 1
    } catch (error) {
      assert.ok(error instanceof StreamError, `${JSON.stringify(text)}: ${error instanceof Error ? error.stack : error}`)
      assert.ok(error.code.startsWith('EXPRESSION_'), `${text}: ${error.code}`)
    }
  }
  assert.ok(accepted > count / 20, `${accepted} of ${count} were accepted`)
})
