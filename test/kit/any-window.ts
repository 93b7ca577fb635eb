import fc from 'fast-check'
import type { SignalSpec, WindowSpec } from '../../pipelines/core/spec.ts'
import type { Step } from './window-driver.ts'

export const anySignals: readonly SignalSpec[] = [{ name: 'value', kind: 'number', unit: null }, { name: 'door', kind: 'text', unit: null }, { name: 'on', kind: 'bool', unit: null }]

const size = fc.integer({ min: 1, max: 25 })
const shape: fc.Arbitrary<WindowSpec['shape']> = fc.oneof(
  size.map(sizeMs => ({ kind: 'tumbling' as const, sizeMs })),
  fc.tuple(size, fc.nat({ max: 24 })).map(([sizeMs, less]) => ({ kind: 'hopping' as const, sizeMs, advanceMs: Math.max(1, sizeMs - less) })),
  size.map(gapMs => ({ kind: 'session' as const, gapMs })),
)
/** A window of any shape and mode. */
export const anyWindow = (keep: WindowSpec['keep']): fc.Arbitrary<WindowSpec> => fc.record({
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
export type Moves = readonly [origin: number, moves: readonly (typeof move extends fc.Arbitrary<infer T> ? T : never)[], drain: boolean]
export const anyMoves: fc.Arbitrary<Moves> = fc.tuple(fc.constantFrom(-40, 0, 1_000_000), fc.array(move, { maxLength: 60 }), fc.boolean())

export function stepsOf ([origin, some, drain]: Moves, explicit: boolean): Step[] {
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
