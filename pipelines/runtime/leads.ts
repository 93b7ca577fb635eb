import { isDeviceOf } from '../core/registry.ts'
import { Outputs } from '../core/outputs.ts'
import type { TopicSpec } from '../core/ports.ts'
import type { Outgoing } from './batches.ts'
import { type Chunk, Feed, type Inlet } from './feed.ts'
import type { Lead, LegPlan, Place } from './lead.ts'
import { names } from './names.ts'
import type { Gone } from './gone.ts'
import { partitionsOf, type Unit } from './share.ts'
import { add, type LegStatus } from './status.ts'
import { TableRefresh } from './table-refresh.ts'
import type { Task } from './task.ts'
import { Verdicts } from './verdicts.ts'

const tickEveryMs = 1_000
const tickEveryMsMax = 60_000
const waitMs = 50
const reviseEveryMs = 10_000
const entriesPerSnapshot = 64

interface Silence { /** Monotonic; when something last came. */ since: number, /** Arrival clock then. */ arrival: number, lastTick: number }

/** What a leg does with a step's outputs and with what it journals. */
export interface LeadsSink {
  /** Outputs of one step of a task; cleared afterwards. The task is null for a source that went. */
  readonly taken: (from: { readonly place: Place, readonly task: Task | null }, out: Outputs) => void
  readonly journal: (outgoing: Outgoing) => void
  /** A batch that must go with what was taken, into the same commit. */
  readonly batch: (topic: string, partition: number, bytes: Uint8Array) => void
  /** After each task's turn: what has gathered may be too much to wait for the end of the round. */
  readonly between: () => Promise<void>
}

/**
 * All tasks of a leg in this thread, in turn: take what was fetched, process, tables, ticks. What becomes of the outputs is the leg's.
 *
 * Limits: one fetch of at most 1 MiB of a task is processed at a time
 */
export class Leads {
  readonly #plan: LegPlan
  readonly #sink: LeadsSink
  readonly #status: LegStatus
  readonly #out = new Outputs()
  readonly #inlets = new Map<Lead, Inlet>()
  /** Of parked tasks: what was taken and is not yet processed to its end. */
  readonly #begun = new Map<Lead, Chunk>()
  readonly #silences = new Map<Lead, Silence>()
  /** Up to where partitions of the state topic were trimmed last. */
  readonly #trimmed = new Map<number, number>()
  readonly #tables: TableRefresh
  /** Versions of the tables as rules were last told of their keys. */
  #told = ''
  /** With whom each goes, should the share change. */
  readonly #gone = new Map<Gone, Lead>()
  readonly #verdicts: Verdicts
  #revisedAt = Number.NEGATIVE_INFINITY
  /** What the tasks read; the leg may have more brought by it. */
  readonly feed: Feed
  all: readonly Lead[] = []

  constructor (plan: LegPlan, status: LegStatus, sink: LeadsSink) {
    const { health } = status
    this.#plan = plan
    this.#status = status
    health.tasks = () => this.all.map(lead => lead.status)
    this.#sink = sink
    this.#verdicts = new Verdicts(plan)
    this.#tables = new TableRefresh(plan)
    this.feed = new Feed(plan.log, plan.clock)
  }

