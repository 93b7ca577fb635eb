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

/** The next piece of a task's past: some records, or a tick. `play` calls `taken` after each step, before the outputs are cleared. */
export interface PastPiece { readonly arrival: number, readonly records: number, play (out: Outputs, taken: () => void): Promise<void> }

/**
 * What a task's records come from.
 *
 * Shape: asked for rising offsets; gives what lies in [at, until) and is the next, up to `to`; null: nothing more before `until`
 */
export interface PastInput {
  next (at: number, until: number): Promise<{ readonly to: number, readonly arrival: number, readonly records: number, readonly play: (task: Task, out: Outputs, options: { readonly isJournaled: boolean, readonly taken: () => void }) => Promise<void> } | null>
}

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
  readonly #plan: Pick<PastPlan, 'tables'>
  readonly #input: PastInput
  readonly #entries: readonly JournalEntry[]
  /** Definitions that took over in mid-history: the present one is played instead. */
  readonly definitions: number

  constructor (plan: Pick<PastPlan, 'pipeline' | 'tables'>, place: PastPlace, { from, to, input, journal }: { readonly from: number, readonly to: number, readonly input: PastInput, readonly journal: PastJournal }) {
    this.#plan = plan
    this.#input = input
    this.place = place
    this.from = from
    this.to = to
    this.journaledTo = Math.max(from, journal.to)
    this.definitions = journal.entries.filter(({ kind, position }) => kind === 'definition' && position > from && position < to).length
    this.#entries = journal.entries.filter(({ kind }) => kind !== 'definition')
    const { source, topic, partition } = place
    this.task = new Task(plan.pipeline.createStages({ leg: 'race', source, topic, partition, mode: 'replay', tables: plan.tables }))
  }

  async * pieces (): AsyncGenerator<PastPiece> {
    const { from, to, journaledTo } = this
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
      const isJournaled = at < journaledTo
      const until = Math.min(to, entry?.position ?? to, isJournaled ? journaledTo : to)
      const piece = await this.#input.next(at, until)
      at = piece?.to ?? until
      if (piece === null) continue
      arrival = Math.max(arrival, piece.arrival)
      yield { arrival, records: piece.records, play: (out, taken) => piece.play(this.task, out, { isJournaled, taken }) }
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
}

/** `to`: the offset up to which the race has committed, and the entries tell everything; -1: it never ran on this topic. */
export interface PastJournal { readonly to: number, readonly entries: readonly JournalEntry[] }

/** What the race has journaled of a task and committed. Errors: STATE_JOURNAL, STATE_CORRUPT */
export async function pastJournal ({ log, pipeline }: Pick<PastPlan, 'log' | 'pipeline'>, { source, topic, partition }: PastPlace): Promise<PastJournal> {
  const [committed, info] = await Promise.all([log.committed(names.group(pipeline.name, 'race'), topic, partition), log.topic(topic)])
  const facts = committed === null ? null : factsOf(committed)
  // Of a topic that was made anew since, the journal tells nothing.
  if (facts === null || facts.topicId !== info?.id) return { to: -1, entries: [] }
  return { to: committed!.offset, entries: await readWholeJournal(log, { topic: names.journal(pipeline.name, 'race'), partition, source, upTo: facts.journal }) }
}

/** A task over what its topic holds. `to` null: as far as the race has committed, else to the end. */
export async function pastOfTopic (plan: PastPlan, place: PastPlace, { from, to }: { readonly from: number, readonly to: number | null }): Promise<PastTask> {
  const journal = await pastJournal(plan, place)
  const end = to ?? (journal.to >= 0 ? Math.max(from, journal.to) : (await plan.log.range(place.topic, place.partition)).end)
  return new PastTask(plan, place, { from, to: end, journal, input: new TopicInput(plan, place) })
}

/** Record batches of a topic, one at a time. */
class TopicInput implements PastInput {
  readonly #plan: PastPlan
  readonly #place: PastPlace
  #bytes: Uint8Array = new Uint8Array(0)
  #start = 0

  constructor (plan: PastPlan, place: PastPlace) {
    this.#plan = plan
    this.#place = place
  }

  async next (at: number, until: number): ReturnType<PastInput['next']> {
    const { topic, partition } = this.#place
    for (let fetched = false; ;) {
      const header = readBatchHeader(this.#bytes, this.#start)
      if (header === null) {
        if (fetched) return null
        this.#bytes = (await this.#plan.log.fetch({ topic, partition, offset: at, bytesMax: fetchBytesMax, waitMs: 0 })).bytes
        this.#start = 0
        fetched = true
        continue
      }
      const end = header.baseOffset + header.lastOffsetDelta + 1
      const bytes = this.#bytes.subarray(this.#start, this.#start + header.bytes)
      if (end <= until) this.#start += header.bytes
      if (end <= at) continue
      if (header.baseOffset >= until) return null
      const to = Math.min(end, until)
      return { to, arrival: header.maxTimestamp, records: Math.min(header.count, to - at), play: (task, out, options) => this.#play(task, { bytes, from: at, to }, out, options) }
    }
  }

  async #play (task: Task, { bytes, from, to }: { readonly bytes: Uint8Array, readonly from: number, readonly to: number }, out: Outputs, { isJournaled, taken }: { readonly isJournaled: boolean, readonly taken: () => void }): Promise<void> {
    task.load(bytes, from, to)
    const sink = isJournaled ? null : () => {}
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
