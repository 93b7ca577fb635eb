import type { ColumnKind } from '../../pipelines/core/batch.ts'
import type { LakeLayout } from '../../pipelines/core/lake-ports.ts'
import { distinctNames, snakeCase } from '../../pipelines/core/lake-names.ts'
import { literal, quoted } from './names.ts'

/** Physical form of a column in a block: what its bytes are and which DuckDB type they fill. `stamp` is whole milliseconds, `moment` microseconds. */
export type CellType = 'text' | 'blob' | 'double' | 'stamp' | 'moment' | 'integer' | 'bigint' | 'bool'
const sqlTypes = { text: 'VARCHAR', blob: 'BLOB', double: 'DOUBLE', stamp: 'TIMESTAMP_MS', moment: 'TIMESTAMP', integer: 'INTEGER', bigint: 'BIGINT', bool: 'BOOLEAN' } as const satisfies Record<CellType, string>
const cellTypes = { number: 'double', bool: 'bool', text: 'text', value: 'text' } as const satisfies Record<ColumnKind, CellType>
export const cellTypeOf = (kind: ColumnKind): CellType => cellTypes[kind]

/** `repeats`: few distinct texts, so that looking for another compression than a dictionary is left out. */
export interface TableColumn { readonly name: string, readonly type: CellType, readonly repeats?: true }
/** A table filled by blocks. With `merge` blocks gather in `stage`, a temporary table, and `merge` takes them over at commit. */
export interface BlockTable { readonly name: string, readonly columns: readonly TableColumn[], readonly stage: string | null, readonly merge: readonly string[] }
/** Rows that come as one JSON array; rare. */
export interface JsonTable { readonly name: string, readonly insert: string }

/**
 * All tables of a pipeline's lake. Everything here is plain data: it is sent to the thread that holds the database.
 *
 * Shape: `blocks[0]` readings, `blocks[1]` keys, then one per window in the layout's order; `json` events, dead letters, late
 */
export interface Tables {
  readonly create: readonly string[]
  readonly blocks: readonly BlockTable[]
  readonly json: { readonly events: JsonTable, readonly deadLetters: JsonTable, readonly late: JsonTable }
  readonly offsets: JsonTable
  /** Deletes what lies before a moment, its parameter, in milliseconds. */
  readonly expire: readonly { readonly sql: string, readonly ttlMs: number }[]
}

/**
 * Errors: LAKE_LAYOUT when two names become one
 */
export function lakeTables (layout: LakeLayout): Tables {
  const p = snakeCase(layout.pipeline)
  const fixed = ['readings', 'keys', 'alerts', 'alerts_by_day', 'dead_letters', 'late']
  const windows = distinctNames('window', layout.windows.map(({ name }) => name), fixed)
  const readings = readingsTable(`${p}_readings`, layout)
  const keys = keysTable(`${p}_keys`, layout)
  const rollups = layout.windows.map((window, index) => rollupTable(`${p}_${windows[index]}`, window))
  const offsets = offsetsTable('_millrace_offsets')
  return {
    create: [
      createTable(readings), `${createTable(keys).slice(0, -1)}, PRIMARY KEY (key))`, ...rollups.map(createTable),
      ...alertTables(p),
      `CREATE TABLE IF NOT EXISTS ${offsets.name} (pipeline VARCHAR, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, metadata VARCHAR, PRIMARY KEY (pipeline, topic, "partition"))`,
      ...[keys, ...rollups].map(stageTable),
    ],
    blocks: [readings, keys, ...rollups],
    json: { events: eventsTable(`${p}_alerts`), deadLetters: deadLettersTable(`${p}_dead_letters`), late: lateTable(`${p}_late`) },
    offsets,
    expire: [
      { table: readings.name, time: 'arrived_at', ttlMs: layout.rawTtlMs },
      ...rollups.map(({ name }) => ({ table: name, time: '"end"', ttlMs: layout.rollupsTtlMs })),
      { table: `${p}_alerts`, time: 'updated_at', ttlMs: layout.eventsTtlMs, also: " AND state = 'cleared'" },
      ...['dead_letters', 'late'].map(letters => ({ table: `${p}_${letters}`, time: 'arrived_at', ttlMs: layout.lettersTtlMs })),
    ].flatMap(({ ttlMs, ...of }) => ttlMs === null ? [] : [{ sql: expireSql(of), ttlMs }]),
  }
}

