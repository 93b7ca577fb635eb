import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { WindowSpec } from '../../../pipelines/core/spec.ts'
import { anyMoves, anySignals as signals, anyWindow, stepsOf } from '../../kit/any-window.ts'
import { type Emitted, playWindow } from '../../kit/window-driver.ts'
import { modelWindow } from '../../kit/window-model.ts'

/** The stage against the plain model on random windows, readings, ticks and watermarks; cut into batches and restarted at will. */
const keep: WindowSpec['keep'] = [
  { name: 'n', statistic: { kind: 'count' } },
  ...(['sum', 'mean', 'min', 'max', 'first', 'last', 'delta', 'rate', 'distinct'] as const).map(kind => ({ name: kind, statistic: { kind, signal: 'value' } })),
  { name: 'list', statistic: { kind: 'collect', signal: 'value', limit: 5 } },
  ...(['first', 'last', 'distinct'] as const).map(kind => ({ name: `door${kind}`, statistic: { kind, signal: 'door' } })),
  { name: 'doors', statistic: { kind: 'collect', signal: 'door', limit: 4 } },
  { name: 'on', statistic: { kind: 'last', signal: 'on' } },
]

const runs = process.env.MILLRACE_SLOW ? 20_000 : 600

test('windows say what the plain model says, whatever the shape, mode, lateness, order and cut', () => {
  fc.assert(fc.property(anyWindow(keep), anyMoves, fc.boolean(), fc.constantFrom(0, 0, 4, 15), fc.constantFrom(1, 2, 3, 16, 4096), fc.constantFrom(false, true, 'in place' as const), (window, given, explicit, latenessMs, batchRows, restarts) => {
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
