import type { ErrorCode } from '../../pipelines/core/errors.ts'
import type { Block } from './block.ts'
import type { Position } from './database.ts'
import type { ReadAsk } from './thread-scans.ts'

/**
 * What the lake sends to the thread that holds the database. Messages are worked off in order, those of readers beside them. `epoch` grows with every `discard`:
 * after a failure everything of the same epoch is dropped, so that no row beyond a failed commit is written.
 */
export type ToDatabase =
  | { readonly kind: 'block', readonly epoch: number, readonly table: number, readonly block: Block }
  | { readonly kind: 'json', readonly epoch: number, readonly sql: string, readonly json: string }
  | { readonly kind: 'commit', readonly epoch: number, readonly id: number, readonly positions: readonly Position[] }
  | { readonly kind: 'discard', readonly epoch: number }
  | { readonly kind: 'ask', readonly id: number, readonly ask: Ask }
export type Ask =
  | { readonly what: 'committed', readonly topic: string, readonly partition: number }
  | { readonly what: 'query', readonly sql: string }
  | { readonly what: 'expire', readonly nowMs: number }
  | { readonly what: 'close' }
  | ReadAsk

/** `id` 0 answers the opening itself, -1 nothing: it brings back the buffer of a block. */
export interface FromDatabase { readonly id: number, readonly result?: unknown, readonly buffer?: SharedArrayBuffer, readonly error?: { readonly code: ErrorCode, readonly details: Readonly<Record<string, unknown>> } }
