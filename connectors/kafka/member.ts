import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { Assignment, ClockPort, Commit, Membership } from '../../pipelines/core/ports.ts'
import type { Cluster } from './cluster.ts'
import { committedOffset, type GroupOptions, Heartbeats, type Joined, joinGroup, membersOf } from './group.ts'
import { packMetadata, workerOf } from './metadata.ts'
import type { TransactionOffsets } from './requests.ts'
import { parcel, type Parcel } from './stamp.ts'
import { transactionalIds, Transactions, type Written } from './transactions.ts'

export interface MemberOptions extends GroupOptions {
  readonly clock: ClockPort
  readonly crc: Crc32c
  readonly batchBytesMax: number
  readonly transactionTimeoutMs: number
  readonly requestTimeoutMs: number
  /** Told of what a commit has written. */
  readonly written: (written: readonly Written[]) => void
}

/** Names as Kafka has them, prefix included. */
export interface MemberFacts { readonly group: string, readonly member: string, readonly topics: readonly string[], readonly prefix: string }

/**
 * A worker in its group. Joining takes its transactional ids over first, so that whatever an earlier run of it left open is settled and fenced,
 * and then those of workers that have left partitions to this one.
 *
 * Delivery: a commit is one Kafka transaction; after a failed one every later one is refused with the same error. When the group shares out
 *           anew, what is under way is finished and the worker takes part; if it keeps exactly what it has, it goes on under the new generation
 * Errors:   LOG_FENCED: another run of the same member is there, or the partition is another member's; LOG_REBALANCED: the share has changed, join again
 */
export class Member implements Membership {
  readonly assignments: readonly Assignment[]
  readonly revoked: readonly Assignment[] = []
  readonly #cluster: Cluster
  readonly #facts: MemberFacts
  readonly #options: MemberOptions
  readonly #transactions: Transactions
  #joined: Joined
  #heartbeats: Heartbeats
  /** What every further commit is refused with. */
  #failure: Error | null = null
  /** Why nothing new may begin, though what is under way may end well. */
  #over: StreamError | null = null
  /** Commits wait here while the group shares out anew. */
  #gate: Promise<void> = Promise.resolve()
  #settled: Promise<unknown> = Promise.resolve()

  private constructor (cluster: Cluster, facts: MemberFacts, options: MemberOptions, { joined, transactions }: { readonly joined: Joined, readonly transactions: Transactions }) {
    this.#cluster = cluster
    this.#facts = facts
    this.#options = options
    this.#joined = joined
    this.#transactions = transactions
    this.assignments = joined.assignments.map(({ topic, partition }) => ({ topic: topic.slice(facts.prefix.length), partition }))
    this.#heartbeats = this.#beating()
  }

  static async join (cluster: Cluster, facts: MemberFacts, options: MemberOptions): Promise<Member> {
    const { group, member, topics } = facts
    const { clock, crc, transactionTimeoutMs: timeoutMs, requestTimeoutMs } = options
    const settings = { clock, crc, timeoutMs, requestTimeoutMs }
    const transactions = await Transactions.open(cluster, transactionalIds(group, member), settings)
    const joined = await joinGroup(cluster, { group, instanceId: member, topics }, options)
    const mine = new Member(cluster, facts, options, { joined, transactions })
    try {
      for (const left of await leftBehind(cluster, facts, joined)) await Transactions.open(cluster, transactionalIds(group, left), settings)
      return mine
    } catch (error) {
      mine.stop()
      throw error
    }
  }

  async release (): Promise<void> {}

