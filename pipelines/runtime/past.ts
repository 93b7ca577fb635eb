import { StreamError } from '../core/errors.ts'
import type { JournalEntry, SchemaName } from '../core/journal.ts'
import type { Outputs } from '../core/outputs.ts'
import type { Committed, LogPort } from '../core/ports.ts'
import { readBatchHeader } from '../core/record-batch.ts'
import { isDeviceOf } from '../core/registry.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import type { TableView } from '../core/table.ts'
import { readWholeJournal } from './journal.ts'
import type { CommitFacts } from './lead.ts'
import { names } from './names.ts'
import { Task } from './task.ts'

const fetchBytesMax = 1 << 20

/** What was lived through once, and is to be played again. */
export interface PastPlan {
  readonly log: LogPort
  readonly pipeline: CompiledPipeline
  /** As they are now: for what no journal tells. */
  readonly tables: ReadonlyMap<string, TableView>
  readonly schema: (id: SchemaName) => Promise<string | null>
}
export interface PastPlace { readonly source: string, readonly topic: string, readonly partition: number, readonly partitions: number }

/** The next piece of a task's past: the records of a record batch, or a tick. `play` calls `taken` after each step, before the outputs are cleared. */
export interface PastPiece { readonly arrival: number, readonly records: number, play (out: Outputs, taken: () => void): Promise<void> }

/**
 * A task of the race that goes through its past once more: from an empty state, with the journal, without writing anything.
 *
 * Shape:  `pieces` in the order of the log; outputs of two tasks are independent
 * Units:  `from` and `to` offsets, [from, to)
 * Errors: STATE_JOURNAL when an entry is missing; those of the log
 */
export class PastTask {
  readonly place: PastPlace
  readonly task: Task
  readonly from: number
  readonly to: number
  /** Up to here the journal tells what was looked up; beyond it, and where nothing was ever journaled, tables are read as they are now. */
  readonly journaledTo: number
  readonly #plan: PastPlan
  readonly #entries: readonly JournalEntry[]
  /** Definitions that took over in mid-history: the present one is played instead. */
  readonly definitions: number

  private constructor (plan: PastPlan, place: PastPlace, { from, to, journaledTo, entries }: { readonly from: number, readonly to: number, readonly journaledTo: number, readonly entries: readonly JournalEntry[] }) {
    this.#plan = plan
    this.place = place
    this.from = from
    this.to = to
    this.journaledTo = journaledTo
    this.definitions = entries.filter(({ kind, position }) => kind === 'definition' && position > from && position < to).length
    this.#entries = entries.filter(({ kind }) => kind !== 'definition')
    const { source, topic, partition } = place
    this.task = new Task(plan.pipeline.createStages({ leg: 'race', source, topic, partition, mode: 'replay', tables: plan.tables }))
  }

  /** `to` null: as far as the race has committed, else to the end. */
  static async open (plan: PastPlan, place: PastPlace, { from, to }: { readonly from: number, readonly to: number | null }): Promise<PastTask> {
    const { log, pipeline } = plan
    const { source, topic, partition } = place
    const committed = await log.committed(names.group(pipeline.name, 'race'), topic, partition)
    const info = await log.topic(topic)
    const facts = committed === null ? null : factsOf(committed)
    // Of a topic that was made anew since, the journal tells nothing.
    const isJournaled = facts !== null && facts.topicId === info!.id
    const entries = isJournaled ? await readWholeJournal(log, { topic: names.journal(pipeline.name, 'race'), partition, source, upTo: facts.journal }) : []
    const journaledTo = isJournaled ? committed!.offset : from
    return new PastTask(plan, place, { from, to: to ?? (isJournaled ? Math.max(from, journaledTo) : (await log.range(topic, partition)).end), journaledTo, entries })
  }

