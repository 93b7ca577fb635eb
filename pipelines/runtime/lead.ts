import { StreamError } from '../core/errors.ts'
import type { JournalContent, SchemaName } from '../core/journal.ts'
import { Outputs } from '../core/outputs.ts'
import type { ClockPort, Committed, LogPort } from '../core/ports.ts'
import { endOf, readBatchHeader } from '../core/record-batch.ts'
import type { CompiledPipeline, RetireRule } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import type { Outgoing } from './batches.ts'
import type { ParkedStatus, RestoreStatus, TaskStatus } from './health.ts'
import { Journal } from './journal.ts'
import { type Leg, names } from './names.ts'
import type { At } from './points.ts'
import { createTask, type Restored, restoreTask } from './restore.ts'
import { type Append, type Snapshot, type SnapshotFacts, SnapshotWriter } from './snapshot.ts'
import type { StateReader } from './state-reader.ts'
import type { Table } from './tables.ts'
import type { Task, TaskControl } from './task.ts'
import type { Verdicts } from './verdicts.ts'

/** What both legs need of the world, and of the definition. */
export interface LegPlan {
  readonly leg: Leg
  readonly pipeline: CompiledPipeline
  /** The definition as data; null when it names code and cannot travel with the state. */
  readonly definition: string | null
  /** Compile what an earlier run left as `definition`. */
  readonly compile: (definition: string) => CompiledPipeline
  readonly retire: RetireRule
  /** Whether a changed window or shared stage may begin anew; of the leg's name (`pond`), whether a lake that was lost is filled again. */
  readonly reset: (stage: string) => boolean
  readonly log: LogPort
  readonly clock: ClockPort
  /** The registry's answer for a schema; null: it does not know it. Errors: what keeps it from answering */
  readonly schema: (id: SchemaName) => Promise<string | null>
  /** For how long a healthy registry must not know a schema until it is believed; 30,000 where absent. */
  readonly schemaPatienceMs?: number
  readonly tables: ReadonlyMap<string, Table>
  readonly mode: 'live' | 'shadow'
  /** The leg's lake takes chunks. */
  readonly chunked?: boolean
  /** Version of the time-zone data, where the definition's expressions ask for the time of day. */
  readonly zones?: string | null
  /** Told how a restore comes along, and what it took from reading the snapshot on. */
  readonly restoring?: (progress: RestoreStatus) => void
  readonly restored?: (tookMs: number) => void
  /** Told where the leg comes to: see `points`. */
  readonly at?: At
}

export interface Place { readonly source: string, readonly topic: string, readonly partition: number, readonly partitions: number, readonly idleMs: number }

/** Metadata of a commit: whose state it stands for. */
export interface CommitFacts { readonly topicId: string, readonly hash: string, readonly journal: number, /** For those who look, as is the wall clock. */ readonly watermark?: number | null, readonly wallMs?: number }

interface FreshParts { readonly topicId: string, readonly append: Append | undefined, readonly begun: { readonly offset: number, readonly journal: number } | null, readonly generation: number }
interface LeadParts { readonly task: Task, readonly journal: number, readonly topicId: string, readonly generation: number, readonly takeover: Restored['takeover'], readonly append: Append | undefined }

/** A task as its leader runs it: restored, with its journal and its snapshots. */
export class Lead {
  readonly place: Place
  readonly task: Task
  readonly journal: Journal
  readonly topicId: string
  readonly snapshots: SnapshotWriter
  /** The input's end as last seen; behind it is the lag. */
  end = 0
  parked: ParkedStatus | null = null
  readonly #plan: LegPlan
  #takeover: Restored['takeover']
  #saved = { position: -1, journal: 0 }
  #journalEnd: number | null = null
  #committed: TaskStatus['committed']
  /** Arrival of the first record fetched last. */
  #fetchedArrival = Number.NEGATIVE_INFINITY

  private constructor (plan: LegPlan, place: Place, { task, journal, topicId, generation, takeover, append }: LeadParts) {
    this.#plan = plan
    this.place = place
    this.task = task
    this.topicId = topicId
    this.#takeover = takeover
    const { pipeline, leg, log } = plan
    const { source, partition } = place
    this.journal = new Journal({ topic: names.journal(pipeline.name, leg), partition, source, number: journal })
    this.#committed = { position: task.position, wallMs: null }
    this.snapshots = new SnapshotWriter(log, { topic: names.state(pipeline.name, leg), partition, source }, { generation, ...append && { append } })
  }

