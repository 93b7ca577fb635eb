import type { ControlEvent } from '../../schemas/control-event.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import type { LateReading } from '../../schemas/late-reading.ts'
import type { Batch, Column, ColumnSpec } from './batch.ts'
import type { ClosedChunks } from './chunk/block.ts'
import type { StreamError } from './errors.ts'
import type { KeyTable } from './keys.ts'
import type { LakeFigures } from './lake-figures.ts'
import type { Committed } from './ports.ts'
import type { SignalSpec, WindowSpec } from './spec.ts'
import type { WindowBatch } from './window-batch.ts'

/** Width of a partition in event time, UTC. Its text in the lake: 2026, 2026-11, 2026-11-23, 2026-11-23T14, 2026-11-23T14:05. */
export type Bucket = 'minute' | 'hour' | 'day' | 'month' | 'year'

/**
 * A column of a rollup that merges: of the readings of `signal` in the window, those with a value.
 *
 * Units: n, sum, min, max, first, last in the signal's; m2 the sum of squared distances from the mean (it merges as the sum of squares does, and does not cancel);
 *        sketch and distinct as bytes of `encodeSketch` and `encodeDistinct`
 */
export interface LakePart { readonly name: string, readonly signal: string, readonly part: 'n' | 'sum' | 'm2' | 'min' | 'max' | 'first' | 'last' | 'sketch' | 'distinct' }
/** `columns` are the window's `keep` names in order. A batch of its rows has these columns, then one for each of `parts`. */
export interface LakeWindow { readonly name: string, readonly shape: WindowSpec['shape'], readonly columns: readonly ColumnSpec[], readonly parts: readonly LakePart[] }

/** A source whose contract's fields are kept as they were sent, beside the readings. `contract`: Avro JSON. */
export interface LakeRaw { readonly source: string, readonly contract: string }

/** What the tables of a pipeline's lake look like. Table and column names are the snake_case form of the names here. */
export interface LakeLayout {
  readonly pipeline: string
  readonly keyspace: string
  readonly signals: readonly SignalSpec[]
  /** Only the windows that `lake.rollups` names. */
  readonly windows: readonly LakeWindow[]
  /** `chunks`: readings of a device in compressed columns, many in a row of the table. A lake that has columns of its own ignores it. */
  readonly rawMode: 'rows' | 'chunks'
  /** For lakes that keep more of a reading than its signals; absent: no source. */
  readonly raw?: readonly LakeRaw[]
  /** Shortest expected distance between readings of a device; null: unknown. */
  readonly intervalMs: number | null
  /** How far a reading may be ahead of its arrival; absent: unknown. */
  readonly futureMaxMs?: number
  /** Width of the partitions of readings; null: chosen from `intervalMs`. */
  readonly rawBucket: Bucket | null
  /** How long readings are kept, by arrival; null: for ever. */
  readonly rawTtlMs: number | null
  readonly rollupsTtlMs: number | null
  readonly eventsTtlMs: number | null
  /** Of dead letters and late readings. */
  readonly lettersTtlMs: number | null
}

/** Rows of one task. `batch` and `keys` are read during the call only. */
export interface LakeReadings { readonly source: string, readonly topic: string, readonly partition: number, readonly batch: Batch, readonly keys: KeyTable }
/** In place of readings, where `rawMode` is `chunks` and the lake takes them. `chunks` are read during the call only. */
export interface LakeChunks { readonly source: string, readonly topic: string, readonly partition: number, readonly chunks: ClosedChunks }
export interface LakeRollups { readonly window: string, readonly source: string, readonly topic: string, readonly partition: number, readonly rows: WindowBatch, readonly keys: KeyTable }
/** What a lake tells while it commits. */
export interface CommitHooks {
  /** Records of which something cannot be stored for its own sake, such as a key that is too long. Called when all else is durable, before the positions are. Absent: they become dead letters of the lake. */
  readonly refused?: (letters: readonly DeadLetter[]) => Promise<void>
  /** It waits out an error of the world around it, and tries again after this pause. False: it is to give up. */
  readonly waiting?: (error: StreamError, pauseMs: number) => boolean
}
export type LakeRow = Readonly<Record<string, null | boolean | number | string | Uint8Array>>

/**
 * Where the pond keeps everything. Rows are added without waiting, and become durable together with the positions they stand for.
 *
 * Shape:    add...*, commit; a rollup row replaces the row of its (key, start), a retraction removes it; alerts keep one row per episode
 * Delivery: after a crash `committed` says where to go on; rows beyond it are not there (one transaction), or are written again with the same keys and bytes
 * Limits:   the caller commits before `pendingRows` passes `pendingRowsMax`; a commit that is under way may hold as many again
 * Errors:   LAKE_LOCKED, LAKE_DAMAGED, LAKE_UNAVAILABLE, LAKE_LAYOUT
 */
