import type { LakeAlert, LakeReaderPort, LakeReadingRows } from '../core/lake-ports.ts'
import { checkRange } from './ask.ts'
import { labelsOf, selectKeys } from './select.ts'

/** Units: raised in [from, to) of event time; standing for `longerMs` or more, those that stand still as of `to` */
export interface AlertsAsk {
  readonly keys: readonly string[] | null
  readonly where: Readonly<Record<string, string>>
  /** Null: every rule. */
  readonly rules: readonly string[] | null
  readonly from: number
  readonly to: number
  readonly longerMs: number | null
  readonly abort?: AbortSignal
}

/** `keyLabels` are the device's, `labels` those that the rule gave the alert. `durationMs` from raised to cleared; null while it stands. */
export interface AlertRow extends LakeAlert { readonly keyLabels: Readonly<Record<string, string | null>>, readonly durationMs: number | null }

/**
 * Alerts, each once, as they stand.
 *
 * Shape:  by (raisedAt, alertId) where every key is asked for, else key by key
 * Limits: the labels of `keysMax` keys
 * Errors: LAKE_ASK, LAKE_UNKNOWN, LAKE_LIMIT, those of the reader
 */
export async function * alertsOf (reader: LakeReaderPort, { keys, where, rules, from, to, longerMs, abort }: AlertsAsk): AsyncGenerator<AlertRow> {
  checkRange(from, to)
  const selection = await selectKeys(reader, { keys, where, labels: labelsOf(reader.layout), abort })
  if (selection.keys?.length === 0) return
  for await (const piece of reader.alerts({ keys: selection.keys, from, to, rules, ...abort && { signal: abort } })) {
    abort?.throwIfAborted()
    for (const alert of piece) {
      const { key, raisedAt, clearedAt } = alert
      if ((clearedAt ?? to) - raisedAt < (longerMs ?? 0)) continue
      yield { ...alert, keyLabels: selection.labelled(key), durationMs: clearedAt === null ? null : clearedAt - raisedAt }
    }
  }
}

/**
 * Readings of an alert's device, from `beforeMs` before it was raised until `afterMs` after it was cleared or, while it stands, last changed.
 *
 * Errors: LAKE_UNKNOWN, those of the reader
 */
export function around (reader: LakeReaderPort, { key, raisedAt, clearedAt, updatedAt }: Pick<LakeAlert, 'key' | 'raisedAt' | 'clearedAt' | 'updatedAt'>, { beforeMs, afterMs, columns = null, abort }: { readonly beforeMs: number, readonly afterMs: number, /** Signals; null: all. */ readonly columns?: readonly string[] | null, readonly abort?: AbortSignal }): AsyncIterable<LakeReadingRows> {
  const to = (clearedAt ?? updatedAt) + afterMs + 1
  return reader.readings({ keys: [key], from: raisedAt - beforeMs, to, columns: columns ?? reader.layout.signals.map(({ name }) => name), ...abort && { signal: abort } })
}
