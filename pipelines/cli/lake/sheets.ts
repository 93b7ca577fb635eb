import { cell as columnCell } from '../../core/batch.ts'
import type { LakeReaderPort, LakeReadingRows, LakeRollupRows } from '../../core/lake-ports.ts'
import { compileExpression } from '../../expression/compile.ts'
import { type AlertRow, alertsOf, type AlertsAsk, around } from '../../lake/alerts.ts'
import { type LakeQuery, type LakeQueryRow, signalOf, unknownName } from '../../lake/ask.ts'
import { type Episode, type EpisodesAsk, episodesOf } from '../../lake/episodes.ts'
import { plannedQuery } from '../../lake/plan.ts'
import { queryLake } from '../../lake/query.ts'
import { labelsOf, selectKeys } from '../../lake/select.ts'
import { type Cell, distinctHeads, gathered, type Head, type Sheet, type SheetPiece } from './sheet.ts'

/** What is asked for readings and rollups. */
export interface RowsAsk {
  readonly keys: readonly string[] | null
  readonly where: Readonly<Record<string, string>>
  readonly from: number
  readonly to: number
  readonly abort?: AbortSignal
}

const key: Head = { name: 'key', kind: 'text' }
const texts = (names: readonly string[]): readonly Head[] => names.map(name => ({ name, kind: 'text' }))
const count = (name: string): Head => ({ name, kind: 'count' })
const time = (name: string): Head => ({ name, kind: 'time' })
const known = (value: number): number | null => Number.isNaN(value) ? null : value

/** Over all rows: the latest end of a window that answers, and from when on readings were taken. */
export interface QuerySources { windowsTo: number, readingsFrom: number }

/**
 * Statistics by interval and group. `brief`: without the columns that say up to when windows answered a row, and from when on readings; `sources` is told.
 *
 * Errors: LAKE_ASK, LAKE_UNKNOWN; while it is read also LAKE_LIMIT and those of the reader
 */
export function querySheet (reader: LakeReaderPort, ask: LakeQuery, { brief, sources }: { readonly brief: boolean, readonly sources?: QuerySources }): Sheet {
  plannedQuery(reader.layout, ask)
  const { unit = null } = signalOf(reader.layout, ask.signal)
  const columns: readonly QueryColumn[] = [
    { head: time('start'), cell: ({ start }) => start }, { head: time('end'), cell: ({ end }) => end },
    ...ask.by.map((name): QueryColumn => ({ head: { name, kind: 'text' }, cell: ({ group }) => group[name] ?? null })),
    ...ask.statistics.map((name, index): QueryColumn => ({ head: name === 'count' || name === 'distinct' ? count(name) : { name, kind: 'number', unit }, cell: ({ values }) => values[index]! })),
    { head: count('received'), cell: ({ received }) => received }, { head: count('expected'), cell: ({ expected }) => expected === null ? null : Math.round(expected) },
    ...brief ? [] : [{ head: time('windowsTo'), cell: ({ windowsTo }: LakeQueryRow) => windowsTo }, { head: time('readingsFrom'), cell: ({ readingsFrom }: LakeQueryRow) => readingsFrom }],
  ]
  const rows = sources === undefined ? queryLake(reader, ask) : told(queryLake(reader, ask), sources)
  return { heads: distinctHeads(columns.map(({ head }) => head)), pieces: gathered(rows, (row, column) => columns[column]!.cell(row)) }
}

interface QueryColumn { readonly head: Head, readonly cell: (row: LakeQueryRow) => Cell }

async function * told (rows: AsyncIterable<LakeQueryRow>, sources: QuerySources): AsyncGenerator<LakeQueryRow> {
  for await (const row of rows) {
    sources.windowsTo = Math.max(sources.windowsTo, row.windowsTo ?? Number.NEGATIVE_INFINITY)
    sources.readingsFrom = Math.min(sources.readingsFrom, row.readingsFrom ?? Number.POSITIVE_INFINITY)
    yield row
  }
}

const kinds = { number: 'number', bool: 'bool', text: 'text', value: 'map' } as const

/** Readings as they are kept. `columns`: signals; null: all of them. Errors: LAKE_UNKNOWN, and those of the reader */
export function readingsSheet (reader: LakeReaderPort, { columns: asked, ...ask }: RowsAsk & { readonly columns: readonly string[] | null }): Sheet {
  const signals = asked === null ? reader.layout.signals : asked.map(name => signalOf(reader.layout, name))
  const columns = signals.map(({ name }) => name)
  const heads: readonly Head[] = [key, time('at'), ...signals.map(({ name, kind, unit = null }): Head => ({ name, kind: kinds[kind], unit })), { name: 'source', kind: 'text' }, time('arrivedAt'), count('partition'), count('offset')]
  const read = async function * (): AsyncGenerator<SheetPiece> {
    const range = await narrowed(reader, ask)
    if (range !== null) for await (const rows of reader.readings({ ...range, columns })) yield { count: rows.count, cell: readingCells(rows) }
  }
  return { heads: distinctHeads(heads), pieces: read() }
}