  /**
   * Restore a task and bring it to the committed position. `states` has read its partition of the state topic. `append` writes snapshots. When `signal` aborts, so does this, with its reason.
   *
   * Errors: STATE_LOST, STATE_UNCOMMITTED, STATE_POSITION, STATE_TOPIC, STATE_STAGE, STATE_DEFINITION, STATE_JOURNAL, STATE_CORRUPT, STATE_VERSION; none is guessed around
   */
  static async open (plan: LegPlan, place: Place, { states, committed, append, signal }: { readonly states: StateReader, readonly committed: Committed | null, readonly append?: Append | undefined, readonly signal?: AbortSignal }): Promise<Lead> {
    const { log, clock, pipeline, leg } = plan
    const { source, topic, partition } = place
    const beganMs = clock.monotonicMs()
    plan.at?.('restore.before')
    const info = await log.topic(topic)
    if (info === null) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic })
    const saved = states.snapshot(source)
    plan.at?.('restore.snapshot')
    if (saved === null || (saved.facts.aside === true && committed !== null && committed.offset !== saved.facts.position)) {
      const begun = committed !== null && (saved !== null || isRenamed(states, plan, topic)) ? { offset: committed.offset, journal: factsOf(committed, place).journal } : null
      if (committed !== null && begun === null) throw new StreamError('STATE_LOST', { pipeline: pipeline.name, leg, topic, partition, committed: committed.offset })
      return Lead.#fresh(plan, place, { topicId: info.id, append, begun, generation: (saved?.generation ?? 0) + 1 })
    }
    const facts = committed === null ? null : factsOf(committed, place)
    const offset = committed?.offset ?? saved.facts.position
    await checkPositions(plan, place, { saved, offset, topicIds: [saved.facts.topicId, ...facts === null ? [] : [facts.topicId], info.id] })
    if (committed === null && saved.facts.uncommitted !== true) {
      // A lake takes the same rows again; what the race says must not be said twice.
      if (leg !== 'pond' || !plan.reset(leg)) throw new StreamError('STATE_UNCOMMITTED', { pipeline: pipeline.name, leg, topic, partition, snapshot: saved.facts.position })
      return Lead.#fresh(plan, place, { topicId: info.id, append, begun: null, generation: saved.generation + 1 })
    }
    const journal = facts?.journal ?? saved.facts.journal
    const { task, takeover } = await restoreTask(plan, place, { saved, offset, journal, signal })
    plan.at?.('restore.played')
    plan.restored?.(clock.monotonicMs() - beganMs)
    const lead = new Lead(plan, place, { task, journal, topicId: info.id, generation: saved.generation + 1, takeover, append })
    // An owner's first snapshot is a base; that of a changed definition waits for the commit of what its taking over gives.
    if (takeover === null) await lead.save(await lead.copy({ uncommitted: committed === null }))
    plan.at?.('restore.saved')
    return lead
  }

  /** First start: from the first record still held, or where a source of another name had come to on this topic. A base of the empty state says where it began. */
  static async #fresh (plan: LegPlan, place: Place, { topicId, append, begun, generation }: FreshParts): Promise<Lead> {
    const start = begun?.offset ?? (await plan.log.range(place.topic, place.partition)).start
    const lead = new Lead(plan, place, { task: createTask(plan.pipeline, plan, place), journal: begun?.journal ?? 0, topicId, generation, takeover: null, append })
    lead.task.load(new Uint8Array(0), start, start)
    lead.task.step(new Outputs(), null)
    await lead.save(await lead.copy({ uncommitted: begun === null }))
    plan.at?.('restore.saved')
    return lead
  }

  /** A changed definition takes over, once, before anything else: journaled, so that a crash before the next snapshot does not do it again. Gives what it clears. */
  takeOver (journal: (outgoing: Outgoing) => void): Outputs | null {
    if (this.#takeover === null) return null
    const { out, reset } = this.#takeover
    this.#takeover = null
    const { pipeline: { hash }, definition } = this.#plan
    journal(this.journal.entry(this.task.position, this.task.clock.arrival, { kind: 'definition', hash, definition, reset }))
    return out
  }

  /**
   * Process record batches fetched from the task's position on, as far as the verdicts on their schemas are known: before one that is not, the task is
   * parked. `taken` is called after each step, before the outputs are cleared, and `breathe` between two: a
   * megabyte of small records may take a tenth of a second.
   */
  async process (bytes: Uint8Array, out: Outputs, live: { readonly journal: (outgoing: Outgoing) => void, readonly taken: () => void, readonly breathe: () => Promise<void>, readonly verdicts: Verdicts }): Promise<void> {
    const { task } = this
    const to = endOf(bytes)
    if (to <= task.position) return
    this.#fetchedArrival = readBatchHeader(bytes, 0)?.maxTimestamp ?? Number.NEGATIVE_INFINITY
    this.#plan.at?.('apply.before')
    task.load(bytes, task.position, to)
    const sink = (position: number, content: JournalContent) => { live.journal(this.journal.entry(position, task.clock.arrival, content)) }
    for (let step = task.step(out, sink); ; step = task.step(out, sink)) {
      live.taken()
      out.clear()
      this.#plan.at?.(step === 'end' ? 'apply.after' : 'apply.step')
      if (step === 'end') return
      if (step === 'schema' && !await this.#answer(out, live)) return
      await live.breathe()
    }
  }

  /** Something that does not follow from the log: journaled, then applied. */
  control (content: TaskControl, out: Outputs, journal: (outgoing: Outgoing) => void): void {
    journal(this.journal.entry(this.task.position, this.task.clock.arrival, content))
    this.task.control(content, out)
  }

  get commitFacts (): CommitFacts { return { topicId: this.topicId, hash: this.#plan.pipeline.hash, journal: this.journal.number, watermark: finite(this.task.clock.watermark), wallMs: this.#plan.clock.wallMs() } }

  /** A commit of this position is through. */
  committedTo (position: number): void { this.#committed = { position, wallMs: this.#plan.clock.wallMs() } }

  get status (): TaskStatus {
    const { place: { source, topic, partition }, task: { position, clock: { watermark, lastReading } }, end } = this
    return { source, topic, partition, position, end: Math.max(end, position), watermark, arrival: Math.max(this.#fetchedArrival, lastReading), committed: this.#committed, saved: this.snapshots.last, parked: this.parked }
  }

  /** The state as it is now, for `save`. What led to it is committed before it is saved. */
  async copy ({ uncommitted = false }: { readonly uncommitted?: boolean } = {}): Promise<{ readonly state: StateTree, readonly facts: SnapshotFacts }> {
    const { log, clock, pipeline, leg, definition, zones = null } = this.#plan
    // From before the state is copied: entries that come after the copy lie behind it. The first time the log is asked; later what it said after the snapshot before.
    const journalOffset = this.#journalEnd ??= (await log.range(names.journal(pipeline.name, leg), this.place.partition)).end
    const { topicId, place: { topic } } = this
    return { state: this.task.snapshot(), facts: { position: this.task.position, journal: this.journal.number, journalOffset, topic, topicId, definitionHash: pipeline.hash, definition, wallMs: clock.wallMs(), watermark: finite(this.task.clock.watermark), ...zones !== null && { zones }, ...uncommitted && { uncommitted } } }
  }

  async save ({ state, facts }: { readonly state: StateTree, readonly facts: SnapshotFacts }): Promise<void> {
    const { log, pipeline, leg } = this.#plan
    await this.snapshots.write(state, facts)
    // Without entries since it is the end as it was, and nobody has to be asked.
    if (this.#saved.journal !== facts.journal) this.#journalEnd = (await log.range(names.journal(pipeline.name, leg), this.place.partition)).end
    this.#saved = facts
  }

  /** Where the task stands: ticks move no position, but the journal. */
  get stand (): string { return `${this.task.position}/${this.journal.number}` }
  /** Whether a snapshot would be another one than the last; for journal entries alone, once there are `entriesMin`. */
  hasMoved (entriesMin: number): boolean { return this.#saved.position !== this.task.position || this.journal.number - this.#saved.journal >= entriesMin }

  /** Both answers are content of the journal: what follows from the log must not depend on what the registry says later. False: the task is parked. */
  async #answer (out: Outputs, { journal, verdicts }: { readonly journal: (outgoing: Outgoing) => void, readonly verdicts: Verdicts }): Promise<boolean> {
    const { task } = this
    const id = task.schemaWanted!
    const schema = await verdicts.soon(id)
    this.#plan.at?.('schema.asked')
    if (schema === undefined) {
      task.park()
      this.parked = { schema: id, sinceMs: this.parked?.schema === id ? this.parked.sinceMs : this.#plan.clock.wallMs(), why: verdicts.why(id) }
      return false
    }
    this.parked = null
    const content = { kind: 'schema', id, schema } as const
    journal(this.journal.entry(task.stages.decode.schemaWantedAt, task.clock.arrival, content))
    task.control(content, out)
    return true
  }
}

const finite = (time: number): number | null => Number.isFinite(time) ? time : null

/** Errors: STATE_CORRUPT */
export function factsOf ({ metadata, offset }: Committed, { topic, partition }: Pick<Place, 'topic' | 'partition'>): CommitFacts {
  try {
    return JSON.parse(metadata) as CommitFacts
  } catch (cause) {
    throw new StreamError('STATE_CORRUPT', { topic, partition, committed: offset, metadata }, { cause })
  }
}

/** Errors: STATE_TOPIC, STATE_POSITION */
export async function checkPositions ({ log, pipeline, leg }: LegPlan, { topic, partition }: Pick<Place, 'topic' | 'partition'>, { saved, offset, topicIds }: { readonly saved: Snapshot, readonly offset: number, readonly topicIds: readonly string[] }): Promise<void> {
  const { start, end } = await log.range(topic, partition)
  const facts = { pipeline: pipeline.name, leg, topic, partition, start, snapshot: saved.facts.position, committed: offset, end }
  if (new Set(topicIds).size > 1) throw new StreamError('STATE_TOPIC', { ...facts, was: topicIds[0], is: topicIds.at(-1) })
  if (!(start <= saved.facts.position && saved.facts.position <= offset && offset <= end)) throw new StreamError('STATE_POSITION', facts)
}

/** Whether a source that the definition no longer has read this topic: this one goes on where that one ended. */
function isRenamed (states: StateReader, { pipeline }: LegPlan, topic: string): boolean {
  return states.sources.some(source => !pipeline.sources.some(({ name }) => name === source) && states.snapshot(source)?.facts.topic === topic)
}
