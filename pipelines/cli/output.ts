import type { ControlEvent } from '../../schemas/control-event.ts'
import { cell, type Batch } from '../core/batch.ts'
import type { KeyTable } from '../core/keys.ts'
import type { DeadLetterOutput, EventOutput, LateOutput } from '../core/outputs.ts'
import type { WindowBatch } from '../core/window-batch.ts'

/** Kinds of lines that `millrace replay` prints. */
export const lineKinds = ['windows', 'events', 'late', 'dead-letters', 'readings'] as const
export type LineKind = (typeof lineKinds)[number]

type Value = null | boolean | number | string
/** Where a record came from: a line of a file, or a place in the log. */
export interface Origin { readonly line?: number, readonly source?: ControlEvent['source'] }
/** `values` has the window's `keep` names; lists where it collects. */
export interface WindowLine {
  readonly kind: 'window', readonly window: string, readonly key: string, readonly start: number, readonly end: number, readonly revision: number, readonly final: boolean
  readonly values: Readonly<Record<string, Value | readonly Value[]>>, readonly expected?: number, readonly received?: number
}
export interface RetractionLine { readonly kind: 'retraction', readonly window: string, readonly key: string, readonly start: number, readonly end: number, readonly revision: number }
export interface EventLine extends Pick<ControlEvent, 'rule' | 'key' | 'state' | 'at' | 'id' | 'values' | 'severity' | 'seq' | 'ordinal' | 'raisedAt' | 'arrivedAt' | 'labels'> {
  readonly kind: 'event', readonly expiresAt?: number, readonly reason?: string, readonly summary?: string, readonly window?: NonNullable<ControlEvent['window']>
}
export interface LateLine extends Origin { readonly kind: 'late', readonly window: string, readonly key: string, readonly at: number, readonly arrival: number }
export interface DeadLetterLine extends Origin { readonly kind: 'dead-letter', readonly step: DeadLetterOutput['step'], readonly reason: string, readonly message: string }
export interface ReadingLine extends Origin { readonly kind: 'reading', readonly key: string, readonly at: number, readonly arrival: number, readonly signals: Readonly<Record<string, Value>> }
export type ReplayLine = WindowLine | RetractionLine | EventLine | LateLine | DeadLetterLine | ReadingLine

/**
 * The lines of replay's output, one JSON object each.
 *
 * Shape:  docs/replay.md lists every field; fields that do not apply are left out, values that are unknown are null
 * Units:  start, end, at, raisedAt, arrival, arrivedAt milliseconds since the epoch
 */
export function windowLine (window: string, rows: WindowBatch, row: number, keys: KeyTable): string {
  const identity = { window, key: keys.text(rows.key[row]!), start: rows.start[row], end: rows.end[row], revision: rows.revision[row] }
  if (rows.retraction[row] === 1) return JSON.stringify({ kind: 'retraction', ...identity })
  const values = Object.fromEntries(rows.columns.map(column => [column.name, cell(column, row)]))
  const complete = Number.isNaN(rows.expected[row]) ? {} : { expected: rows.expected[row], received: rows.received[row] }
  return JSON.stringify({ kind: 'window', ...identity, final: rows.final[row] === 1, values, ...complete })
}

export function eventLine ({ event }: EventOutput): string {
  const { rule, key, state, at, id, values, severity, seq, ordinal, raisedAt, arrivedAt, expiresAt, reason, labels, summary, window } = event
  const optional = Object.fromEntries(Object.entries({ expiresAt, reason, summary, window }).filter(([, value]) => value !== null))
  return JSON.stringify({ kind: 'event', rule, key, state, at, id, values, severity, seq, ordinal, raisedAt, arrivedAt, labels, ...optional })
}

export function lateLine ({ window, key, at, arrival }: LateOutput, origin: Origin): string {
  return JSON.stringify({ kind: 'late', window, key, at, arrival, ...origin })
}

export function deadLetterLine ({ step, reason, message }: Pick<DeadLetterOutput, 'step' | 'message'> & { readonly reason: string }, origin: Origin): string {
  return JSON.stringify({ kind: 'dead-letter', step, reason, ...origin, message })
}

export function readingLine (signals: Batch, row: number, keys: KeyTable, origin: Origin): string {
  const values = Object.fromEntries(signals.columns.map(column => [column.name, cell(column, row)]))
  return JSON.stringify({ kind: 'reading', key: keys.text(signals.key[row]!), at: signals.at[row], arrival: signals.arrival[row], ...origin, signals: values })
}
