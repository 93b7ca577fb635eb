import type { KeyTable } from '../core/keys.ts'
import type { SignalSpec, WindowSpec } from '../core/spec.ts'
import type { WindowStage } from '../core/stage.ts'
import { SessionStage } from './session-stage.ts'
import { SlicedStage } from './sliced-stage.ts'

export { windowColumns } from './plan.ts'

export interface WindowStageOptions {
  readonly number: number
  readonly keys: KeyTable
  /** The columns of the batches, in order. */
  readonly signals: readonly SignalSpec[]
}

/**
 * A window of a definition as a stage of a task.
 *
 * Shape:  signals -> one row of `rows` per key and interval, see WindowBatch
 * Late:   to `out.late`, when every interval of the reading has expired
 * Errors: WINDOW_FULL beyond `panesMax` (dead letter), WINDOW_SIGNAL
 */
export function createWindowStage (spec: WindowSpec, options: WindowStageOptions): WindowStage {
  return spec.shape.kind === 'session' ? new SessionStage(spec, options) : new SlicedStage(spec, options)
}