  /** Before any task is restored. */
  async begin (): Promise<void> {
    for (const table of this.#plan.tables.values()) await table.catchUp(this.#plan.log)
  }

  /**
   * Take restored tasks in, between two rounds; a changed definition takes over. Gives those that it took over: their first base is to be written
   * once that is committed.
   */
  async take (units: readonly Unit[]): Promise<readonly Lead[]> {
    const leads = units.flatMap(unit => unit.leads)
    if (this.all.length === 0) this.#told = this.#tables.versions
    const order = new Map(this.#plan.pipeline.sources.map(({ name }, at) => [name, at]))
    this.all = [...this.all, ...leads].sort((a, b) => order.get(a.place.source)! - order.get(b.place.source)! || a.place.partition - b.place.partition)
    const now = this.#plan.clock.monotonicMs()
    for (const lead of leads) this.#silences.set(lead, { since: now, arrival: this.#arrivalOf(lead), lastTick: now })
    const changed = leads.filter(lead => {
      const out = lead.takeOver(this.#sink.journal)
      if (out !== null) this.#sink.taken(lead, out)
      return out !== null
    })
    for (const { gone, anchor } of units) for (const found of gone) this.#gone.set(await found.settle(this.#sink), anchor!)
    this.#register(leads)
    for (const lead of leads) this.#inlets.set(lead, this.feed.open({ ...lead.place, offset: lead.task.position }))
    return changed
  }

  /** They are another's now. */
  drop (leads: readonly Lead[]): void {
    this.all = this.all.filter(lead => !leads.includes(lead))
    for (const lead of leads) {
      this.#silences.delete(lead)
      void this.#inlets.get(lead)?.close()
      this.#inlets.delete(lead)
      this.#begun.delete(lead)
    }
    for (const [gone, anchor] of this.#gone) if (leads.includes(anchor)) this.#gone.delete(gone)
  }

  /** Nothing is read any more, and no fetch is under way. */
  async close (): Promise<void> { await this.feed.close() }

  /** One round over all tasks. False when nothing new came. */
  async round (signal: AbortSignal): Promise<boolean> {
    await this.#refreshTables()
    this.#revise()
    let progressed = false
    for (const lead of this.all) {
      if (signal.aborted) return true
      if (!await this.#advance(lead)) continue
      progressed = true
      await this.#sink.between()
    }
    this.#status.lag = this.all.reduce((sum, lead) => sum + Math.max(0, lead.end - lead.task.position), 0)
    const watermarks = this.all.map(({ task }) => task.clock.watermark).filter(Number.isFinite)
    this.#status.watermark = watermarks.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...watermarks)
    return progressed
  }

  /** Wait until one of the inputs has something, one of `more` settles, or a moment. */
  async wait (signal: AbortSignal, more: readonly Promise<unknown>[] = []): Promise<void> {
    // What is parked has something to read, and must not: it waits for a verdict.
    const parked = this.all.filter(lead => lead.parked !== null)
    if (parked.some(lead => this.#verdicts.of(lead.parked!.schema) !== undefined)) return
    await this.feed.wait(waitMs, signal, parked.length === 0 ? more : [...more, this.#verdicts.changed])
  }

  /** Tasks that have moved since their last snapshot. Ticks alone are worth one now and then: what to restore from them stays little. */
  unsaved ({ all = false }: { readonly all?: boolean } = {}): readonly Lead[] { return this.all.filter(lead => lead.hasMoved(all ? 1 : entriesPerSnapshot)) }

  /**
   * Delete the snapshots that are of no use any more. A partition of the state topic holds those of every source that has the partition: only who
   * leads all of them knows what is of use.
   */
  async trim (): Promise<void> {
    const { log, pipeline, leg } = this.#plan
    const oldest = new Map<number, number>()
    for (const { place: { partition }, snapshots } of this.all) oldest.set(partition, Math.min(oldest.get(partition) ?? Number.POSITIVE_INFINITY, snapshots.baseOffset))
    for (const [partition, before] of oldest) {
      if (before === 0 || this.#trimmed.get(partition) === before || !await this.#leadsAll(partition)) continue
      for (const gone of this.#gone.keys()) if (gone.partition === partition) await gone.keep(before)
      this.#plan.at?.('trim.before')
      await log.trim(names.state(pipeline.name, leg), partition, before)
      this.#trimmed.set(partition, before)
      this.#plan.at?.('trim.after')
    }
  }

  async #leadsAll (partition: number): Promise<boolean> {
    const { sources } = this.#plan.pipeline
    if (this.all.filter(({ place }) => place.partition === partition).length === sources.length) return true
    for (const { name, topic } of sources) {
      const led = this.all.some(({ place }) => place.source === name && place.partition === partition)
      if (!led && partition < await partitionsOf(this.#plan, topic)) return false
    }
    return true
  }

  async #advance (lead: Lead): Promise<boolean> {
    const before = lead.task.position
    const inlet = this.#inlets.get(lead)!
    if (lead.parked !== null && this.#verdicts.of(lead.parked.schema) === undefined) {
      inlet.check()
      lead.parked = { ...lead.parked, why: this.#verdicts.why(lead.parked.schema) }
      await this.#lagOf(lead)
      return false
    }
    const chunk = this.#begun.get(lead) ?? inlet.take()
    lead.end = Math.max(lead.end, inlet.end)
    const silence = this.#silences.get(lead)!
    if (chunk === null) {
      this.#tick(lead, inlet, silence)
      return false
    }
    await lead.process(chunk.bytes, this.#out, { journal: this.#sink.journal, taken: () => { this.#taken(lead) }, breathe: () => this.feed.breathe(), verdicts: this.#verdicts })
    inlet.held = lead.parked !== null
    if (lead.task.position < chunk.to) this.#begun.set(lead, chunk)
    else this.#begun.delete(lead)
    if (lead.task.position === before) return false
    add(this.#status.sources, lead.place.source, lead.task.position - before)
    this.#status.readings += lead.task.position - before
    Object.assign(silence, { since: this.#plan.clock.monotonicMs(), arrival: this.#arrivalOf(lead), lastTick: Number.NEGATIVE_INFINITY })
    await this.feed.breathe()
    return true
  }

  /** Nothing new, and the log's end confirms it: after `idle` the silence itself is told, up to when it was confirmed. */
  #tick (lead: Lead, { confirmedMs }: Inlet, silence: Silence): void {
    const silent = confirmedMs - silence.since
    if (silent < lead.place.idleMs || confirmedMs - silence.lastTick < tickPause(silent, lead.place.idleMs)) return
    silence.lastTick = confirmedMs
    this.#plan.at?.('tick.before')
    lead.control({ kind: 'tick', arrival: Math.floor(silence.arrival + silent) }, this.#out, this.#sink.journal)
    this.#taken(lead)
    this.#out.clear()
    this.#plan.at?.('tick.after')
  }

  /** What is parked fetches nothing, which would tell where its input ends. */
  async #lagOf (lead: Lead): Promise<void> {
    const now = this.#plan.clock.monotonicMs()
    const silence = this.#silences.get(lead)!
    if (now - silence.lastTick < tickEveryMs) return
    silence.lastTick = now
    lead.end = (await this.#plan.log.range(lead.place.topic, lead.place.partition)).end
  }

  /** A schema that was not known may have been registered since: from then on its records are readings. */
  #revise (): void {
    const now = this.#plan.clock.monotonicMs()
    if (now - this.#revisedAt < reviseEveryMs) return
    this.#revisedAt = now
    for (const lead of this.all) {
      for (const id of lead.task.stages.decode.schemasUnknown) {
        const schema = this.#verdicts.of(id)
        if (typeof schema === 'string') lead.control({ kind: 'schema', id, schema }, this.#out, this.#sink.journal)
      }
    }
  }

  #arrivalOf (lead: Lead): number {
    const { arrival } = lead.task.clock
    return Number.isFinite(arrival) ? arrival : this.#plan.clock.wallMs()
  }

  async #refreshTables (): Promise<void> {
    await this.#tables.refresh()
    if (this.#tables.versions === this.#told) return
    this.#told = this.#tables.versions
    this.#register(this.all)
  }

  /** Tell rules with a registry which keys came and went; journaled, since tables do not follow from the source log. */
  #register (leads: readonly Lead[]): void {
    for (const lead of leads) {
      const watched = new Set(lead.task.stages.rules.flatMap(({ registryTable }) => registryTable ?? []))
      for (const name of watched) {
        const table = this.#plan.tables.get(name)
        if (table === undefined) continue
        const known = lead.task.registered.get(name) ?? new Set()
        const present = new Set([...table.keys()].filter(key => isDeviceOf(key, table.get(key), lead.place)))
        for (const key of [...present].filter(key => !known.has(key)).sort()) this.#registered(lead, name, key, true)
        for (const key of [...known].filter(key => !present.has(key)).sort()) this.#registered(lead, name, key, false)
      }
    }
  }

  #registered (lead: Lead, table: string, key: string, present: boolean): void {
    lead.control({ kind: 'registry', table, key, present }, this.#out, this.#sink.journal)
    this.#taken(lead)
    this.#out.clear()
  }

  #taken (lead: Lead): void {
    const status = this.#status
    const { signals } = lead.task
    if (signals !== null) status.normalised += signals.count
    for (const { rows } of this.#out.windows) for (let row = 0; row < rows.count; row += 1) status.windows += rows.closing[row]!
    status.late += this.#out.late.length
    for (const [reason, many] of this.#out.counts) add(status.dropped, reason, many)
    this.#out.counts.clear()
    this.#sink.taken(lead, this.#out)
  }
}

/**
 * Pause between two ticks: a second, in a long silence a hundredth of it, up to a minute. Ticks are kept for as long as the input is; at one a second
 * a partition that nobody sends to would write 86,400 a day.
 */
export function tickPause (silentMs: number, idleMs: number): number {
  return Math.max(Math.min(tickEveryMs, idleMs), Math.min(silentMs / 100, tickEveryMsMax))
}

/** Make the topics that a leg keeps for itself; they are partitioned like the input. */
export async function createInternalTopics (plan: LegPlan): Promise<void> {
  const { log, pipeline, leg } = plan
  const counts = await Promise.all(pipeline.sources.map(({ topic }) => partitionsOf(plan, topic)))
  const spec: Omit<TopicSpec, 'name'> = { partitions: Math.max(...counts), cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' }
  await log.createTopic({ ...spec, name: names.state(pipeline.name, leg) })
  await log.createTopic({ ...spec, name: names.journal(pipeline.name, leg) })
}
