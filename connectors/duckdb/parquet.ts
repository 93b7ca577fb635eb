import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BIGINT, BOOLEAN, DOUBLE, type DuckDBAppender, type DuckDBConnection, DuckDBDataChunk, DuckDBInstance, DuckDBTimestampTZValue, type DuckDBType, type DuckDBValue, TIMESTAMPTZ, VARCHAR } from '@duckdb/node-api'
import { StreamError } from '../../pipelines/core/errors.ts'
import { literal, quoted } from './names.ts'

/** `time`: milliseconds since the epoch in, a timestamp of UTC in microseconds in the file. */
export interface ParquetColumn { readonly name: string, readonly type: 'time' | 'double' | 'bigint' | 'bool' | 'text' }
export type ParquetCell = null | boolean | number | string
export interface ParquetPiece { readonly count: number, readonly cell: (column: number, row: number) => ParquetCell }

const types = { time: TIMESTAMPTZ, double: DOUBLE, bigint: BIGINT, bool: BOOLEAN, text: VARCHAR } as const satisfies Record<ParquetColumn['type'], DuckDBType>
/** Rows of a data chunk. */
const chunkRows = 2048

/**
 * Writes one Parquet file, through a database in memory.
 *
 * Shape:  add..., then finish; `close` in any case
 * State:  rows wait in the database, beyond `memoryMax` in a temporary folder that `close` deletes
 * Errors: LAKE_EXPORT
 */
export class ParquetWriter {
  readonly #columns: readonly ParquetColumn[]
  readonly #folder: string
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  #appender: DuckDBAppender | null

  static async open (columns: readonly ParquetColumn[], { memoryMax = '512MB' }: { readonly memoryMax?: string } = {}): Promise<ParquetWriter> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-parquet-'))
    const instance = await DuckDBInstance.create(':memory:', { memory_limit: memoryMax, temp_directory: folder, threads: '2' })
    const connection = await instance.connect()
    await connection.run(`CREATE TABLE rows (${columns.map(({ name, type }) => `${quoted(name)} ${types[type]}`).join(', ')})`)
    return new ParquetWriter(columns, { folder, instance, connection, appender: await connection.createAppender('rows') })
  }

  private constructor (columns: readonly ParquetColumn[], { folder, instance, connection, appender }: { readonly folder: string, readonly instance: DuckDBInstance, readonly connection: DuckDBConnection, readonly appender: DuckDBAppender }) {
    this.#columns = columns
    this.#folder = folder
    this.#instance = instance
    this.#connection = connection
    this.#appender = appender
  }

  add ({ count, cell }: ParquetPiece): void {
    for (let from = 0; from < count; from += chunkRows) {
      const rows = Math.min(chunkRows, count - from)
      const chunk = DuckDBDataChunk.create(this.#columns.map(({ type }) => types[type]), rows)
      this.#columns.forEach(({ type }, column) => { chunk.setColumnValues(column, Array.from({ length: rows }, (_, row) => duckValue(type, cell(column, from + row)))) })
      this.#appender!.appendDataChunk(chunk)
    }
  }

  /** The file is whole when this settles. */
  async finish (file: string): Promise<void> {
    this.#appender!.closeSync()
    this.#appender = null
    try {
      await this.#connection.run(`COPY rows TO ${literal(file)} (FORMAT PARQUET, COMPRESSION ZSTD)`)
    } catch (cause) {
      throw new StreamError('LAKE_EXPORT', { file, why: (cause as Error).message.slice(0, 400) }, { cause })
    }
  }

  close (): void {
    this.#appender?.closeSync()
    this.#appender = null
    this.#connection.closeSync()
    this.#instance.closeSync()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function duckValue (type: ParquetColumn['type'], cell: ParquetCell): DuckDBValue {
  if (cell === null) return null
  if (type === 'time') return new DuckDBTimestampTZValue(BigInt(Math.round(Number(cell) * 1_000)))
  if (type === 'bigint') return Number.isFinite(cell) ? BigInt(Math.round(Number(cell))) : null
  return cell
}
