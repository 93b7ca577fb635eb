import type { ControlEvent } from '../../schemas/control-event.ts'
import { bucketText } from './buckets.ts'
import type { CellWriter } from './cells.ts'
import { partitionKeyBytes } from './frames.ts'
import { partitionKeyBytesMax, TextGroups } from './groups.ts'
import type { Refusal } from './refusal.ts'
import { timeMax } from './reading-rows.ts'
import { type Statement, StagedRows } from './staged.ts'
import { insertOf, type StatementText } from './statements.ts'
import { type AlertsByDayTable, type AlertsTable, dayShards, shardOf } from './tables.ts'

/** Of the columns that both tables have beside their keys, in this order. */
const changing = ['rule', 'rule_version', 'severity', 'state', 'seq', 'ordinal', 'reason', 'labels', 'summary', 'raised_arrival', 'cleared_at', 'updated_at', 'expires_at', 'mode', 'values', 'units', 'window', 'topic', 'partition', 'offset'] as const

export function alertStatement (keyspace: string, table: AlertsTable): StatementText {
  const { column } = table
  return insertOf(keyspace, table, [column.key, column.month, column.raised_at, column.alert_id, ...changing.map(name => column[name])])
}
export function alertByDayStatement (keyspace: string, table: AlertsByDayTable): StatementText {
  const { column } = table
  return insertOf(keyspace, table, [column.day, column.shard, column.raised_at, column.alert_id, column.key, ...changing.map(name => column[name])])
}

/**
 * Episodes as rows of two tables: a change of a higher `seq` takes the place of an earlier one, in whatever order they come, and when it was raised and
 * cleared stays.
 *
 * Units: written as of the time of the raise in microseconds, and `seq`
 */
export class EventRows {
  readonly alerts: StagedRows
  readonly byDay: StagedRows
  readonly #alertGroups: TextGroups
  readonly #dayGroups: TextGroups

  constructor (alerts: { readonly table: string, readonly statement: Statement }, byDay: { readonly table: string, readonly statement: Statement }) {
    this.alerts = new StagedRows(alerts.table, [alerts.statement])
    this.byDay = new StagedRows(byDay.table, [byDay.statement])
    this.#alertGroups = new TextGroups(this.alerts)
    this.#dayGroups = new TextGroups(this.byDay)
  }

  add (event: ControlEvent, refused: (refusal: Refusal) => void): void {
    const { key, alertId, raisedAt, arrivedAt, source } = event
    const refuse = (table: string, why: string) => { refused({ table, key: Buffer.from(key), value: Buffer.from(JSON.stringify(event)), why, arrival: arrivedAt, source }) }
    if (!(Math.abs(raisedAt) <= timeMax)) { refuse(this.alerts.table, 'the time of its raise has no date'); return }
    const month = bucketText(raisedAt, 'month')
    const day = bucketText(raisedAt, 'day')
    const shard = shardOf(alertId, dayShards)
    const byDay = this.#dayGroups.of(`${shard}/${day}`, cells => { cells.text(day); cells.int(shard) })
    this.#row(this.byDay, byDay, event, cells => { cells.text(key) })
    if (partitionKeyBytes(Buffer.byteLength(key), month.length) > partitionKeyBytesMax) { refuse(this.alerts.table, 'the key is too long'); return }
    const group = this.#alertGroups.of(`${month}/${key}`, cells => { cells.text(key); cells.text(month) })
    this.#row(this.alerts, group, event, () => {})
  }

  clear (): void {
    for (const part of [this.alerts, this.byDay, this.#alertGroups, this.#dayGroups]) part.clear()
  }

  #row (rows: StagedRows, group: number, event: ControlEvent, more: (cells: CellWriter) => void): void {
    const { cells } = rows
    cells.whole(event.raisedAt)
    cells.text(event.alertId)
    more(cells)
    changeCells(cells, event)
    cells.whole(Math.floor(event.raisedAt) * 1_000 + event.seq)
    rows.add(group, 0, rows.addOrigin(event.source), event.source.offset, event.arrivedAt)
  }
}

/** In the order of `changing`. */
function changeCells (cells: CellWriter, event: ControlEvent): void {
  const { rule, ruleVersion, severity, state, seq, ordinal, reason, labels, summary, arrivedAt, at, expiresAt, mode, values, units, window, source } = event
  const nullable = (value: string | null) => { if (value === null && seq === 0) cells.unset(); else cells.textOrNull(value) }
  cells.text(rule)
  cells.text(ruleVersion)
  cells.text(severity)
  cells.text(state)
  cells.int(seq)
  cells.whole(ordinal)
  nullable(reason)
  cells.blob(textMap(labels))
  nullable(summary)
  if (state === 'raised') cells.whole(arrivedAt)
  else cells.unset()
  if (state === 'cleared') cells.whole(at)
  else cells.unset()
  cells.whole(at)
  if (expiresAt !== null) cells.whole(expiresAt)
  else if (seq === 0) cells.unset()
  else cells.null()
  cells.text(mode)
  cells.text(JSON.stringify(values))
  cells.blob(textMap(units))
  nullable(window === null ? null : JSON.stringify(window))
  cells.text(source.topic)
  cells.int(source.partition)
  cells.whole(source.offset)
}

/** Source: CQL binary protocol v4, section 6.17: a count, then keys and values, each behind its length */
function textMap (map: Readonly<Record<string, string>>): Uint8Array {
  const parts = Object.entries(map).toSorted(([a], [b]) => a < b ? -1 : 1).flat().map(text => Buffer.from(text))
  const bytes = Buffer.allocUnsafe(4 + parts.reduce((sum, part) => sum + 4 + part.length, 0))
  let at = bytes.writeInt32BE(parts.length / 2)
  for (const part of parts) {
    at = bytes.writeInt32BE(part.length, at)
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
