import type { Batch } from '../core/batch.ts'
import type { SchemaName } from '../core/journal.ts'
import type { KeyTable } from '../core/keys.ts'
import { Outputs } from '../core/outputs.ts'
import { type Headers, RecordBatchWriter } from '../core/record-batch.ts'
import { isDeviceOf } from '../core/registry.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import type { TableView } from '../core/table.ts'
import { type Ordered, ordered } from './order.ts'
import { decodeState, encodeState } from './state-codec.ts'
import { Task, type TaskControl } from './task.ts'

/** A step of a bounded input. `sequence` grows by one from item to item; outputs name the one that caused them. */
export type ReplayItem = { readonly sequence: number } & (
  | { readonly kind: 'record', readonly source: string, /** Null: the highest event time so far; the caller resolves it. */ readonly arrival: number, readonly key: Uint8Array | null, readonly value: Uint8Array | null, readonly headers?: Headers }
  | { readonly kind: 'tick' | 'watermark', readonly ms: number }
)

export interface ReplayOptions {
  readonly pipeline: CompiledPipeline
  readonly tables: ReadonlyMap<string, TableView>
  /** The registry of the replay: Avro JSON by schema id, null when unknown. */
  readonly schema: (id: SchemaName) => string | null
  /** Records in one record batch. */
  readonly batch: number
  readonly snapshotEvery: number | null
  readonly restartEvery: number | null
  readonly crashEvery: number | null
  /** Signals of every reading too, as outputs of kind 'reading'. */
  readonly readings: boolean
}

export type ReplayOutput = { /** Of the item that caused it. */ readonly sequence: number, readonly keys: KeyTable } & (Ordered | { readonly kind: 'reading', readonly stage: number, readonly batch: Batch, readonly row: number })
/** An output as text; null: not wanted. The output is valid during the call. */
export type ReplayFormat = (output: ReplayOutput) => string | null

interface Pending { readonly writer: RecordBatchWriter, readonly sequences: number[] }
/** What came since the last snapshot, to be played again after a crash. */
type Past = PastRecords | { readonly content: TaskControl, /** Null: every task's. */ readonly source: string | null }
interface PastRecords {
  readonly source: string
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
  readonly lookups: readonly { readonly position: number, readonly content: TaskControl }[]
}

/**
 * A pipeline as a function of a bounded input: one task per source, no clock, no folder.
 *
 * Shape:  take items in order of arrival, then finish
 * State:  the tasks; what came since the last snapshot when crashes are asked for
 */
export class Replay {
  readonly #options: ReplayOptions
  readonly #format: ReplayFormat
  readonly #print: (line: string) => void
  #lines: { readonly sequence: number, readonly stage: number, readonly line: string }[] = []
  readonly #out = new Outputs()
  readonly #pending = new Map<string, Pending>()
  /** Sequence of each record by source and offset, back to the start. */
  readonly #sequences = new Map<string, number[]>()
  #tasks: Map<string, Task>
  #pendingCount = 0
  #items = 0
  #sequence = 0
  #past: Past[] = []
  #snapshots: ReadonlyMap<string, Uint8Array> = new Map()

  constructor (options: ReplayOptions, format: ReplayFormat, print: (line: string) => void) {
    this.#options = options
    this.#format = format
    this.#print = print
    this.#tasks = this.#createTasks()
    for (const { name } of options.pipeline.sources) {
      this.#pending.set(name, { writer: new RecordBatchWriter(), sequences: [] })
      this.#sequences.set(name, [])
    }
    if (options.crashEvery !== null) this.#snapshots = this.#snapshot()
    this.#registerTables()
  }

