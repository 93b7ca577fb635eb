import { type Column, type ColumnSpec, part } from '../../pipelines/core/batch.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { LakeAlert, LakeKey, LakeLayout, LakePart, LakeRange, LakeReaderPort, LakeReadingRows, LakeRollupRows, LakeSpan, LakeTableStats } from '../../pipelines/core/lake-ports.ts'
import { nearest } from '../../pipelines/core/nearest.ts'
import { AlertScan } from './alert-scan.ts'
import { type BucketPart, bucketsOf, type Era } from './buckets.ts'
import { scanChunks } from './chunk-scan.ts'
import type { CassandraSettings } from './config.ts'
import { inOrder } from './in-order.ts'
import { ColumnMaker, type Page, type PageColumn, sameText, textOf } from './page.ts'
import { Pages } from './pages.ts'
import { readEras } from './present.ts'
import { readRaw } from './raw-rows.ts'
import { type CassandraSession, openSession } from './session.ts'
import type { LakeTable, TableColumn } from './table.ts'
import { keyShards, lakeTables, type LakeTables, shardOf } from './tables.ts'
import { clusterStats } from './cluster-stats.ts'

export interface CassandraReaderOptions {
  readonly settings: CassandraSettings
  readonly layout: LakeLayout
  /** Partitions that are read at once. */
  readonly inFlightMax?: number
  /** Rows that are asked for at once. */
  readonly pageRows?: number
}

/** A width that changes is known a day before. */
const erasMsMax = 600_000
/** Chunks are large, and decoded here. */
const chunksInFlight = 4
/** Sketches have a kilobyte or two. */
const pageRowsOfBytes = 500

/**
 * Open the lake of a pipeline in Cassandra for reading, beside pipelines that write it.
 *
 * Shape:  keys shard by shard. A range is walked partition by partition, also those that are empty: an hour of width makes 8,784 a device and year
 * Limits: pages of `pageRows` rows, `inFlightMax` of them at once
 * Errors: LAKE_UNREACHABLE, LAKE_DENIED, LAKE_CONFIG, LAKE_REFUSED where tables or columns are not there (`millrace lake apply` makes them), LAKE_UNKNOWN
 */
export async function openCassandraReader ({ settings, layout, inFlightMax = 24, pageRows = 4096 }: CassandraReaderOptions): Promise<LakeReaderPort> {
  const tables = lakeTables(layout)
  const session = await openSession(settings)
  const { readings, rollups, keys, alerts, alertsByDay } = tables
  readRaw(session.client, tables.keyspace, [readings, ...rollups, keys, alerts, alertsByDay].flatMap(table => table === null ? [] : [table.name]))
  return new CassandraReader(session, layout, { tables, inFlightMax, pageRows })
}

interface Open { readonly tables: LakeTables, readonly inFlightMax: number, readonly pageRows: number }
/** Bytes stand in a column of kind `value`. */
interface Wanted { readonly spec: ColumnSpec, readonly column: TableColumn, readonly isBytes: boolean }
interface Scan { readonly table: LakeTable & { readonly column: Readonly<Record<string, TableColumn>> }, readonly time: 'at' | 'start', readonly head: readonly string[], readonly wanted: readonly Wanted[], readonly range: LakeRange }

class CassandraReader implements LakeReaderPort {
  readonly name = 'cassandra'
  readonly layout: LakeLayout
  readonly #session: CassandraSession
  readonly #tables: LakeTables
  readonly #inFlightMax: number
  readonly #pageRows: number
  readonly #pages: Pages
  #eras: Promise<ReadonlyMap<string, readonly Era[]>> | null = null
  #erasMs = 0

  constructor (session: CassandraSession, layout: LakeLayout, { tables, inFlightMax, pageRows }: Open) {
    this.#session = session
    this.layout = layout
    this.#tables = tables
    this.#inFlightMax = inFlightMax
    this.#pageRows = pageRows
    this.#pages = new Pages(session, tables.keyspace)
  }

