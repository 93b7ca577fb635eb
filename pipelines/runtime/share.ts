import { StreamError } from '../core/errors.ts'
import type { Assignment, Committed, Membership } from '../core/ports.ts'
import { type Found, findGone } from './gone.ts'
import { Lead, type LegPlan, type Place } from './lead.ts'
import { names, taskName } from './names.ts'
import type { Append } from './snapshot.ts'
import type { Standby } from './standby.ts'
import { StateReader } from './state-reader.ts'

const restoringMax = 8

export interface ShareOptions {
  readonly membership: Pick<Membership, 'assignments' | 'revoked'>
  readonly committed: (topic: string, partition: number) => Promise<Committed | null>
  readonly append?: Append | undefined
  readonly standby?: Standby | null
  /** Called when there is something to take. */
  readonly news?: () => void
}

/** What one number of partition came to, over all sources: it becomes part of a leg at once. `gone` goes with the anchor. */
export interface Unit { readonly leads: readonly Lead[], readonly gone: readonly Found[], readonly anchor: Lead | null }
interface Restoring { readonly places: readonly Place[], readonly stop: AbortController, readonly done: Promise<void>, unit: Unit | null }

/**
 * The tasks that a membership gives to a leg: restores what arrives while others run, and says which are to be let go.
 *
 * Shape:  look, take, between any two rounds; `stop` before the membership is left
 * Limits: eight restores at a time; each fetches 1 MiB at once, so that what runs beside them goes on
 * Errors: those of `Lead.open`, thrown by the next `look`
 */
export class Share {
  readonly #plan: LegPlan
  readonly #options: ShareOptions
  readonly #held = new Set<string>()
  readonly #restoring = new Set<Restoring>()
  readonly #partitions = new Map<string, number>()
  readonly #waiting: (() => void)[] = []
  #busy = 0
  #looked: { readonly assignments: readonly Assignment[], readonly revoked: readonly Assignment[] } | null = null
  #failure: { readonly error: unknown } | null = null

  private constructor (plan: LegPlan, options: ShareOptions) {
    this.#plan = plan
    this.#options = options
  }

  static async open (plan: LegPlan, options: ShareOptions): Promise<Share> {
    const share = new Share(plan, options)
    for (const { topic } of plan.pipeline.sources) share.#partitions.set(topic, await partitionsOf(plan, topic))
    return share
  }

