import { StreamError } from '../../pipelines/core/errors.ts'
import type { LakeFigures } from '../../pipelines/core/lake-figures.ts'
import type { CommitHooks, LakeChunks, LakeLayout, LakePort, LakeReadings, LakeRollups } from '../../pipelines/core/lake-ports.ts'
import type { Committed } from '../../pipelines/core/ports.ts'
import type { ControlEvent } from '../../schemas/control-event.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import type { LateReading } from '../../schemas/late-reading.ts'
import { BucketNames, type Era } from './buckets.ts'
import type { CassandraSettings } from './config.ts'
import { KeySightings } from './key-rows.ts'
import { prepareTables } from './migrate.ts'
import { type Position, Positions } from './positions.ts'
import { type LakeStatements, prepareStatements } from './prepared.ts'
import { readEras } from './present.ts'
import type { DecodeFields } from './field-rows.ts'
import { refusedLetter } from './refusal.ts'
import { type RefusedRow, Sender } from './sender.ts'
import { type CassandraSession, consistencyOf, openSession } from './session.ts'
import { Stage } from './stage.ts'
import { type LakeTables, lakeTables } from './tables.ts'

export interface CassandraLakeOptions {
  readonly settings: CassandraSettings
  readonly layout: LakeLayout
  /** For sources whose fields are kept: how to read their records, from Avro JSON of the contract. */
  readonly decodeRaw?: (contract: string) => DecodeFields
  readonly pendingRowsMax?: number
  readonly inFlightMax?: number
  readonly latencyMs?: number
  readonly frameBytesMax?: number
}

const erasMsMax = 3_600_000

/**
 * Connect, make the tables what they should be, and write to them.
 *
 * Delivery: rows are durable at the consistency of the settings before their positions are; a commit that was cut off is written again with the same keys,
 *           bytes and write timestamps
 * Limits:   `pendingRowsMax` rows (of 256 bytes) wait for a commit, as many are under way
 * Errors:   LAKE_UNREACHABLE, LAKE_DENIED, LAKE_CONFIG, LAKE_LAYOUT, LAKE_MIGRATIONS
 */
export async function openCassandraLake (options: CassandraLakeOptions): Promise<LakePort> {
  const { settings, layout } = options
  const tables = lakeTables(layout)
  const session = await openSession(settings)
  try {
    await prepareTables(session, tables)
    const [statements, eras] = await Promise.all([prepareStatements(session, tables), readEras(session, tables.keyspace, tables.widths.name)])
    return new CassandraLake(session, { tables, statements, eras }, options)
  } catch (error) {
    await session.close()
    throw error
  }
}

interface LakeParts { readonly tables: LakeTables, readonly statements: LakeStatements, readonly eras: ReadonlyMap<string, readonly Era[]> }

class CassandraLake implements LakePort {
  readonly name = 'cassandra'
  readonly pendingRowsMax: number
  readonly #session: CassandraSession
  readonly #tables: LakeTables
  readonly #windows: ReadonlyMap<string, number>
  readonly #sender: Sender
  readonly #positions: Positions
  readonly #keys: KeySightings
  /** One is filled while the other is sent. */
  #stage: Stage
  #other: Stage
  #buckets: ReadonlyMap<string, BucketNames>
  #erasMs = performance.now()
  #failed: StreamError | null = null
  /** The commit under way. */
  #last: Promise<unknown> | null = null

  constructor (session: CassandraSession, { tables, statements, eras }: LakeParts, { layout, settings, decodeRaw = undecodable, pendingRowsMax = 1 << 16, inFlightMax = 256, latencyMs = 100, frameBytesMax = 24_576 }: CassandraLakeOptions) {
    this.#session = session
    this.#tables = tables
    this.pendingRowsMax = pendingRowsMax
    this.#windows = new Map(layout.windows.map(({ name }, index) => [name, index]))
    this.#sender = new Sender(session.client, { keyspace: tables.keyspace, consistency: consistencyOf(settings), inFlightMax, latencyMs, frameBytesMax })
    this.#positions = new Positions(session, tables, statements.positions)
    this.#keys = new KeySightings(tables.keys.labels.map(({ signal }) => layout.signals.findIndex(({ name }) => name === signal)))
    this.#stage = new Stage(tables, statements, decodeRaw)
    this.#other = new Stage(tables, statements, decodeRaw)
    this.#buckets = bucketNames(tables, eras)
  }

