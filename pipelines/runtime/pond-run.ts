import assert from 'node:assert/strict'
import { StreamError } from '../core/errors.ts'
import { partitionOf } from '../core/murmur2.ts'
import type { Outputs } from '../core/outputs.ts'
import type { Membership } from '../core/ports.ts'
import { Batches } from './batches.ts'
import { Copier } from './copier.ts'
import { countCommit, countSnapshot, restoreHooks } from './health.ts'
import { isOfLake } from './lake-wait.ts'
import type { LegPlan, Place } from './lead.ts'
import { createInternalTopics, Leads } from './leads.ts'
import { names } from './names.ts'
import { Pace } from './pace.ts'
import { PondLead } from './pond-lead.ts'
import { PondWatch } from './pond-watch.ts'
import type { Letter, PondOptions, PondStatus } from './pond.ts'
import type { RunHooks } from './race-run.ts'
import { everything, Share } from './share.ts'
import { add, copyStatus } from './status.ts'
import type { Task } from './task.ts'

const drainPauseMs = 5
/** How long a stopping pond waits for a lake that does not answer. */
const awayMsMax = 5_000

/**
 * The pond from one start to its end: a failed one is thrown away with its state, and the lake forgets what it had not committed.
 *
 * Errors: those of the lake, the log and restore end `run`; what was not committed comes again
 */
export class PondRun {
  readonly #plan: LegPlan
  readonly #options: PondOptions
  readonly #status: PondStatus
  readonly #leads: Leads
  readonly #journal = new Batches()
  readonly #copiers: readonly Copier[]
  #hooks: RunHooks | null = null
  #lastCommitMs = 0
  readonly #snapshots: Pace
  #lastExpireMs = 0
  #added = { readings: 0, rollups: 0, events: 0 }
  #committing: Promise<Error | null> = Promise.resolve(null)
  #lead: PondLead | null = null
  readonly #watch: PondWatch
  /** Where the log belongs to this process: made to leave word, if ever. */
  #seat: Membership | null = null
  /** By the monotonic clock; null: nobody wants it to stop. */
  #stoppingSinceMs: number | null = null

