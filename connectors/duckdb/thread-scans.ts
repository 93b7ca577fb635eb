import type { DuckDBConnection } from '@duckdb/node-api'
import type { LakeRow } from '../../pipelines/core/lake-ports.ts'
import type { RawChunk, RawType } from './raw-chunks.ts'
import { piecesOf, rowsOf, type ScanAsk, type ScanPiece, type Scans } from './scans.ts'

/** What a reader asks of the thread that writes: beside the messages that are worked off in order, and on connections of their own. */
export type ReadAsk =
  | { readonly what: 'scan', readonly scan: number, readonly ask: ScanAsk }
  /** The next piece; null: there is none. */
  | { readonly what: 'take', readonly scan: number }
  | { readonly what: 'drop', readonly scan: number }
  | { readonly what: 'rows', readonly sql: string }

export const isReadAsk = (ask: { readonly what: string }): ask is ReadAsk => ['scan', 'take', 'drop', 'rows'].includes(ask.what)

let scans = 0

/** Reads what another thread of this process writes: committed rows, while it goes on writing. */
export class ThreadScans implements Scans {
  readonly #ask: (ask: ReadAsk) => Promise<unknown>
  constructor (ask: (ask: ReadAsk) => Promise<unknown>) { this.#ask = ask }

  raw (sql: string, values: readonly string[], types: readonly RawType[], signal: AbortSignal | undefined): AsyncGenerator<RawChunk> { return this.#pieces({ sql, values, types }, signal) as AsyncGenerator<RawChunk> }
  objects (sql: string, values: readonly string[], signal: AbortSignal | undefined): AsyncGenerator<readonly LakeRow[]> { return this.#pieces({ sql, values, types: null }, signal) as AsyncGenerator<readonly LakeRow[]> }
  async rows (sql: string): Promise<readonly (readonly unknown[])[]> { return await this.#ask({ what: 'rows', sql }) as readonly (readonly unknown[])[] }
  async close (): Promise<void> {}

  async * #pieces (ask: ScanAsk, signal: AbortSignal | undefined): AsyncGenerator<ScanPiece> {
    signal?.throwIfAborted()
    const scan = scans += 1
    const drop = () => { this.#ask({ what: 'drop', scan }).catch(() => {}) }
    signal?.addEventListener('abort', drop, { once: true })
    try {
      await this.#ask({ what: 'scan', scan, ask })
      for (;;) {
        const piece = await this.#ask({ what: 'take', scan }) as ScanPiece | null
        signal?.throwIfAborted()
        if (piece === null) return
        yield piece
      }
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      signal?.removeEventListener('abort', drop)
      drop()
    }
  }
}

/**
 * The other side: scans that are under way in the thread that holds the database.
 *
 * State:  a connection for each scan, until it is dropped
 * Limits: `scansMax` at a time
 */
export class OpenScans {
  readonly #connect: () => Promise<DuckDBConnection>
  readonly #open = new Map<number, { readonly connection: DuckDBConnection, readonly pieces: AsyncGenerator<ScanPiece>, busy: Promise<unknown>, isDropped: boolean }>()

  constructor (connect: () => Promise<DuckDBConnection>) { this.#connect = connect }

  async answer (ask: ReadAsk): Promise<unknown> {
    switch (ask.what) {
      case 'scan': return await this.#begin(ask.scan, ask.ask)
      case 'take': return await this.#take(ask.scan)
      case 'drop': return await this.#drop(ask.scan)
      case 'rows': return await this.#rows(ask.sql)
    }
  }

  /** Before the database is closed. */
  async close (): Promise<void> { for (const scan of [...this.#open.keys()]) await this.#drop(scan) }

  async #begin (scan: number, ask: ScanAsk): Promise<void> {
    if (this.#open.size >= scansMax) throw new Error(`more than ${scansMax} scans at a time`)
    const connection = await this.#connect()
    this.#open.set(scan, { connection, pieces: piecesOf(connection, ask), busy: Promise.resolve(), isDropped: false })
  }

  async #take (scan: number): Promise<ScanPiece | null> {
    const one = this.#open.get(scan)
    if (one === undefined) return null
    const next = one.pieces.next()
    one.busy = next.catch(() => {})
    const { value, done } = await next
    return done === true ? null : value
  }

  async #drop (scan: number): Promise<void> {
    const one = this.#open.get(scan)
    if (one === undefined || one.isDropped) return
    one.isDropped = true
    one.connection.interrupt()
    await one.busy
    await one.pieces.return(undefined).catch(() => {})
    one.connection.closeSync()
    this.#open.delete(scan)
  }

  async #rows (sql: string): Promise<unknown> {
    const connection = await this.#connect()
    try {
      return await rowsOf(connection, sql)
    } finally {
      connection.closeSync()
    }
  }
}

const scansMax = 64
