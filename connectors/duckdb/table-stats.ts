import type { LakeTableStats } from '../../pipelines/core/lake-ports.ts'
import { quoted } from './names.ts'
import type { Scans } from './scans.ts'

/** Tables with their columns and DuckDB's types of them. */
export type PresentTables = ReadonlyMap<string, ReadonlyMap<string, string>>

export async function presentTables (scans: Pick<Scans, 'rows'>): Promise<PresentTables> {
  const found = await scans.rows('SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal')
  const tables = new Map<string, Map<string, string>>()
  for (const [table, column, type] of found) {
    const columns = tables.get(String(table)) ?? new Map<string, string>()
    tables.set(String(table), columns.set(String(column), String(type)))
  }
  return tables
}

/** Tables by the column that says how old a row is. */
const times = ['at', 'start', 'raised_at', 'arrived_at', 'first_arrival'] as const

/** Rows are counted; bytes are those of the blocks that hold a table, whole blocks of 256 KiB. A lake of one file has no partitions. */
export async function tableStats (scans: Pick<Scans, 'rows'>, pipeline: string, present: PresentTables): Promise<LakeTableStats[]> {
  const blockBytes = Number((await scans.rows('SELECT block_size FROM pragma_database_size()'))[0]?.[0] ?? 0)
  const stats: LakeTableStats[] = []
  const views = new Set((await scans.rows('SELECT view_name FROM duckdb_views() WHERE NOT internal')).map(([name]) => String(name)))
  for (const table of [...present.keys()].filter(name => name.startsWith(`${pipeline}_`) && !views.has(name)).sort()) {
    const time = times.find(name => present.get(table)!.has(name))
    const of = (what: 'min' | 'max') => time === undefined ? 'NULL' : `CAST(epoch_ms(${what}(${quoted(time)})) AS DOUBLE)`
    const [row] = await scans.rows(`SELECT count(*), ${of('min')}, ${of('max')} FROM ${quoted(table)}`)
    const [blocks] = await scans.rows(`SELECT count(DISTINCT block_id) FROM pragma_storage_info('${table.replaceAll("'", "''")}') WHERE persistent`)
    const numberOf = (cell: unknown) => cell === null ? null : Number(cell)
    stats.push({ table, rows: Number(row![0]), bytes: Number(blocks![0]) * blockBytes, partitions: null, oldestMs: numberOf(row![1]), newestMs: numberOf(row![2]), largestPartitionBytes: null, isEstimate: false })
  }
  return stats
}
