import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { WindowSpec } from '../../../pipelines/core/spec.ts'
import { type Emitted, playWindow, type Step } from '../../kit/window-driver.ts'
import { modelWindow } from '../../kit/window-model.ts'

/** The stage against the plain model on random windows, readings, ticks and watermarks; cut into batches and restarted at will. */
const signals = [{ name: 'value', kind: 'number', unit: null }, { name: 'door', kind: 'text', unit: null }, { name: 'on', kind: 'bool', unit: null }] as const
const keep: WindowSpec['keep'] = [
  { name: 'n', statistic: { kind: 'count' } },
  ...(['sum', 'mean', 'min', 'max', 'first', 'last', 'delta', 'rate', 'distinct'] as const).map(kind => ({ name: kind, statistic: { kind, signal: 'value' } })),
  { name: 'list', statistic: { kind: 'collect', signal: 'value', limit: 5 } },
  ...(['first', 'last', 'distinct'] as const).map(kind => ({ name: `door${kind}`, statistic: { kind, signal: 'door' } })),
  { name: 'doors', statistic: { kind: 'collect', signal: 'door', limit: 4 } },
  { name: 'on', statistic: { kind: 'last', signal: 'on' } },
]

const size = fc.integer({ min: 1, max: 25 })
const shape: fc.Arbitrary<WindowSpec['shape']> = fc.oneof(
  size.map(sizeMs => ({ kind: 'tumbling' as const, sizeMs })),
  fc.tuple(size, fc.nat({ max: 24 })).map(([sizeMs, less]) => ({ kind: 'hopping' as const, sizeMs, advanceMs: Math.max(1, sizeMs - less) })),
  size.map(gapMs => ({ kind: 'session' as const, gapMs })),
)
const spec: fc.Arbitrary<WindowSpec> = fc.record({
  name: fc.constant('w'), shape, keep: fc.constant(keep), panesMax: fc.constant(10_000),
  emit: fc.oneof(fc.constant({ mode: 'close' as const }), fc.constant({ mode: 'update' as const }), fc.integer({ min: 1, max: 20 }).map(everyMs => ({ mode: 'every' as const, everyMs }))),
  allowedLatenessMs: fc.constantFrom(0, 0, 3, 10, 40), intervalMs: fc.constantFrom(null, 1, 4),
})

/** Steps in time: mostly a little on, sometimes far, sometimes late; all relative, so that shrinking keeps the shape. */
const move = fc.record({
  by: fc.constantFrom(0, 0, 1, 1, 2, 3, 7, 20), late: fc.oneof({ weight: 7, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.integer({ min: 1, max: 60 }) }), key: fc.constantFrom('a', 'b', 'c'),
  value: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -50, max: 50 }) }, { weight: 1, arbitrary: fc.constant(null) }),
  door: fc.constantFrom('open', 'shut', 'ajar', null), on: fc.constantFrom(true, false, null),
  delay: fc.constantFrom(0, 0, 0, 1, 5), what: fc.constantFrom('reading', 'reading', 'reading', 'reading', 'reading', 'tick', 'watermark'),
})
const moves = fc.tuple(fc.constantFrom(-40, 0, 1_000_000), fc.array(move, { maxLength: 60 }), fc.boolean())

function stepsOf ([origin, some, drain]: typeof moves extends fc.Arbitrary<infer T> ? T : never, explicit: boolean): Step[] {
  let now: number = origin
  let arrival: number = origin
  const steps = some.flatMap(({ by, late, key, value, door, on, delay, what }): Step[] => {
    now += by
    arrival = Math.max(arrival, now + delay)
    if (what === 'tick') return [{ tick: arrival += by }]
    if (what === 'watermark') return explicit ? [{ watermark: now - 5 }] : []
    return [{ key, at: now - late, arrival, values: { value, door, on } }]
  })
  return drain ? [...steps, { drain: true }] : steps
}

const runs = process.env.MILLRACE_SLOW ? 20_000 : 600

test('windows say what the plain model says, whatever the shape, mode, lateness, order and cut', () => {
  fc.assert(fc.property(spec, moves, fc.boolean(), fc.constantFrom(0, 0, 4, 15), fc.constantFrom(1, 2, 3, 16, 4096), fc.constantFrom(false, true, 'in place' as const), (window, given, explicit, latenessMs, batchRows, restarts) => {
    const steps = stepsOf(given, explicit)
    const options = { signals, latenessMs, explicit, idleMs: 5 }
    const wanted = modelWindow(window, steps, options)
    assert.deepEqual(sorted(playWindow(window, steps, { ...options, batchRows, restarts })), sorted(wanted))
  }), { numRuns: runs })
})

/** Turned away readings come first among the outputs of a step: they are another kind of output, with no order against rows. */
function sorted (emitted: readonly (readonly Emitted[])[]): Emitted[][] {
  return emitted.map(step => [...step.filter(({ kind }) => kind !== 'window'), ...step.filter(({ kind }) => kind === 'window')])
}
