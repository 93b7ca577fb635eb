import type { DeadLetterOutput, EventOutput, LateOutput, Outputs } from '../core/outputs.ts'
import type { WindowBatch } from '../core/window-batch.ts'

/** One output, in the order in which its task made them all. */
export type Ordered =
  | { readonly kind: 'event', readonly position: number, readonly stage: number, readonly output: EventOutput }
  | { readonly kind: 'late', readonly position: number, readonly stage: number, readonly output: LateOutput }
  | { readonly kind: 'dead-letter', readonly position: number, readonly stage: number, readonly output: DeadLetterOutput }
  | { readonly kind: 'window', readonly position: number, readonly stage: number, readonly window: string, readonly rows: WindowBatch, readonly row: number }

/**
 * All outputs of a step by the cause's position, then the stage's number, then as the stage made them. Stages work batch by batch, so this
 * is what makes batches invisible. For those who want every output in one line (replay); topics hold one kind each: see `inOrder`.
 */
export function ordered (out: Outputs): readonly Ordered[] {
  const all: Ordered[] = []
  for (const output of out.deadLetters) all.push({ kind: 'dead-letter', position: output.position, stage: output.stage, output })
  for (const output of out.late) all.push({ kind: 'late', position: output.position, stage: output.stage, output })
  for (const { stage, name, rows } of out.windows) {
    for (let row = 0; row < rows.count; row += 1) all.push({ kind: 'window', position: rows.position[row]!, stage, window: name, rows, row })
  }
  for (const output of out.events) all.push({ kind: 'event', position: output.position, stage: output.stage, output })
  return inOrder(all)
}

/** Sort in place by (position, stage); equal ones keep their order. */
export function inOrder<T extends { readonly position: number, readonly stage: number }> (outputs: T[]): T[] {
  return outputs.sort((a, b) => a.position - b.position || a.stage - b.stage)
}
