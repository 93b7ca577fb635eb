import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WindowSpec } from '../../../pipelines/core/spec.ts'
import { playWindow, type Step, type WindowRow } from '../../kit/window-driver.ts'

const signals = [{ name: 'celsius', kind: 'number', unit: 'Cel' }] as const
const minute: WindowSpec = {
  name: 'minute', shape: { kind: 'tumbling', sizeMs: 10 }, emit: { mode: 'close' }, allowedLatenessMs: 0, intervalMs: 5, panesMax: 100,
  keep: [
    { name: 'n', statistic: { kind: 'count' } },
    { name: 'sum', statistic: { kind: 'sum', signal: 'celsius' } },
    { name: 'mean', statistic: { kind: 'mean', signal: 'celsius' } },
    { name: 'min', statistic: { kind: 'min', signal: 'celsius' } },
    { name: 'max', statistic: { kind: 'max', signal: 'celsius' } },
  ],
}
const reading = (key: string, at: number, celsius: number | null): Step => ({ key, at, values: { celsius } })
const rowsOf = (emitted: readonly (readonly unknown[])[]) => emitted.map(step => (step as readonly WindowRow[]).map(row => row.kind === 'window' ? `${row.key} ${row.start}-${row.end} ${JSON.stringify(row.values)}` : row))

test('a tumbling window reports each key once its end is reached, in order of first readings', () => {
  // time   0---------10---------20
  //        b a  a    |x          closes at x
  const emitted = playWindow(minute, [reading('b', 0, 1), reading('a', 3, 20), reading('a', 9, 22), reading('a', 10, 5)], { signals, batchRows: 4 })
  assert.deepEqual(rowsOf(emitted), [[], [], [], [
    'b 0-10 {"n":1,"sum":1,"mean":1,"min":1,"max":1}',
    'a 0-10 {"n":2,"sum":42,"mean":21,"min":20,"max":22}',
  ]])
})

test('a reading without a value counts as a reading, and as nothing else', () => {
  const emitted = playWindow(minute, [reading('a', 0, null), reading('a', 1, Number.NaN), reading('a', 20, 7), reading('a', 21, null), { drain: true }], { signals })
  assert.deepEqual(rowsOf(emitted), [[], [], ['a 0-10 {"n":2,"sum":null,"mean":null,"min":null,"max":null}'], [], ['a 20-30 {"n":2,"sum":7,"mean":7,"min":7,"max":7}']])
})

test('a row carries its cause, and expected and received readings', () => {
  const [, , [row] = []] = playWindow(minute, [{ key: 'a', at: 1, arrival: 100, values: {} }, { key: 'a', at: 2, arrival: 101, values: {} }, { key: 'a', at: 11, arrival: 102, values: {} }], { signals })
  const { position, arrival, expected, received, revision, final, closing, retraction } = row as WindowRow
  assert.deepEqual({ position, arrival, expected, received, revision, final, closing, retraction }, { position: 2, arrival: 102, expected: 2, received: 2, revision: 0, final: true, closing: true, retraction: false })
})

test('a reading for an expired window is late, and its bytes go along', () => {
  const emitted = playWindow(minute, [reading('a', 5, 1), reading('a', 14, 2), reading('a', 15, 2), reading('a', 9, 3)], { signals, latenessMs: 5 })
  assert.deepEqual(emitted[3], [{ kind: 'late', key: 'a', at: 9, position: 3, value: '3' }])
  assert.equal(emitted[2]!.length, 1)
})

test('a reading that would open one pane too many is dead-lettered and the others go on', () => {
  const emitted = playWindow({ ...minute, panesMax: 2 }, [reading('a', 1, 1), reading('b', 1, 1), reading('c', 2, 1), reading('a', 3, 1), reading('c', 10, 1), reading('d', 10, 1), reading('e', 11, 1)], { signals, batchRows: 9 })
  assert.deepEqual(emitted.map(step => step.map(({ kind }) => kind)), [[], [], ['full'], [], ['window', 'window'], [], ['full']])
})
