import { existsSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { LakeRow } from '../../pipelines/core/lake-ports.ts'
import { lakeError } from './database.ts'
import { plainRow } from './rows.ts'

export interface LakeReader {
  query (sql: string): Promise<readonly LakeRow[]>
  /** Rows per table and view of the lake, internal ones left out. */
  counts (): Promise<Readonly<Record<string, number>>>
  close (): void
}

/**
 * Open a lake for reading while no pipeline writes it.
 *
 * Errors: LAKE_LOCKED with the pid of the process that holds it, LAKE_UNAVAILABLE
 */
export async function openLakeReader (file: string): Promise<LakeReader> {
  if (!existsSync(file)) throw new StreamError('LAKE_UNAVAILABLE', { file, why: 'there is no such file' })
  const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' }).catch((cause: unknown) => { throw lakeError(cause, { file }) })
  const connection = await instance.connect()
  const query = async (sql: string): Promise<readonly LakeRow[]> => {
    try {
      return (await connection.runAndReadAll(sql)).getRowObjects().map(plainRow)
    } catch (cause) {
      throw lakeError(cause, { file })
    }
  }
  return {
    query,
    counts: () => lakeCounts(query),
    close: () => {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** Rows per table, through any `query`: that of a reader or of the lake itself. */
export async function lakeCounts (query: (sql: string) => Promise<readonly LakeRow[]>): Promise<Readonly<Record<string, number>>> {
  const tables = await query("SELECT table_name AS name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name")
  const counts: [string, number][] = []
  for (const { name } of tables) {
    const [row] = await query(`SELECT count(*) AS n FROM "${String(name)}"`)
    counts.push([String(name), Number(row!.n)])
  }
  return Object.fromEntries(counts)
}