  constructor (plan: LegPlan, options: PondOptions, status: PondStatus) {
    this.#plan = { ...plan, chunked: options.lake.addChunks !== undefined, ...restoreHooks(status.health) }
    this.#options = options
    this.#status = status
    this.#snapshots = new Pace(plan.clock, options.snapshotEveryMs)
    const { lake, codecs } = options
    this.#leads = new Leads(plan, status, {
      taken: ({ place, task }, out) => {
        if (task !== null) this.#taken(place, task, out)
        this.#takenChunks(place, out)
      },
      journal: outgoing => { this.#journal.add(outgoing) },
      batch: (topic, partition, bytes) => { this.#journal.addBatch(topic, partition, bytes) },
      between: async () => { if (this.#isFull) await this.#commit() },
    })
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
    this.#watch = new PondWatch({ plan, status, leads: this.#leads, copiers: this.#copiers, warn: text => { options.onWarning?.(text) }, mark: text => this.#mark(text) })
  }

  async run (signal: AbortSignal, hooks: RunHooks): Promise<void> {
    this.#hooks = hooks
    signal.addEventListener('abort', () => { this.#stoppingSinceMs = this.#plan.clock.monotonicMs() }, { once: true })
    if (signal.aborted) this.#stoppingSinceMs = this.#plan.clock.monotonicMs()
    await createInternalTopics(this.#plan)
    const { member } = this.#options
    const lead = member === undefined ? null : await PondLead.take(this.#plan, member, signal)
    if (member !== undefined && lead === null) return
    this.#lead = lead
    try {
      await this.#open()
      hooks.ready()
      while (!signal.aborted) {
        await lead?.keep()
        await this.#round(signal)
      }
      await this.#drain()
    } catch (error) {
      if (error instanceof StreamError && isOfLake(error)) await this.#watch.failed(error)
      throw error
    } finally {
      await this.#leads.close()
      await this.#committing
      await this.#watch.close()
      await lead?.leave()
      await this.#seat?.leave().catch(() => {})
    }
  }

  async #open (): Promise<void> {
    const { clock } = this.#plan
    const { lake } = this.#options
    const lead = this.#lead
    const append = lead === null ? undefined : (topic: string, partition: number, bytes: Uint8Array) => lead.append([{ topic, partition, bytes }])
    const share = await Share.open(this.#plan, { membership: await everything(this.#plan), committed: (topic, partition) => lake.committed(topic, partition), append })
    await this.#leads.begin()
    share.look()
    await this.#watch.open()
    const changed = await this.#leads.take(await share.takeAll())
    for (const copier of this.#copiers) await copier.open(this.#plan, lake, this.#leads.feed)
    if (changed.length > 0 || this.#journal.count > 0) await this.#commit()
    await this.#settled()
    for (const lead of changed) await lead.save(await lead.copy())
    this.#lastCommitMs = clock.monotonicMs()
    this.#snapshots.begin()
  }

  async #round (signal: AbortSignal): Promise<void> {
    const { clock } = this.#plan
    const { commitEveryMs } = this.#options
    let progressed = await this.#leads.round(signal)
    for (const copier of this.#copiers) if (copier.copy()) progressed = true
    const due = clock.monotonicMs() - this.#lastCommitMs >= commitEveryMs
    if (due || this.#isFull) await this.#commit()
    await this.#snapshotIfDue()
    if (!progressed) await this.#leads.wait(signal)
  }

  /** As many rows again may come from one task's turn. */
  get #isFull (): boolean { return this.#options.lake.pendingRows * 2 > this.#options.lake.pendingRowsMax }

  async #drain (): Promise<void> {
    for (const copier of this.#copiers) {
      const ends = await copier.ends(this.#plan.log)
      while (!copier.hasReached(ends)) {
        if (copier.copy()) await this.#commit()
        else await this.#plan.clock.sleep(drainPauseMs)
      }
    }
    await this.#commit()
    await this.#save({ all: true })
  }

  #taken ({ source, topic, partition }: Place, { signals, keys, stages }: Task, out: Outputs): void {
    const { lake } = this.#options
    if (signals !== null && signals.count > 0 && stages.chunks === null) {
      lake.addReadings({ source, topic, partition, batch: signals, keys })
      this.#added.readings += signals.count
    }
    for (const { name, rows } of out.windows) {
      if (rows.count === 0) continue
      lake.addRollups({ window: name.replace(/^window\./, ''), source, topic, partition, rows, keys })
      this.#added.rollups += rows.count
    }
  }

  /** Also of a task that has no such stage any more, or of one that went. */
  #takenChunks ({ source, topic, partition }: Place, out: Outputs): void {
    for (const chunks of out.chunks) {
      assert(this.#options.lake.addChunks !== undefined, 'a lake that takes no chunks is given none')
      this.#options.lake.addChunks({ source, topic, partition, chunks })
      this.#added.readings += chunks.rows
    }
  }

  /** One commit may be under way while the rows of the next are added. */
  async #commit (): Promise<void> {
    const { log, clock } = this.#plan
    const { lake, expireEveryMs } = this.#options
    await this.#settled()
    this.#lastCommitMs = clock.monotonicMs()
    const journaled = this.#journal.take()
    if (this.#lead !== null && journaled.length > 0) await this.#lead.append(journaled)
    else for (const { topic, partition, bytes } of journaled) await log.append(topic, partition, bytes)
    // After a power cut the lake must not be ahead of the log.
    await log.flushed?.()
    this.#committing = this.#told(lake.commit([
      ...this.#leads.all.map(lead => ({ topic: lead.place.topic, partition: lead.place.partition, offset: lead.task.position, metadata: JSON.stringify(lead.commitFacts) })),
      ...this.#copiers.flatMap(copier => copier.positions),
    ], { refused: letters => this.#refused(letters), waiting: error => this.#waiting(error) }))
    this.#watch.look()
    if (clock.monotonicMs() - this.#lastExpireMs < expireEveryMs) return
    this.#lastExpireMs = clock.monotonicMs()
    await this.#settled()
    await lake.expire(clock.wallMs())
  }

  /** Never rejects: the failure is for `#settled` to throw. */
  async #told (done: Promise<void>): Promise<Error | null> {
    const status = this.#status
    const { clock } = this.#plan
    const sentMs = clock.monotonicMs()
    const sent = copyStatus(status)
    const positions = this.#leads.all.map(lead => [lead, lead.task.position] as const)
    const added = this.#added
    this.#added = { readings: 0, rollups: 0, events: 0 }
    try {
      await done
    } catch (error) {
      return error as Error
    }
    countCommit(status.health, clock.monotonicMs() - sentMs)
    this.#watch.over()
    for (const [lead, position] of positions) lead.committedTo(position)
    status.commits += 1
    status.stored.readings += added.readings
    status.stored.rollups += added.rollups
    status.stored.events += added.events
    this.#hooks!.committed({ ...sent, commits: status.commits, snapshots: status.snapshots })
    return null
  }

  async #mark (text: string): Promise<void> {
    if (this.#lead !== null) return this.#lead.mark(text)
    const { log, pipeline } = this.#plan
    const topic = names.state(pipeline.name, 'pond')
    this.#seat ??= await log.join({ group: names.group(pipeline.name, 'pond'), member: 'pond', topics: [topic] })
    await this.#seat.commit({ appends: [], offsets: [{ topic, partition: 0, offset: 0, metadata: text }] })
  }

  /** Not for ever where the process is to end: what is not stored comes again. */
  #waiting (error: StreamError): boolean {
    this.#watch.waiting(error)
    return this.#stoppingSinceMs === null || this.#plan.clock.monotonicMs() - this.#stoppingSinceMs < awayMsMax
  }

  /** What the lake cannot take stands on the dead-letter topic before the positions move; from there it comes to the lake as a letter. */
  async #refused (letters: readonly Letter[]): Promise<void> {
    const { log, pipeline } = this.#plan
    const { codecs } = this.#options
    const topic = names.deadLetters(pipeline.name)
    const partitions = (await log.topic(topic))?.partitions ?? 1
    const batches = new Batches()
    assert(codecs.refused !== undefined, 'a lake that refuses rows has somebody to tell')
    for (const letter of letters) {
      const { key, value, headers } = await codecs.refused(letter)
      batches.add({ topic, partition: key === null || partitions === 1 ? 0 : partitionOf(key, partitions), timestamp: letter.arrival, key, value, headers })
      add(this.#status.deadLetters, letter.reason, 1)
    }
    const appends = batches.take()
    if (this.#lead !== null) await this.#lead.append(appends)
    else for (const { topic, partition, bytes } of appends) await log.append(topic, partition, bytes)
    await log.flushed?.()
  }

  async #settled (): Promise<void> {
    const failure = await this.#committing
    if (failure !== null) throw failure
  }

  async #snapshotIfDue (): Promise<void> {
    if (!this.#snapshots.isDue) return
    this.#snapshots.begin()
    await this.#commit()
    await this.#save()
  }

  async #save (of: { readonly all?: boolean } = {}): Promise<void> {
    await this.#settled()
    for (const lead of this.#leads.unsaved(of)) {
      await lead.save(await this.#snapshots.timed(() => lead.copy()))
      this.#status.snapshots += 1
      countSnapshot(this.#status.health, lead.snapshots.last)
    }
    await this.#leads.trim()
  }
}
