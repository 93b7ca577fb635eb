import { partitionOf } from '../core/murmur2.ts'
import type { Outputs } from '../core/outputs.ts'
import type { Membership } from '../core/ports.ts'
import { Batches } from './batches.ts'
import type { Lead, LegPlan, Place } from './lead.ts'
import { createInternalTopics, Leads } from './leads.ts'
import { names } from './names.ts'
import { GatheredAppends } from './gathered-appends.ts'
import { inOrder } from './order.ts'
import { Pace } from './pace.ts'
import type { Append } from './snapshot.ts'
import type { ControlEvent, Encoded, RaceOptions } from './race.ts'
import { countCommit, countSnapshot, restoreHooks } from './health.ts'
import { isOf, partitionsOf, Share, type Unit } from './share.ts'
import { Standby } from './standby.ts'
import { add, copyStatus, type LegStatus } from './status.ts'

/** What a commit under way holds up goes together in the next, at once when that is through: two in line would only wait at the broker, p50 17 to 22 ms in place of 10 to 12 (bench/kafka-latency.ts). */
const inFlightMax = 1
/** Where whole batches wait, one transaction ends while the next is written and a third waits. */
const inFlightMaxFull = 3
/** Under express events go ahead of their commit, which comes so much later than the first of them: commits may be fewer. */
const expressCommitAfterMs = 50
/** Snapshots that are written at the same time, into the same commits. */
const savingMax = 16
/** Beyond this a commit does not wait for the end of the round, and the round waits for the commit: what gathers stays bounded. */
const gatheredBytesMax = 8 << 20

export interface RunHooks {
  readonly ready: () => void
  /** A commit is through; the status as it was when it was sent. */
  readonly committed: (status: LegStatus) => void
}

/**
 * The race from one start to its end: a failed one is thrown away with its state.
 *
 * Errors: what the log, the registry and restore throw ends `run`
 */
export class RaceRun {
  readonly #plan: LegPlan
  readonly #options: RaceOptions
  readonly #status: LegStatus
  readonly #batches = new Batches()
  readonly #leads: Leads
  readonly #partitions = new Map<string, number>()
  /** Where each task stood at its last commit. */
  readonly #committed = new Map<Lead, string>()
  #events: ControlEvent[] = []
  #membership: Membership | null = null
  #share: Share | null = null
  readonly #standby: Standby | null
  #hooks: RunHooks | null = null
  #inFlight: Promise<void> = Promise.resolve()
  #inFlightCount = 0
  #failure: Error | null = null
  #saving: Promise<void> | null = null
  #letting: Promise<void> | null = null
  #lastCommitMs = 0
  /** Under express: outputs go ahead of their commit. */
  #isExpress = false
  #isWriting = false
  /** Something was written ahead, and waits for its commit. */
  #isBegun = false
  #begunMs = 0
  readonly #snapshots: Pace

