import type { KeyTable } from '../core/keys.ts'
import type { ExpressionField } from '../expression/compile.ts'

/** What every rule of a task shares. */
export interface RuleStageOptions {
  readonly pipeline: string
  readonly source: string
  readonly topic: string
  readonly partition: number
  readonly mode: 'live' | 'shadow' | 'replay'
  /** The task's key table: rules keep state by its ids, and intern registry keys into it. */
  readonly keys: KeyTable
  /** Columns of the batch of readings, in order. */
  readonly signals: readonly ExpressionField[]
  /** Columns of each window's rows, in order. */
  readonly windows: ReadonlyMap<string, readonly ExpressionField[]>
  readonly firstNumber: number
  readonly codegen: boolean
  /** Readings that may wait for the watermark under `order: event`; all such rules of the task share them. */
  readonly reorderRowsMax?: number
}

export const reorderRowsMaxDefault = 65_536
