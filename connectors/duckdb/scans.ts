import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { LakeRow } from '../../pipelines/core/lake-ports.ts'
import { lakeError } from './database.ts'
import { type RawChunk, rawChunks, type RawType } from './raw-chunks.ts'
import { plainRow } from './rows.ts'

/** A query whose result is taken bit by bit. `types` null: rows as objects. Plain data: it may be sent to another thread. */
export interface ScanAsk { readonly sql: string, readonly values: readonly string[], readonly types: readonly RawType[] | null }
export type ScanPiece = RawChunk | readonly LakeRow[]

/** How a reader reaches a database: its own, or the one that the writing thread holds. */
export interface Scans {
  raw (sql: string, values: readonly string[], types: readonly RawType[], signal: AbortSignal | undefined): AsyncGenerator<RawChunk>
  objects (sql: string, values: readonly string[], signal: AbortSignal | undefined): AsyncGenerator<readonly LakeRow[]>
  /** A short result, whole. */
  rows (sql: string): Promise<readonly (readonly unknown[])[]>
  close (): Promise<void>
}

/** Errors: those of `lakeError` */
export class InstanceScans implements Scans {
  readonly #instance: DuckDBInstance
  readonly #file: string

  constructor (instance: DuckDBInstance, file: string) {
    this.#instance = instance
    this.#file = file
  }

  raw (sql: string, values: readonly string[], types: readonly RawType[], signal: AbortSignal | undefined): AsyncGenerator<RawChunk> {
    return this.#connected(signal, connection => piecesOf(connection, { sql, values, types }) as AsyncGenerator<RawChunk>)
  }

  objects (sql: string, values: readonly string[], signal: AbortSignal | undefined): AsyncGenerator<readonly LakeRow[]> {
    return this.#connected(signal, connection => piecesOf(connection, { sql, values, types: null }) as AsyncGenerator<readonly LakeRow[]>)
  }

  async rows (sql: string): Promise<readonly (readonly unknown[])[]> {
    const connection = await this.#instance.connect()
    try {
      return await rowsOf(connection, sql)
    } catch (cause) {
      throw lakeError(cause, { file: this.#file })
    } finally {
      connection.closeSync()
    }
  }

  async close (): Promise<void> { this.#instance.closeSync() }

  /** On a connection of its own: a result that is taken bit by bit keeps it busy. */
  async * #connected<Piece> (signal: AbortSignal | undefined, run: (connection: DuckDBConnection) => AsyncGenerator<Piece>): AsyncGenerator<Piece> {
    signal?.throwIfAborted()
    const connection = await this.#instance.connect()
    const interrupt = () => { connection.interrupt() }
    signal?.addEventListener('abort', interrupt, { once: true })
    try {
      yield * run(connection)
    } catch (cause) {
      signal?.throwIfAborted()
      throw lakeError(cause, { file: this.#file })
    } finally {
      signal?.removeEventListener('abort', interrupt)
      connection.closeSync()
    }
  }
}

export async function * piecesOf (connection: DuckDBConnection, { sql, values, types }: ScanAsk): AsyncGenerator<ScanPiece> {
  if (types !== null) { yield * rawChunks(connection, sql, values, types); return }
  const result = await connection.stream(sql, [...values])
  for await (const rows of result.yieldRowObjects()) if (rows.length > 0) yield rows.map(plainRow)
}

export async function rowsOf (connection: DuckDBConnection, sql: string): Promise<readonly (readonly unknown[])[]> { return (await connection.runAndReadAll(sql)).getRows() }