const expireSql = ({ table, time, also = '' }: { readonly table: string, readonly time: string, readonly also?: string }) => `DELETE FROM ${table} WHERE ${time} < CAST(make_timestamp(CAST(1000 * $1 AS BIGINT)) AS TIMESTAMP_MS)${also}`

const positionColumns: readonly TableColumn[] = [
  { name: 'key', type: 'text', repeats: true }, { name: 'at', type: 'moment' }, { name: 'arrived_at', type: 'stamp' }, { name: 'source', type: 'text', repeats: true }, { name: 'partition', type: 'integer' }, { name: 'offset', type: 'bigint' },
]

/** No primary key: rows and offsets commit together, so none is written twice, and an index would cost more than the rows. */
function readingsTable (name: string, { signals }: LakeLayout): BlockTable {
  const names = distinctNames('signal', signals.map(signal => signal.name), positionColumns.map(column => column.name))
  return { name, columns: [...positionColumns, ...signals.map(({ kind }, index) => ({ name: names[index]!, type: cellTypes[kind] }))], stage: null, merge: [] }
}

/** A label is the last value of a text signal; a commit in which it has none leaves it as it is. */
function keysTable (name: string, { signals }: LakeLayout): BlockTable {
  const columns: TableColumn[] = [{ name: 'key', type: 'text' }, { name: 'source', type: 'text' }, { name: 'first_arrival', type: 'stamp' }, { name: 'last_arrival', type: 'stamp' }]
  const labels = distinctNames('signal', signals.filter(({ kind }) => kind === 'text').map(signal => signal.name), columns.map(column => column.name)).map(label => quoted(label))
  const stage = `_stage_${name}`
  const newer = `excluded.last_arrival >= ${name}.last_arrival`
  const list = ['key', 'source', 'first_arrival', 'last_arrival', ...labels].join(', ')
  return {
    name, columns: [...columns, ...labels.map(label => ({ name: label.slice(1, -1), type: 'text' as const }))], stage,
    merge: [`INSERT INTO ${name} (${list}) SELECT key, any_value(source), min(first_arrival), max(last_arrival)${labels.map(label => `, arg_max(${label}, last_arrival)`).join('')} FROM ${stage} GROUP BY key
      ON CONFLICT (key) DO UPDATE SET first_arrival = least(first_arrival, excluded.first_arrival), last_arrival = greatest(last_arrival, excluded.last_arrival)${labels.map(label => `,
      ${label} = CASE WHEN ${newer} THEN coalesce(excluded.${label}, ${name}.${label}) ELSE coalesce(${name}.${label}, excluded.${label}) END`).join('')}`],
  }
}

const rollupColumns: readonly TableColumn[] = [
  { name: 'key', type: 'text' }, { name: 'start', type: 'stamp' }, { name: 'end', type: 'stamp' }, { name: 'source', type: 'text' }, { name: 'partition', type: 'integer' },
  { name: 'expected', type: 'double' }, { name: 'received', type: 'double' }, { name: 'revision', type: 'integer' }, { name: 'final', type: 'bool' },
]

/**
 * A row stands for its (key, start): of the rows of a commit the last one wins, and it replaces what was there. The range of starts
 * lets DuckDB leave out row groups of other times.
 */
