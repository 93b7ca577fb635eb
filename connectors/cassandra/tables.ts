import type { ColumnKind } from '../../pipelines/core/batch.ts'
import { distinctNames, lakeWords, snakeCase } from '../../pipelines/core/lake-names.ts'
import type { Bucket, LakeLayout, LakePart, LakeRaw, LakeWindow } from '../../pipelines/core/lake-ports.ts'
import { murmur2 } from '../../pipelines/core/murmur2.ts'
import { type RecordOf, parseAvro } from '../../schemas/avro-schema.ts'
import { type AvroColumn, avroColumns } from './avro-types.ts'
import { widthFor } from './buckets.ts'
import { alertColumns, alertsByDayKey, alertsKey, chunkColumns, deadLetterColumns, keyColumns, lateColumns, migrationColumns, offsetColumns, rawColumns, readingColumns, rollupColumns, widthColumns } from './columns.ts'
import { checkTable, type CqlType, type LakeTable, type TableColumn, tableMark } from './table.ts'

type Names<Columns> = Extract<keyof Columns, string>
export type ReadingsTable = LakeTable<Names<typeof readingColumns>> & { /** In the layout's order. */ readonly signals: readonly TableColumn[], readonly width: Bucket }
/** The contract's fields of one source, as they were sent. */
export type RawTable = LakeTable<Names<typeof rawColumns>> & { readonly source: string, readonly contract: string, readonly fields: readonly AvroColumn[], readonly width: Bucket }
export type ChunksTable = LakeTable<Names<typeof chunkColumns>> & { readonly width: Bucket }
export type RollupTable = LakeTable<Names<typeof rollupColumns>> & { readonly window: LakeWindow, /** In the window's order. */ readonly keep: readonly TableColumn[], readonly parts: readonly TableColumn[], readonly width: Bucket }
export type KeysTable = LakeTable<Names<typeof keyColumns>> & { readonly labels: readonly { readonly signal: string, readonly column: TableColumn }[] }
export type AlertsTable = LakeTable<Names<typeof alertsKey & typeof alertColumns>>
export type AlertsByDayTable = LakeTable<Names<typeof alertsByDayKey & typeof alertColumns>>

/** All tables of a pipeline's lake; what is not in the layout is null. `width` is what new partitions get: what they have stands in `<p>_buckets`. */
export interface LakeTables {
  readonly keyspace: string
  readonly pipeline: string
  readonly readings: ReadingsTable | null
  readonly chunks: ChunksTable | null
  /** In the layout's order. */
  readonly raw: readonly RawTable[]
  /** In the layout's order. */
  readonly rollups: readonly RollupTable[]
  readonly alerts: AlertsTable
  readonly alertsByDay: AlertsByDayTable
  readonly keys: KeysTable
  readonly deadLetters: LakeTable<Names<typeof deadLetterColumns>>
  readonly late: LakeTable<Names<typeof lateColumns>>
  readonly widths: LakeTable<Names<typeof widthColumns>>
  readonly migrations: LakeTable<Names<typeof migrationColumns>>
  /** One for all pipelines of the keyspace. */
  readonly offsets: LakeTable<Names<typeof offsetColumns>>
  /** Every one of the above, in the order in which they are made: migrations first. */
  readonly all: readonly LakeTable[]
}

/** Shards of `<p>_keys`, and of the tables that have a partition for each day. */
export const keyShards = 16
export const dayShards = 8
/** A reading in a chunk takes the place of a tenth of a row, as the choice of its partitions' width goes: a million of them are some megabytes. */
const rowReadings = 10

/** The shard of a key or of an alert's id: the same for every version of Millrace. */
export function shardOf (text: string, shards: number): number { return (murmur2(Buffer.from(text)) & 0x7fffffff) % shards }

/**
 * Errors: LAKE_LAYOUT when two names become one, and for a name that is too long
 */