export interface LakePort {
  readonly name: string
  readonly pendingRows: number
  readonly pendingRowsMax: number
  addReadings (rows: LakeReadings): void
  /**
   * Absent: the lake keeps readings in columns of its own, whatever `rawMode` says. A reading may come in two chunks when the one that held it
   * was never committed: whoever reads takes each (partition, offset) once.
   */
  addChunks?(rows: LakeChunks): void
  addRollups (rows: LakeRollups): void
  addEvents (events: readonly ControlEvent[]): void
  addDeadLetters (letters: readonly DeadLetter[]): void
  addLate (late: readonly LateReading[]): void
  /**
   * The rows added before the call, then or together with them these positions. Later rows may be added while it runs. A lake that is elsewhere may wait out
   * its absence here; once a commit has failed, every one behind it fails until `discard`.
   */
  commit (offsets: readonly (Committed & { readonly topic: string, readonly partition: number })[], hooks?: CommitHooks): Promise<void>
  /** Forget rows added since the last commit. */
  discard (): void
  committed (topic: string, partition: number): Promise<Committed | null>
  /** Where rows go over a network; null: it is not there yet. */
  readonly figures?: Readonly<LakeFigures> | null
  /**
   * Delete what the layout keeps no longer at `nowMs`: readings and letters by arrival, rollups by their end, alerts by their last change once
   * they are cleared. Gives how many rows. A lake whose rows expire by themselves has nothing to do.
   */
  expire (nowMs: number): Promise<number>
  /** Absent: whoever wants to read opens a reader of its own. Reads what is committed, while this goes on writing; until the lake is closed. */
  openReader?(): Promise<LakeReaderPort>
  close (): Promise<void>
}

/** [from, to) of event time. */
export interface LakeSpan { readonly from: number, readonly to: number }

/** How far a pipeline has stored its topics, for those who only look: nothing is made, and no table changed. */
export interface LakePositionsPort {
  /** Null also where there are no tables yet. */
  committed (topic: string, partition: number): Promise<Committed | null>
  close (): Promise<void>
}

/**
 * Half-open in event time. `spans`: of `keys` that are in it only what lies in their own span too. `keys` null: every key. Names are those of the definition. `brief`: times, columns and counts matter only; where it is cheaper, a lake
 * gives no source (an empty text), and 0 for arrival, partition, offset, revision and final.
 */
export interface LakeRange { readonly keys: readonly string[] | null, readonly from: number, readonly to: number, readonly signal?: AbortSignal, readonly brief?: boolean, readonly spans?: ReadonlyMap<string, LakeSpan> }

/**
 * Readings of one key.
 *
 * Shape: by (at, partition, offset), each (partition, offset) once; `columns` as asked for
 */
export interface LakeReadingRows {
  readonly key: string
  readonly source: string
  readonly count: number
  readonly at: Float64Array
  readonly arrival: Float64Array
  readonly partition: Int32Array
  readonly offset: Float64Array
  readonly columns: readonly Column[]
}

/** Rollups of one key by start; `columns` as asked for, parts of kind `value` holding bytes. */
export interface LakeRollupRows {
  readonly key: string
  readonly source: string
  readonly count: number
  readonly start: Float64Array
  readonly end: Float64Array
  readonly expected: Float64Array
  readonly received: Float64Array
  readonly revision: Int32Array
  readonly final: Uint8Array
  readonly columns: readonly Column[]
}

/** `labels`: the last value of every text signal. Arrivals in milliseconds since the epoch. */
export interface LakeKey { readonly key: string, readonly source: string, readonly firstArrival: number, readonly lastArrival: number, readonly labels: Readonly<Record<string, string | null>> }

/** An episode as it stands: the last of its events, and when it was raised and cleared. */
export interface LakeAlert extends Omit<ControlEvent, 'id' | 'arrivedAt' | 'at'> { readonly raisedArrival: number | null, readonly clearedAt: number | null, readonly updatedAt: number }

/** Figures of a table as far as the lake knows them; null: unknown. */
export interface LakeTableStats { readonly table: string, readonly rows: number | null, readonly bytes: number | null, readonly partitions: number | null, readonly oldestMs: number | null, readonly newestMs: number | null, readonly largestPartitionBytes: number | null, /** Not counted but estimated. */ readonly isEstimate: boolean }

/**
 * What a lake must answer to be read. One contract suite in test/contract runs on every lake; what is asked of it for people is worked out in `pipelines/lake`.
 *
 * Shape:  rows stream key by key (keys in any order, all of a key's rows together, in pieces of bounded size); memory is bounded whatever is asked
 * Errors: LAKE_UNAVAILABLE, LAKE_LAYOUT, LAKE_UNKNOWN for a name that the layout does not have
 */
export interface LakeReaderPort {
  readonly name: string
  readonly layout: LakeLayout
  keys (options?: { /** Left out or null: every key. */ readonly keys?: readonly string[] | null, readonly signal?: AbortSignal }): AsyncIterable<readonly LakeKey[]>
  readings (ask: LakeRange & { /** Signals. */ readonly columns: readonly string[] }): AsyncIterable<LakeReadingRows>
  /** Windows whose start lies in the range. */
  rollups (ask: LakeRange & { readonly window: string, /** `keep` names and names of parts. */ readonly columns: readonly string[] }): AsyncIterable<LakeRollupRows>
  /** Episodes raised in the range, by (raisedAt, alertId) where `keys` is null, else key by key. */
  alerts (ask: LakeRange & { readonly rules: readonly string[] | null }): AsyncIterable<readonly LakeAlert[]>
  stats (): Promise<readonly LakeTableStats[]>
  close (): Promise<void>
}
