import { type Column, type ColumnSpec, createColumn } from '../../pipelines/core/batch.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import { snakeCase } from '../../pipelines/core/lake-names.ts'
import type { LakeAlert, LakeKey, LakeLayout, LakePart, LakeRange, LakeReaderPort, LakeReadingRows, LakeRollupRows, LakeTableStats } from '../../pipelines/core/lake-ports.ts'

export type PlainCell = null | boolean | number | string | Uint8Array
export interface PlainReading { readonly key: string, readonly source: string, readonly at: number, readonly arrival: number, readonly partition: number, readonly offset: number, readonly values: Readonly<Record<string, PlainCell>> }
/** `values`: by `keep` names and names of parts. */
export interface PlainRollup { readonly key: string, readonly source: string, readonly start: number, readonly end: number, readonly expected: number, readonly received: number, readonly revision: number, readonly final: boolean, readonly values: Readonly<Record<string, PlainCell>> }
export interface PlainLake {
  readonly layout: LakeLayout
  readonly readings?: readonly PlainReading[]
  readonly rollups?: Readonly<Record<string, readonly PlainRollup[]>>
  readonly alerts?: readonly LakeAlert[]
  /** Left out: those of the readings, labelled by the last value to arrive. */
  readonly keys?: readonly LakeKey[]
  /** Rows of a piece. */
  readonly pieceRows?: number
}

/** A lake over plain arrays: what the contract says, in the plainest way. */
export class MemoryLake implements LakeReaderPort {
  readonly name = 'memory'
  readonly layout: LakeLayout
  readonly #lake: Required<PlainLake>
  /** Names of columns as they were asked for: what a test wants to see left alone. */
  readonly asked: { readonly table: string, readonly columns: readonly string[], readonly from: number, readonly to: number }[] = []

  constructor (lake: PlainLake) {
    const { readings = [], rollups = {}, alerts = [], pieceRows = 7 } = lake
    this.layout = lake.layout
    this.#lake = { readings, rollups, alerts, pieceRows, keys: lake.keys ?? keysOf(lake.layout, readings), layout: lake.layout }
  }

