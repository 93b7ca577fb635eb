import type { Batch } from './batch.ts'
import type { JournalContent, SchemaName } from './journal.ts'
import type { KeyTable } from './keys.ts'
import type { LakeLayout } from './lake-ports.ts'
import type { Outputs } from './outputs.ts'
import type { Stateful, StateTree } from './state.ts'
import type { TableView } from './table.ts'
import type { WindowBatch } from './window-batch.ts'

/**
 * Stages between source and sink are synchronous and deterministic: the same calls in the same order give the same
 * output, however the rows are cut into batches. A stage never awaits and reads no clock.
 */
interface Stage extends Stateful {
  /** Durable name: 'decode', 'window.minute', 'rule.tooWarm'. State is kept under it. */
  readonly name: string
  /** Changes when the stage's part of the definition changes in a way that its state cannot survive. */
  readonly hash: string
  /** Place among the stages of the task; orders outputs of one cause. */
  readonly number: number
}

/**
 * Record batches (Kafka's format, uncompressed, one after another) to columns of contract fields.
 * It interns keys, turns times into milliseconds and dead-letters what it cannot decode.
 */
export interface DecodeStage extends Stage {
  readonly keys: KeyTable
  /** Begin with these bytes; only records with from <= offset < to are decoded. */
  load (bytes: Uint8Array, from: number, to: number): void
  /**
   * The next rows, at most the batch's capacity (none in a flood of dead letters); null when the loaded bytes are used up, or when a schema must be
   * resolved first: then `schemaWanted` is not null, and `schema` or `unload` must be called before `next`.
   */
  next (out: Outputs): Batch | null
  readonly schemaWanted: SchemaName | null
  /** The registry's answer: Avro JSON, or null when it does not know the schema (records are dead-lettered). A later answer takes the place of an earlier one. */
  schema (id: SchemaName, avro: string | null): void
  /** Offset of the first record of that schema. */
  readonly schemaWantedAt: number
  /** Let go of what is loaded, from that record on. */
  unload (): void
  /** Schemas that the registry was said not to know. */
  readonly schemasUnknown: readonly SchemaName[]
}

/** Contract fields to signals: units, expressions, lookups, dedupe, ranges, the future guard. May drop rows. */
export interface NormaliseStage extends Stage {
  /** `journal` takes what was looked up anew; null in replay, when tables are not read and `lookup` was called instead. */
  process (batch: Batch, out: Outputs, journal: JournalSink | null): Batch
  /** Replay: from here on `key` has this row. */
  lookup (entry: JournalContent & { kind: 'lookup' }): void
  readonly tables: ReadonlyMap<string, TableView>
}
/** Takes an entry that holds from `position` on. */
export type JournalSink = (position: number, content: JournalContent & { kind: 'lookup' }) => void

export interface WindowStage extends Stage {
  /** Results since the last `Outputs.clear`; the stage adds itself to `out.windows` when it has rows. */
  process (batch: Batch, out: Outputs): void
  /** The watermark or the arrival clock moved without a reading. */
  advance (moment: Moment, out: Outputs): void
  /** End of a bounded input: close every open pane as if the watermark were infinite. */
  drain (moment: Moment, out: Outputs): void
  /** What rules on this window see. */
  readonly rows: WindowBatch
}
/** A point between records. `position` is that of the last record before it (-1: none yet). */
export interface Moment { readonly watermark: number, readonly arrivalClock: number, readonly position: number }

export interface RuleStage extends Stage {
  /** Name of the window it watches; null: readings. */
  readonly window: string | null
  /** Readings, or the rows of its window (which it filters by `closing`, or takes early ones too). */
  process (batch: Batch, out: Outputs): void
  /** Ticks: `absent`, `order: event`. */
  advance (moment: Moment, out: Outputs): void
  /** End of a bounded input: evaluate what waits for the watermark; fires no `absent`. */
  drain (moment: Moment, out: Outputs): void
  /** A key entered or left the rule's registry table. */
  registry (key: string, present: boolean, moment: Moment, out: Outputs): void
  /** Name of the table whose keys it covers; null: none. */
  readonly registryTable: string | null
}

/**
 * Clear what a removed or changed rule left open, from its part of a snapshot; gives what the successor of its name may be restored with.
 */
export type RetireRule = (state: StateTree, options: { readonly keys: KeyTable, readonly number: number, readonly reason: 'rule removed' | 'rule changed' }, moment: Moment, out: Outputs) => StateTree

/**
 * Readings gathered by device until they are a chunk of the lake. Closed ones are in `out.chunks`.
 */
export interface ChunkStage extends Stage {
  process (batch: Batch, out: Outputs): void
  /** The arrival clock moved without a reading. */
  advance (moment: Moment, out: Outputs): void
  /** End of a bounded input: close every chunk. */
  drain (out: Outputs): void
}

/** Close every chunk in a chunk stage's part of a snapshot that nobody goes on with. `keys` are those of the task that it was taken from. */
export type CloseChunks = (state: StateTree, keys: KeyTable, out: Outputs) => void

/** All stages of one task, made by the compiled pipeline. The pond has no rules. */
export interface TaskStages {
  readonly decode: DecodeStage
  readonly normalise: NormaliseStage
  readonly windows: readonly WindowStage[]
  readonly rules: readonly RuleStage[]
  /** Only in a pond whose lake takes chunks. */
  readonly chunks: ChunkStage | null
  readonly clock: { readonly latenessMs: number, readonly idleMs: number, readonly explicit: boolean }
}

export interface TaskContext {
  readonly leg: 'race' | 'pond'
  readonly source: string
  readonly topic: string
  readonly partition: number
  readonly mode: 'live' | 'shadow' | 'replay'
  /** The lake takes chunks: see LakePort. */
  readonly chunked?: boolean
  readonly tables: ReadonlyMap<string, TableView>
}

/** What a definition compiles to: everything the runtime needs, without the definition's vocabulary. */
export interface CompiledPipeline {
  readonly name: string
  /** Hash of the definition: restore demands the same, unless at a drained position. */
  readonly hash: string
  readonly sources: readonly {
    readonly name: string, readonly topic: string, readonly subject: string, readonly contract: string, readonly idleMs: number, readonly intervalMs: number | null
    readonly key: string, readonly time: { readonly field: string, readonly unitMs: number }
  }[]
  /** `time.watermark: explicit`. */
  readonly explicit: boolean
  /** How far a reading may be ahead of its arrival; absent: unknown. */
  readonly futureMaxMs?: number
  readonly tables: readonly { readonly name: string, readonly topic: string, readonly subject: string, readonly contract: string, readonly key: string }[]
  readonly signals: readonly import('./spec.ts').SignalSpec[]
  readonly windows: readonly import('./spec.ts').WindowSpec[]
  readonly rules: readonly import('./spec.ts').RuleSpec[]
  readonly control: { readonly topic: string, readonly delivery: 'exactly-once' | 'express' | 'at-least-once' } | null
  readonly lake: LakeSpec | null
  createStages (context: TaskContext): TaskStages
  readonly closeChunks: CloseChunks
}
export interface LakeSpec extends Pick<LakeLayout, 'keyspace' | 'rawMode' | 'rawBucket' | 'rawTtlMs' | 'rollupsTtlMs' | 'eventsTtlMs' | 'lettersTtlMs'> { readonly rollups: readonly string[], readonly allowedLatenessMs: number, /** Whether the contracts' fields are kept too. */ readonly rawFields: boolean, /** In `rawMode: chunks`. */ readonly chunks: import('./spec.ts').ChunkSpec }