function rollupTable (name: string, { columns: keep, parts }: LakeLayout['windows'][number]): BlockTable {
  const kept = [...keep.map(({ name: of, kind }) => ({ name: of, type: cellTypes[kind] })), ...parts.map(({ name: of, part }) => ({ name: of, type: part === 'sketch' || part === 'distinct' ? 'blob' as const : 'double' as const }))]
  const names = distinctNames('statistic', kept.map(column => column.name), [...rollupColumns.map(column => column.name), 'retraction', 'turn'])
  const columns: TableColumn[] = [...rollupColumns, ...kept.map(({ type }, index) => ({ name: names[index]!, type }))]
  const stage = `_stage_${name}`
  const list = columns.map(column => quoted(column.name)).join(', ')
  return {
    name, stage,
    columns: [...columns, { name: 'retraction', type: 'bool' }, { name: 'turn', type: 'integer' }],
    merge: [
      `DELETE FROM ${name} WHERE "start" BETWEEN (SELECT min("start") FROM ${stage}) AND (SELECT max("start") FROM ${stage}) AND (key, "start") IN (SELECT key, "start" FROM ${stage})`,
      `INSERT INTO ${name} (${list}) SELECT ${list} FROM (SELECT * FROM ${stage} QUALIFY row_number() OVER (PARTITION BY key, "start" ORDER BY turn DESC) = 1) WHERE NOT retraction ORDER BY "start", key`,
    ],
  }
}

const columnList = (columns: readonly TableColumn[]) => columns.map(({ name, type, repeats }) => `${quoted(name)} ${sqlTypes[type]}${repeats ? ' USING COMPRESSION dictionary' : ''}`).join(', ')
/** What a block table holds for good: `turn` and `retraction` only live in the stage. */
export const keptColumns = ({ columns, stage }: BlockTable): readonly TableColumn[] => stage === null ? columns : columns.filter(({ name }) => name !== 'turn' && name !== 'retraction')
export const sqlType = (type: CellType): string => sqlTypes[type]
const createTable = (table: BlockTable) => `CREATE TABLE IF NOT EXISTS ${table.name} (${columnList(keptColumns(table))})`
const stageTable = ({ stage, columns }: BlockTable) => `CREATE TEMP TABLE IF NOT EXISTS ${stage} (${columnList(columns)})`

