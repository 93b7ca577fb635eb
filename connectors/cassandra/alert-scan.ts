import type { LakeAlert, LakeRange } from '../../pipelines/core/lake-ports.ts'
import { bucketsOf, type Era } from './buckets.ts'
import { alertColumns } from './columns.ts'
import { inOrder, merged } from './in-order.ts'
import { mapOf, type Page, type PageColumn, textOf } from './page.ts'
import type { Pages } from './pages.ts'
import { dayShards, type LakeTables } from './tables.ts'

type AlertsAsk = LakeRange & { readonly rules: readonly string[] | null }

const months: readonly Era[] = [{ from: Number.NEGATIVE_INFINITY, width: 'month' }]
const days: readonly Era[] = [{ from: Number.NEGATIVE_INFINITY, width: 'day' }]
const timeMax = 8.64e15
/** Days of a shard that are read ahead. */
const daysAhead = 3
const selected = ['key', 'alert_id', 'raised_at', ...Object.keys(alertColumns) as (keyof typeof alertColumns)[]] as const

/** Alerts of some keys, month by month; of all keys, day by day and all shards of a day together. */
export class AlertScan {
  readonly #pages: Pages
  readonly #tables: LakeTables
  readonly #pipeline: string
  readonly #inFlightMax: number
  readonly #pageRows: number

  constructor (pages: Pages, tables: LakeTables, pipeline: string, { inFlightMax, pageRows }: { readonly inFlightMax: number, readonly pageRows: number }) {
    this.#pages = pages
    this.#tables = tables
    this.#pipeline = pipeline
    this.#inFlightMax = inFlightMax
    this.#pageRows = pageRows
  }

  async * of ({ keys, rules, from, to, signal }: AlertsAsk): AsyncGenerator<readonly LakeAlert[]> {
    const range = { from: Math.max(from, -timeMax), to: Math.min(to, timeMax) }
    for await (const piece of keys === null ? this.#byDay(range, signal) : this.#byKey(keys, range, signal)) {
      const wanted = rules === null ? piece : piece.filter(({ rule }) => rules.includes(rule))
      if (wanted.length > 0) yield wanted
    }
  }

  async * #byKey (keys: readonly string[], range: { readonly from: number, readonly to: number }, signal: AbortSignal | undefined): AsyncGenerator<LakeAlert[]> {
    const table = this.#tables.alerts
    const partitions = keys.flatMap(key => [...bucketsOf(months, range)].map(month => ({ key, month })))
    const columns = selected.map(name => table.column[name])
    const pages = inOrder(partitions, ({ key, month }) => this.#pages.of({ table, columns, condition: 'key = ? AND month = ? AND raised_at >= ? AND raised_at < ?', parameters: [key, month.text, date(month.from), date(month.to)], pageRows: this.#pageRows, signal }), this.#inFlightMax)
    for await (const page of pages) yield this.#alerts(page)
  }

  #byDay (range: { readonly from: number, readonly to: number }, signal: AbortSignal | undefined): AsyncGenerator<LakeAlert[]> {
    const table = this.#tables.alertsByDay
    const columns = selected.map(name => table.column[name])
    const shards = Array.from({ length: dayShards }, (_, shard) => this.#shard(inOrder(bucketsOf(days, range), day => this.#pages.of({ table, columns, condition: 'day = ? AND shard = ? AND raised_at >= ? AND raised_at < ?', parameters: [day.text, shard, date(day.from), date(day.to)], pageRows: this.#pageRows, signal }), daysAhead)))
    return merged(shards, (a, b) => a.raisedAt - b.raisedAt || (a.alertId < b.alertId ? -1 : 1), this.#pageRows)
  }

  async * #shard (pages: AsyncGenerator<Page>): AsyncGenerator<readonly LakeAlert[]> { for await (const page of pages) yield this.#alerts(page) }

  #alerts ({ count, columns }: Page): LakeAlert[] {
    const by = Object.fromEntries(selected.map((name, index) => [name, columns[index]!])) as Readonly<Record<typeof selected[number], PageColumn>>
    const text = (name: typeof selected[number], row: number) => textOf(by[name], row) ?? ''
    const time = (name: typeof selected[number], row: number) => by[name].known[row] === 0 ? null : by[name].doubles[row]!
    const json = (name: typeof selected[number], row: number): unknown => by[name].known[row] === 0 ? null : JSON.parse(text(name, row))
    return Array.from({ length: count }, (_, row): LakeAlert => ({
      alertId: text('alert_id', row), pipeline: this.#pipeline, rule: text('rule', row), ruleVersion: text('rule_version', row), key: text('key', row), severity: text('severity', row) as LakeAlert['severity'], state: text('state', row) as LakeAlert['state'],
      seq: by.seq.integers[row]!, ordinal: by.ordinal.doubles[row]!, reason: textOf(by.reason, row), labels: mapOf(by.labels, row), summary: textOf(by.summary, row), mode: text('mode', row) as LakeAlert['mode'],
      raisedAt: by.raised_at.doubles[row]!, raisedArrival: time('raised_arrival', row), clearedAt: time('cleared_at', row), updatedAt: by.updated_at.doubles[row]!, expiresAt: time('expires_at', row),
      values: (json('values', row) ?? {}) as LakeAlert['values'], units: mapOf(by.units, row), window: json('window', row) as LakeAlert['window'],
      source: { topic: text('topic', row), partition: by.partition.integers[row]!, offset: by.offset.doubles[row]! },
    }))
  }
}

const date = (ms: number) => new Date(Math.ceil(ms))
