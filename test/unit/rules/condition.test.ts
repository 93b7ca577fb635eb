import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleSpec } from '../../../pipelines/core/spec.ts'
import { lines, play, type Reading, rule } from './kit.ts'

/** `9 9 . 3`: one reading of key `a` a minute; `x` is a reading without a value, `.` no reading. */
function minutes (text: string): Reading[] {
  return text.split(' ').flatMap((symbol, minute) => symbol === '.' ? [] : [{ key: 'a', at: minute * 60_000, celsius: symbol === 'x' ? null : Number(symbol) }])
}

/** What the rule said, by minute: `2 raised`. */
function story (options: Partial<RuleSpec>, text: string): string[] {
  const spec = rule({ name: 'r', when: 'celsius > 5.0', ...options })
  const straight = play([spec], minutes(text))
  for (const cut of [3, 100]) assert.deepEqual(play([spec], minutes(text), { cut: () => cut, restarts: true }).events, straight.events)
  return straight.events.map(({ event }) => `${event.at / 60_000} ${event.state}`)
}

test('a rule without options raises on the first true reading and clears on the first false one', () => {
  assert.deepEqual(story({}, '1 9 9 9 1 1 9'), ['1 raised', '4 cleared', '6 raised'])
})

test('`for` is raised by the first true reading at or past start + for', () => {
  //                                              start ----- 3 minutes later
  assert.deepEqual(story({ forMs: 180_000 }, '1   9 9 9 9 9 1'.replace(/ +/g, ' ')), ['4 raised', '6 cleared'])
  assert.deepEqual(story({ forMs: 180_000 }, '1 9 9 9 1 9 9 9 9'), ['8 raised'])
})

test('silence raises nothing: the evidence is the reading after it', () => {
  assert.deepEqual(story({ forMs: 180_000 }, '9 . . . . . . .'), [])
  assert.deepEqual(story({ forMs: 180_000 }, '9 . . . . . . 9'), ['7 raised'])
})

test('`gap` starts pending again when true readings are further apart', () => {
  //                                                           gap of 3 > 2: pending from 4
  assert.deepEqual(story({ forMs: 180_000, gapMs: 120_000 }, '9 9 . . 9 9 . 9'), ['7 raised'])
  assert.deepEqual(story({ forMs: 180_000, gapMs: 120_000 }, '9 . 9 . 9'), ['4 raised'], 'as far apart as the gap is not further')
})

test('a gap clears nothing', () => {
  assert.deepEqual(story({ gapMs: 60_000 }, '9 . . . . . 9 1'), ['0 raised', '7 cleared'])
})

test('`clear` holds an alert between the two thresholds', () => {
  assert.deepEqual(story({ clear: 'celsius < 3.0' }, '9 4 5 9 4 2 4 9'), ['0 raised', '5 cleared', '7 raised'])
})

test('the reading that clears begins nothing, even when both conditions hold', () => {
  assert.deepEqual(story({ clear: 'celsius > 8.0' }, '9 9 9 9'), ['0 raised', '1 cleared', '2 raised', '3 cleared'])
})

test('`keepFiring` clears at the first reading at or past the end of the condition + keepFiring', () => {
  assert.deepEqual(story({ keepFiringMs: 120_000 }, '9 1 1 1 1'), ['0 raised', '3 cleared'])
  assert.deepEqual(story({ keepFiringMs: 120_000 }, '9 1 1 9 1 1 1'), ['0 raised', '6 cleared'], 'a true reading starts it over')
  assert.deepEqual(story({ keepFiringMs: 120_000 }, '9 1 . . . . 9'), ['0 raised'], 'silence clears nothing')
})

test('`atLeast` raises on the n-th true reading of the last m and clears below n', () => {
  assert.deepEqual(story({ atLeast: { count: 3, of: 5 } }, '9 1 9 1 9 1 1 1'), ['4 raised', '5 cleared'])
  assert.deepEqual(story({ atLeast: { count: 3, of: 5 } }, '9 1 1 9 1 9'), [], 'the first has left the last five')
})