function readingCells ({ key, at, arrival, source, partition, offset, columns }: LakeReadingRows): SheetPiece['cell'] {
  const last = 2 + columns.length
  return (column, row) => {
    if (column < 2) return column === 0 ? key : at[row]!
    if (column < last) return columnCell(columns[column - 2]!, row) as Cell
    return [source, arrival[row]!, partition[row]!, offset[row]!][column - last]!
  }
}

/** Rows of a window, as they are kept. Errors: LAKE_UNKNOWN, and those of the reader */
export function rollupsSheet (reader: LakeReaderPort, { window: name, ...ask }: RowsAsk & { readonly window: string }): Sheet {
  const window = reader.layout.windows.find(one => one.name === name) ?? unknownName('window', name, reader.layout.windows.map(one => one.name))
  const columns = window.columns.map(column => column.name)
  const heads: readonly Head[] = [key, time('start'), time('end'), ...window.columns.map(({ name, kind, unit = null }): Head => ({ name, kind: kinds[kind], unit })), count('received'), count('expected'), count('revision'), { name: 'final', kind: 'bool' }]
  const read = async function * (): AsyncGenerator<SheetPiece> {
    const range = await narrowed(reader, ask)
    if (range !== null) for await (const rows of reader.rollups({ ...range, window: name, columns })) yield { count: rows.count, cell: rollupCells(rows) }
  }
  return { heads: distinctHeads(heads), pieces: read() }
}

function rollupCells ({ key, start, end, columns, received, expected, revision, final }: LakeRollupRows): SheetPiece['cell'] {
  const last = 3 + columns.length
  return (column, row) => {
    if (column < 3) return column === 0 ? key : column === 1 ? start[row]! : end[row]!
    if (column < last) return columnCell(columns[column - 3]!, row) as Cell
    return [known(received[row]!), known(expected[row]!), revision[row]!, final[row] === 1][column - last]!
  }
}

/** The keys that are meant; null: there are none. */
async function narrowed (reader: LakeReaderPort, { keys, where, from, to, abort }: RowsAsk) {
  const selection = await selectKeys(reader, { keys, where, labels: [], abort })
  return selection.keys?.length === 0 ? null : { keys: selection.keys, from, to, ...abort && { signal: abort } }
}

/** Alerts as they stand; `brief`: what a person looks at first. Errors: LAKE_ASK, LAKE_UNKNOWN, and those of the reader */
export function alertsSheet (reader: LakeReaderPort, { brief, ...ask }: AlertsAsk & { readonly brief: boolean }): Sheet {
  const columns = [...alertColumns(labelsOf(reader.layout)), ...brief ? [] : alertDetails]
  return { heads: distinctHeads(columns.map(({ head }) => head)), pieces: gathered(alertsOf(reader, ask), (alert, column) => columns[column]!.cell(alert)) }
}

interface AlertColumn { readonly head: Head, readonly cell: (alert: AlertRow) => Cell }

const alertColumns = (labels: readonly string[]): readonly AlertColumn[] => [
  { head: time('raisedAt'), cell: ({ raisedAt }) => raisedAt },
  { head: time('clearedAt'), cell: ({ clearedAt }) => clearedAt },
  { head: { name: 'durationMs', kind: 'duration' }, cell: ({ durationMs }) => durationMs },
  { head: { name: 'rule', kind: 'text' }, cell: ({ rule }) => rule },
  { head: { name: 'severity', kind: 'text' }, cell: ({ severity }) => severity },
  { head: { name: 'state', kind: 'text' }, cell: ({ state }) => state },
  { head: key, cell: alert => alert.key },
  ...labels.map((label): AlertColumn => ({ head: { name: label, kind: 'text' }, cell: ({ keyLabels }) => keyLabels[label] ?? null })),
  { head: { name: 'summary', kind: 'text' }, cell: ({ summary }) => summary },
]

const alertDetails: readonly AlertColumn[] = [
  { head: { name: 'alertId', kind: 'text' }, cell: ({ alertId }) => alertId },
  { head: { name: 'reason', kind: 'text' }, cell: ({ reason }) => reason },
  { head: { name: 'labels', kind: 'map' }, cell: ({ labels }) => labels },
  { head: { name: 'values', kind: 'map' }, cell: ({ values }) => values },
  { head: { name: 'units', kind: 'map' }, cell: ({ units }) => units },
  { head: { name: 'window', kind: 'map' }, cell: ({ window }) => window as Cell },
  { head: time('updatedAt'), cell: ({ updatedAt }) => updatedAt },
  { head: time('raisedArrival'), cell: ({ raisedArrival }) => raisedArrival },
  { head: time('expiresAt'), cell: ({ expiresAt }) => expiresAt },
  { head: { name: 'ruleVersion', kind: 'text' }, cell: ({ ruleVersion }) => ruleVersion },
  { head: { name: 'mode', kind: 'text' }, cell: ({ mode }) => mode },
]

