import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { Assignment, ClockPort, Commit, Membership } from '../../pipelines/core/ports.ts'
import { isSame, without } from './assignment.ts'
import type { Cluster } from './cluster.ts'
import type { CompressionType } from './compress.ts'
import { beat, committedOffset, type JoinFacts, leaveGroup, membersOf } from './group.ts'
import { packMetadata, workerOf } from './metadata.ts'
import type { TransactionOffsets } from './requests.ts'
import type { Seat, SeatEvents, SeatState } from './seat.ts'
import { parcel, type Parcel } from './stamp.ts'
import { type GroupFacts, transactionalIds, Transactions, type Written } from './transactions.ts'

const touchEveryMs = 1_000
/** For so long a group is asked again that has nothing to say: it may not have answered. */
const judgedMs = 2_000
const beatAgainMs = 100

export interface MemberOptions {
  readonly clock: ClockPort
  readonly crc: Crc32c
  readonly batchBytesMax: number
  readonly compression: CompressionType
  readonly transactionTimeoutMs: number
  readonly leavesOnClose: boolean
  readonly requestTimeoutMs: number
  /** Told of what a commit has written. */
  readonly written: (written: readonly Written[]) => void
}

/** Names as Kafka has them, prefix included. */
export interface MemberFacts { readonly group: string, readonly member: string, readonly topics: readonly string[], readonly prefix: string }

/**
 * A worker in its group. It takes its seat, then its transactional ids, so that whatever an earlier run of it left open is settled and fenced before it
 * reads what is committed; before a partition of another worker is its own, so are the ids of that worker, if it has gone.
 *
 * Delivery: a commit is one Kafka transaction; after a failed one every later one is refused with the same error. When the group shares out anew,
 *           members go on; offsets that meet the new generation are sent again under it
 * Errors:   LOG_FENCED: another run of the same member is there, or the partition is another member's; LOG_REBALANCED: the group went on without it, join again
 */
export class Member implements Membership {
  readonly #cluster: Cluster
  readonly #facts: MemberFacts
  readonly #options: MemberOptions
  readonly #seat: Seat
  #transactions!: Transactions
  readonly #stop = new AbortController()
  #state: SeatState = { generation: -1, memberId: '', owned: [], revoked: [], releases: 0 }
  /** Releases of which the seat has not heard yet. */
  #releases: readonly { readonly number: number, readonly places: readonly Assignment[] }[] = []
  #released = 0
  /** Owned, and settled: what others left open there has ended. */
  #ready: readonly Assignment[] = []
  #settling: Promise<void> = Promise.resolve()
  #assignments: readonly Assignment[] = []
  #revoked: readonly Assignment[] = []
  #waiting: (() => void)[] = []
  #pending = 0
  /** What every further commit is refused with. */
  #failure: Error | null = null
  /** Why nothing new may begin, though what is under way may end well. */
  #over: StreamError | null = null
  #settled: Promise<unknown> = Promise.resolve()

  private constructor (cluster: Cluster, facts: MemberFacts, options: MemberOptions, seat: (events: SeatEvents) => Seat) {
    this.#cluster = cluster
    this.#facts = facts
    this.#options = options
    this.#seat = seat({ changed: state => { this.#changed(state) }, lost: error => { this.#end(error) } })
  }

