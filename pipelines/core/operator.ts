import type { Batch, Column } from './batch.ts'
import type { KeyTable } from './keys.ts'
import type { SignalSpec } from './spec.ts'
import type { Stateful } from './state.ts'

/**
 * A step of the user's own between normalise and the windows: it reads columns of signals and fills columns of signals, row by
 * row in the order of the log. Rows come and go as the log is cut, so what it remembers belongs in its state, per key:
 * `batch.key` is dense, stable for the life of the task and across restore.
 *
 * State:  what `snapshot` returns, plain data and typed arrays; restored, it must give the same output as never having stopped
 * Limits: it reads no clock, network or randomness, and adds and drops no rows
 */
export interface Operator extends Stateful {
  /** Fill rows 0..batch.count-1 of `writes`: `values` and `known`, which is 0 everywhere before the call. */
  process (batch: Batch, columns: { readonly reads: readonly Column[], readonly writes: readonly Column[] }): void
}

export interface OperatorOptions {
  readonly reads: readonly SignalSpec[]
  readonly writes: readonly SignalSpec[]
  /** The device behind each key id. */
  readonly keys: KeyTable
}

/** What a file of functions exports under the operator's name: makes one operator per task. */
export type OperatorFactory = (options: OperatorOptions) => Operator

export interface OperatorSpec { readonly name: string, readonly reads: readonly string[], readonly writes: readonly string[], readonly create: OperatorFactory }
