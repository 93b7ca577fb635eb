import type { Column } from '../batch.ts'
import type { KeyTable } from '../keys.ts'

/**
 * Readings of one device that one task cut off together: what a chunk of the lake holds.
 *
 * Shape:  rows 0..count-1 in the order of the log; `columns` are the signals
 * Units:  at, arrival milliseconds since the epoch; offset in the log
 * Limits: arrays may be longer than `count`; text columns of one block may share a dictionary
 */
export interface ReadingBlock {
  readonly count: number
  readonly at: Float64Array
  readonly arrival: Float64Array
  readonly offset: Float64Array
  readonly columns: readonly Column[]
}

/** `key` is an id of the chunks' `keys`. `arrivalClock`: the task's highest arrival at the last reading, which is when the chunk is written as of. */
export interface ClosedChunk extends ReadingBlock { readonly key: number, readonly arrivalClock: number }

/**
 * Chunks that one call of a task closed, in the order of their closing.
 *
 * Limits: what `read` gives lasts until the next `read`; everything until `Outputs.clear`
 */
export interface ClosedChunks {
  readonly count: number
  /** Readings of them all. */
  readonly rows: number
  readonly keys: KeyTable
  read (index: number): ClosedChunk
  /** The caller of the task is done with them. */
  clear (): void
}