/** Each alert with the readings around it: a row for every reading. */
export function aroundSheet (reader: LakeReaderPort, { aroundMs, ...ask }: AlertsAsk & { readonly aroundMs: number }): Sheet {
  const { signals } = reader.layout
  const heads: readonly Head[] = [{ name: 'alertId', kind: 'text' }, { name: 'rule', kind: 'text' }, time('raisedAt'), time('clearedAt'), key, time('at'), ...signals.map(({ name, kind, unit = null }): Head => ({ name, kind: kinds[kind], unit }))]
  const read = async function * (): AsyncGenerator<SheetPiece> {
    for await (const alert of alertsOf(reader, ask)) {
      const own: readonly Cell[] = [alert.alertId, alert.rule, alert.raisedAt, alert.clearedAt, alert.key]
      for await (const { count, at, columns } of around(reader, alert, { beforeMs: aroundMs, afterMs: aroundMs, ...ask.abort && { abort: ask.abort } })) {
        yield { count, cell: (column, row) => column < 5 ? own[column]! : column === 5 ? at[row]! : columnCell(columns[column - 6]!, row) as Cell }
      }
    }
  }
  return { heads: distinctHeads(heads), pieces: read() }
}

/** When a condition held. Errors: EXPRESSION_*, LAKE_ASK, LAKE_UNKNOWN, and those of the reader */
export function episodesSheet (reader: LakeReaderPort, ask: EpisodesAsk): Sheet {
  const { signals } = reader.layout
  const { fields } = compileExpression(ask.when, { fields: signals.map(({ name, kind, unit = null }) => ({ name, kind, unit, nullable: true })), expect: 'bool', codegen: false })
  const numbers = signals.filter(({ name, kind }) => kind === 'number' && fields.includes(name))
  const labels = labelsOf(reader.layout)
  const heads: readonly Head[] = [
    key, time('start'), time('end'), { name: 'durationMs', kind: 'duration' }, count('readings'),
    ...numbers.flatMap(({ name, unit = null }): Head[] => [{ name: `${name}Min`, kind: 'number', unit }, { name: `${name}Max`, kind: 'number', unit }]), ...texts(labels),
  ]
  const cell = (row: Episode, column: number): Cell => {
    if (column < 5) return [row.key, row.start, row.end, row.durationMs, row.count][column]!
    const { name } = numbers[(column - 5) >> 1] ?? { name: null }
    if (name === null) return row.labels[labels[column - 5 - 2 * numbers.length]!] ?? null
    return ((column - 5) % 2 === 0 ? row.min : row.max)[name] ?? null
  }
  return { heads: distinctHeads(heads), pieces: gathered(episodesOf(reader, ask), cell) }
}

/** Devices, with when they were first and last heard, and their labels. */
export function keysSheet (reader: LakeReaderPort, { keys, where, abort }: Pick<RowsAsk, 'keys' | 'where' | 'abort'>): Sheet {
  const labels = labelsOf(reader.layout)
  for (const label of Object.keys(where)) if (!labels.includes(label)) unknownName('label', label, labels)
  const wanted = Object.entries(where)
  const read = async function * (): AsyncGenerator<SheetPiece> {
    for await (const piece of reader.keys({ keys, ...abort && { signal: abort } })) {
      const rows = wanted.length === 0 ? piece : piece.filter(one => wanted.every(([label, value]) => one.labels[label] === value))
      yield { count: rows.length, cell: (column, row) => {
        const one = rows[row]!
        return column < 4 ? [one.key, one.source, one.firstArrival, one.lastArrival][column]! : one.labels[labels[column - 4]!] ?? null
      } }
    }
  }
  return { heads: distinctHeads([key, { name: 'source', kind: 'text' }, time('firstArrival'), time('lastArrival'), ...texts(labels)]), pieces: read() }
}

/** Tables, their rows and bytes. */
export function statsSheet (reader: LakeReaderPort): Sheet {
  const heads: readonly Head[] = [{ name: 'table', kind: 'text' }, count('rows'), { ...count('bytes'), unit: 'B' }, count('partitions'), { ...count('largestPartitionBytes'), unit: 'B' }, time('oldest'), time('newest'), { name: 'isEstimate', kind: 'bool' }]
  const read = async function * (): AsyncGenerator<SheetPiece> {
    const tables = await reader.stats()
    yield { count: tables.length, cell: (column, row) => {
      const { table, rows, bytes, partitions, largestPartitionBytes, oldestMs, newestMs, isEstimate } = tables[row]!
      return [table, rows, bytes, partitions, largestPartitionBytes, oldestMs, newestMs, isEstimate][column]!
    } }
  }
  return { heads, pieces: read() }
}
