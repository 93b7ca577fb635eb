import type { types } from 'cassandra-driver'
import type { ColumnSpec } from '../../pipelines/core/batch.ts'
import { ChunkMerge } from '../../pipelines/core/chunk/merge.ts'
import type { LakeReadingRows } from '../../pipelines/core/lake-ports.ts'
import { bucketsOf, type Era } from './buckets.ts'
import type { CassandraSession } from './session.ts'
import { identifier, qualified } from './table.ts'
import type { ChunksTable } from './tables.ts'

/** Chunks that are asked for at once: some hundred thousand readings, a megabyte or two. */
const pageChunks = 256

export interface ChunkScan {
  readonly keyspace: string
  readonly table: ChunksTable
  /** Of the table, in order of time. */
  readonly eras: readonly Era[]
  readonly key: string
  /** Signals. */
  readonly columns: readonly ColumnSpec[]
  /** Event time, half-open and finite. */
  readonly from: number
  readonly to: number
  readonly signal?: AbortSignal
}

/**
 * Readings of one device out of its chunks, as its rows would be.
 *
 * Shape:  by (at, partition, offset), each once; nothing of chunks that are still open
 * Limits: in memory a page of chunks, and those that overlap in event time
 * Errors: LAKE_CHUNK, and as `lakeError` says; the signal's reason when it aborts
 */
export async function * scanChunks (session: CassandraSession, { keyspace, table, eras, key, columns, from, to, signal }: ChunkScan): AsyncGenerator<LakeReadingRows> {
  const merge = new ChunkMerge({ key, columns, from, to })
  const name = (column: keyof typeof table.column) => identifier(table.column[column].name)
  const query = `SELECT ${name('source')} AS source, ${name('block')} AS block, WRITETIME(${name('block')}) AS written FROM ${qualified(keyspace, table.name)} WHERE ${name('key')} = ? AND ${name('bucket')} = ? AND ${name('first_at')} < ?`
  for (const bucket of bucketsOf(eras, { from, to })) {
    let pageState: string | undefined
    do {
      signal?.throwIfAborted()
      const page = await session.execute(query, [key, bucket.text, new Date(Math.ceil(bucket.to))], { prepare: true, fetchSize: pageChunks, ...pageState !== undefined && { pageState } })
      for (const row of page.rows) yield * merge.add({ source: row.source as string, block: row.block as Buffer, writtenAs: (row.written as types.Long).toNumber() })
      pageState = page.pageState
    } while (pageState)
  }
  yield * merge.end()
}
