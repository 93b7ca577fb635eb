import type { Outputs } from '../core/outputs.ts'
import type { Committed, LakePort } from '../core/ports.ts'
import { type LogRecord, records } from '../core/record-batch.ts'
import { Batches } from './batches.ts'
import { endOf, type Lead, type LegPlan } from './lead.ts'
import { createInternalTopics, Leads } from './leads.ts'
import { names } from './names.ts'
import { createStatus, type LegStatus } from './status.ts'

type Control = Parameters<LakePort['addEvents']>[0][number]
type Letter = Parameters<LakePort['addDeadLetters']>[0][number]
type Late = Parameters<LakePort['addLate']>[0][number]

/** Values of the race's topics, read back; null for a record that is not one of ours. */
export interface PondCodecs {
  readonly event: (value: Uint8Array) => Control | null
  readonly deadLetter: (value: Uint8Array) => Letter | null
  readonly late: (value: Uint8Array) => Late | null
}

export interface PondOptions {
  readonly codecs: PondCodecs
  readonly lake: LakePort
  readonly commitEveryMs: number
  readonly snapshotEveryMs: number
  readonly expireEveryMs: number
}

/** What the lake holds since this leg started, as committed. */
export interface PondStatus extends LegStatus { readonly stored: { readings: number, rollups: number, events: number } }

const copyBytesMax = 1 << 20

/**
 * The slow leg: readings, rollups, events, dead letters and late readings into the lake.
 *
 * Delivery: rows and positions are one transaction of the lake; journal entries are in the log before the transaction of their first effect
 * Errors:   those of the lake, the log and restore end `run`; what was not committed comes again
 */
export class PondLeg {
  readonly status: PondStatus = { ...createStatus(), stored: { readings: 0, rollups: 0, events: 0 } }
  readonly #plan: LegPlan
  readonly #options: PondOptions
  readonly #leads: Leads
  readonly #journal = new Batches()
  readonly #copiers: readonly Copier[]
  #lastCommitMs = 0
  #lastSnapshotMs = 0
  #lastExpireMs = 0
  #added = { readings: 0, rollups: 0, events: 0 }
  #committing: Promise<Error | null> = Promise.resolve(null)