  async * keys ({ keys = null, signal }: { readonly keys?: readonly string[] | null, readonly signal?: AbortSignal } = {}): AsyncGenerator<readonly LakeKey[]> {
    const { keys: table } = this.#tables
    const columns = [table.column.key, table.column.source, table.column.first_arrival, table.column.last_arrival, ...table.labels.map(({ column }) => column)]
    const pages = (condition: string, parameters: readonly unknown[]) => this.#pages.of({ table, columns, condition, parameters, pageRows: this.#pageRows, signal })
    const all = keys === null
      ? inOrder(Array.from({ length: keyShards }, (_, shard) => shard), shard => pages('shard = ?', [shard]), 2)
      : inOrder(keys, key => pages('shard = ? AND key = ?', [shardOf(key, keyShards), key]), this.#inFlightMax)
    for await (const { count, columns: [key, source, first, last, ...labels] } of all) {
      yield Array.from({ length: count }, (_, row): LakeKey => ({
        key: textOf(key!, row)!, source: textOf(source!, row) ?? '', firstArrival: first!.doubles[row]!, lastArrival: last!.doubles[row]!,
        labels: Object.fromEntries(table.labels.map(({ signal }, index) => [signal, textOf(labels[index]!, row)])),
      }))
    }
  }

  async * readings ({ columns: names, ...range }: LakeRange & { readonly columns: readonly string[] }): AsyncGenerator<LakeReadingRows> {
    const { signals } = this.layout
    const specs = names.map(name => signals.find(signal => signal.name === name) ?? unknownName('signal', name, signals.map(signal => signal.name)))
    const { readings: table } = this.#tables
    if (table === null) {
      yield * this.#chunks(specs, range)
      return
    }
    const wanted = specs.map((spec): Wanted => ({ spec, column: table.signals[signals.indexOf(spec)]!, isBytes: false }))
    const head = range.brief ? ['at'] : ['at', 'source', 'arrived_at', 'partition', 'offset']
    for await (const { key, source, count, doubles, integers, columns } of this.#scan({ table, time: 'at', head, wanted, range })) {
      yield { key, source, count, at: doubles('at'), arrival: doubles('arrived_at'), partition: integers('partition'), offset: doubles('offset'), columns }
    }
  }

  async * rollups ({ window: name, columns: names, ...range }: LakeRange & { readonly window: string, readonly columns: readonly string[] }): AsyncGenerator<LakeRollupRows> {
    const { rollups } = this.#tables
    const table = rollups.find(({ window }) => window.name === name) ?? unknownName('window', name, rollups.map(({ window }) => window.name))
    const known: readonly Wanted[] = [
      ...table.window.columns.map((spec, index) => ({ spec, column: table.keep[index]!, isBytes: false })),
      ...table.window.parts.map((part, index) => ({ spec: partSpec(part), column: table.parts[index]!, isBytes: true })),
    ]
    const wanted = names.map(column => known.find(({ spec }) => spec.name === column) ?? unknownName('column', column, known.map(({ spec }) => spec.name)))
    const head = ['start', 'end', 'expected', 'received', ...range.brief ? [] : ['source', 'revision', 'final']]
    for await (const { key, source, count, doubles, integers, bools, columns } of this.#scan({ table, time: 'start', head, wanted, range })) {
      yield { key, source, count, start: doubles('start'), end: doubles('end'), expected: doubles('expected'), received: doubles('received'), revision: integers('revision'), final: bools('final'), columns }
    }
  }

  async * alerts (ask: LakeRange & { readonly rules: readonly string[] | null }): AsyncGenerator<readonly LakeAlert[]> {
    yield * new AlertScan(this.#pages, this.#tables, this.layout.pipeline, { inFlightMax: this.#inFlightMax, pageRows: this.#pageRows }).of(ask)
  }

  async stats (): Promise<readonly LakeTableStats[]> { return await clusterStats(this.#session, this.#tables) }
  async close (): Promise<void> { await this.#session.close() }

  /** Rows of a table, each piece of one key and one source. */
  async * #scan ({ table, time, head, wanted, range }: Scan): AsyncGenerator<Run> {
    const makers = wanted.map(({ spec, isBytes }) => new ColumnMaker(spec, isBytes))
    const columns = [...head.map(name => table.column[name]!), ...wanted.map(({ column }) => column)]
    const pageRows = wanted.some(({ isBytes, spec }) => isBytes && spec.kind === 'value') ? Math.min(this.#pageRows, pageRowsOfBytes) : this.#pageRows
    const condition = `key = ? AND bucket = ? AND "${time}" >= ? AND "${time}" < ?`
    const { signal } = range
    const pages = this.#pages
    const one = async function * ({ key, bucket }: Partition): AsyncGenerator<{ readonly key: string, readonly page: Page }> {
      for await (const page of pages.of({ table, columns, condition, parameters: [key, bucket.text, date(bucket.from), date(bucket.to)], pageRows, signal })) yield { key, page }
    }
    for await (const { key, page } of inOrder(this.#partitions(await this.#erasOf(table.name), range), one, this.#inFlightMax)) yield * runsOf(key, page, head, makers)
  }

  async * #partitions (eras: readonly Era[], range: LakeRange): AsyncGenerator<Partition> {
    for await (const key of range.keys ?? this.#everyKey(range.signal)) for (const bucket of bucketsOf(eras, spanOf(range, key))) yield { key, bucket }
  }

  async * #everyKey (signal: AbortSignal | undefined): AsyncGenerator<string> {
    const { keys: table } = this.#tables
    for (let shard = 0; shard < keyShards; shard += 1) {
      for await (const { count, columns: [key] } of this.#pages.of({ table, columns: [table.column.key], condition: 'shard = ?', parameters: [shard], pageRows: this.#pageRows, signal })) {
        for (let row = 0; row < count; row += 1) yield textOf(key!, row)!
      }
    }
  }

  async * #chunks (columns: readonly ColumnSpec[], range: LakeRange): AsyncGenerator<LakeReadingRows> {
    const { keys, signal } = range
    const table = this.#tables.chunks!
    const eras = await this.#erasOf(table.name)
    yield * inOrder(keys ?? this.#everyKey(signal), key => scanChunks(this.#session, { keyspace: this.#tables.keyspace, table, eras, key, columns, ...spanOf(range, key), ...signal && { signal } }), chunksInFlight)
  }

  async #erasOf (table: string): Promise<readonly Era[]> {
    const nowMs = performance.now()
    if (this.#eras === null || nowMs - this.#erasMs > erasMsMax) {
      this.#erasMs = nowMs
      this.#eras = readEras(this.#session, this.#tables.keyspace, this.#tables.widths.name)
      this.#eras.catch(() => { this.#eras = null })
    }
    return (await this.#eras).get(table) ?? []
  }
}

interface Partition { readonly key: string, readonly bucket: BucketPart }
interface Run {
  readonly key: string
  readonly source: string
  readonly count: number
  readonly columns: readonly Column[]
  /** Cells of a column by name; 0 where it was not asked for. */
  doubles (name: string): Float64Array
  integers (name: string): Int32Array
  bools (name: string): Uint8Array
}

function * runsOf (key: string, { count, columns: all }: Page, head: readonly string[], makers: readonly ColumnMaker[]): Generator<Run> {
  const of = (name: string): PageColumn | undefined => all[head.indexOf(name)]
  const source = of('source')
  const columns = makers.map((maker, index) => maker.of(all[head.length + index]!, count))
  for (let from = 0, to = 0; from < count; from = to) {
    to = source === undefined ? count : endOfRun(source, from, count)
    const [begin, end] = [from, to]
    yield {
      key, source: source === undefined ? '' : textOf(source, from) ?? '', count: to - from, columns: to - from === count ? columns : columns.map(column => part(column, begin, end)),
      doubles: name => of(name)?.doubles.subarray(begin, end) ?? new Float64Array(end - begin), integers: name => of(name)?.integers.subarray(begin, end) ?? new Int32Array(end - begin), bools: name => of(name)?.bools.subarray(begin, end) ?? new Uint8Array(end - begin),
    }
  }
}

/** Behind the last row, from `from` on, that has the same text. */
function endOfRun (column: PageColumn, from: number, count: number): number {
  let to = from + 1
  while (to < count && sameText(column, from, to)) to += 1
  return to
}

const timeMax = 8.64e15
/** What is asked of a key. */
const spanOf = ({ from, to, spans }: LakeRange, key: string): LakeSpan => {
  const span = spans?.get(key)
  return { from: Math.max(from, span?.from ?? from, -timeMax), to: Math.min(to, span?.to ?? to, timeMax) }
}
/** Rows have whole milliseconds. */
const date = (ms: number) => new Date(Math.ceil(ms))
const partSpec = ({ name, part }: LakePart): ColumnSpec => ({ name, kind: part === 'sketch' || part === 'distinct' ? 'value' : 'number' })

function unknownName (what: string, name: string, known: readonly string[]): never {
  throw new StreamError('LAKE_UNKNOWN', { [what]: name, nearest: nearest(name, known), known })
}
