import { partitionOf } from '../core/murmur2.ts'
import type { DeadLetterOutput, EventOutput, LateOutput, Outputs } from '../core/outputs.ts'
import type { Membership } from '../core/ports.ts'
import type { Headers } from '../core/record-batch.ts'
import { Batches } from './batches.ts'
import type { Lead, LegPlan, Place } from './lead.ts'
import { createInternalTopics, Leads } from './leads.ts'
import { names } from './names.ts'
import { inOrder } from './order.ts'
import { add, createStatus, type LegStatus } from './status.ts'

type ControlEvent = EventOutput['event']

export interface Encoded { readonly key: Uint8Array | null, readonly value: Uint8Array, readonly headers: Headers }

/** How outputs look on their topics: Avro, with ids of the registry. */
export interface RaceCodecs {
  readonly event: (event: ControlEvent) => Encoded
  readonly late: (late: LateOutput, place: Place) => Encoded
  readonly deadLetter: (letter: DeadLetterOutput, place: Place) => Encoded
}

export interface RaceOptions {
  readonly codecs: RaceCodecs
  readonly member: string
  readonly snapshotEveryMs: number
  /** Without output, positions are committed this often. */
  readonly commitEveryMs: number
  /** Called with every event as it is committed, for those who watch. */
  readonly onEvent?: (event: ControlEvent) => void
}

/**
 * The fast leg: readings to control events, dead letters and late readings.
 *
 * Delivery: exactly once: outputs, positions and journal of a round go into one commit; state is restored from snapshot and input
 * Errors:   what the log, the registry and restore throw ends `run`; state that was not committed is thrown away with it
 */
export class RaceLeg {
  readonly status: LegStatus = createStatus()
  readonly #plan: LegPlan
  readonly #options: RaceOptions
  readonly #batches = new Batches()
  readonly #leads: Leads
  readonly #partitions = new Map<string, number>()
  readonly #committed = new Map<Lead, number>()
  readonly #snapshotAt = new Map<Lead, number>()
  #events: ControlEvent[] = []
  #membership: Membership | null = null
  #inFlight: Promise<void> = Promise.resolve()
  #inFlightCount = 0
  #failure: Error | null = null
  #saving: Promise<void> | null = null
  #lastCommitMs = 0
  #lastSnapshotMs = 0

  constructor (plan: LegPlan, options: RaceOptions) {
    this.#plan = plan
    this.#options = options
    this.#leads = new Leads(plan, this.status, { taken: (lead, out) => { this.#taken(lead, out) }, journal: outgoing => { this.#batches.add(outgoing) } })
  }

  /** Run until `signal` aborts, then drain: what was fetched is finished, committed and snapshotted. `ready` settles when reading begins. */
  async run (signal: AbortSignal, ready: () => void = () => {}): Promise<void> {
    const { log, pipeline, clock } = this.#plan
    const group = names.group(pipeline.name, 'race')
    await createInternalTopics(this.#plan)
    for (const topic of [pipeline.control?.topic, names.deadLetters(pipeline.name), names.late(pipeline.name)]) {
      if (topic !== undefined) this.#partitions.set(topic, (await log.topic(topic))!.partitions)
    }
    this.#membership = await log.join({ group, member: this.#options.member, topics: pipeline.sources.map(({ topic }) => topic) })
    try {
      await this.#leads.open((topic, partition) => log.committed(group, topic, partition))
      await this.#takeOver()
      this.#lastSnapshotMs = this.#lastCommitMs = clock.monotonicMs()
      ready()
      while (!signal.aborted) {
        const progressed = await this.#leads.round(signal)
        await this.#commitIfDue()
        await this.#snapshotIfDue()
        if (!progressed) await this.#leads.wait(signal)
      }
      await this.#drain()
    } finally {
      await this.#inFlight.catch(() => {})
      await this.#saving?.catch(() => {})
      await this.#membership.leave().catch(() => {})
    }
  }

  /** A changed definition: what it cleared is committed before anything else, and its own first base is written. */
  async #takeOver (): Promise<void> {
    const changed = this.#leads.all.filter(({ takeover }) => takeover !== null)
    for (const lead of changed) this.#taken(lead, lead.takeover!)
    if (changed.length > 0 || this.#batches.count > 0) await this.#commit(true)
    for (const lead of changed) await lead.save(await lead.copy())
  }

  #taken (lead: Lead, out: Outputs): void {
    const { codecs } = this.#options
    const { place } = lead
    const { pipeline } = this.#plan
    for (const { event } of inOrder(out.events)) {
      if (event.state === 'raised') this.status.raised += 1
      if (event.state === 'cleared') this.status.cleared += 1
      this.#events.push(event)
      if (pipeline.control !== null) this.#add(pipeline.control.topic, event.arrivedAt, codecs.event(event))
    }
    for (const late of inOrder(out.late)) this.#add(names.late(pipeline.name), late.arrival, codecs.late(late, place))
    for (const letter of inOrder(out.deadLetters)) {
      add(this.status.deadLetters, letter.reason, 1)
      this.#add(names.deadLetters(pipeline.name), letter.arrival, codecs.deadLetter(letter, place))
    }
  }

