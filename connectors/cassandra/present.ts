import type { types } from 'cassandra-driver'
import type { Bucket } from '../../pipelines/core/lake-ports.ts'
import type { Era } from './buckets.ts'
import type { CassandraSession } from './session.ts'
import { qualified } from './table.ts'
import type { LakeTables } from './tables.ts'

/** What a keyspace holds, as far as a plan asks. Names of tables and columns are as Cassandra has them. */
export interface Present {
  readonly keyspace: boolean
  readonly tables: ReadonlyMap<string, PresentTable>
  /** Number of the last migration applied; 0: none. */
  readonly lastMigration: number
  /** Tables that a migration of this pipeline made. */
  readonly made: ReadonlySet<string>
  /** Widths of partitions by table, in order of time. */
  readonly eras: ReadonlyMap<string, readonly Era[]>
  /** By the server's clock, milliseconds since the epoch. */
  readonly nowMs: number
}
export interface PresentTable { readonly comment: string, readonly ttlSeconds: number, readonly columns: ReadonlyMap<string, PresentColumn>, /** Type of each that was dropped. */ readonly dropped: ReadonlyMap<string, string> }
export interface PresentColumn { readonly type: string, readonly kind: 'partition_key' | 'clustering' | 'regular' | 'static', /** Within its kind. */ readonly position: number }

const dayMs = 86_400_000

/** Read what is there. Errors: as `lakeError` says */
export async function readPresent (session: CassandraSession, { keyspace, pipeline, migrations, widths }: LakeTables): Promise<Present> {
  const rows = async (cql: string, parameters: readonly unknown[] = []) => (await session.execute(cql, parameters)).rows
  const ofKeyspace = (table: string, columns: string) => rows(`SELECT ${columns} FROM system_schema.${table} WHERE keyspace_name = ?`, [keyspace])
  // Migrations come first: one that is recorded afterwards has a higher number, and one that is not was carried out before the tables are read.
  const isRecorded = (await ofKeyspace('tables', 'table_name')).some(row => row.table_name === migrations.name)
  const applied = isRecorded ? await rows(`SELECT id, table_name FROM ${qualified(keyspace, migrations.name)} WHERE pipeline = ?`, [pipeline]) : []
  const [now, keyspaces, tables, columns, dropped] = await Promise.all([
    rows('SELECT toTimestamp(now()) AS now FROM system.local'),
    ofKeyspace('keyspaces', 'keyspace_name'), ofKeyspace('tables', 'table_name, comment, default_time_to_live'), ofKeyspace('columns', 'table_name, column_name, type, kind, position'), ofKeyspace('dropped_columns', 'table_name, column_name, type'),
  ])
  const present = new Map(tables.map((row): [string, PresentTable] => {
    const name = row.table_name as string
    return [name, { comment: row.comment as string, ttlSeconds: row.default_time_to_live as number, columns: columnsOf(columns, name), dropped: new Map(dropped.filter(one => one.table_name === name).map(one => [one.column_name as string, one.type as string])) }]
  }))
  return {
    keyspace: keyspaces.length > 0,
    tables: present,
    lastMigration: Math.max(0, ...applied.map(row => row.id as number)),
    made: new Set(applied.map(row => row.table_name as string)),
    eras: present.has(widths.name) ? await readEras(session, keyspace, widths.name) : new Map(),
    nowMs: (now[0]!.now as Date).getTime(),
  }
}

/**
 * Widths of the partitions of every table of a pipeline. A new width begins two hours or more after it was written: who reads them again at least every hour
 * knows it in time.
 *
 * Errors: as `lakeError` says
 */
export async function readEras (session: CassandraSession, keyspace: string, table: string): Promise<ReadonlyMap<string, readonly Era[]>> {
  const { rows } = await session.execute(`SELECT table_name, from_day, width FROM ${qualified(keyspace, table)}`)
  const eras = new Map<string, Era[]>()
  for (const row of rows) {
    const from = Date.parse(`${(row.from_day as types.LocalDate).toString()}T00:00:00Z`)
    const name = row.table_name as string
    eras.set(name, [...eras.get(name) ?? [], { from, width: row.width as Bucket }])
  }
  for (const list of eras.values()) {
    list.sort((a, b) => a.from - b.from)
    // The first holds for all of the past.
    list[0] = { ...list[0]!, from: Number.NEGATIVE_INFINITY }
  }
  return eras
}

/** `2026-11-23` */
export const dayText = (ms: number): string => new Date(ms).toISOString().slice(0, 'YYYY-MM-DD'.length)
/** The first midnight after the next. */
export const nextDay = (ms: number): number => (Math.floor(ms / dayMs) + 1) * dayMs

function columnsOf (rows: readonly types.Row[], table: string): ReadonlyMap<string, PresentColumn> {
  return new Map(rows.filter(row => row.table_name === table).map(row => [row.column_name as string, { type: row.type as string, kind: row.kind as PresentColumn['kind'], position: row.position as number }]))
}
