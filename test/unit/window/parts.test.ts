import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lakeParts, partStatistic } from '../../../pipelines/core/lake-parts.ts'
import { decodeDistinct, decodeSketch } from '../../../pipelines/core/sketch/sketch-bytes.ts'
import type { WindowSpec } from '../../../pipelines/core/spec.ts'
import { anyMoves, anySignals as signals, anyWindow, stepsOf } from '../../kit/any-window.ts'
import { type Emitted, playWindow, type WindowRow } from '../../kit/window-driver.ts'

const keep: WindowSpec['keep'] = [
  { name: 'list', statistic: { kind: 'collect', signal: 'value', limit: 1_000 } },
  ...(['sum', 'mean', 'stddev', 'min', 'max', 'first', 'last', 'delta', 'rate', 'distinct'] as const).map(kind => ({ name: kind, statistic: { kind, signal: 'value' } })),
  { name: 'median', statistic: { kind: 'quantile', signal: 'value', q: 0.5 } },
  { name: 'doors', statistic: { kind: 'distinct', signal: 'door' } },
  { name: 'on', statistic: { kind: 'last', signal: 'on' } },
]
const withParts = (window: WindowSpec): WindowSpec => ({ ...window, keep: [...keep, ...lakeParts(window, signals).map(part => ({ name: part.name, statistic: partStatistic(part) }))] })
const runs = process.env.MILLRACE_SLOW ? 10_000 : 300

test('parts: a window has the same bits of what it keeps with its parts as without, whatever the shape, mode, lateness, order and cut, restarted before every step', () => {
  fc.assert(fc.property(anyWindow(keep), anyMoves, fc.boolean(), fc.constantFrom(1, 3, 4096), fc.constantFrom(true, 'in place' as const), (window, given, explicit, batchRows, restarts) => {
    const steps = stepsOf(given, explicit)
    const options = { signals, latenessMs: 4, explicit, idleMs: 5 }
    const names = keep.map(({ name }) => name)
    const got = playWindow(withParts(window), steps, { ...options, batchRows, restarts })
    const kept = got.map(step => step.map((one): Emitted => one.kind === 'window' ? { ...one, values: Object.fromEntries(names.map(name => [name, one.values[name]])) } : one))
    assert.deepEqual(kept, playWindow(window, steps, { ...options, batchRows }))
  }), { numRuns: runs })
})

/**
 *     window    a  00:00-00:10  list=3+4+4  n=3 sum=11 m2=0.67 min=3 max=4 first=3 last=4 and sketches of 3, 4, 4
 *     late      a  00:05 2      the same window once more, by its revision: n=4 ...
 */
test('parts: those of every row, revisions too, are those of the values in its window; a row that is taken back has none', () => {
  fc.assert(fc.property(anyWindow(keep), anyMoves, fc.boolean(), (window, given, explicit) => {
    for (const row of playWindow(withParts(window), stepsOf(given, explicit), { signals, latenessMs: 4, explicit, idleMs: 5, restarts: true }).flat()) if (row.kind === 'window') check(row)
  }), { numRuns: runs })
})

function check ({ retraction, values }: WindowRow): void {
  const part = (name: string) => values[`value_${name}`]
  const list = values.list as readonly number[] | null
  if (retraction) {
    assert.deepEqual(Object.values(values).filter(value => value !== null), [])
    return
  }
  assert.equal(part('n'), list!.length)
  for (const name of ['sum', 'min', 'max', 'first', 'last']) assert.equal(part(name), values[name])
  if (list!.length === 0) {
    assert.deepEqual([part('m2'), part('sketch'), part('distinct')], [null, null, null])
    return
  }
  const mean = list!.reduce((sum, value) => sum + value, 0) / list!.length
  const m2 = list!.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  assert(Math.abs(part('m2') as number - m2) <= 1e-9 * Math.max(1, m2), `${String(part('m2'))}, not ${m2}`)
  assert.equal(decodeSketch(part('sketch') as Uint8Array).quantile(0.5), values.median)
  assert.equal(decodeDistinct(part('distinct') as Uint8Array).estimate(), values.distinct)
  if (values.doors !== 0) assert.equal(decodeDistinct(values.door_distinct as Uint8Array).estimate(), values.doors)
}