  get pendingRows (): number { return this.#stage.weight }
  get figures (): Readonly<LakeFigures> { return this.#sender.figures }

  addReadings (rows: LakeReadings): void {
    if (this.#stage.readings === null) throw new StreamError('LAKE_LAYOUT', { table: 'readings', why: 'readings of this lake come in chunks' })
    this.#stage.readings.add(rows, this.#buckets.get(this.#tables.readings!.name)!, this.#stage.refuse)
    this.#stage.raw.get(rows.source)?.add(rows, this.#buckets, this.#stage.refuse)
    this.#keys.see(rows)
  }

  addChunks (rows: LakeChunks): void {
    if (this.#stage.chunks === null) throw new StreamError('LAKE_LAYOUT', { table: 'chunks', why: 'readings of this lake come in rows' })
    this.#stage.chunks.add(rows, this.#buckets.get(this.#tables.chunks!.name)!, { refused: this.#stage.refuse, seen: this.#keys.chunkSight(rows) })
  }

  addRollups (rows: LakeRollups): void {
    const index = this.#windows.get(rows.window)
    if (index !== undefined) this.#stage.rollups[index]!.add(rows, this.#buckets.get(this.#tables.rollups[index]!.name)!, this.#stage.refuse)
  }

  addEvents (events: readonly ControlEvent[]): void { for (const event of events) this.#stage.events.add(event, this.#stage.refuse) }
  addDeadLetters (letters: readonly DeadLetter[]): void { for (const letter of letters) this.#stage.deadLetters.addDeadLetter(letter) }
  addLate (late: readonly LateReading[]): void { for (const reading of late) this.#stage.late.addLate(reading) }

  async commit (positions: readonly Position[], hooks?: CommitHooks): Promise<void> {
    while (this.#last !== null) await this.#last
    const stage = this.#stage
    if (this.#failed === null) {
      this.#keys.stage(stage.keys)
      this.#stage = this.#other
      this.#other = stage
    }
    const commit = this.#write(stage, positions, hooks)
    this.#last = commit.catch(() => {}).then(() => { this.#last = null })
    await commit
  }

  discard (): void {
    this.#stage.clear()
    this.#keys.forget()
    this.#positions.forget()
    this.#failed = null
  }

  committed (topic: string, partition: number): Promise<Committed | null> { return this.#positions.read(topic, partition) }
  /** Rows have their time to live. */
  async expire (): Promise<number> { return 0 }

  async close (): Promise<void> {
    this.#sender.close()
    await this.#session.close()
    await this.#last
  }

  async #write (stage: Stage, positions: readonly Position[], hooks: CommitHooks | undefined): Promise<void> {
    if (this.#failed !== null) throw this.#failed
    try {
      await this.#store(stage, positions, hooks)
    } catch (error) {
      throw this.#failed = error as StreamError
    } finally {
      stage.clear()
    }
  }

  async #store (stage: Stage, positions: readonly Position[], { refused, waiting }: CommitHooks = {}): Promise<void> {
    if (performance.now() - this.#erasMs > erasMsMax) await this.#readEras()
    const rows = await this.#sender.send(stage.tables, waiting)
    const letters = [...stage.refused, ...rows.flatMap(row => this.#letter(row))]
    if (letters.length > 0) await (refused?.(letters) ?? this.#keepLetters(stage, letters, waiting))
    const moved = await this.#positions.stage(positions)
    await this.#sender.send([this.#positions.rows], waiting)
    this.#positions.written(moved)
  }

  /** Where nobody else is told, the lake has them itself. */
  async #keepLetters (stage: Stage, letters: readonly DeadLetter[], waiting: CommitHooks['waiting']): Promise<void> {
    stage.clear()
    for (const letter of letters) stage.deadLetters.addDeadLetter(letter)
    await this.#sender.send([stage.deadLetters.rows], waiting)
  }

  /** None for a row of the keys: what it stands for is said for the reading. */
  #letter ({ rows, row, error }: RefusedRow): DeadLetter[] {
    const { topic, partition, offset, arrival } = rows.originOf(row)
    if (topic === undefined) return []
    return [refusedLetter(this.#tables.pipeline, { table: rows.table, key: null, why: String(error.details.why ?? error.message), arrival, source: { topic, partition, offset } })]
  }

  /** The new ones begin two hours or more after they were written: an hour late is early enough, and so is the next hour when it fails. */
  async #readEras (): Promise<void> {
    this.#erasMs = performance.now()
    const tables = this.#tables
    try {
      this.#buckets = bucketNames(tables, await readEras(this.#session, tables.keyspace, tables.widths.name))
    } catch (error) {
      if (!(error instanceof StreamError) || error.action !== 'retry') throw error
    }
  }
}

const undecodable = () => () => { throw new Error('nobody said how to read it') }

/** Every table that is cut by time has its width since `prepareTables`; where somebody deleted it, that of the definition holds. */
function bucketNames ({ readings, chunks, raw, rollups }: LakeTables, eras: ReadonlyMap<string, readonly Era[]>): ReadonlyMap<string, BucketNames> {
  const tables = [readings, chunks, ...raw, ...rollups].filter(table => table !== null)
  return new Map(tables.map(({ name, width }) => [name, new BucketNames(eras.get(name) ?? [{ from: Number.NEGATIVE_INFINITY, width }])]))
}