  constructor (plan: LegPlan, options: PondOptions) {
    this.#plan = plan
    this.#options = options
    this.#leads = new Leads(plan, this.status, { taken: (lead, out) => { this.#taken(lead, out) }, journal: outgoing => { this.#journal.add(outgoing) } })
    const { lake, codecs } = options
    const { pipeline } = plan
    const copy = <T>(topic: string, decode: (value: Uint8Array) => T | null, add: (rows: readonly T[]) => void) => new Copier(topic, found => {
      const rows = found.flatMap(({ value }) => (value === null ? null : decode(value)) ?? [])
      if (rows.length > 0) add(rows)
      this.#added.events += rows.length
    })
    this.#copiers = [
      ...pipeline.control === null ? [] : [copy(pipeline.control.topic, codecs.event, rows => { lake.addEvents(rows) })],
      copy(names.deadLetters(pipeline.name), codecs.deadLetter, rows => { lake.addDeadLetters(rows) }),
      copy(names.late(pipeline.name), codecs.late, rows => { lake.addLate(rows) }),
    ]
  }

  /** Run until `signal` aborts, then drain: what was fetched is stored and snapshotted. */
  async run (signal: AbortSignal, ready: () => void = () => {}): Promise<void> {
    const { clock, log } = this.#plan
    const { lake } = this.#options
    await createInternalTopics(this.#plan)
    await this.#leads.open((topic, partition) => lake.committed(topic, partition))
    for (const copier of this.#copiers) await copier.open(this.#plan, lake)
    const changed = this.#leads.all.filter(({ takeover }) => takeover !== null)
    if (changed.length > 0) {
      await this.#commit()
      await this.#settled()
      for (const lead of changed) await lead.save(await lead.copy())
    }
    this.#lastCommitMs = this.#lastSnapshotMs = clock.monotonicMs()
    ready()
    while (!signal.aborted) {
      let progressed = await this.#leads.round(signal)
      for (const copier of this.#copiers) if (await copier.copy(log)) progressed = true
      const due = clock.monotonicMs() - this.#lastCommitMs >= this.#options.commitEveryMs
      if (due || lake.pendingRows * 2 > lake.pendingRowsMax) await this.#commit()
      await this.#snapshotIfDue()
      if (!progressed) await this.#leads.wait(signal)
    }
    for (const copier of this.#copiers) while (await copier.copy(log)) await this.#commit()
    await this.#commit()
    await this.#save()
  }

  #taken (lead: Lead, out: Outputs): void {
    const { lake } = this.#options
    const { source, topic, partition } = lead.place
    const { signals, keys } = lead.task
    if (signals !== null && signals.count > 0) {
      lake.addReadings({ source, topic, partition, batch: signals, keys })
      this.#added.readings += signals.count
    }
    for (const { name, rows } of out.windows) {
      if (rows.count === 0) continue
      lake.addRollups({ window: name.replace(/^window\./, ''), source, partition, rows, keys })
      this.#added.rollups += rows.count
    }
  }

  /** One commit may be under way while the rows of the next are added. */
  async #commit (): Promise<void> {
    const { log, clock } = this.#plan
    const { lake, expireEveryMs } = this.#options
    await this.#settled()
    this.#lastCommitMs = clock.monotonicMs()
    for (const { topic, partition, bytes } of this.#journal.take()) await log.append(topic, partition, bytes)
    const added = this.#added
    this.#added = { readings: 0, rollups: 0, events: 0 }
    const positions = [
      ...this.#leads.all.map(lead => ({ topic: lead.place.topic, partition: lead.place.partition, offset: lead.task.position, metadata: JSON.stringify(lead.commitFacts) })),
      ...this.#copiers.flatMap(copier => copier.positions),
    ]
    const { stored } = this.status
    this.#committing = lake.commit(positions).then(() => {
      this.status.commits += 1
      stored.readings += added.readings
      stored.rollups += added.rollups
      stored.events += added.events
      return null
    }, error => error as Error)
    if (clock.monotonicMs() - this.#lastExpireMs < expireEveryMs) return
    this.#lastExpireMs = clock.monotonicMs()
    await this.#settled()
    await lake.expire(clock.wallMs())
  }

  async #settled (): Promise<void> {
    const failure = await this.#committing
    if (failure !== null) throw failure
  }

  async #snapshotIfDue (): Promise<void> {
    const now = this.#plan.clock.monotonicMs()
    if (now - this.#lastSnapshotMs < this.#options.snapshotEveryMs) return
    this.#lastSnapshotMs = now
    await this.#commit()
    await this.#save()
  }

  async #save (): Promise<void> {
    const { log, pipeline } = this.#plan
    await this.#settled()
    const oldest = new Map<number, number>()
    for (const lead of this.#leads.all) {
      await lead.save(await lead.copy())
      this.status.snapshots += 1
      oldest.set(lead.place.partition, Math.min(oldest.get(lead.place.partition) ?? Number.POSITIVE_INFINITY, lead.snapshots.baseOffset))
    }
    for (const [partition, before] of oldest) if (before > 0) await log.trim(names.state(pipeline.name, 'pond'), partition, before)
  }
}

/** Reads one topic of the race from where the lake says, in order. */
class Copier {
  readonly #topic: string
  readonly #take: (found: readonly LogRecord[]) => void
  #offsets: number[] = []

  constructor (topic: string, take: (found: readonly LogRecord[]) => void) {
    this.#topic = topic
    this.#take = take
  }

  async open ({ log }: LegPlan, lake: LakePort): Promise<void> {
    const { partitions } = (await log.topic(this.#topic))!
    this.#offsets = await Promise.all(Array.from({ length: partitions }, async (_, partition) => {
      const [{ start }, committed] = await Promise.all([log.range(this.#topic, partition), lake.committed(this.#topic, partition)])
      return Math.max(start, committed?.offset ?? 0)
    }))
  }

  get positions (): readonly (Committed & { readonly topic: string, readonly partition: number })[] {
    return this.#offsets.map((offset, partition) => ({ topic: this.#topic, partition, offset, metadata: '' }))
  }

  async copy (log: LegPlan['log']): Promise<boolean> {
    let progressed = false
    for (const [partition, offset] of this.#offsets.entries()) {
      const { bytes } = await log.fetch({ topic: this.#topic, partition, offset, bytesMax: copyBytesMax, waitMs: 0 })
      const end = endOf(bytes)
      if (end <= offset) continue
      this.#take([...records(bytes)].filter(record => record.offset >= offset))
      this.#offsets[partition] = end
      progressed = true
    }
    return progressed
  }
}
