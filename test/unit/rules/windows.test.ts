import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleSpec } from '../../../pipelines/core/spec.ts'
import { lines, playWindows, rule } from './kit.ts'

type Row = Parameters<typeof playWindows>[1][number]

/** `9 1 9`: one minute after another of key `a`. */
function windows (text: string): Row[] {
  return text.split(' ').flatMap((symbol, minute) => symbol === '.' ? [] : [{ key: 'a', start: minute * 60_000, end: (minute + 1) * 60_000, celsius: symbol === 'x' ? null : Number(symbol) }])
}
const warm = (options: Partial<RuleSpec> = {}) => rule({ name: 'w', window: 'minute', when: 'celsius > 5.0', ...options })
/** By window end in minutes. */
function story (options: Partial<RuleSpec>, rows: readonly Row[]): string[] {
  const straight = playWindows([warm(options)], rows)
  assert.deepEqual(playWindows([warm(options)], rows, { restarts: true }).events, straight.events)
  assert.deepEqual(playWindows([warm(options)], rows, { together: true }).events, straight.events)
  return straight.events.map(({ event }) => `${event.at / 60_000} ${event.state}`)
}

test('a rule on windows sees each at its end and says which it was', () => {
  const [raised] = playWindows([warm({ labels: ['site'] })], [{ ...windows('9')[0]!, site: 'Oslo' }]).events
  assert.equal(raised!.event.at, 60_000)
  assert.deepEqual(raised!.event.window, { name: 'minute', start: 0, end: 60_000, revision: 0, expected: null, received: 3 })
  assert.deepEqual(raised!.event.values, { celsius: 9 })
  assert.deepEqual(raised!.event.labels, { site: 'Oslo' })
})

test('`for` counts true windows in a row', () => {
  assert.deepEqual(story({ forCount: 3 }, windows('9 9 1 9 9 9 9 1')), ['6 raised', '8 cleared'])
  assert.deepEqual(story({ forCount: 1 }, windows('9 1')), ['1 raised', '2 cleared'])
  assert.deepEqual(story({ forCount: 3 }, windows('9 9 . . 9')), ['5 raised'], 'a window without readings is no window')
  assert.deepEqual(story({ forCount: 3, gapMs: 120_000 }, windows('9 9 . . 9 9 9')), ['7 raised'], 'unless `gap` says so')
})

test('`atLeast` counts windows', () => {
  assert.deepEqual(story({ atLeast: { count: 2, of: 3 } }, windows('9 1 9 1 1')), ['3 raised', '4 cleared'])
})

test('rows before the close, revisions after it and retractions change nothing', () => {
  const [first, second] = windows('1 1') as [Row, Row]
  const rows: Row[] = [
    { ...first, celsius: 9, closing: false, final: false },
    first,
    { ...first, celsius: 9, closing: false, final: true, revision: 1 },
    { ...second, celsius: null, closing: false, retraction: true },
    second,
  ]
  assert.deepEqual(story({}, rows), [])
})

test('a window that closes for the first time after a later one of its key changes nothing and is counted', () => {
  const [first, second] = windows('9 1') as [Row, Row]
  const played = playWindows([warm()], [second, first])
  assert.deepEqual(lines(played), [])
  assert.deepEqual([...played.counts], [['rule.out-of-order', 1]])
})

test('`early` judges results as they change, and still counts a window once', () => {
  const [first, second] = windows('9 9') as [Row, Row]
  const open = { closing: false, final: false }
  const rows: Row[] = [{ ...first, ...open }, { ...first, ...open, revision: 1 }, { ...first, revision: 2 }, { ...second, ...open }]
  assert.deepEqual(story({ early: true }, rows.slice(0, 1)), ['1 raised'])
  assert.deepEqual(story({ early: true, forCount: 2 }, rows.slice(0, 3)), [], 'one window, three results')
  assert.deepEqual(story({ early: true, forCount: 2 }, rows), ['2 raised'])
  assert.deepEqual(story({ early: true, atLeast: { count: 2, of: 3 } }, rows.slice(0, 3)), [])
  assert.deepEqual(story({ early: true, atLeast: { count: 2, of: 3 } }, rows), ['2 raised'])
})

test('`early` lets a later result of the same window take the first one back', () => {
  const [first] = windows('9') as [Row]
  const rows: Row[] = [{ ...first, closing: false, final: false }, { ...first, celsius: 1, revision: 1 }]
  assert.deepEqual(story({ early: true }, rows), ['1 raised', '1 cleared'])
})

test('windows of one cause have alerts of their own', () => {
  const rows = windows('9 1 9 1').map(row => ({ ...row, position: 77 }))
  const ids = playWindows([warm()], rows).events.map(({ event }) => event.id)
  assert.equal(new Set(ids).size, 4)
})

test('an early rule and a rule at close on one window do not share what they have seen', () => {
  const [first, second] = windows('9 1') as [Row, Row]
  const rows: Row[] = [{ ...second, closing: false, final: false }, first, second]
  const played = playWindows([warm(), warm({ name: 'e', early: true })], rows)
  assert.deepEqual(lines(played), ['w a raised 60000', 'w a cleared 120000'])
})