  static async join (cluster: Cluster, facts: MemberFacts, options: MemberOptions, seat: (facts: JoinFacts, events: SeatEvents) => Seat): Promise<Member> {
    const { group, member, topics } = facts
    const { clock, crc, transactionTimeoutMs: timeoutMs, requestTimeoutMs } = options
    // A thread takes a while to start.
    const mine = new Member(cluster, facts, options, events => seat({ group, instanceId: member, topics }, events))
    try {
      mine.#seat.begin()
      await mine.#newer(-1)
      // Behind the seat: as long as it is empty, whoever gets its partitions takes these ids too, to settle them.
      mine.#transactions = await Transactions.open(cluster, transactionalIds(group, member), { clock, crc, timeoutMs, requestTimeoutMs })
      await mine.#settling
      if (mine.#over !== null) throw mine.#over
      return mine
    } catch (error) {
      mine.stop()
      throw error
    }
  }

  get assignments (): readonly Assignment[] {
    this.#touch()
    return this.#assignments
  }

  get revoked (): readonly Assignment[] {
    this.#touch()
    return this.#revoked
  }

  get over (): Error | null { return this.#failure ?? this.#over }

  /** The group shares out anew, so that others get what was let go; that goes on beside. */
  async release (): Promise<void> {
    const { revoked } = this.#state
    if (revoked.length === 0) return
    this.#released += 1
    this.#releases = [...this.#releases, { number: this.#released, places: revoked }]
    this.#seat.release()
    this.#changed(this.#state)
  }

  commit (commit: Commit): Promise<void> {
    try {
      const parcels = this.#parcels(commit.appends)
      const offsets = this.#offsets(commit)
      return this.#under(allowed => this.#transactions.commit({ parcels, offsets, allowed, facts: refused => this.#known(offsets, refused) }, commit.continues === true))
    } catch (error) {
      return Promise.reject(this.#fail(error as Error))
    }
  }

  ahead (appends: Commit['appends']): Promise<void> {
    try {
      const parcels = this.#parcels(appends)
      return this.#under(async allowed => {
        await this.#transactions.ahead(parcels, allowed)
        return []
      })
    } catch (error) {
      return Promise.reject(this.#fail(error as Error))
    }
  }

  /**
   * No more commits. The member's name stays in the group until its session is over, so that a restart takes its partitions up again
   * without a rebalance (static membership); unless it is not to come back.
   */
  async leave (): Promise<void> {
    const { group, member: instanceId } = this.#facts
    await this.#settled
    const inOrder = this.#failure === null && this.#over === null
    this.#failure ??= new StreamError('LOG_FENCED', { group, member: instanceId, why: 'it has left' })
    this.stop()
    await this.#seat.stop()
    await this.#transactions.abandon()
    if (inOrder && this.#options.leavesOnClose) await leaveGroup(this.#cluster, { group, instanceId, ...this.#state })
  }

  /** Another membership of this process takes the place of this one, or the log closes. */
  stop (): void {
    this.#stop.abort()
    this.#wake()
    void this.#seat.stop()
  }

  #touch (): void { Atomics.add(this.#seat.touches, 0, 1) }

  /** Errors: what every further commit is refused with */
  #parcels (appends: Commit['appends']): readonly Parcel[] {
    const { crc, batchBytesMax, compression } = this.#options
    const refusal = this.#failure ?? this.#over
    if (refusal !== null) throw refusal
    return appends.map(append => parcel({ ...append, topic: this.#facts.prefix + append.topic }, { crc, batchBytesMax, compression }))
  }

  #under (write: (allowed: () => void) => Promise<readonly Written[]>): Promise<void> {
    const done = this.#written(write)
    this.#settled = Promise.allSettled([this.#settled, done])
    return done
  }

  async #written (write: (allowed: () => void) => Promise<readonly Written[]>): Promise<void> {
    this.#pending += 1
    if (this.#pending === 1) void this.#touching()
    try {
      this.#options.written(await write(() => { if (this.#failure !== null) throw this.#failure }))
    } catch (error) {
      throw this.#fail(await this.#judged(error as Error))
    } finally {
      this.#pending -= 1
    }
  }

  /** Whoever waits for a commit is not standing still. */
  async #touching (): Promise<void> {
    while (this.#pending > 0 && !this.#stop.signal.aborted) {
      this.#touch()
      await this.#options.clock.sleep(touchEveryMs, this.#stop.signal)
    }
  }

  /** As whom to commit these offsets. */
  async #known (offsets: TransactionOffsets, refused: GroupFacts | null): Promise<GroupFacts> {
    const { group, member: instanceId, topics } = this.#facts
    if (refused !== null) await this.#newer(refused.generation)
    if (this.#over !== null) throw this.#over
    const { generation, memberId, owned } = this.#state
    for (const { name, partitions } of offsets) {
      const lost = partitions.find(({ partitionIndex: partition }) => topics.includes(name) && !owned.some(one => isSame(one, { topic: name, partition })))
      if (lost !== undefined) throw new StreamError('LOG_REBALANCED', { group, member: instanceId, topic: name, partition: lost.partitionIndex, generation })
    }
    return { group, generation, memberId, instanceId }
  }

  #offsets ({ offsets }: Commit): TransactionOffsets {
    const { prefix, group, member, topics: read } = this.#facts
    const topics = new Map<string, { partitionIndex: number, committedOffset: number, committedMetadata: string }[]>()
    for (const { topic, partition, offset, metadata } of offsets) {
      const foreign = read.includes(prefix + topic) && !this.#assignments.some(one => isSame(one, { topic, partition }))
      if (foreign) throw new StreamError('LOG_FENCED', { group, member, topic, partition, why: 'the partition is another member\'s' })
      const places = topics.get(prefix + topic) ?? []
      topics.set(prefix + topic, places)
      places.push({ partitionIndex: partition, committedOffset: offset, committedMetadata: packMetadata(member, metadata) })
    }
    return [...topics].map(([name, partitions]) => ({ name, partitions }))
  }

  /**
   * A producer is refused in the same way when another run of this member took over, when its session was over, when its coordinator gave a slow
   * transaction up, and when a member that did not see this one in the group yet settled what it had left. The group knows which it was: another run takes
   * the seat before the ids.
   */
  async #judged (error: Error): Promise<Error> {
    if (!(error instanceof StreamError) || error.code !== 'LOG_FENCED' || error.details.kafka === 'FENCED_INSTANCE_ID') return error
    const { group, member: instanceId } = this.#facts
    const { clock } = this.#options
    const sinceMs = clock.monotonicMs()
    let said = this.#over ?? await beat(this.#cluster, { group, instanceId, ...this.#state })
    while (said === null && clock.monotonicMs() - sinceMs < judgedMs && !this.#stop.signal.aborted) {
      await clock.sleep(beatAgainMs, this.#stop.signal)
      said = this.#over ?? await beat(this.#cluster, { group, instanceId, ...this.#state })
    }
    if (said?.code === 'LOG_FENCED') return said
    if (said?.details.kafka === 'UNKNOWN_MEMBER_ID') return new StreamError('LOG_REBALANCED', { ...said.details, why: 'its session was over, and another member has taken over' }, { cause: error })
    return new StreamError('KAFKA_TRANSACTION', { ...error.details, why: this.#transactions.mayHaveTimedOut ? 'slower than transaction.timeout.ms' : 'another member has settled it' }, { cause: error })
  }

  #fail (error: Error): Error {
    if (this.#failure === null) {
      this.#failure = error
      if (!this.#cluster.isClosed) void this.#transactions.abandon()
    }
    return this.#failure
  }

  #end (error: StreamError): void {
    this.#over ??= error
    this.#wake()
  }

  #changed (told: SeatState): void {
    this.#releases = this.#releases.filter(({ number }) => number > told.releases)
    const released = this.#releases.flatMap(({ places }) => places)
    const before = this.#state.owned
    this.#state = { ...told, owned: without(told.owned, released), revoked: without(told.revoked, released) }
    const { owned } = this.#state
    this.#ready = this.#ready.filter(one => owned.some(other => isSame(one, other)))
    this.#publish()
    const added = without(owned, before)
    if (added.length > 0) this.#settling = this.#settling.then(() => this.#settle(added)).catch((error: unknown) => { this.#end(error as StreamError) })
    this.#wake()
  }

  /** What others left open in these partitions has ended before they are this member's. */
  async #settle (added: readonly Assignment[]): Promise<void> {
    if (this.#stop.signal.aborted) return
    const { clock, crc, transactionTimeoutMs: timeoutMs, requestTimeoutMs } = this.#options
    const { group } = this.#facts
    for (const left of await leftBehind(this.#cluster, this.#facts, added)) await Transactions.open(this.#cluster, transactionalIds(group, left), { clock, crc, timeoutMs, requestTimeoutMs })
    const still = added.filter(one => this.#state.owned.some(other => isSame(one, other)))
    this.#ready = [...without(this.#ready, still), ...still]
    this.#publish()
  }

  #publish (): void {
    const { prefix } = this.#facts
    const shown = (places: readonly Assignment[]) => places.map(({ topic, partition }) => ({ topic: topic.slice(prefix.length), partition })).sort((a, b) => a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition)
    this.#assignments = shown(this.#ready)
    this.#revoked = shown(this.#state.revoked)
  }

  /** Resolves once the group has another generation, or nothing more comes from it. */
  async #newer (generation: number): Promise<void> {
    while (this.#state.generation === generation && this.#over === null) {
      if (this.#stop.signal.aborted) throw new StreamError('LOG_CLOSED')
      await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    }
    if (this.#over !== null) throw this.#over
  }

  #wake (): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}

/** Workers that committed the partitions last and are in the group no more: what they left open is theirs to settle, and they cannot. */
async function leftBehind (cluster: Cluster, { group, member }: MemberFacts, assignments: readonly Assignment[]): Promise<ReadonlySet<string>> {
  const offsets = await Promise.all(assignments.map(({ topic, partition }) => committedOffset(cluster, { group, topic, partition, stable: false })))
  const workers = new Set(offsets.flatMap(offset => offset === null ? [] : workerOf(offset.metadata) ?? []))
  workers.delete(member)
  if (workers.size === 0) return workers
  const present = await membersOf(cluster, group)
  return new Set([...workers].filter(worker => !present.has(worker)))
}
