import { StreamError } from '../core/errors.ts'
import type { JournalContent, JournalEntry } from '../core/journal.ts'
import { Outputs } from '../core/outputs.ts'
import type { ClockPort, Committed, LogPort } from '../core/ports.ts'
import { readBatchHeader } from '../core/record-batch.ts'
import type { CompiledPipeline, RetireRule } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import type { Outgoing } from './batches.ts'
import { Journal, readJournal } from './journal.ts'
import { type Leg, names } from './names.ts'
import { readSnapshot, type Snapshot, type SnapshotFacts, SnapshotWriter } from './snapshot.ts'
import { adopt } from './adopt.ts'
import type { Table } from './tables.ts'
import { Task } from './task.ts'

/** What both legs need of the world, and of the definition. */
export interface LegPlan {
  readonly leg: Leg
  readonly pipeline: CompiledPipeline
  /** The definition as data; null when it names code and cannot travel with the state. */
  readonly definition: string | null
  /** Compile what an earlier run left as `definition`. */
  readonly compile: (definition: string) => CompiledPipeline
  readonly retire: RetireRule
  /** Whether a changed window or shared stage may begin anew. */
  readonly reset: (stage: string) => boolean
  readonly log: LogPort
  readonly clock: ClockPort
  /** The registry's answer for a schema id; null: it does not know it. */
  readonly schema: (id: number) => Promise<string | null>
  readonly tables: ReadonlyMap<string, Table>
  readonly mode: 'live' | 'shadow'
}

export interface Place { readonly source: string, readonly topic: string, readonly partition: number, readonly partitions: number, readonly idleMs: number }

/** Metadata of a commit: whose state it stands for. */
export interface CommitFacts { readonly topicId: string, readonly hash: string, readonly journal: number }

/**
 * A task as its leader runs it: restored, with its journal and its snapshots.
 *
 * Source: architecture, "State, commit, recovery": state at S, then the input S..C with the journal, without emitting, then on
 */
export class Lead {
  readonly place: Place
  readonly task: Task
  readonly journal: Journal
  readonly topicId: string
  readonly snapshots: SnapshotWriter
  /** What the change of the definition gave, to be committed first; null when nothing changed. */
  takeover: Outputs | null = null
  /** The input's end as last seen; behind it is the lag. */
  end = 0
  readonly #plan: LegPlan
  readonly #verdicts = new Map<number, string | null>()

  private constructor (plan: LegPlan, place: Place, { task, journal, topicId, generation }: { readonly task: Task, readonly journal: number, readonly topicId: string, readonly generation: number }) {
    this.#plan = plan
    this.place = place
    this.task = task
    this.topicId = topicId
    const { pipeline, leg, log } = plan
    const { source, partition } = place
    this.journal = new Journal({ topic: names.journal(pipeline.name, leg), partition, source, number: journal })
    this.snapshots = new SnapshotWriter(log, { topic: names.state(pipeline.name, leg), partition, source }, generation)
  }

  /**
   * Restore a task and bring it to the committed position.
   *
   * Errors: STATE_LOST, STATE_POSITION, STATE_TOPIC, STATE_STAGE, STATE_DEFINITION, STATE_CORRUPT, STATE_VERSION; none is guessed around
   */
  static async open (plan: LegPlan, place: Place, committed: Committed | null): Promise<Lead> {
    const { log, pipeline, leg } = plan
    const { source, topic, partition } = place
    const info = (await log.topic(topic))!
    const saved = await readSnapshot(log, { topic: names.state(pipeline.name, leg), partition, source })
    if (saved === null) {
      if (committed !== null) throw new StreamError('STATE_LOST', { pipeline: pipeline.name, leg, topic, partition, committed: committed.offset })
      return Lead.#fresh(plan, place, info.id)
    }
    const facts = committed === null ? { topicId: saved.facts.topicId, hash: saved.facts.definitionHash, journal: saved.facts.journal } : JSON.parse(committed.metadata) as CommitFacts
    const offset = committed?.offset ?? saved.facts.position
    await checkPositions(plan, place, { saved, offset, topicId: info.id })
    return Lead.#restored(plan, place, { saved, offset, facts })
  }