  commit (commit: Commit): Promise<void> {
    const { crc, batchBytesMax } = this.#options
    try {
      const refusal = this.#failure ?? this.#over
      if (refusal !== null) throw refusal
      const parcels = commit.appends.map(append => parcel({ ...append, topic: this.#facts.prefix + append.topic }, { crc, batchBytesMax }))
      const done = this.#commit(parcels, this.#offsets(commit))
      this.#settled = Promise.allSettled([this.#settled, done])
      return done
    } catch (error) {
      return Promise.reject(this.#fail(error as Error))
    }
  }

  /**
   * No more commits. The member's name stays in the group until its session is over, so that a restart takes its partitions up again
   * without a rebalance (static membership).
   */
  async leave (): Promise<void> {
    await this.#settled
    this.#failure ??= new StreamError('LOG_FENCED', { group: this.#facts.group, member: this.#facts.member, why: 'it has left' })
    this.stop()
    await this.#transactions.abandon()
  }

  /** Another membership of this process takes the place of this one, or the log closes. */
  stop (): void { this.#heartbeats.stop() }

  async #commit (parcels: readonly Parcel[], offsets: TransactionOffsets['topics']): Promise<void> {
    const { group, member: instanceId } = this.#facts
    try {
      await this.#gate
      const refusal = this.#failure ?? this.#over
      if (refusal !== null) throw refusal
      const { generation, memberId } = this.#joined
      const allowed = () => { if (this.#failure !== null) throw this.#failure }
      this.#options.written(await this.#transactions.commit({ parcels, offsets, allowed, facts: { group, generation, memberId, instanceId } }))
    } catch (error) {
      throw this.#fail(await this.#judged(error as Error))
    }
  }

  #offsets ({ offsets }: Commit): TransactionOffsets['topics'] {
    const { prefix, group, member, topics: read } = this.#facts
    const topics = new Map<string, { partition: number, offset: number, metadata: string }[]>()
    for (const { topic, partition, offset, metadata } of offsets) {
      const foreign = read.includes(prefix + topic) && !this.assignments.some(one => one.topic === topic && one.partition === partition)
      if (foreign) throw new StreamError('LOG_FENCED', { group, member, topic, partition, why: 'the partition is another member\'s' })
      const places = topics.get(prefix + topic) ?? []
      topics.set(prefix + topic, places)
      places.push({ partition, offset, metadata: packMetadata(member, metadata) })
    }
    return [...topics].map(([name, partitions]) => ({ name, partitions }))
  }

  /** A coordinator that gave a slow transaction up refuses its producer as it refuses one that was taken over; the group knows which it was. */
  async #judged (error: Error): Promise<Error> {
    if (!(error instanceof StreamError) || error.code !== 'LOG_FENCED' || error.details.kafka === 'FENCED_INSTANCE_ID' || !this.#transactions.mayHaveTimedOut) return error
    const said = await this.#heartbeats.beat()
    return said?.code === 'LOG_FENCED' ? said : new StreamError('KAFKA_TRANSACTION', { ...error.details, why: 'slower than transaction.timeout.ms' }, { cause: error })
  }

  #fail (error: Error): Error {
    if (this.#failure === null) {
      this.#failure = error
      if (!this.#cluster.isClosed) void this.#transactions.abandon()
    }
    return this.#failure
  }

  #beating (): Heartbeats {
    const { group, member: instanceId, topics } = this.#facts
    return new Heartbeats(this.#cluster, { group, instanceId, topics, ...this.#joined }, this.#options, error => { this.#told(error) })
  }

  #told (error: StreamError): void {
    if (error.code === 'LOG_REBALANCED' && this.#over === null && !this.#isGone) this.#gate = this.#shareAnew(error)
    else if (this.#isGone) void this.#heartbeats.leave()
    else this.#over ??= error
  }

  /** Whoever holds a membership that ended for good does not come back: the others need not wait for it. */
  get #isGone (): boolean { return this.#failure !== null && !(this.#failure instanceof StreamError && this.#failure.action === 'retry') }

  /** No offsets are sent while JoinGroup is in flight; those under way belong to the old generation, and are settled first. Never rejects. */
  async #shareAnew (why: StreamError): Promise<void> {
    const { group, member: instanceId, topics } = this.#facts
    await this.#settled
    try {
      const joined = await joinGroup(this.#cluster, { group, instanceId, topics }, this.#options, this.#joined.memberId)
      const same = JSON.stringify(joined.assignments) === JSON.stringify(this.#joined.assignments)
      this.#joined = joined
      if (!same) this.#over = why
      // Also when it is over: until its holder joins again, the group keeps its shares.
      if (!this.#heartbeats.isStopped) this.#heartbeats = this.#beating()
    } catch (error) {
      this.#over = error instanceof StreamError ? error : why
    }
  }
}

/** Workers that committed the partitions last and are in the group no more: what they left open is theirs to settle, and they cannot. */
async function leftBehind (cluster: Cluster, { group, member }: MemberFacts, { assignments }: Joined): Promise<ReadonlySet<string>> {
  const offsets = await Promise.all(assignments.map(({ topic, partition }) => committedOffset(cluster, { group, topic, partition, stable: false })))
  const workers = new Set(offsets.flatMap(offset => offset === null ? [] : workerOf(offset.metadata) ?? []))
  workers.delete(member)
  if (workers.size === 0) return workers
  const present = await membersOf(cluster, group)
  return new Set([...workers].filter(worker => !present.has(worker)))
}