  /** Begin to restore what has been assigned since the last time. */
  look (): void {
    if (this.#failure !== null) throw this.#failure.error
    // Between most rounds nothing has changed.
    const { assignments, revoked } = this.#options.membership
    if (this.#looked?.assignments === assignments && this.#looked.revoked === revoked) return
    this.#looked = { assignments, revoked }
    const places = this.#places().filter(place => !this.#held.has(taskName(place)))
    for (const partition of new Set(places.map(place => place.partition))) this.#begin(places.filter(place => place.partition === partition))
  }

  /** What has become ready since the last time. */
  take (): readonly Unit[] {
    if (this.#failure !== null) throw this.#failure.error
    const ready = [...this.#restoring].filter(({ unit, places }) => unit !== null && !places.some(place => this.#isRevoked(place)))
    for (const one of ready) this.#restoring.delete(one)
    return ready.map(({ unit }) => unit!)
  }

  /** All that was begun, once it is ready. */
  async takeAll (): Promise<readonly Unit[]> {
    await Promise.all([...this.#restoring].map(({ done }) => done))
    return this.take()
  }

  /** Whether this leg has a task of this number of partition, or is about to. */
  has (partition: number): boolean { return [...this.#held].some(name => name.endsWith(`/${partition}`)) }

  get isRestoring (): boolean { return this.#restoring.size > 0 }

  /** Forget what the group wants back; restores of it have ended when this resolves. */
  async letGo (revoked: readonly Assignment[]): Promise<void> {
    const mine = [...this.#restoring].filter(({ places }) => places.some(place => isOf(revoked, place)))
    await this.#end(mine)
    for (const place of [...this.#placesOf(revoked), ...mine.flatMap(({ places }) => places)]) this.#held.delete(taskName(place))
    this.#looked = null
  }

  /** Nothing is restored any more when this resolves. */
  async stop (): Promise<void> { await this.#end([...this.#restoring]) }

  async #end (restoring: readonly Restoring[]): Promise<void> {
    for (const { stop } of restoring) stop.abort()
    await Promise.all(restoring.map(({ done }) => done))
    for (const one of restoring) this.#restoring.delete(one)
  }

  #places (): readonly Place[] { return this.#placesOf(this.#options.membership.assignments).filter(place => !this.#isRevoked(place)) }

  #placesOf (assigned: readonly Assignment[]): readonly Place[] {
    return assigned.flatMap(({ topic, partition }) => this.#plan.pipeline.sources.flatMap(source => source.topic === topic ? [{ source: source.name, topic, partition, partitions: this.#partitions.get(topic)!, idleMs: source.idleMs }] : []))
  }

  #isRevoked (place: Assignment): boolean { return isOf(this.#options.membership.revoked, place) }

  #begin (places: readonly Place[]): void {
    const stop = new AbortController()
    const restored = this.#restore(places, stop.signal).then(unit => { restoring.unit = unit }, error => { if (!stop.signal.aborted) this.#failure ??= { error } })
    const restoring: Restoring = { places, stop, unit: null, done: restored.finally(() => { this.#options.news?.() }) }
    for (const place of places) this.#held.add(taskName(place))
    this.#restoring.add(restoring)
  }

  async #restore (places: readonly Place[], signal: AbortSignal): Promise<Unit> {
    if (this.#busy >= restoringMax) await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    this.#busy += 1
    try {
      return await this.#unit(places, signal)
    } finally {
      this.#busy -= 1
      this.#waiting.shift()?.()
    }
  }

  async #unit (places: readonly Place[], signal: AbortSignal): Promise<Unit> {
    const { committed, append, standby } = this.#options
    const number = places[0]!.partition
    const states = standby?.take(number) ?? this.#reader(number)
    const leads: Lead[] = []
    for (const place of places) {
      signal.throwIfAborted()
      leads.push(await this.#open(place, states, signal))
    }
    const gone: Found[] = []
    let anchor: Lead | null = null
    for (const lead of leads) {
      for (const partition of await this.#anchored(lead.place)) {
        signal.throwIfAborted()
        anchor = lead
        const other = partition === number ? states : this.#reader(partition)
        await other.read()
        gone.push(...await findGone(this.#plan, partition, { states: other, committed, append }))
      }
    }
    return { leads, gone, anchor }
  }

  /**
   * Errors: LOG_REBALANCED in place of an incident when the committed position has moved meanwhile: this worker stood still for longer than its session,
   * and what it read in part is of the next owner
   */
  async #open (place: Place, states: StateReader, signal: AbortSignal): Promise<Lead> {
    const { append } = this.#options
    const { topic, partition } = place
    const committed = await this.#options.committed(topic, partition)
    try {
      await states.read()
      return await Lead.open(this.#plan, place, { states, committed, append, signal })
    } catch (error) {
      const now = error instanceof StreamError && error.code.startsWith('STATE_') ? await this.#options.committed(topic, partition) : committed
      if (now?.offset === committed?.offset && now?.metadata === committed?.metadata) throw error
      throw new StreamError('LOG_REBALANCED', { topic, partition, was: committed?.offset ?? null, is: now?.offset ?? null, why: 'another worker has committed while this one restored' }, { cause: error })
    }
  }

  #reader (partition: number): StateReader {
    const { log, pipeline, leg } = this.#plan
    return new StateReader(log, names.state(pipeline.name, leg), partition)
  }

  /** Partitions of the state topic for which this place answers beyond its own task: the first source that has the partition does, or the first of all. */
  async #anchored ({ source, partition, partitions }: Place): Promise<readonly number[]> {
    const { log, pipeline: { name, sources }, leg } = this.#plan
    const all = (await log.topic(names.state(name, leg)))?.partitions ?? 0
    return Array.from({ length: all }, (_, at) => at).filter(at => {
      const first = sources.find(({ topic }) => at < this.#partitions.get(topic)!)
      return first === undefined ? source === sources[0]!.name && at % partitions === partition : source === first.name && at === partition
    })
  }
}

export const isOf = (assigned: readonly Assignment[], { topic, partition }: Assignment): boolean => assigned.some(one => one.topic === topic && one.partition === partition)

/** Errors: LOG_TOPIC_UNKNOWN */
export async function partitionsOf ({ log }: LegPlan, topic: string): Promise<number> {
  const info = await log.topic(topic)
  if (info === null) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic })
  return info.partitions
}

/** The share of a leg that has no others beside it: every partition of every source. */
export async function everything (plan: LegPlan): Promise<ShareOptions['membership']> {
  const assignments = await Promise.all(plan.pipeline.sources.map(async ({ topic }) => Array.from({ length: await partitionsOf(plan, topic) }, (_, partition) => ({ topic, partition }))))
  return { assignments: assignments.flat(), revoked: [] }
}
