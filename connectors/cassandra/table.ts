import { StreamError } from '../../pipelines/core/errors.ts'

/**
 * A table as plain data. `Name` are the columns whose names are always the same.
 *
 * Shape: `columns` in order, those of the key first; `column` has them by name
 */
export interface LakeTable<Name extends string = string> {
  readonly kind: string
  readonly name: string
  /** For people, and the mark by which Millrace knows its own: `Millrace, pipeline cold-chain: a reading`. */
  readonly comment: string
  readonly columns: readonly TableColumn[]
  readonly column: Readonly<Record<Name, TableColumn>>
  readonly partitionKey: readonly Name[]
  readonly clustering: readonly Name[]
  /** How long rows live; null: for ever. */
  readonly ttlMs: number | null
  /** Rows are compressed as they are. */
  readonly isPacked?: boolean
}
export interface TableColumn { readonly name: string, readonly type: CqlType, /** For people. */ readonly means: string }
/** As `system_schema` spells them. */
export type CqlType = ScalarType | `frozen<${string}>`
export type ScalarType = 'text' | 'double' | 'float' | 'boolean' | 'int' | 'bigint' | 'timestamp' | 'blob' | 'date' | 'time' | 'uuid' | 'decimal' | 'duration'

/** Begins the comment of every table that Millrace made; of a pipeline, or of all in a keyspace. */
export const tableMark = (pipeline: string | null): string => pipeline === null ? 'Millrace:' : `Millrace, pipeline ${pipeline}:`
/** Of keyspaces and tables. */
export const nameLettersMax = 48
const ttlMsMax = 20 * 365 * 86_400_000
const ttlWindows = 30
const unitsMs = { DAYS: 86_400_000, HOURS: 3_600_000, MINUTES: 60_000 } as const

/** Source: the reserved words of CQL as Cassandra 5.0 has them */
const reserved = new Set(`add allow alter and apply asc authorize batch begin by columnfamily create default delete desc describe drop entries execute from full grant if in index infinity insert into is keyspace limit
  materialized mbean mbeans modify nan norecursive not null of on or order primary rename replace revoke schema select set table to token truncate unlogged unset update use using view where with`.split(/\s+/))

/** An identifier as CQL wants it: as it is, or in quotes. */
export function identifier (name: string): string {
  return /^[a-z][a-z0-9_]*$/.test(name) && !reserved.has(name) ? name : `"${name.replaceAll('"', '""')}"`
}

export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
export const qualified = (keyspace: string, table: string): string => `${identifier(keyspace)}.${identifier(table)}`

/** Errors: LAKE_LAYOUT for a name that Cassandra does not take, and for rows that live longer than it can count */
export function checkTable ({ name, ttlMs }: LakeTable): void {
  if (!/^\w+$/.test(name) || name.length > nameLettersMax) throw new StreamError('LAKE_LAYOUT', { table: name, letters: name.length, max: nameLettersMax, why: 'Cassandra takes letters, digits and _ in the name of a table: shorten the name of the pipeline, the source or the window' })
  if (ttlMs !== null && ttlMs > ttlMsMax) throw new StreamError('LAKE_LAYOUT', { table: name, ttlMs, max: ttlMsMax, why: 'Cassandra keeps rows for 20 years or for ever' })
}

/** What makes the table, over several lines; changes nothing when it is there. */
export function createTable (keyspace: string, table: LakeTable): string {
  const columns = table.columns.map(({ name, type }) => `  ${identifier(name)} ${type},\n`).join('')
  return `CREATE TABLE IF NOT EXISTS ${qualified(keyspace, table.name)} (\n${columns}  PRIMARY KEY (${primaryKey(table)})\n) WITH ${tableOptions(table).join('\n  AND ')}`
}

export function addColumn (keyspace: string, { name }: LakeTable, column: TableColumn): string {
  return `ALTER TABLE ${qualified(keyspace, name)} ADD IF NOT EXISTS ${identifier(column.name)} ${column.type}`
}

/** `(key, bucket), "at", ...` */
export function primaryKey ({ partitionKey, clustering }: Pick<LakeTable, 'partitionKey' | 'clustering'>): string {
  return [`(${partitionKey.map(identifier).join(', ')})`, ...clustering.map(identifier)].join(', ')
}

/** Another time to live, for rows from now on. */
export function alterTtl (keyspace: string, { name, ttlMs }: LakeTable): string {
  return `ALTER TABLE ${qualified(keyspace, name)} WITH default_time_to_live = ${ttlSeconds(ttlMs)}\n  AND compaction = ${compaction(ttlMs)}`
}

function tableOptions ({ comment, ttlMs, isPacked = false }: LakeTable): string[] {
  return [...isPacked ? ["compression = {'enabled': false}"] : [], `comment = ${literal(comment)}`, `compaction = ${compaction(ttlMs)}`, ...ttlMs === null ? [] : [`default_time_to_live = ${ttlSeconds(ttlMs)}`]]
}

/** 0: for ever. */
export const ttlSeconds = (ttlMs: number | null): number => ttlMs === null ? 0 : Math.max(1, Math.ceil(ttlMs / 1_000))

/**
 * Rows with a time to live go into files by the time they were written as of, so that a file is dropped whole when its last row is over;
 * about `ttlWindows` such files of a table are there at any time. Rows without one are what unified compaction is made for.
 */
function compaction (ttlMs: number | null): string {
  if (ttlMs === null) return "{'class': 'UnifiedCompactionStrategy'}"
  const windowMs = ttlMs / ttlWindows
  const [unit, ms] = Object.entries(unitsMs).find(([, ms]) => windowMs >= ms) ?? ['MINUTES', unitsMs.MINUTES]
  return `{'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': '${unit}', 'compaction_window_size': '${Math.max(1, Math.round(windowMs / ms))}'}`
}