test('`atLeast` with `clear` does not raise again on a reading that is not true itself', () => {
  assert.deepEqual(story({ atLeast: { count: 3, of: 5 }, clear: 'celsius < 2.0' }, '9 9 9 1 3 9'), ['2 raised', '3 cleared', '5 raised'])
})

test('`missing: hold` passes over a reading without a value', () => {
  assert.deepEqual(story({ forMs: 120_000 }, '9 x 9'), ['2 raised'])
  assert.deepEqual(story({}, '9 x x 1'), ['0 raised', '3 cleared'])
  assert.deepEqual(story({ atLeast: { count: 2, of: 2 } }, '9 x 9'), ['2 raised'], 'and does not count it among the last m')
})

test('`missing: false` ends pending and clears; `missing: true` raises and holds', () => {
  assert.deepEqual(story({ missing: 'false' }, '9 x 9'), ['0 raised', '1 cleared', '2 raised'])
  assert.deepEqual(story({ missing: 'false', forMs: 120_000 }, '9 x 9 9'), [])
  assert.deepEqual(story({ missing: 'true' }, '1 x x 1'), ['1 raised', '3 cleared'])
})

test('`missing` speaks of the alarm, so an unknown `clear` is over under false and not over under true', () => {
  assert.deepEqual(story({ missing: 'false', clear: 'celsius < 3.0' }, '9 x'), ['0 raised', '1 cleared'])
  assert.deepEqual(story({ missing: 'true', clear: 'celsius < 3.0' }, '9 x 2'), ['0 raised', '2 cleared'])
  assert.deepEqual(story({ missing: 'hold', clear: 'celsius < 3.0' }, '9 x 2'), ['0 raised', '2 cleared'])
})

test('a reading older than the last one of its device changes nothing and is counted once, however many rules there are', () => {
  const inputs: Reading[] = [
    { key: 'a', at: 60_000, celsius: 9 },
    { key: 'a', at: 59_999, celsius: 1 },
    { key: 'b', at: 30_000, celsius: 1 },
    { key: 'a', at: 60_000, celsius: 1 },
  ]
  for (const cut of [1, 4]) {
    const played = play([rule({ name: 'r', when: 'celsius > 5.0' }), rule({ name: 'q', when: 'celsius > 6.0' })], inputs, { cut: () => cut })
    assert.deepEqual(lines(played), ['r a raised 60000', 'q a raised 60000', 'r a cleared 60000', 'q a cleared 60000'])
    assert.deepEqual([...played.counts], [['rule.out-of-order', 1]])
  }
})

test('keys do not touch one another', () => {
  const inputs = minutes('9 9 1').flatMap(reading => [reading, { ...reading, key: 'b', celsius: 10 - reading.celsius! }])
  assert.deepEqual(lines(play([rule({ name: 'r', when: 'celsius > 5.0' })], inputs, { cut: () => 4 })), ['r a raised 0', 'r a cleared 120000', 'r b raised 120000'])
})

test('a key that leaves the registry of a rule is cleared with reason removed, and forgotten', () => {
  const spec = rule({ name: 'r', when: 'celsius > 5.0', registry: 'devices', forMs: 60_000 })
  const played = play([spec], [...minutes('9 9'), { registry: 'a', present: false }, { key: 'a', at: 120_000, celsius: 9 }, { registry: 'zz', present: false }])
  assert.deepEqual(lines(played), ['r a raised 60000', 'r a cleared 60000 (removed)'])
})

test('a thousand keys in one batch are all judged', () => {
  const inputs = Array.from({ length: 900 }, (_, i) => ({ key: `k${i}`, at: i, celsius: i % 2 === 0 ? 9 : 1 }))
  assert.equal(play([rule({ name: 'r', when: 'celsius > 5.0' })], inputs, { cut: () => 900 }).events.length, 450)
})