  constructor (plan: LegPlan, options: RaceOptions, status: LegStatus) {
    this.#plan = { ...plan, ...restoreHooks(status.health) }
    this.#options = options
    this.#standby = options.standby === true ? new Standby(plan) : null
    this.#status = status
    this.#snapshots = new Pace(plan.clock, options.snapshotEveryMs)
    this.#leads = new Leads(plan, status, {
      taken: ({ place }, out) => { this.#taken(place, out) },
      journal: outgoing => { this.#batches.add(outgoing) },
      batch: (topic, partition, bytes) => { this.#batches.addBatch(topic, partition, bytes) },
      between: async () => { if (this.#batches.sealedBytes > gatheredBytesMax) await this.#commit(false) },
    })
  }

  async run (signal: AbortSignal, hooks: RunHooks): Promise<void> {
    const { log, pipeline, clock, at } = this.#plan
    const group = names.group(pipeline.name, 'race')
    this.#hooks = hooks
    await createInternalTopics(this.#plan)
    for (const topic of [pipeline.control?.topic, names.deadLetters(pipeline.name), names.late(pipeline.name)]) {
      if (topic !== undefined) this.#partitions.set(topic, await partitionsOf(this.#plan, topic))
    }
    at?.('join.before')
    const membership = await this.#join(signal)
    if (membership === null) return
    this.#membership = membership
    this.#isExpress = pipeline.control?.delivery === 'express' && membership.ahead !== undefined
    at?.('join.after')
    try {
      // Snapshots go by commits too: a member that has lost the lead must not leave any behind.
      const appends = new GatheredAppends(commit => membership.commit(commit))
      const append: Append = (topic, partition, bytes) => appends.append(topic, partition, bytes)
      const share = await Share.open(this.#plan, { membership, committed: (topic, partition) => log.committed(group, topic, partition), append, standby: this.#standby, news: () => { this.#leads.feed.wake() } })
      this.#share = share
      await this.#leads.begin()
      this.#lastCommitMs = clock.monotonicMs()
      this.#snapshots.begin()
      for (let told = false; !signal.aborted;) {
        await this.#follow(share, membership)
        if (!told && !share.isRestoring) {
          told = true
          hooks.ready()
        }
        const progressed = await this.#leads.round(signal)
        await this.#commitIfDue()
        await this.#snapshotIfDue()
        if (!progressed) await this.#leads.wait(signal)
      }
      await this.#drain()
    } finally {
      await this.#leads.close()
      await this.#share?.stop()
      await this.#standby?.stop()
      await this.#inFlight
      await this.#saving
      await this.#letting
      at?.('leave.before')
      await membership.leave().catch(() => {})
    }
  }

  /** A group may keep those waiting who join; null: it took too long for who wants to stop. */
  async #join (signal: AbortSignal): Promise<Membership | null> {
    const { log, pipeline } = this.#plan
    const joining = log.join({ group: names.group(pipeline.name, 'race'), member: this.#options.member, topics: pipeline.sources.map(({ topic }) => topic) })
    const stopped = Promise.withResolvers<null>()
    const stop = () => { stopped.resolve(null) }
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    const first = await Promise.race([joining, stopped.promise]).finally(() => { signal.removeEventListener('abort', stop) })
    if (first === null) void joining.then(late => late.leave()).catch(() => {})
    return first
  }

  /** What the group gives is restored beside the rounds; what it wants back is let go. */
  async #follow (share: Share, membership: Membership): Promise<void> {
    // A worker with nothing to commit would go on for ever without being told.
    if (membership.over) throw membership.over
    share.look()
    this.#standby?.follow(partition => share.has(partition))
    const units = share.take()
    if (units.length > 0) await this.#takeIn(units)
    if (membership.revoked.length > 0 && this.#letting === null && this.#saving === null) await this.#letGo(share, membership)
  }

  async #takeIn (units: readonly Unit[]): Promise<void> {
    const { at } = this.#plan
    const changed = await this.#leads.take(units)
    at?.('takeover.applied')
    if (changed.length > 0 || this.#batches.count > 0) await this.#commit(true)
    at?.('takeover.committed')
    for (const lead of changed) await lead.save(await lead.copy())
    at?.('takeover.saved')
  }

  /** What is under way is finished and committed; a snapshot that stands for the committed position makes the next owner's restore short. The others go on while it is written. */
  async #letGo (share: Share, membership: Membership): Promise<void> {
    const { at } = this.#plan
    const revoked = [...membership.revoked]
    at?.('release.asked')
    await this.#commit(true)
    at?.('release.committed')
    const leaving = this.#leads.all.filter(({ place }) => isOf(revoked, place))
    const copies = await this.#copies(leaving.filter(lead => lead.hasMoved(1)))
    this.#leads.drop(leaving)
    for (const lead of leaving) this.#committed.delete(lead)
    this.#letting = (async () => {
      await share.letGo(revoked)
      await this.#save(copies)
      at?.('release.saved')
      // More may be wanted back by now: that comes first.
      if (membership.revoked.every(place => isOf(revoked, place))) await membership.release()
      at?.('release.done')
    })().catch(error => { this.#failure ??= error as Error }).finally(() => { this.#letting = null })
  }

  #taken (place: Place, out: Outputs): void {
    const { codecs } = this.#options
    const { pipeline } = this.#plan
    const status = this.#status
    for (const { event } of inOrder(out.events)) {
      if (event.state === 'raised') status.raised += 1
      if (event.state === 'cleared') status.cleared += 1
      this.#events.push(event)
      if (pipeline.control !== null) this.#add(pipeline.control.topic, event.arrivedAt, codecs.event(event))
    }
    for (const late of inOrder(out.late)) this.#add(names.late(pipeline.name), late.arrival, codecs.late(late, place))
    for (const letter of inOrder(out.deadLetters)) {
      add(status.deadLetters, letter.reason, 1)
      this.#add(names.deadLetters(pipeline.name), letter.arrival, codecs.deadLetter(letter, place))
    }
  }

  #add (topic: string, arrival: number, { key, value, headers, to = this.#placeOf(topic, key) }: Encoded): void {
    this.#batches.add({ ...to, timestamp: Number.isFinite(arrival) ? Math.floor(arrival) : 0, key, value, headers })
  }

  #placeOf (topic: string, key: Uint8Array | null) {
    const partitions = this.#partitions.get(topic)!
    return { topic, partition: key === null || partitions === 1 ? 0 : partitionOf(key, partitions) }
  }

  async #commitIfDue (): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    if (this.#isExpress) this.#goAhead()
    // While as many as go are under way outputs gather, and the loop goes on.
    if (this.#inFlightCount >= (this.#batches.sealedBytes > 0 ? inFlightMaxFull : inFlightMax)) return
    const nowMs = this.#plan.clock.monotonicMs()
    const isReady = this.#isExpress ? this.#isBegun && nowMs - this.#begunMs >= expressCommitAfterMs : this.#batches.count > 0
    if (isReady || nowMs - this.#lastCommitMs >= this.#options.commitEveryMs) await this.#commit(false)
  }

  /** One write at a time; what comes meanwhile goes together in the next, or in the commit. */
  #goAhead (): void {
    if (this.#isWriting || this.#batches.count === 0) return
    if (!this.#isBegun) this.#begunMs = this.#plan.clock.monotonicMs()
    this.#isWriting = this.#isBegun = true
    this.#plan.at?.('ahead.before')
    this.#membership!.ahead!(this.#batches.take()).catch((error: unknown) => { this.#failure ??= error as Error }).finally(() => {
      this.#isWriting = false
      if (this.#batches.count > 0 || this.#failure !== null) this.#leads.feed.wake()
    })
    this.#plan.at?.('ahead.sent')
  }

  /** Commits go out in order, a few at a time, each with the positions that have moved; once one has failed, the membership refuses those behind it. */
  async #commit (wait: boolean): Promise<void> {
    const moved = this.#leads.all.filter(lead => this.#committed.get(lead) !== lead.stand)
    const full = this.#batches.sealedBytes > gatheredBytesMax
    this.#lastCommitMs = this.#plan.clock.monotonicMs()
    if (wait || this.#batches.count > 0 || moved.length > 0 || this.#isBegun) {
      const offsets = moved.map(lead => ({ topic: lead.place.topic, partition: lead.place.partition, offset: lead.task.position, metadata: JSON.stringify(lead.commitFacts) }))
      for (const lead of moved) this.#committed.set(lead, lead.stand)
      this.#inFlightCount += 1
      this.#plan.at?.('commit.before')
      const done = this.#membership!.commit({ appends: this.#batches.take(), offsets, continues: true })
      this.#isBegun = false
      this.#inFlight = Promise.all([this.#inFlight, this.#told(done)]).then(() => {})
    }
    this.#plan.at?.('commit.sent')
    if (wait || full) await this.#inFlight
    if (this.#failure !== null) throw this.#failure
  }

  /** Never rejects: a failure is kept for the loop to find. */
  async #told (done: Promise<void>): Promise<void> {
    const { clock } = this.#plan
    const sentMs = clock.monotonicMs()
    const events = this.#events
    const status = copyStatus(this.#status)
    const positions = this.#leads.all.map(lead => [lead, lead.task.position] as const)
    this.#events = []
    try {
      await done
      this.#plan.at?.('commit.after')
      countCommit(this.#status.health, clock.monotonicMs() - sentMs)
      for (const [lead, position] of positions) lead.committedTo(position)
      this.#status.commits += 1
      this.#hooks!.committed({ ...status, commits: this.#status.commits, snapshots: this.#status.snapshots })
      for (const event of events) this.#options.onEvent?.(event)
    } catch (error) {
      this.#failure ??= error as Error
    }
    this.#inFlightCount -= 1
    if (this.#batches.count > 0 || this.#failure !== null) this.#leads.feed.wake()
  }

  /** Copies are taken between rounds; writing them goes on beside the next rounds. */
  async #snapshotIfDue (): Promise<void> {
    if (this.#saving !== null || this.#letting !== null || this.#membership!.revoked.length > 0 || !this.#snapshots.isDue) return
    this.#snapshots.begin()
    this.#plan.at?.('snapshot.due')
    await this.#commit(false)
    const copies = await this.#snapshots.timed(() => this.#copies(this.#leads.unsaved()))
    this.#plan.at?.('snapshot.copied')
    const committed = this.#inFlight
    this.#saving = (async () => {
      await committed
      this.#plan.at?.('snapshot.committed')
      if (this.#failure === null) await this.#save(copies)
    })().catch(error => { this.#failure ??= error as Error }).finally(() => { this.#saving = null })
  }

  async #copies (leads: readonly Lead[]): Promise<readonly Copied[]> {
    return Promise.all(leads.map(async lead => ({ lead, copy: await lead.copy() })))
  }

  async #save (copies: readonly Copied[]): Promise<void> {
    for (let from = 0; from < copies.length; from += savingMax) {
      await Promise.all(copies.slice(from, from + savingMax).map(async ({ lead, copy }) => {
        await lead.save(copy)
        this.#plan.at?.('snapshot.written')
        countSnapshot(this.#status.health, lead.snapshots.last)
        this.#status.snapshots += 1
      }))
    }
    await this.#leads.trim()
  }

  async #drain (): Promise<void> {
    const { at } = this.#plan
    at?.('drain.before')
    await this.#share?.stop()
    await this.#saving
    await this.#letting
    await this.#commit(true)
    at?.('drain.committed')
    await this.#save(await this.#copies(this.#leads.unsaved({ all: true })))
    at?.('drain.saved')
  }
}

interface Copied { readonly lead: Lead, readonly copy: Awaited<ReturnType<Lead['copy']>> }
