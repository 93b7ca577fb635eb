import { type DuckDBAppender, type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { LakeRow } from '../../pipelines/core/lake-ports.ts'
import type { Block } from './block.ts'
import { ChunkFiller, LongTextStore, plainShape } from './chunk.ts'
import { plainRow } from './rows.ts'
import { type BlockTable, keptColumns, sqlType, type Tables } from './tables.ts'

export interface DatabaseOptions {
  readonly file: string
  readonly pipeline: string
  readonly tables: Tables
  readonly memoryMax: string
  readonly threads: number
}
export interface Position { readonly topic: string, readonly partition: number, readonly offset: number, readonly metadata: string }

/**
 * One DuckDB file and the transaction that is open on it. It knows tables and blocks, not pipelines, and runs on a thread of its own.
 *
 * State:  an open transaction with appenders, from the first row to commit or rollback
 * Errors: LAKE_LOCKED, LAKE_DAMAGED, LAKE_UNAVAILABLE, LAKE_LAYOUT
 */
export class LakeDatabase {
  readonly #options: DatabaseOptions
  readonly #instance: DuckDBInstance
  readonly #write: DuckDBConnection
  readonly #read: DuckDBConnection
  readonly #long = new LongTextStore()
  readonly #fillers = new Map<number, ChunkFiller>()
  /** Names of a table's columns as they lie: one that was added later is the last, one that no definition has any more stays. */
  readonly #columns = new Map<string, readonly string[]>()
  #appenders = new Map<number, DuckDBAppender>()
  #open = false

  static async open (options: DatabaseOptions): Promise<LakeDatabase> {
    const { file, memoryMax, threads } = options
    let instance: DuckDBInstance
    try {
      // The write-ahead log is folded in at 256 MB: the default of 16 MB would do it several times a second at full speed.
      instance = await DuckDBInstance.create(file, { memory_limit: memoryMax, threads: String(threads), checkpoint_threshold: '256MB' })
    } catch (cause) {
      throw lakeError(cause, { file })
    }
    const database = new LakeDatabase(options, instance, await instance.connect(), await instance.connect())
    try {
      await database.#layOut()
      return database
    } catch (cause) {
      await database.close()
      throw lakeError(cause, { file })
    }
  }

  private constructor (options: DatabaseOptions, instance: DuckDBInstance, write: DuckDBConnection, read: DuckDBConnection) {
    this.#options = options
    this.#instance = instance
    this.#write = write
    this.#read = read
  }

  async append (table: number, block: Block): Promise<void> {
    await this.#begin()
    let appender = this.#appenders.get(table)
    if (appender === undefined) {
      const { name, stage } = this.#options.tables.blocks[table]!
      this.#appenders.set(table, appender = await this.#write.createAppender(stage ?? name))
    }
    this.#filler(table, appender).append(appender, block)
  }

  async insert (sql: string, json: string): Promise<void> {
    await this.#begin()
    await this.#write.run(sql, [json])
  }

  async commit (positions: readonly Position[]): Promise<void> {
    await this.#begin()
    const { tables: { blocks, offsets }, pipeline } = this.#options
    const filled = [...this.#appenders.keys()]
    this.#closeAppenders()
    for (const { stage, merge } of filled.map(table => blocks[table]!)) {
      for (const sql of merge) await this.#write.run(sql)
      if (stage !== null) await this.#write.run(`DELETE FROM ${stage}`)
    }
    await this.#write.run(offsets.insert, [pipeline, JSON.stringify(positions)])
    await this.#write.run('COMMIT')
    this.#open = false
  }

  async rollback (): Promise<void> {
    for (const appender of this.#appenders.values()) appender.clear()
    this.#closeAppenders()
    if (!this.#open) return
    this.#open = false
    await this.#write.run('ROLLBACK')
  }

  /** For a reader: what it sees is committed. */
  connect (): Promise<DuckDBConnection> { return this.#instance.connect() }

  async committed (topic: string, partition: number): Promise<{ readonly offset: number, readonly metadata: string } | null> {
    const { tables: { offsets }, pipeline } = this.#options
    const reader = await this.#read.runAndReadAll(`SELECT "offset", metadata FROM ${offsets.name} WHERE pipeline = $1 AND topic = $2 AND "partition" = $3`, [pipeline, topic, partition])
    const [row] = reader.getRows()
    return row === undefined ? null : { offset: Number(row[0]), metadata: String(row[1]) }
  }

  async query (sql: string): Promise<LakeRow[]> {
    const reader = await this.#read.runAndReadAll(sql)
    return reader.getRowObjects().map(plainRow)
  }

  /** Delete what its class keeps no longer; not inside an open transaction. */
  async expire (nowMs: number): Promise<number> {
    let gone = 0
    for (const { sql, ttlMs } of this.#options.tables.expire) gone += (await this.#read.run(sql, [nowMs - ttlMs])).rowsChanged
    return gone
  }

  async close (): Promise<void> {
    if (this.#open) await this.rollback()
    this.#write.closeSync()
    this.#read.closeSync()
    this.#instance.closeSync()
  }

  async #begin (): Promise<void> {
    if (this.#open) return
    await this.#write.run('BEGIN')
    this.#open = true
  }

  #filler (table: number, appender: DuckDBAppender): ChunkFiller {
    const known = this.#fillers.get(table)
    if (known !== undefined) return known
    const { name, stage, columns } = this.#options.tables.blocks[table]!
    const there = this.#columns.get(name)!
    const shape = stage === null ? { types: there.map((_, place) => appender.columnType(place)), places: columns.map(column => there.indexOf(column.name)) } : plainShape(columns)
    const filler = new ChunkFiller(shape, this.#long)
    this.#fillers.set(table, filler)
    return filler
  }

  #closeAppenders (): void {
    const appenders = this.#appenders
    this.#appenders = new Map()
    for (const appender of appenders.values()) appender.closeSync()
  }

  async #layOut (): Promise<void> {
    const { tables } = this.#options
    for (const sql of tables.create) await this.#write.run(sql)
    for (const table of tables.blocks) await this.#addColumns(table)
  }

  /** A signal or statistic that is new gets a column; one whose kind has changed is refused. */
  async #addColumns (table: BlockTable): Promise<void> {
    const reader = await this.#read.runAndReadAll('SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position', [table.name])
    const existing = new Map(reader.getRows().map(([name, type]) => [String(name), String(type)]))
    const names = [...existing.keys()]
    for (const { name, type } of keptColumns(table)) {
      const is = existing.get(name)
      if (is === undefined) {
        await this.#write.run(`ALTER TABLE ${table.name} ADD COLUMN "${name}" ${sqlType(type)}`)
        names.push(name)
      } else if (is === sqlType('stamp') && type === 'moment') await this.#write.run(`ALTER TABLE ${table.name} ALTER COLUMN "${name}" TYPE ${sqlType(type)}`)
      else if (is !== sqlType(type)) throw new StreamError('LAKE_LAYOUT', { table: table.name, column: name, is, wanted: sqlType(type) })
    }
    this.#columns.set(table.name, names)
  }
}

/** What the database reports, wrapped once. Another process's lock is told by DuckDB's text, which names its pid. */
export function lakeError (cause: unknown, details: Readonly<Record<string, unknown>>): StreamError {
  if (cause instanceof StreamError) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  if (/lock on file/i.test(text)) return new StreamError('LAKE_LOCKED', { ...details, pid: Number(/PID (\d+)/.exec(text)?.[1] ?? Number.NaN) }, { cause })
  const damaged = /not a valid DuckDB|Corrupt database|Could not read enough bytes|Serialization Error|different version/i.test(text)
  return new StreamError(damaged ? 'LAKE_DAMAGED' : 'LAKE_UNAVAILABLE', { ...details, why: text.slice(0, 400) }, { cause })
}
