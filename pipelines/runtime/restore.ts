import { StreamError } from '../core/errors.ts'
import type { JournalEntry, SchemaName } from '../core/journal.ts'
import { Outputs } from '../core/outputs.ts'
import { endOf } from '../core/record-batch.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import { adopt } from './adopt.ts'
import { readJournal } from './journal.ts'
import type { LegPlan, Place } from './lead.ts'
import { names } from './names.ts'
import type { Snapshot } from './snapshot.ts'
import { Task } from './task.ts'

/** Small enough that a task which runs beside a restore is not held up for long. */
const fetchBytesMax = 1 << 20

/** A snapshot (S), and the position (C) and journal number that are committed. */
export interface RestorePoint { readonly saved: Snapshot, readonly offset: number, readonly journal: number, /** Ends it between two fetches. */ readonly signal?: AbortSignal | undefined }

export interface Restored {
  readonly task: Task
  /** The definition differs from the one before: what its taking over gives, and which stages began anew. */
  readonly takeover: { readonly out: Outputs, readonly reset: readonly string[] } | null
}

/**
 * State at S, then the input S..C with the journal, without emitting, each part by the definition that ran it; then the present definition takes over.
 *
 * Errors: STATE_POSITION, STATE_JOURNAL, STATE_STAGE, STATE_DEFINITION
 * Source: architecture, "State, commit, recovery"
 */
export async function restoreTask (plan: LegPlan, place: Place, point: RestorePoint): Promise<Restored> {
  return (await played(plan, place, point)).finish(point.offset)
}

/** The same for a source that the present definition no longer has: its state at C, and the definition that ran it last. */
export async function restoreState (plan: LegPlan, place: Place, point: RestorePoint): Promise<{ readonly state: StateTree, readonly definitionHash: string, readonly definition: string | null }> {
  const { state, definitionHash, definition } = await played(plan, place, point)
  return { state, definitionHash, definition }
}

async function played (plan: LegPlan, place: Place, { saved, offset, journal, signal }: RestorePoint): Promise<Restoring> {
  const { log, pipeline, leg } = plan
  const { source, partition } = place
  const { facts } = saved
  const range = { topic: names.journal(pipeline.name, leg), partition, source, from: facts.journalOffset, after: facts.journal, upTo: journal }
  const restoring = new Restoring(plan, place, saved, signal)
  await restoring.play(offset, journal > facts.journal ? await readJournal(log, range) : [])
  return restoring
}

class Restoring {
  readonly #plan: LegPlan
  readonly #place: Place
  readonly #position: number
  #to = 0
  readonly #signal: AbortSignal | undefined
  readonly #verdicts = new Map<SchemaName, string | null>()
  readonly #out = new Outputs()
  #state: StateTree
  readonly #zones: string | null
  definitionHash: string
  definition: string | null
  /** Null until something must be played: a drained state needs no definition but the present one. */
  #task: Task | null = null

  constructor (plan: LegPlan, place: Place, { state, facts }: Snapshot, signal: AbortSignal | undefined) {
    this.#plan = plan
    this.#place = place
    this.#signal = signal
    this.#state = state
    this.#position = facts.position
    this.definitionHash = facts.definitionHash
    this.#zones = facts.zones ?? null
    this.definition = facts.definition
  }

  async play (to: number, entries: readonly JournalEntry[]): Promise<void> {
    this.#to = to
    // Earlier versions journaled a verdict behind the batch that asked for it: the first one stands for its schema from the first record on.
    for (const entry of entries) if (entry.kind === 'schema' && !this.#verdicts.has(entry.id)) this.#verdicts.set(entry.id, entry.schema)
    for (const entry of entries) {
      await this.#input(entry.position)
      if (entry.kind === 'definition') this.#become(entry)
      else this.#live().control(entry, this.#out)
      this.#out.clear()
    }
    await this.#input(to)
  }

  get state (): StateTree { return this.#task?.snapshot() ?? this.#state }

  finish (offset: number): Restored {
    const { pipeline } = this.#plan
    if (this.definitionHash === pipeline.hash) return { task: this.#live(), takeover: null }
    const { state } = this
    const task = createTask(pipeline, this.#plan, this.#place)
    const reset: string[] = []
    const out = adopt(task, state, { ...this.#endings, reset: stage => this.#plan.reset(stage) && reset.push(stage) > 0 })
    if (task.position !== offset) throw new StreamError('STATE_POSITION', { ...this.#where, snapshot: task.position, committed: offset })
    return { task, takeover: { out, reset } }
  }

  #become ({ hash, definition, reset }: JournalEntry & { kind: 'definition' }): void {
    const { state } = this
    this.definitionHash = hash
    this.definition = definition
    this.#task = createTask(this.#pipeline(), this.#plan, this.#place)
    adopt(this.#task, state, { ...this.#endings, reset: stage => reset.includes(stage) })
  }

  #live (): Task {
    if (this.#task === null) {
      this.#task = createTask(this.#pipeline(), this.#plan, this.#place)
      this.#task.restore(this.#state)
    }
    return this.#task
  }

  /** The definition that ran here. */
  #pipeline (): CompiledPipeline {
    const { pipeline, leg, compile } = this.#plan
    if (this.definitionHash === pipeline.hash) return pipeline
    if (this.definition === null) throw new StreamError('STATE_DEFINITION', { pipeline: pipeline.name, leg, ...this.#where, snapshot: this.#position })
    return compile(this.definition)
  }

  get #endings () { return { retire: this.#plan.retire, closeChunks: this.#plan.pipeline.closeChunks } }
  get #where () { return { topic: this.#place.topic, partition: this.#place.partition } }

  /** The input from the task's position to `to`. */
  async #input (to: number): Promise<void> {
    if ((this.#task?.position ?? this.#position) >= to) return
    const { zones = null } = this.#plan
    if (this.#zones !== null && zones !== null && this.#zones !== zones) throw new StreamError('STATE_ZONES', { ...this.#where, snapshot: this.#position, committed: to, state: this.#zones, engine: zones })
    const task = this.#live()
    const { topic, partition } = this.#place
    while (task.position < to) {
      this.#signal?.throwIfAborted()
      const { bytes } = await this.#plan.log.fetch({ topic, partition, offset: task.position, bytesMax: fetchBytesMax, waitMs: 0 })
      const end = Math.min(endOf(bytes), to)
      if (end <= task.position) throw new StreamError('STATE_POSITION', { ...this.#where, snapshot: task.position, committed: to })
      task.load(bytes, task.position, end)
      for (let step = task.step(this.#out, null); step !== 'end'; step = task.step(this.#out, null)) {
        this.#out.clear()
        if (step === 'schema') this.#answer(task)
      }
      this.#out.clear()
      this.#plan.restoring?.({ source: this.#place.source, topic, partition, from: this.#position, to: this.#to, position: task.position })
    }
  }

  #answer (task: Task): void {
    const id = task.schemaWanted!
    const schema = this.#verdicts.get(id)
    if (schema === undefined) throw new StreamError('STATE_JOURNAL', { ...this.#where, missing: `the verdict on schema ${id}` })
    task.control({ kind: 'schema', id, schema }, this.#out)
  }
}

export function createTask (pipeline: CompiledPipeline, { leg, mode, tables, chunked = false }: LegPlan, { source, topic, partition }: Place): Task {
  return new Task(pipeline.createStages({ leg, source, topic, partition, mode, chunked, tables }))
}
