import { mkdirSync, realpathSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { StreamError } from '../../pipelines/core/errors.ts'
import { KeySightings } from '../../pipelines/core/key-sightings.ts'
import type { LakeLayout, LakePort, LakeReaderPort, LakeReadings, LakeRollups, LakeRow } from '../../pipelines/core/lake-ports.ts'
import type { Committed } from '../../pipelines/core/ports.ts'
import type { ControlEvent } from '../../schemas/control-event.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import type { LateReading } from '../../schemas/late-reading.ts'
import { type Block, BufferPool } from './block.ts'
import { keysBlock, readingsBlock, rollupsBlock } from './blocks.ts'
import type { DatabaseOptions, Position } from './database.ts'
import { isOpenHere, markClosed, markOpen, removeUnfinished } from './file.ts'
import type { Ask, FromDatabase, ToDatabase } from './messages.ts'
import { readerOver } from './lake-reader.ts'
import { lakeTables, type JsonTable, type Tables } from './tables.ts'
import { ThreadScans } from './thread-scans.ts'

export interface LakeOptions {
  readonly file: string
  readonly layout: LakeLayout
  /** What DuckDB may use. */
  readonly memoryMax?: string
  readonly threads?: number
  readonly pendingRowsMax?: number
}

/** Answers SQL too. */
export interface EmbeddedLake extends LakePort { query (sql: string): Promise<readonly LakeRow[]> }

const keysTable = 1
const firstRollup = 2

/**
 * Open or make the embedded lake: one DuckDB file, written by a thread of its own.
 *
 * Delivery: rows and positions of a commit are one transaction; kill -9 at any moment leaves whole commits
 * Limits:   one process at a time; DuckDB's memory `memoryMax`; rows not yet committed wait in memory and on DuckDB's side
 * Errors:   LAKE_LOCKED, LAKE_LAYOUT, LAKE_DAMAGED, LAKE_UNAVAILABLE
 */
export async function openLake ({ file, layout, memoryMax = '1GB', threads = threadsDefault(), pendingRowsMax = 1 << 19 }: LakeOptions): Promise<EmbeddedLake> {
  mkdirSync(dirname(file), { recursive: true })
  const path = join(realpathSync(dirname(file)), basename(file))
  if (isOpenHere(path)) throw new StreamError('LAKE_LOCKED', { file, pid: process.pid })
  const tables = lakeTables(layout)
  markOpen(path)
  try {
    removeUnfinished(path)
    const thread = await DatabaseThread.start({ file: path, pipeline: layout.pipeline, tables, memoryMax, threads }, () => { markClosed(path) })
    return new DuckLake(thread, tables, layout, pendingRowsMax)
  } catch (error) {
    markClosed(path)
    throw error
  }
}

/** DuckDB's own threads wait for one another by turning round: not on a machine whose cores the pipeline needs. */
function threadsDefault (): number { return Math.max(1, Math.min(4, availableParallelism() - 2)) }

class DuckLake implements EmbeddedLake {
  readonly name = 'duckdb'
  readonly pendingRowsMax: number
  readonly #thread: DatabaseThread
  readonly #tables: Tables
  readonly #layout: LakeLayout
  readonly #sightings = new KeySightings()
  #pendingRows = 0
  #turn = 0
  /** Positions as last sent, to leave out those that have not moved. */
  readonly #sent = new Map<string, string>()

  constructor (thread: DatabaseThread, tables: Tables, layout: LakeLayout, pendingRowsMax: number) {
    this.#thread = thread
    this.#tables = tables
    this.#layout = layout
    this.pendingRowsMax = pendingRowsMax
  }

  get pendingRows (): number { return this.#pendingRows }

  addReadings (rows: LakeReadings): void {
    if (rows.batch.count === 0) return
    this.#sightings.see(rows)
    this.#add(0, readingsBlock(rows, this.#tables.blocks[0]!, this.#thread.pool))
  }

  addRollups (rows: LakeRollups): void {
    const table = this.#layout.windows.findIndex(({ name }) => name === rows.window)
    if (table < 0 || rows.rows.count === 0) return
    this.#add(firstRollup + table, rollupsBlock(rows, this.#tables.blocks[firstRollup + table]!, { turn: this.#turn, pool: this.#thread.pool }))
    this.#turn += rows.rows.count
  }

  addEvents (events: readonly ControlEvent[]): void {
    // Of several changes of one episode in one statement only the last may be there.
    const last = new Map<string, ControlEvent>()
    const raised = new Map<string, ControlEvent>()
    for (const event of events) {
      if (event.state === 'raised') raised.set(event.alertId, event)
      if ((last.get(event.alertId)?.seq ?? -1) < event.seq) last.set(event.alertId, event)
    }
    const { events: table } = this.#tables.json
    this.#insert(table, [...raised.values()])
    this.#insert(table, [...last.values()].filter(event => event !== raised.get(event.alertId)))
  }

  addDeadLetters (letters: readonly DeadLetter[]): void {
    this.#insert(this.#tables.json.deadLetters, letters.map(letter => ({ ...letter, key: hex(letter.key), value: hex(letter.value), headers: letter.headers.map(([name, value]) => [name, hex(value)]) })))
  }

  addLate (late: readonly LateReading[]): void {
    this.#insert(this.#tables.json.late, late.map(reading => ({ ...reading, value: hex(reading.value) })))
  }

  async commit (positions: readonly Position[]): Promise<void> {
    const moved = positions.filter(({ topic, partition, offset, metadata }) => this.#sent.get(`${partition}/${topic}`) !== `${offset} ${metadata}`)
    if (moved.length === 0 && this.#pendingRows === 0) return
    for (const block of this.#sightings.take(seen => keysBlock(seen, this.#tables.blocks[keysTable]!, this.#thread.pool))) this.#thread.block(keysTable, block)
    this.#pendingRows = 0
    this.#turn = 0
    for (const { topic, partition, offset, metadata } of moved) this.#sent.set(`${partition}/${topic}`, `${offset} ${metadata}`)
    await this.#thread.commit(moved)
  }

  discard (): void {
    this.#pendingRows = 0
    this.#turn = 0
    this.#sent.clear()
    this.#sightings.clear()
    this.#thread.discard()
  }

  async committed (topic: string, partition: number): Promise<Committed | null> { return await this.#thread.ask({ what: 'committed', topic, partition }) as Committed | null }

  async expire (nowMs: number): Promise<number> {
    return this.#tables.expire.length === 0 ? 0 : await this.#thread.ask({ what: 'expire', nowMs }) as number
  }

  openReader (): Promise<LakeReaderPort> { return readerOver(new ThreadScans(ask => this.#thread.ask(ask)), this.#layout) }
  async query (sql: string): Promise<readonly LakeRow[]> { return await this.#thread.ask({ what: 'query', sql }) as LakeRow[] }
  async close (): Promise<void> { await this.#thread.close() }

  #add (table: number, block: Block): void {
    this.#pendingRows += block.rows
    this.#thread.block(table, block)
  }

  #insert ({ insert }: JsonTable, rows: readonly object[]): void {
    if (rows.length === 0) return
    this.#pendingRows += rows.length
    this.#thread.json(insert, JSON.stringify(rows))
  }
}

const hex = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('hex')

interface Waiting { readonly resolve: (result: unknown) => void, readonly reject: (error: unknown) => void }

/** This side of the thread. When the thread ends, what waits for it fails. */
class DatabaseThread {
  readonly pool = new BufferPool()
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #ids = 0
  #epoch = 0
  #ended: StreamError | null = null

  static async start (options: DatabaseOptions, onEnd: () => void): Promise<DatabaseThread> {
    const thread = new DatabaseThread(options, onEnd)
    await new Promise((resolve, reject) => { thread.#waiting.set(0, { resolve, reject }) })
    return thread
  }

  private constructor (options: DatabaseOptions, onEnd: () => void) {
    // The sources run as they are, and compiled: the thread's file has the ending of this one.
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: options })
    this.#worker.on('message', ({ id, result, error, buffer }: FromDatabase) => {
      if (buffer) this.pool.give(buffer)
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error) waiting?.reject(new StreamError(error.code, error.details))
      else waiting?.resolve(result)
    })
    this.#worker.on('error', cause => { this.#end(new StreamError('LAKE_UNAVAILABLE', { why: 'its thread has failed' }, { cause })) })
    this.#worker.on('exit', () => {
      this.#end(new StreamError('LAKE_UNAVAILABLE', { why: 'closed' }))
      onEnd()
    })
  }

  block (table: number, block: Block): void { this.#send({ kind: 'block', epoch: this.#epoch, table, block }) }
  json (sql: string, json: string): void { this.#send({ kind: 'json', epoch: this.#epoch, sql, json }) }
  discard (): void { this.#send({ kind: 'discard', epoch: this.#epoch += 1 }) }
  commit (positions: readonly Position[]): Promise<unknown> { return this.#request(id => ({ kind: 'commit', epoch: this.#epoch, id, positions })) }
  ask (ask: Ask): Promise<unknown> { return this.#request(id => ({ kind: 'ask', id, ask })) }

  async close (): Promise<void> {
    if (this.#ended) return
    const exit = new Promise(resolve => { this.#worker.once('exit', resolve) })
    await this.ask({ what: 'close' })
    await exit
  }

  #request (message: (id: number) => ToDatabase): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended)
    const id = this.#ids += 1
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#send(message(id))
    })
  }

  #send (message: ToDatabase): void { this.#worker.postMessage(message) }

  #end (error: StreamError): void {
    this.#ended ??= error
    for (const { reject } of this.#waiting.values()) reject(this.#ended)
    this.#waiting.clear()
  }
}
