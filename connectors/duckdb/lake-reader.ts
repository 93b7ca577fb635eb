import { existsSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { type Column, type ColumnSpec, part } from '../../pipelines/core/batch.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import { nearest } from '../../pipelines/core/nearest.ts'
import type { LakeAlert, LakeKey, LakeLayout, LakePart, LakeRange, LakeReaderPort, LakeReadingRows, LakeRollupRows, LakeTableStats } from '../../pipelines/core/lake-ports.ts'
import { alertColumns, alertOf } from './alert-rows.ts'
import { lakeError } from './database.ts'
import { isOpenHere } from './file.ts'
import { snakeCase } from '../../pipelines/core/lake-names.ts'
import { quoted } from './names.ts'
import { ColumnMaker, type RawChunk, type RawColumn, type RawType, sameText, textOf } from './raw-chunks.ts'
import { InstanceScans, type Scans } from './scans.ts'
import { presentTables, type PresentTables, tableStats } from './table-stats.ts'

export interface DuckReaderOptions { readonly file: string, readonly layout: LakeLayout, /** What DuckDB may use; beyond it, it sorts in a temporary folder. */ readonly memoryMax?: string }

/**
 * Open the embedded lake for reading, while no pipeline writes it: DuckDB's lock is for the whole file.
 *
 * Shape:  keys in the order of their bytes. A table or column of the layout that the file does not have yet is empty
 * Limits: pieces of at most 2,048 rows; DuckDB's memory `memoryMax`
 * Errors: LAKE_LOCKED with the pid of the process that holds it, LAKE_UNAVAILABLE, LAKE_DAMAGED, LAKE_LAYOUT, LAKE_UNKNOWN
 */
export async function openDuckReader ({ file, layout, memoryMax = '1GB' }: DuckReaderOptions): Promise<LakeReaderPort> {
  if (!existsSync(file)) throw new StreamError('LAKE_UNAVAILABLE', { file, why: 'there is no such file' })
  if (isOpenHere(realpathSync(file))) throw new StreamError('LAKE_LOCKED', { file, pid: process.pid })
  try {
    const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY', memory_limit: memoryMax, temp_directory: join(tmpdir(), `millrace-read-${process.pid}`) })
    try {
      return await readerOver(new InstanceScans(instance, file), layout)
    } catch (cause) {
      instance.closeSync()
      throw cause
    }
  } catch (cause) {
    throw lakeError(cause, { file })
  }
}

/** Over a database that is open already. */
export async function readerOver (scans: Scans, layout: LakeLayout): Promise<LakeReaderPort> { return new DuckReader(scans, layout, await presentTables(scans)) }

const readingHead: readonly Selected[] = [
  { sql: 'key', type: 'text' }, { sql: 'source', type: 'text' }, { sql: 'epoch_us("at") / 1000', type: 'double' }, { sql: 'CAST(epoch_ms(arrived_at) AS DOUBLE)', type: 'double' }, { sql: '"partition"', type: 'integer' }, { sql: 'CAST("offset" AS DOUBLE)', type: 'double' },
]
const rollupHead: readonly Selected[] = [
  { sql: 'key', type: 'text' }, { sql: 'source', type: 'text' }, { sql: 'CAST(epoch_ms("start") AS DOUBLE)', type: 'double' }, { sql: 'CAST(epoch_ms("end") AS DOUBLE)', type: 'double' }, { sql: 'expected', type: 'double' }, { sql: 'received', type: 'double' }, { sql: 'revision', type: 'integer' }, { sql: '"final"', type: 'bool' },
]
const sqlTypes = { double: 'DOUBLE', integer: 'INTEGER', bool: 'BOOLEAN', text: 'VARCHAR', json: 'VARCHAR', blob: 'BLOB' } as const satisfies Record<RawType, string>

/** Bytes stand in a column of kind `value`. */
interface Wanted extends ColumnSpec { readonly isBytes?: boolean }
interface Selected { readonly sql: string, readonly type: RawType }
interface Scan { readonly table: string, readonly time: string, readonly order: string, readonly head: readonly Selected[], readonly columns: readonly Wanted[], readonly range: LakeRange }

class DuckReader implements LakeReaderPort {
  readonly name = 'duckdb'
  readonly layout: LakeLayout
  readonly #scans: Scans
  readonly #present: PresentTables
  readonly #p: string

  constructor (scans: Scans, layout: LakeLayout, present: PresentTables) {
    this.#scans = scans
    this.layout = layout
    this.#present = present
    this.#p = snakeCase(layout.pipeline)
  }

  async * keys ({ keys = null, signal }: { readonly keys?: readonly string[] | null, readonly signal?: AbortSignal } = {}): AsyncGenerator<readonly LakeKey[]> {
    const table = `${this.#p}_keys`
    if (!this.#present.has(table)) return
    const labels = this.layout.signals.filter(({ kind }) => kind === 'text').map(({ name }) => name)
    const selected: Selected[] = [{ sql: 'key', type: 'text' }, { sql: 'source', type: 'text' }, { sql: 'CAST(epoch_ms(first_arrival) AS DOUBLE)', type: 'double' }, { sql: 'CAST(epoch_ms(last_arrival) AS DOUBLE)', type: 'double' }, ...labels.map(name => this.#column(table, name, 'text'))]
    const { sql, values } = keysCondition(keys, 1)
    for await (const { rows, columns } of this.#scans.raw(`SELECT ${list(selected)} FROM ${table} WHERE ${sql} ORDER BY key`, values, selected.map(({ type }) => type), signal)) {
      const [key, source, first, last, ...texts] = columns as [RawColumn, RawColumn, RawColumn, RawColumn, ...RawColumn[]]
      yield Array.from({ length: rows }, (_, row): LakeKey => ({
        key: textOf(key, row), source: textOf(source, row), firstArrival: first.doubles![row]!, lastArrival: last.doubles![row]!,
        labels: Object.fromEntries(labels.map((name, index) => [name, texts[index]!.known[row] === 0 ? null : textOf(texts[index]!, row)])),
      }))
    }
  }

  async * readings ({ columns: names, ...range }: LakeRange & { readonly columns: readonly string[] }): AsyncGenerator<LakeReadingRows> {
    const { signals } = this.layout
    const columns = names.map(name => signals.find(signal => signal.name === name) ?? unknownName('signal', name, signals.map(signal => signal.name)))
    for await (const { key, source, count, from, head, columns: has } of this.#runs({ table: `${this.#p}_readings`, time: 'at', order: '"at", "partition", "offset"', head: readingHead, columns, range })) {
      const numbers = (index: number) => head[index]!.doubles!.subarray(from, from + count)
      yield { key, source, count, at: numbers(2), arrival: numbers(3), partition: head[4]!.integers!.subarray(from, from + count), offset: numbers(5), columns: has }
    }
  }

  async * rollups ({ window: name, columns: names, ...range }: LakeRange & { readonly window: string, readonly columns: readonly string[] }): AsyncGenerator<LakeRollupRows> {
    const { windows } = this.layout
    const window = windows.find(one => one.name === name) ?? unknownName('window', name, windows.map(one => one.name))
    const known: readonly Wanted[] = [...window.columns, ...window.parts.map(partColumn)]
    const columns = names.map(column => known.find(one => one.name === column) ?? unknownName('column', column, known.map(one => one.name)))
    for await (const { key, source, count, from, head, columns: has } of this.#runs({ table: `${this.#p}_${snakeCase(name)}`, time: 'start', order: '"start"', head: rollupHead, columns, range })) {
      const numbers = (index: number) => head[index]!.doubles!.subarray(from, from + count)
      yield { key, source, count, start: numbers(2), end: numbers(3), expected: numbers(4), received: numbers(5), revision: head[6]!.integers!.subarray(from, from + count), final: head[7]!.bools!.subarray(from, from + count), columns: has }
    }
  }

  async * alerts ({ keys, rules, from, to, signal }: LakeRange & { readonly rules: readonly string[] | null }): AsyncGenerator<readonly LakeAlert[]> {
    const table = `${this.#p}_alerts`
    if (!this.#present.has(table)) return
    const condition = keysCondition(keys, 1)
    const rule = inList('rule', rules, condition.values.length + 1)
    const order = keys === null ? 'raised_at, alert_id' : 'key, raised_at, alert_id'
    const sql = `SELECT ${alertColumns} FROM ${table} WHERE ${within('raised_at', from, to)} AND ${condition.sql} AND ${rule.sql} ORDER BY ${order}`
    for await (const rows of this.#scans.objects(sql, [...condition.values, ...rule.values], signal)) yield rows.map(row => alertOf(row, this.layout.pipeline))
  }

  async stats (): Promise<readonly LakeTableStats[]> {
    return await tableStats(this.#scans, this.#p, this.#present)
  }

  async close (): Promise<void> { await this.#scans.close() }

  /** Rows of a table, each piece of one key and one source. */
  async * #runs ({ table, time, order, head, columns, range }: Scan): AsyncGenerator<Run> {
    if (!this.#present.has(table)) return
    const makers = columns.map(spec => new ColumnMaker(spec, spec.isBytes))
    const selected = [...head, ...columns.map(({ name }, index) => this.#column(table, name, makers[index]!.type))]
    const { sql, values } = keysCondition(range.keys, 1)
    const spans = spansOf(range, time, values.length + 1)
    const text = `SELECT ${list(selected)} FROM ${table}${spans.sql} WHERE ${within(time, range.from, range.to)} AND ${sql} ORDER BY key, ${order}`
    for await (const chunk of this.#scans.raw(text, [...values, ...spans.values], selected.map(({ type }) => type), range.signal)) yield * runsOf(chunk, head.length, makers)
  }

  /** A column as the layout has it; NULL where the table does not have it yet. */
  #column (table: string, name: string, type: RawType): Selected {
    const column = snakeCase(name)
    const is = this.#present.get(table)!.get(column)
    if (is !== undefined && is !== sqlTypes[type]) throw new StreamError('LAKE_LAYOUT', { table, column, is, wanted: sqlTypes[type] })
    return { sql: is === undefined ? `CAST(NULL AS ${sqlTypes[type]})` : quoted(column), type }
  }
}

interface Run { readonly key: string, readonly source: string, readonly count: number, /** First row in `head`. */ readonly from: number, readonly head: readonly RawColumn[], readonly columns: readonly Column[] }

function * runsOf ({ rows, columns: raw }: RawChunk, headLength: number, makers: readonly ColumnMaker[]): Generator<Run> {
  const head = raw.slice(0, headLength)
  const [key, source] = head as [RawColumn, RawColumn]
  const columns = makers.map((maker, index) => maker.of(raw[headLength + index]!, rows))
  for (let from = 0, to = 0; from < rows; from = to) {
    for (to = from + 1; to < rows && sameText(key, from, to) && sameText(source, from, to);) to += 1
    yield { key: textOf(key, from), source: textOf(source, from), count: to - from, from, head, columns: to - from === rows ? columns : columns.map(column => part(column, from, to)) }
  }
}

const partColumn = ({ name, part }: LakePart): Wanted => part === 'sketch' || part === 'distinct' ? { name, kind: 'value', isBytes: true } : { name, kind: 'number' }

const list = (selected: readonly Selected[]) => selected.map(({ sql }) => sql).join(', ')
const timeMax = 8.64e15

/** `at` has microseconds, all others whole milliseconds. */
const typeOfTime = (column: string) => column === 'at' ? 'TIMESTAMP' : 'TIMESTAMP_MS'
function microsOf (column: string, ms: number): bigint {
  const within = Math.min(Math.max(ms, -timeMax), timeMax)
  return BigInt(column === 'at' ? Math.ceil(within * 1_000) : Math.ceil(within) * 1_000)
}

function within (column: string, from: number, to: number): string {
  const stamp = (ms: number) => `CAST(make_timestamp(${microsOf(column, ms)}) AS ${typeOfTime(column)})`
  return `${quoted(column)} >= ${stamp(from)} AND ${quoted(column)} < ${stamp(to)}`
}

/** A join that leaves of each key what lies in its own span. */
function spansOf ({ keys, from, to, spans }: LakeRange, time: string, parameter: number): { readonly sql: string, readonly values: readonly string[] } {
  if (spans === undefined || keys === null) return { sql: '', values: [] }
  const all = keys.map(key => ({ spanKey: key, from: String(microsOf(time, spans.get(key)?.from ?? from)), to: String(microsOf(time, spans.get(key)?.to ?? to)) }))
  const stamp = (name: string) => `CAST(make_timestamp(CAST(span."${name}" AS BIGINT)) AS ${typeOfTime(time)})`
  return {
    sql: ` JOIN (SELECT unnest(from_json($${parameter}, '[{"spanKey":"VARCHAR","from":"VARCHAR","to":"VARCHAR"}]')) AS span) ON key = span."spanKey" AND ${quoted(time)} >= ${stamp('from')} AND ${quoted(time)} < ${stamp('to')}`,
    values: [JSON.stringify(all)],
  }
}

const keysCondition = (keys: readonly string[] | null, parameter: number) => inList('key', keys, parameter)

function inList (column: string, values: readonly string[] | null, parameter: number): { readonly sql: string, readonly values: readonly string[] } {
  if (values === null) return { sql: 'true', values: [] }
  if (values.length === 1) return { sql: `${column} = $${parameter}`, values }
  return { sql: `${column} IN (SELECT unnest(from_json($${parameter}, '["VARCHAR"]')))`, values: [JSON.stringify(values)] }
}

function unknownName (what: string, name: string, known: readonly string[]): never {
  throw new StreamError('LAKE_UNKNOWN', { [what]: name, nearest: nearest(name, known), known })
}
