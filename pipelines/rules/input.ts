import { type Batch, createBatch } from '../core/batch.ts'

interface RuleInputKind { readonly window: string | null, readonly early: boolean, readonly order: 'arrival' | 'event' }

/**
 * What a rule evaluates: rows in the order in which they count, and which of them it must pass over. Filled by a stage of its
 * own (ArrivalOrder, EventOrder) that the runtime calls before the rules, so that a hundred rules pay for it once.
 *
 * Shape: `causePosition` and `causeArrival` are those of the record that made the row due: the row's own, unless it waited for the watermark
 */
export interface RuleInput extends RuleInputKind {
  rows: Batch
  /** 1: older than the last row of its key, or not meant for rules; null: every row counts. */
  skip: Uint8Array | null
  causePosition: Float64Array
  causeArrival: Float64Array
}

export function createInput (kind: RuleInputKind): RuleInput {
  const rows = createBatch([], 1)
  return { ...kind, rows, skip: null, causePosition: rows.position, causeArrival: rows.arrival }
}