  #add (topic: string, arrival: number, { key, value, headers }: Encoded): void {
    const partitions = this.#partitions.get(topic)!
    const partition = key === null || partitions === 1 ? 0 : partitionOf(key, partitions)
    this.#batches.add({ topic, partition, timestamp: Number.isFinite(arrival) ? Math.floor(arrival) : 0, key, value, headers })
  }

  async #commitIfDue (): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    const due = this.#plan.clock.monotonicMs() - this.#lastCommitMs >= this.#options.commitEveryMs
    if (this.#batches.count > 0 || due) await this.#commit(false)
  }

  /** Commits go out in order; at most four are under way. */
  async #commit (wait: boolean): Promise<void> {
    const moved = this.#leads.all.filter(lead => wait || this.#committed.get(lead) !== lead.task.position)
    this.#lastCommitMs = this.#plan.clock.monotonicMs()
    if (moved.length === 0 && this.#batches.count === 0) return
    const offsets = this.#leads.all.map(lead => ({ topic: lead.place.topic, partition: lead.place.partition, offset: lead.task.position, metadata: JSON.stringify(lead.commitFacts) }))
    for (const lead of moved) this.#committed.set(lead, lead.task.position)
    const events = this.#events
    this.#events = []
    this.#inFlightCount += 1
    const done = this.#membership!.commit({ appends: this.#batches.take(), offsets })
    const told = done.then(() => {
      this.#inFlightCount -= 1
      this.status.commits += 1
      for (const event of events) this.#options.onEvent?.(event)
    }, error => { this.#failure ??= error as Error })
    this.#inFlight = Promise.all([this.#inFlight, told]).then(() => {})
    if (wait || this.#inFlightCount >= 4) await this.#inFlight
    if (this.#failure !== null) throw this.#failure
  }

  /** Copies are taken between rounds; writing them goes on beside the next rounds. */
  async #snapshotIfDue (): Promise<void> {
    const now = this.#plan.clock.monotonicMs()
    if (this.#saving !== null || now - this.#lastSnapshotMs < this.#options.snapshotEveryMs) return
    this.#lastSnapshotMs = now
    await this.#commit(false)
    const moved = this.#leads.all.filter(lead => this.#snapshotAt.get(lead) !== lead.task.position)
    const copies = await Promise.all(moved.map(async lead => ({ lead, copy: await lead.copy() })))
    const committed = this.#inFlight
    this.#saving = (async () => {
      await committed
      if (this.#failure !== null) return
      for (const { lead, copy } of copies) {
        await lead.save(copy)
        this.#snapshotAt.set(lead, copy.facts.position)
        this.status.snapshots += 1
      }
      await this.#trim()
    })().catch(error => { this.#failure ??= error as Error }).finally(() => { this.#saving = null })
  }

  /** Snapshots before the oldest base in use are of no use. */
  async #trim (): Promise<void> {
    const { log, pipeline } = this.#plan
    const oldest = new Map<number, number>()
    for (const { place, snapshots } of this.#leads.all) oldest.set(place.partition, Math.min(oldest.get(place.partition) ?? Number.POSITIVE_INFINITY, snapshots.baseOffset))
    for (const [partition, before] of oldest) if (before > 0) await log.trim(names.state(pipeline.name, 'race'), partition, before)
  }

  async #drain (): Promise<void> {
    await this.#commit(true)
    await this.#saving
    for (const lead of this.#leads.all) {
      await lead.save(await lead.copy())
      this.status.snapshots += 1
    }
    if (this.#failure !== null) throw this.#failure
  }
}