  async * pieces (): AsyncGenerator<PastPiece> {
    const { from, to } = this
    let arrival = Number.NEGATIVE_INFINITY
    yield { arrival, records: 0, play: async (out, taken) => { this.#begin(out, taken) } }
    const entries = this.#entries.filter(({ position }) => position >= from && position <= to)
    let next = 0
    for (let at = from; at < to || next < entries.length;) {
      const entry = entries[next]
      if (entry !== undefined && entry.position <= at) {
        next += 1
        if (entry.kind === 'tick') arrival = Math.max(arrival, entry.arrival)
        yield { arrival, records: 0, play: async (out, taken) => { this.#control(entry, out, taken) } }
        continue
      }
      const { bytes } = await this.#plan.log.fetch({ topic: this.place.topic, partition: this.place.partition, offset: at, bytesMax: fetchBytesMax, waitMs: 0 })
      const before = at
      const until = Math.min(to, entry?.position ?? to, this.journaledTo > at ? this.journaledTo : to)
      for (let start = 0, header = readBatchHeader(bytes, 0); header !== null && at < until; start += header.bytes, header = readBatchHeader(bytes, start)) {
        const end = Math.min(header.baseOffset + header.lastOffsetDelta + 1, until)
        if (end <= at) continue
        arrival = Math.max(arrival, header.maxTimestamp)
        const [batch, range] = [bytes.subarray(start, start + header.bytes), { from: at, to: end }]
        yield { arrival, records: Math.min(header.count, end - at), play: (out, taken) => this.#records(batch, range, out, taken) }
        at = end
      }
      // Markers and aborted records at the end leave offsets without anything.
      if (at === before) at = until
    }
  }

  /** What was known when `from` was reached: rows, keys and verdicts told of before it. Without a journal: what tables know now. */
  #begin (out: Outputs, taken: () => void): void {
    this.task.load(new Uint8Array(0), this.from, this.from)
    this.task.step(out, null)
    const before = this.#entries.filter(({ position, kind }) => position < this.from && kind !== 'tick' && kind !== 'watermark')
    for (const entry of before) this.#control(entry, out, taken)
    if (this.journaledTo > this.from || this.#entries.length > 0) return
    for (const [table, view] of this.#plan.tables) {
      for (const key of [...view.keys()].sort()) {
        if (isDeviceOf(key, view.get(key), this.place)) this.#control({ kind: 'registry', table, key, present: true, position: this.from, number: 0 }, out, taken)
      }
    }
  }

  #control (entry: JournalEntry, out: Outputs, taken: () => void): void {
    if (entry.kind === 'definition') return
    this.task.control(entry, out)
    taken()
    out.clear()
  }

  async #records (bytes: Uint8Array, { from, to }: { readonly from: number, readonly to: number }, out: Outputs, taken: () => void): Promise<void> {
    const { task } = this
    task.load(bytes, from, to)
    const sink = from < this.journaledTo ? null : () => {}
    for (;;) {
      const step = task.step(out, sink)
      taken()
      out.clear()
      if (step === 'end') return
      if (step === 'schema') task.control({ kind: 'schema', id: task.schemaWanted!, schema: await this.#plan.schema(task.schemaWanted!) }, out)
    }
  }
}

function factsOf ({ metadata, offset }: Committed): CommitFacts {
  try {
    return JSON.parse(metadata) as CommitFacts
  } catch (cause) {
    throw new StreamError('STATE_CORRUPT', { committed: offset, metadata }, { cause })
  }
}

/**
 * The pieces of several tasks as they came: always the one that arrived first; of two at one time, that of the task named first.
 *
 * Shape: a piece is to be played before the next is asked for
 */
export async function * together (tasks: readonly PastTask[]): AsyncGenerator<{ readonly past: PastTask, readonly piece: PastPiece }> {
  const heads = await Promise.all(tasks.map(async past => {
    const pieces = past.pieces()
    return { past, pieces, piece: (await pieces.next()).value as PastPiece | undefined }
  }))
  for (;;) {
    const [first] = heads.filter(({ piece }) => piece !== undefined).sort((a, b) => a.piece!.arrival - b.piece!.arrival)
    if (first === undefined) return
    yield { past: first.past, piece: first.piece! }
    first.piece = (await first.pieces.next()).value as PastPiece | undefined
  }
}