export function lakeTables (layout: LakeLayout): LakeTables {
  const p = snakeCase(layout.pipeline)
  const mark = tableMark(layout.pipeline)
  const eventsTtl = { ttlMs: layout.eventsTtlMs }
  const lettersTtl = { ttlMs: layout.lettersTtlMs }
  const windows = distinctNames('window', layout.windows.map(({ name }) => name), lakeWords.tables)
  const tables = {
    readings: layout.rawMode === 'rows' ? readingsTable(`${p}_readings`, layout) : null,
    chunks: layout.rawMode === 'chunks' ? chunksTable(`${p}_chunks`, layout) : null,
    raw: (layout.raw ?? []).map(one => rawTable(`${p}_raw_${snakeCase(one.source)}`, one, layout)),
    rollups: layout.windows.map((window, index) => rollupTable(`${p}_${windows[index]}`, window, layout)),
    alerts: table({ kind: 'alerts', name: `${p}_alerts`, comment: `${mark} an alert of a key, as it stands`, columns: { ...alertsKey, ...alertColumns }, partitionKey: ['key', 'month'], clustering: ['raised_at', 'alert_id'], ...eventsTtl }),
    alertsByDay: table({ kind: 'alerts_by_day', name: `${p}_alerts_by_day`, comment: `${mark} an alert, by day; shard 0 to ${dayShards - 1}`, columns: { ...alertsByDayKey, ...alertColumns }, partitionKey: ['day', 'shard'], clustering: ['raised_at', 'alert_id'], ...eventsTtl }),
    keys: keysTable(`${p}_keys`, layout),
    deadLetters: table({ kind: 'dead_letters', name: `${p}_dead_letters`, comment: `${mark} a record that could not be used; shard 0 to ${dayShards - 1}`, columns: deadLetterColumns, partitionKey: ['day', 'shard'], clustering: ['arrived_at', 'topic', 'partition', 'offset', 'step', 'reason'], ...lettersTtl }),
    late: table({ kind: 'late', name: `${p}_late`, comment: `${mark} a reading that came too late for a window; shard 0 to ${dayShards - 1}`, columns: lateColumns, partitionKey: ['day', 'shard'], clustering: ['arrived_at', 'topic', 'partition', 'offset', 'window'], ...lettersTtl }),
    widths: table({ kind: 'buckets', name: `${p}_buckets`, comment: `${mark} the width of a table's partitions from a day on`, columns: widthColumns, partitionKey: ['table_name'], clustering: ['from_day'], ttlMs: null }),
    migrations: table({ kind: 'migrations', name: `${p}_migrations`, comment: `${mark} a change of the tables`, columns: migrationColumns, partitionKey: ['pipeline'], clustering: ['id'], ttlMs: null }),
    offsets: table({ kind: 'offsets', name: 'millrace_offsets', comment: `${tableMark(null)} how far a pipeline has stored a partition of a topic`, columns: offsetColumns, partitionKey: ['pipeline'], clustering: ['topic', 'partition'], ttlMs: null }),
  } as const
  const { migrations, widths, offsets, keys, readings, chunks, raw, rollups, alerts, alertsByDay, deadLetters, late } = tables
  const all: readonly LakeTable[] = [migrations, widths, offsets, keys, readings, chunks, ...raw, ...rollups, alerts, alertsByDay, deadLetters, late].filter(one => one !== null)
  all.forEach(checkTable)
  distinctNames('table', all.map(({ name }) => name), [])
  return { keyspace: layout.keyspace, pipeline: layout.pipeline, ...tables, all }
}

type Given<Columns> = { readonly kind: string, readonly name: string, readonly comment: string, readonly columns: Columns, readonly more?: readonly TableColumn[], readonly partitionKey: readonly Names<Columns>[], readonly clustering: readonly Names<Columns>[], readonly ttlMs: number | null, readonly isPacked?: boolean }

function table<const Columns extends Readonly<Record<string, readonly [CqlType, string]>>> ({ columns, more = [], ...rest }: Given<Columns>): LakeTable<Names<Columns>> {
  const fixed = Object.entries(columns).map(([name, [type, means]]): TableColumn => ({ name, type, means }))
  return { ...rest, columns: [...fixed, ...more], column: Object.fromEntries(fixed.map(column => [column.name, column])) as Record<Names<Columns>, TableColumn> }
}

function readingsTable (name: string, { pipeline, signals, rawTtlMs, rawBucket, intervalMs }: LakeLayout): ReadingsTable {
  const names = distinctNames('signal', signals.map(signal => signal.name), Object.keys(readingColumns))
  const more = signals.map(({ kind, unit, name }, index): TableColumn => ({ name: names[index]!, type: kindTypes[kind], means: `the signal ${name}${unit === null ? '' : `, ${unit}`}` }))
  return { ...table({ kind: 'readings', name, comment: `${tableMark(pipeline)} a reading`, columns: readingColumns, more, partitionKey: ['key', 'bucket'], clustering: ['at', 'partition', 'offset'], ttlMs: rawTtlMs }), signals: more, width: rawBucket ?? widthFor(intervalMs) }
}