function alertTables (p: string): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS ${p}_alerts (alert_id VARCHAR PRIMARY KEY, rule VARCHAR, rule_version VARCHAR, key VARCHAR, severity VARCHAR, state VARCHAR, seq INTEGER, ordinal BIGINT, reason VARCHAR, labels JSON, summary VARCHAR,
      raised_at TIMESTAMP_MS, raised_arrival TIMESTAMP_MS, cleared_at TIMESTAMP_MS, updated_at TIMESTAMP_MS, expires_at TIMESTAMP_MS, mode VARCHAR, "values" JSON, units JSON, "window" JSON, topic VARCHAR, "partition" INTEGER, "offset" BIGINT)`,
    `CREATE OR REPLACE VIEW ${p}_alerts_by_day AS SELECT CAST(raised_at AS DATE) AS day, * FROM ${p}_alerts ORDER BY day, raised_at, alert_id`,
    `CREATE TABLE IF NOT EXISTS ${p}_dead_letters (step VARCHAR, reason VARCHAR, message VARCHAR, arrived_at TIMESTAMP_MS, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, schema_id INTEGER, key BLOB, "value" BLOB, headers JSON)`,
    `CREATE TABLE IF NOT EXISTS ${p}_late ("window" VARCHAR, key VARCHAR, "at" TIMESTAMP_MS, arrived_at TIMESTAMP_MS, topic VARCHAR, "partition" INTEGER, "offset" BIGINT, "value" BLOB)`,
  ]
}

type JsonType = 'VARCHAR' | 'DOUBLE' | 'BIGINT' | 'INTEGER' | 'JSON'
interface JsonShape { readonly [field: string]: JsonType | JsonShape }

/** Rows of a JSON array as `r`, read once by the shape given: field by field it would be parsed once a field (measured: 44 us an event, so 22). */
const rowsOf = (shape: JsonShape, parameter = 1) => `(SELECT unnest(from_json($${parameter}, ${literal(JSON.stringify([shape]))})) AS r)`
const stamp = (field: string) => `CAST(make_timestamp(CAST(1000 * r.${quoted(field)} AS BIGINT)) AS TIMESTAMP_MS)`
const fields = (...names: string[]) => names.map(name => `r.${quoted(name)}`).join(', ')
const sourceShape: JsonShape = { topic: 'VARCHAR', partition: 'INTEGER', offset: 'BIGINT' }
const sourceFields = 'r.source.topic, r.source."partition", r.source."offset"'

/** Here the rows are the second parameter; the first is the pipeline. */
function offsetsTable (name: string): JsonTable {
  const insert = `INSERT INTO ${name} SELECT $1, ${fields('topic', 'partition', 'offset', 'metadata')} FROM ${rowsOf({ ...sourceShape, metadata: 'VARCHAR' }, 2)}
    ON CONFLICT DO UPDATE SET "offset" = excluded."offset", metadata = excluded.metadata`
  return { name, insert }
}

/** One row per episode; a later change (a higher `seq`) overwrites, a repeated one changes nothing. Times of the raise stay. */
function eventsTable (name: string): JsonTable {
  const changing = ['severity', 'state', 'seq', 'ordinal', 'reason', 'labels', 'summary', 'cleared_at', 'updated_at', 'expires_at', '"values"', 'units', '"window"', 'topic', '"partition"', '"offset"']
  const shape: JsonShape = {
    alertId: 'VARCHAR', rule: 'VARCHAR', ruleVersion: 'VARCHAR', key: 'VARCHAR', severity: 'VARCHAR', state: 'VARCHAR', seq: 'INTEGER', ordinal: 'BIGINT', reason: 'VARCHAR', labels: 'JSON', summary: 'VARCHAR',
    raisedAt: 'DOUBLE', arrivedAt: 'DOUBLE', at: 'DOUBLE', expiresAt: 'DOUBLE', mode: 'VARCHAR', values: 'JSON', units: 'JSON', window: 'JSON', source: sourceShape,
  }
  const insert = `INSERT INTO ${name} SELECT ${fields('alertId', 'rule', 'ruleVersion', 'key', 'severity', 'state', 'seq', 'ordinal', 'reason', 'labels', 'summary')},
      ${stamp('raisedAt')}, CASE WHEN r.state = 'raised' THEN ${stamp('arrivedAt')} END, CASE WHEN r.state = 'cleared' THEN ${stamp('at')} END, ${stamp('at')}, ${stamp('expiresAt')}, ${fields('mode', 'values', 'units', 'window')}, ${sourceFields}
    FROM ${rowsOf(shape)}
    ON CONFLICT (alert_id) DO UPDATE SET ${changing.map(column => `${column} = excluded.${column}`).join(', ')}, raised_arrival = coalesce(${name}.raised_arrival, excluded.raised_arrival)
    WHERE excluded.seq > ${name}.seq`
  return { name, insert }
}

function deadLettersTable (name: string): JsonTable {
  const shape: JsonShape = { step: 'VARCHAR', reason: 'VARCHAR', message: 'VARCHAR', arrival: 'DOUBLE', source: sourceShape, schemaId: 'INTEGER', key: 'VARCHAR', value: 'VARCHAR', headers: 'JSON' }
  return { name, insert: `INSERT INTO ${name} SELECT ${fields('step', 'reason', 'message')}, ${stamp('arrival')}, ${sourceFields}, r."schemaId", unhex(r.key), unhex(r."value"), r.headers FROM ${rowsOf(shape)}` }
}

function lateTable (name: string): JsonTable {
  const shape: JsonShape = { window: 'VARCHAR', key: 'VARCHAR', at: 'DOUBLE', arrival: 'DOUBLE', source: sourceShape, value: 'VARCHAR' }
  return { name, insert: `INSERT INTO ${name} SELECT ${fields('window', 'key')}, ${stamp('at')}, ${stamp('arrival')}, ${sourceFields}, unhex(r."value") FROM ${rowsOf(shape)}` }
}