  take (item: ReplayItem): void {
    const { batch, restartEvery, snapshotEvery, crashEvery } = this.#options
    this.#sequence = item.sequence
    if (item.kind === 'record') {
      const pending = this.#pending.get(item.source)!
      pending.writer.append(item.arrival, item.key, item.value, item.headers)
      pending.sequences.push(item.sequence)
      this.#pendingCount += 1
      if (this.#pendingCount >= batch) this.#flush()
    } else {
      this.#flush()
      this.#control(item.kind === 'tick' ? { kind: 'tick', arrival: item.ms } : { kind: 'watermark', at: item.ms + 1 })
    }
    this.#items += 1
    const due = (every: number | null) => every !== null && this.#items % every === 0
    if (due(snapshotEvery)) {
      this.#flush()
      this.#snapshots = this.#snapshot()
      this.#past = []
    }
    if (due(restartEvery)) {
      this.#flush()
      this.#restore(this.#snapshot())
    }
    if (due(crashEvery)) this.#crash()
  }

  /** End of input. With `drain`, what is open closes. */
  finish ({ drain }: { readonly drain: boolean }): void {
    this.#flush()
    if (!drain) return
    for (const [source, task] of this.#tasks) {
      task.drain(this.#out)
      this.#emit(source, task, this.#sequence)
    }
    this.#printLines()
  }

  get tasks (): ReadonlyMap<string, Task> { return this.#tasks }
  get counts (): ReadonlyMap<string, number> { return this.#out.counts }

  #createTasks (): Map<string, Task> {
    const { pipeline, tables } = this.#options
    return new Map(pipeline.sources.map(({ name, topic }) => [name, new Task(pipeline.createStages({ leg: 'race', source: name, topic, partition: 0, mode: 'replay', tables }))]))
  }

  /** Keys of the tables that rules watch are there from the start. */
  #registerTables (): void {
    for (const [name, view] of this.#options.tables) {
      for (const key of [...view.keys()].sort()) {
        for (const source of this.#tasks.keys()) {
          if (isDeviceOf(key, view.get(key), { source, partition: 0, partitions: 1 })) this.#control({ kind: 'registry', table: name, key, present: true }, source)
        }
      }
    }
  }

  #flush (): void {
    if (this.#pendingCount === 0) return
    this.#pendingCount = 0
    for (const [source, { writer, sequences }] of this.#pending) {
      if (writer.count === 0) continue
      const known = this.#sequences.get(source)!
      const from = known.length
      for (const sequence of sequences) known.push(sequence)
      sequences.length = 0
      const bytes = writer.finish(from).slice()
      writer.reset()
      this.#process({ source, bytes, from, to: known.length })
    }
    this.#printLines()
  }

  #process ({ source, bytes, from, to }: Omit<PastRecords, 'lookups'>): void {
    const task = this.#tasks.get(source)!
    const lookups: { position: number, content: TaskControl }[] = []
    task.load(bytes, from, to)
    this.#run(task, (position, content) => { lookups.push({ position, content }) }, () => { this.#emit(source, task, null) })
    // Within a batch, rows looked up in a second table are told of after those of the first; to play them again they stand by position.
    if (this.#options.crashEvery !== null) this.#past.push({ source, bytes, from, to, lookups: lookups.sort((a, b) => a.position - b.position) })
  }

  #run (task: Task, journal: ((position: number, content: TaskControl) => void) | null, taken: () => void): void {
    for (;;) {
      const step = task.step(this.#out, journal)
      if (step === 'schema') task.control({ kind: 'schema', id: task.schemaWanted!, schema: this.#options.schema(task.schemaWanted!) }, this.#out)
      taken()
      if (step === 'end') return
    }
  }

  #control (content: TaskControl, only: string | null = null): void {
    for (const [source, task] of this.#tasks) {
      if (only !== null && source !== only) continue
      task.control(content, this.#out)
      this.#emit(source, task, this.#sequence)
    }
    this.#printLines()
    if (this.#options.crashEvery !== null) this.#past.push({ content, source: only })
  }

  #emit (source: string, task: Task, sequence: number | null): void {
    const { signals, keys } = task
    const known = this.#sequences.get(source)!
    if (this.#options.readings && sequence === null && signals !== null) {
      for (let row = 0; row < signals.count; row += 1) this.#line({ kind: 'reading', stage: 1, sequence: known[signals.position[row]!]!, keys, batch: signals, row })
    }
    for (const output of ordered(this.#out)) this.#line({ ...output, sequence: sequence ?? known[output.position] ?? this.#sequence, keys })
    this.#out.clear()
  }

  #line (output: ReplayOutput): void {
    const line = this.#format(output)
    if (line !== null) this.#lines.push({ sequence: output.sequence, stage: output.stage, line })
  }

  /** Tasks work one after another, and each batch by batch: the order of emission is that of the causes. */
  #printLines (): void {
    const lines = this.#lines.sort((a, b) => a.sequence - b.sequence || a.stage - b.stage)
    this.#lines = []
    for (const { line } of lines) this.#print(line)
  }

  #snapshot (): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.#tasks].map(([source, task]) => [source, encodeState(task.snapshot())]))
  }

  #restore (snapshots: ReadonlyMap<string, Uint8Array>): void {
    this.#tasks = this.#createTasks()
    for (const [source, task] of this.#tasks) task.restore(decodeState(snapshots.get(source)!))
  }

  /** All state is gone: the last snapshot, then what came since, without emitting. */
  #crash (): void {
    this.#flush()
    this.#restore(this.#snapshots)
    const counted = new Map(this.#out.counts)
    for (const past of this.#past) {
      if ('content' in past) {
        for (const [source, task] of this.#tasks) if (past.source === null || past.source === source) task.control(past.content, this.#out)
      }
      else this.#again(past)
      this.#out.clear()
    }
    this.#out.counts.clear()
    for (const [reason, many] of counted) this.#out.counts.set(reason, many)
  }

  #again ({ source, bytes, from, to, lookups }: PastRecords): void {
    const task = this.#tasks.get(source)!
    const taken = () => { this.#out.clear() }
    let at = from
    for (const { position, content } of lookups) {
      if (position > at) {
        task.load(bytes, at, position)
        this.#run(task, null, taken)
        at = position
      }
      task.control(content, this.#out)
    }
    task.load(bytes, at, to)
    this.#run(task, null, taken)
  }
}