  async * keys ({ keys = null }: { readonly keys?: readonly string[] | null, readonly signal?: AbortSignal } = {}): AsyncGenerator<readonly LakeKey[]> {
    yield * pieces(this.#lake.keys.filter(({ key }) => keys === null || keys.includes(key)), this.#lake.pieceRows)
  }

  async * readings ({ columns, ...range }: LakeRange & { readonly columns: readonly string[] }): AsyncGenerator<LakeReadingRows> {
    const specs = columns.map(name => this.layout.signals.find(signal => signal.name === name) ?? unknown('signal', name))
    this.asked.push({ table: 'readings', columns, from: range.from, to: range.to })
    const rows = inRange(this.#lake.readings, range, ({ at }) => at)
    for (const [key, own] of byKey(rows)) {
      const seen = new Set<string>()
      const sorted = own.toSorted((a, b) => a.at - b.at || a.partition - b.partition || a.offset - b.offset)
        .filter(({ at, partition, offset }) => !seen.has(`${at} ${partition} ${offset}`) && seen.add(`${at} ${partition} ${offset}`))
      for (const piece of pieces(sorted, this.#lake.pieceRows)) {
        range.signal?.throwIfAborted()
        yield {
          key, source: piece[0]!.source, count: piece.length,
          at: Float64Array.from(piece, row => row.at), arrival: Float64Array.from(piece, row => row.arrival), partition: Int32Array.from(piece, row => row.partition), offset: Float64Array.from(piece, row => row.offset),
          columns: specs.map(spec => columnOf(spec, piece.map(({ values }) => values[spec.name] ?? null))),
        }
      }
    }
  }

  async * rollups ({ window: name, columns, ...range }: LakeRange & { readonly window: string, readonly columns: readonly string[] }): AsyncGenerator<LakeRollupRows> {
    const window = this.layout.windows.find(one => one.name === name) ?? unknown('window', name)
    const known: readonly ColumnSpec[] = [...window.columns, ...window.parts.map(partColumn)]
    const specs = columns.map(column => known.find(spec => spec.name === column) ?? unknown('column', column))
    this.asked.push({ table: name, columns, from: range.from, to: range.to })
    for (const [key, own] of byKey(inRange(this.#lake.rollups[name] ?? [], range, ({ start }) => start))) {
      for (const piece of pieces(own.toSorted((a, b) => a.start - b.start), this.#lake.pieceRows)) {
        const numbers = (of: 'start' | 'end' | 'expected' | 'received') => Float64Array.from(piece, row => row[of])
        yield {
          key, source: piece[0]!.source, count: piece.length, start: numbers('start'), end: numbers('end'), expected: numbers('expected'), received: numbers('received'),
          revision: Int32Array.from(piece, row => row.revision), final: Uint8Array.from(piece, row => row.final ? 1 : 0),
          columns: specs.map(spec => columnOf(spec, piece.map(({ values }) => values[spec.name] ?? null))),
        }
      }
    }
  }

  async * alerts ({ rules, ...range }: LakeRange & { readonly rules: readonly string[] | null }): AsyncGenerator<readonly LakeAlert[]> {
    const order = (a: LakeAlert, b: LakeAlert) => a.raisedAt - b.raisedAt || (a.alertId < b.alertId ? -1 : 1)
    const found = inRange(this.#lake.alerts, range, ({ raisedAt }) => raisedAt).filter(({ rule }) => rules === null || rules.includes(rule))
    if (range.keys === null) yield * pieces(found.toSorted(order), this.#lake.pieceRows)
    else for (const [, own] of byKey(found)) yield * pieces(own.toSorted(order), this.#lake.pieceRows)
  }

  async stats (): Promise<readonly LakeTableStats[]> {
    const { readings, rollups, alerts, keys } = this.#lake
    const table = (name: string, times: readonly number[]): LakeTableStats => ({ table: name, rows: times.length, bytes: null, partitions: null, oldestMs: times.length === 0 ? null : Math.min(...times), newestMs: times.length === 0 ? null : Math.max(...times), largestPartitionBytes: null, isEstimate: false })
    return [table('readings', readings.map(({ at }) => at)), ...Object.entries(rollups).map(([name, rows]) => table(snakeCase(name), rows.map(({ start }) => start))), table('alerts', alerts.map(({ raisedAt }) => raisedAt)), table('keys', keys.map(({ firstArrival }) => firstArrival))]
  }

  async close (): Promise<void> {}
}

export const partColumn = ({ name, part }: LakePart): ColumnSpec => ({ name, kind: part === 'sketch' || part === 'distinct' ? 'value' : 'number' })

function columnOf (spec: ColumnSpec, cells: readonly PlainCell[]): Column {
  const column = createColumn(spec, cells.length)
  if (column.kind === 'number') column.values.fill(Number.NaN)
  cells.forEach((cell, row) => {
    if (cell === null) return
    column.known[row] = 1
    if (column.kind === 'text') column.values[row] = column.dictionary.internText(cell as string)
    else column.values[row] = column.kind === 'bool' ? Number(cell) : cell
  })
  return column
}

function keysOf ({ signals }: LakeLayout, readings: readonly PlainReading[]): LakeKey[] {
  const texts = signals.filter(({ kind }) => kind === 'text').map(({ name }) => name)
  return [...byKey(readings)].map(([key, own]) => {
    const arrived = own.toSorted((a, b) => a.arrival - b.arrival || a.offset - b.offset)
    const label = (name: string) => arrived.findLast(({ values }) => (values[name] ?? null) !== null)?.values[name] as string | undefined ?? null
    return { key, source: own[0]!.source, firstArrival: arrived[0]!.arrival, lastArrival: arrived.at(-1)!.arrival, labels: Object.fromEntries(texts.map(name => [name, label(name)])) }
  })
}

function byKey<Row extends { readonly key: string }> (rows: readonly Row[]): Map<string, Row[]> { return Map.groupBy(rows, ({ key }) => key) }

function inRange<Row extends { readonly key: string }> (rows: readonly Row[], { keys, from, to, spans }: LakeRange, time: (row: Row) => number): Row[] {
  const inSpan = (row: Row) => time(row) >= (spans?.get(row.key)?.from ?? from) && time(row) < (spans?.get(row.key)?.to ?? to)
  return rows.filter(row => (keys === null || keys.includes(row.key)) && time(row) >= from && time(row) < to && inSpan(row))
}

function * pieces<Row> (rows: readonly Row[], length: number): Generator<Row[]> {
  for (let from = 0; from < rows.length; from += length) yield rows.slice(from, from + length)
}

function unknown (what: string, name: string): never { throw new StreamError('LAKE_UNKNOWN', { [what]: name }) }