  /** First start: from the first record still held. A base of the empty state says where it began. */
  static async #fresh (plan: LegPlan, place: Place, topicId: string): Promise<Lead> {
    const { start } = await plan.log.range(place.topic, place.partition)
    const lead = new Lead(plan, place, { task: createTask(plan.pipeline, plan, place), journal: 0, topicId, generation: 1 })
    lead.task.load(new Uint8Array(0), start, start)
    lead.task.step(new Outputs(), null)
    await lead.save(await lead.copy())
    return lead
  }

  static async #restored (plan: LegPlan, place: Place, { saved, offset, facts }: { readonly saved: Snapshot, readonly offset: number, readonly facts: CommitFacts }): Promise<Lead> {
    const { pipeline, leg, log } = plan
    const same = saved.facts.definitionHash === pipeline.hash
    const before = same ? pipeline : earlier(plan, place, { saved, offset })
    let task = createTask(before ?? pipeline, plan, place)
    if (before !== null) task.restore(saved.state)
    const entries = await readJournal(log, { topic: names.journal(pipeline.name, leg), partition: place.partition, source: place.source, from: saved.facts.journalOffset, after: saved.facts.journal, upTo: facts.journal })
    const lead = new Lead(plan, place, { task, journal: facts.journal, topicId: facts.topicId, generation: saved.generation + 1 })
    if (before !== null) await lead.#catchUp(offset, entries)
    if (same) {
      await lead.save(await lead.copy())
      return lead
    }
    const state = before === null ? saved.state : task.snapshot()
    task = createTask(pipeline, plan, place)
    const out = adopt(task, state, plan)
    const moved = new Lead(plan, place, { task, journal: facts.journal, topicId: facts.topicId, generation: saved.generation + 1 })
    // The commit of a takeover bears the new hash: after it, what it emitted is out already.
    moved.takeover = facts.hash === pipeline.hash ? new Outputs() : out
    return moved
  }

  /** Process record batches fetched from the task's position on. `taken` is called after each step, before the outputs are cleared. */
  async process (bytes: Uint8Array, out: Outputs, live: { readonly journal: (outgoing: Outgoing) => void, readonly taken: () => void }): Promise<void> {
    const { task } = this
    const to = endOf(bytes)
    if (to <= task.position) return
    task.load(bytes, task.position, to)
    const sink = (position: number, content: JournalContent) => { live.journal(this.journal.entry(position, task.clock.arrival, content)) }
    for (let step = task.step(out, sink); ; step = task.step(out, sink)) {
      live.taken()
      out.clear()
      if (step === 'end') return
      if (step === 'schema') await this.#answer(out, live.journal)
    }
  }

  /** Something that does not follow from the log: journaled, then applied. */
  control (content: JournalContent, out: Outputs, journal: (outgoing: Outgoing) => void): void {
    journal(this.journal.entry(this.task.position, this.task.clock.arrival, content))
    this.task.control(content, out)
  }

  get commitFacts (): CommitFacts { return { topicId: this.topicId, hash: this.#plan.pipeline.hash, journal: this.journal.number } }

  /** The state as it is now, for `save`. What led to it was committed before. */
  async copy (): Promise<{ readonly state: StateTree, readonly facts: SnapshotFacts }> {
    const { log, pipeline, leg, definition } = this.#plan
    // Read before the state is copied: entries that come after the copy lie behind it.
    const { end: journalOffset } = await log.range(names.journal(pipeline.name, leg), this.place.partition)
    const { topicId } = this
    return { state: this.task.snapshot(), facts: { position: this.task.position, journal: this.journal.number, journalOffset, topicId, definitionHash: pipeline.hash, definition } }
  }

  async save ({ state, facts }: { readonly state: StateTree, readonly facts: SnapshotFacts }): Promise<void> {
    await this.snapshots.write(state, facts)
  }

  /** The input from the task's position to `to`, with the journal, without emitting. */
  async #catchUp (to: number, entries: readonly JournalEntry[]): Promise<void> {
    const out = new Outputs()
    for (const entry of entries) if (entry.kind === 'schema') this.#verdicts.set(entry.id, entry.schema)
    for (const entry of entries) {
      await this.#again(Math.min(entry.position, to), out)
      if (entry.kind !== 'schema') this.task.control(entry, out)
      out.clear()
    }
    await this.#again(to, out)
  }

  async #again (to: number, out: Outputs): Promise<void> {
    const { task, place: { topic, partition } } = this
    while (task.position < to) {
      const { bytes } = await this.#plan.log.fetch({ topic, partition, offset: task.position, bytesMax: 4 << 20, waitMs: 0 })
      const end = Math.min(endOf(bytes), to)
      if (end <= task.position) throw new StreamError('STATE_POSITION', { topic, partition, snapshot: task.position, committed: to })
      task.load(bytes, task.position, end)
      for (let step = task.step(out, null); ; step = task.step(out, null)) {
        out.clear()
        if (step === 'end') break
        if (step === 'schema') await this.#answer(out, () => {})
      }
    }
  }

  async #answer (out: Outputs, journal: (outgoing: Outgoing) => void): Promise<void> {
    const id = this.task.schemaWanted!
    const known = this.#verdicts.get(id)
    const schema = known === undefined ? await this.#plan.schema(id) : known
    this.#verdicts.set(id, schema)
    const content = { kind: 'schema', id, schema } as const
    if (schema === null && known === undefined) this.control(content, out, journal)
    else this.task.control(content, out)
  }
}

export function createTask (pipeline: CompiledPipeline, { leg, mode, tables }: LegPlan, { source, topic, partition }: Place): Task {
  return new Task(pipeline.createStages({ leg, source, topic, partition, mode, tables }))
}

async function checkPositions ({ log, pipeline, leg }: LegPlan, { topic, partition }: Place, { saved, offset, topicId }: { readonly saved: Snapshot, readonly offset: number, readonly topicId: string }): Promise<void> {
  const { start, end } = await log.range(topic, partition)
  const facts = { pipeline: pipeline.name, leg, topic, partition, start, snapshot: saved.facts.position, committed: offset, end }
  if (saved.facts.topicId !== topicId) throw new StreamError('STATE_TOPIC', { ...facts, was: saved.facts.topicId, is: topicId })
  if (!(saved.facts.position <= offset && offset <= end && (start <= saved.facts.position || saved.facts.position === offset))) throw new StreamError('STATE_POSITION', facts)
}

/** The definition that wrote the state, when it must still finish S..C; null when there is nothing to finish. */
function earlier (plan: LegPlan, { topic, partition }: Place, { saved, offset }: { readonly saved: Snapshot, readonly offset: number }): CompiledPipeline | null {
  if (saved.facts.position === offset) return null
  if (saved.facts.definition === null) throw new StreamError('STATE_DEFINITION', { pipeline: plan.pipeline.name, leg: plan.leg, topic, partition, snapshot: saved.facts.position, committed: offset })
  return plan.compile(saved.facts.definition)
}

/** Offset behind the last record of consecutive batches. */
export function endOf (bytes: Uint8Array): number {
  let end = 0
  let from = 0
  for (let header = readBatchHeader(bytes, from); header !== null; header = readBatchHeader(bytes, from)) {
    end = header.baseOffset + header.lastOffsetDelta + 1
    from += header.bytes
  }
  return end
}