function rawTable (name: string, { source, contract }: LakeRaw, { pipeline, rawTtlMs, rawBucket, intervalMs }: LakeLayout): RawTable {
  const fields = avroColumns(parseAvro(contract) as RecordOf, Object.keys(rawColumns))
  const more = fields.map(({ name, type, field, means }): TableColumn => ({ name, type, means: `the field ${field}, ${means}` }))
  const made = table({ kind: 'raw', name, comment: `${tableMark(pipeline)} a reading of the source ${source} as it was sent`, columns: rawColumns, more, partitionKey: ['key', 'bucket'], clustering: ['at', 'partition', 'offset'], ttlMs: rawTtlMs })
  return { ...made, source, contract, fields, width: rawBucket ?? widthFor(intervalMs) }
}

function chunksTable (name: string, { pipeline, rawTtlMs, rawBucket, intervalMs }: LakeLayout): ChunksTable {
  const made = table({ kind: 'chunks', name, comment: `${tableMark(pipeline)} many readings of a key, compressed`, columns: chunkColumns, partitionKey: ['key', 'bucket'], clustering: ['first_at', 'partition', 'first_offset'], ttlMs: rawTtlMs, isPacked: true })
  return { ...made, width: rawBucket ?? widthFor(intervalMs === null ? null : intervalMs * rowReadings) }
}

function rollupTable (name: string, window: LakeWindow, { pipeline, rollupsTtlMs }: LakeLayout): RollupTable {
  const names = distinctNames('statistic', [...window.columns, ...window.parts].map(column => column.name), lakeWords.rollups)
  const keep = window.columns.map(({ kind, name }, index): TableColumn => ({ name: names[index]!, type: kindTypes[kind], means: `${name}${kind === 'value' ? ', JSON' : ''}` }))
  const parts = window.parts.map((part, index): TableColumn => ({ name: names[keep.length + index]!, type: partType(part), means: partMeans(part) }))
  const made = table({ kind: 'rollup', name, comment: `${tableMark(pipeline)} a window "${window.name}" of a key`, columns: rollupColumns, more: [...keep, ...parts], partitionKey: ['key', 'bucket'], clustering: ['start'], ttlMs: rollupsTtlMs })
  return { ...made, window, keep, parts, width: widthFor(startsApartMs(window.shape)) }
}

/** The last value of every text signal: what a fleet is sorted by. */
function keysTable (name: string, { pipeline, signals }: LakeLayout): KeysTable {
  const texts = signals.filter(({ kind }) => kind === 'text')
  const names = distinctNames('signal', texts.map(signal => signal.name), Object.keys(keyColumns))
  const labels = texts.map(({ name }, index) => ({ signal: name, column: { name: names[index]!, type: 'text', means: `the last value of the signal ${name}` } as const }))
  return { ...table({ kind: 'keys', name, comment: `${tableMark(pipeline)} a key; shard 0 to ${keyShards - 1}`, columns: keyColumns, more: labels.map(({ column }) => column), partitionKey: ['shard'], clustering: ['key'], ttlMs: null }), labels }
}

const kindTypes = { number: 'double', bool: 'boolean', text: 'text', value: 'text' } as const satisfies Record<ColumnKind, CqlType>
const partType = ({ part }: LakePart): CqlType => part === 'sketch' || part === 'distinct' ? 'blob' : 'double'
const partsMean = {
  n: 'how many values', sum: 'their sum', m2: 'sum of squared distances from their mean', min: 'the least', max: 'the greatest', first: 'the earliest', last: 'the latest', sketch: 'quantile sketch', distinct: 'sketch of the distinct values',
} as const satisfies Record<LakePart['part'], string>
const partMeans = ({ part, signal }: LakePart) => `${partsMean[part]} of ${signal}`

function startsApartMs (shape: LakeWindow['shape']): number {
  switch (shape.kind) {
    case 'tumbling': return shape.sizeMs
    case 'hopping': return shape.advanceMs
    case 'session': return shape.gapMs
  }
}
