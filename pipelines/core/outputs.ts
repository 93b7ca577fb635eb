import type { ControlEvent } from '../../schemas/control-event.ts'
import type { ClosedChunks } from './chunk/block.ts'
import type { ErrorCode } from './errors.ts'
import type { WindowBatch } from './window-batch.ts'

/**
 * Where an output stands among the outputs of its task: by the cause's log position, then the stage's number, then the
 * order in which the stage made it.
 */
export interface Cause { readonly position: number, readonly stage: number }

export interface EventOutput extends Cause { readonly event: ControlEvent }

/** A reading that came after every pane of `window` that wanted it had expired. `value` is a copy of the record's bytes. */
export interface LateOutput extends Cause { readonly window: string, readonly key: string, readonly at: number, readonly arrival: number, readonly value: Uint8Array }

/** A record that could not be used. Every field is a copy. */
export interface DeadLetterOutput extends Cause {
  readonly step: 'decode' | 'normalise' | 'window' | 'rule' | 'sink'
  readonly reason: ErrorCode
  readonly message: string
  readonly arrival: number
  readonly schemaId: number | null
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly (readonly [string, Uint8Array | null])[]
}

/**
 * What one call of a task produced. Windows stay columnar: one batch per window stage, owned and reused by that stage.
 *
 * Limits: the runtime calls `clear` before the next call
 */
export class Outputs {
  readonly events: EventOutput[] = []
  readonly late: LateOutput[] = []
  readonly deadLetters: DeadLetterOutput[] = []
  readonly windows: { readonly stage: number, readonly name: string, readonly rows: WindowBatch }[] = []
  /** Of the pond, where its lake takes chunks. */
  readonly chunks: ClosedChunks[] = []
  /** Readings dropped for a reason that is not an error: duplicate, out-of-order for rules, ... */
  readonly counts: Map<string, number> = new Map()

  count (reason: string, by = 1): void { this.counts.set(reason, (this.counts.get(reason) ?? 0) + by) }

  clear (): void {
    this.events.length = 0
    this.late.length = 0
    this.deadLetters.length = 0
    for (const { rows } of this.windows) rows.count = 0
    this.windows.length = 0
    for (const closed of this.chunks) closed.clear()
    this.chunks.length = 0
  }
}
