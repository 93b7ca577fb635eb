import { StreamError } from '../../pipelines/core/errors.ts'
import type { Assignment, ClockPort, Commit, Committed, Membership } from '../../pipelines/core/ports.ts'
import { passes, translated } from './errors.ts'
import { asked, type Conf, type Consumer, type Place, type Rdkafka, type RdkafkaError } from './package.ts'
import { parcel, type Parcel } from './parcel.ts'
import type { Transactions, Written } from './transactions.ts'

const assigned = -175
/** Where reading would begin; nothing is read. */
const atEnd = -1
const pollMs = 20

export interface MemberOptions {
  readonly rdkafka: Rdkafka
  readonly clock: ClockPort
  /** Of a consumer of this group, under its static name. */
  readonly conf: Conf
  readonly transactions: Transactions
  /** Names as Kafka has them, prefix included. */
  readonly group: string
  readonly member: string
  readonly topics: readonly string[]
  readonly prefix: string
  readonly batchBytesMax: number
  readonly patienceMs: number
  readonly written: (written: readonly Written[]) => void
  /** The record that keeps the metadata of offsets, for the same transaction. */
  readonly noted: (offsets: Commit['offsets']) => Parcel
  /** Errors: LOG_TOPIC_UNKNOWN */
  readonly mustExist: (topic: string, partition: number) => Promise<void>
}

/**
 * A worker in its group, under a static name. Its consumer reads nothing: it is there for the membership, and its generation stands behind every commit.
 * The group shares cooperatively (KIP-429): what it wants back stands in `revoked` until it is released.
 *
 * Delivery: a commit is one Kafka transaction; after a failed one every later one is refused with the same error. One that meets a new generation is
 *           aborted and made again under it
 * Errors:   LOG_FENCED: another run of the same member is there, or the partition is another member's; LOG_REBALANCED: the group went on without it, join again
 */
export class Member implements Membership {
  assignments: readonly Assignment[] = []
  revoked: readonly Assignment[] = []
  readonly #options: MemberOptions
  readonly #consumer: Consumer
  #failure: Error | null = null
  /** Why nothing new may begin, though what is under way may end well. */
  #over: StreamError | null = null
  #settled: Promise<unknown> = Promise.resolve()
  #isClosing = false
  #joined: (() => void) | null = null
  #refused: (error: Error) => void = () => {}

  private constructor (options: MemberOptions) {
    this.#options = options
    const { rdkafka, conf, group, member } = options
    this.#consumer = new rdkafka.KafkaConsumer({ ...conf, rebalance_cb: (error: RdkafkaError | undefined, places: readonly Place[]) => { this.#rebalanced(error, places) } }, { 'auto.offset.reset': 'earliest' })
    this.#consumer.on('data', () => {})
    this.#consumer.on('event.error', error => {
      if (error.isFatal !== true && error.code !== -150 && error.code !== 82) return
      this.#over ??= new StreamError('LOG_FENCED', { group, member, client: 'node-rdkafka', why: error.message }, { cause: error })
      this.#refused(this.#over)
    })
  }

  static async join (options: MemberOptions): Promise<Member> {
    const mine = new Member(options)
    const { group, patienceMs, topics } = options
    try {
      await asked(done => { mine.#consumer.connect({ timeout: patienceMs }, done) })
      const joined = new Promise<void>((resolve, reject) => {
        mine.#joined = resolve
        mine.#refused = reject
        setTimeout(() => { reject(new StreamError('KAFKA_UNREACHABLE', { what: `join group ${group}`, client: 'node-rdkafka', afterMs: patienceMs })) }, patienceMs).unref()
      })
      mine.#consumer.setDefaultConsumeTimeout(1)
      mine.#consumer.subscribe(topics)
      void mine.#poll()
      await joined
      return mine
    } catch (error) {
      await mine.stop()
      throw translated(error, { what: `join group ${group}` })
    }
  }

  async release (): Promise<void> {
    if (this.revoked.length === 0) return
    await this.#settled
    const gone = this.revoked
    this.revoked = []
    this.assignments = this.assignments.filter(({ topic, partition }) => !gone.some(one => one.topic === topic && one.partition === partition))
    if (this.#consumer.isConnected()) this.#consumer.incrementalUnassign(gone.map(({ topic, partition }) => ({ topic: this.#options.prefix + topic, partition })))
  }

  commit (commit: Commit): Promise<void> {
    try {
      const refusal = this.#failure ?? this.#over
      if (refusal !== null) throw refusal
      const { prefix, batchBytesMax } = this.#options
      this.#mustBeMine(commit.offsets)
      const parcels = commit.appends.map(append => parcel({ ...append, topic: prefix + append.topic }, batchBytesMax))
      const done = this.#commit(parcels, commit)
      this.#settled = Promise.allSettled([this.#settled, done])
      return done
    } catch (error) {
      return Promise.reject(this.#fail(error as Error))
    }
  }

  /** No more commits. The member's name stays in the group until its session is over: a restart takes its partitions up again without a rebalance. */
  async leave (): Promise<void> {
    await this.#settled
    this.#failure ??= new StreamError('LOG_FENCED', { group: this.#options.group, member: this.#options.member, why: 'it has left' })
    await this.stop()
  }

  /** Another membership of this process takes the place of this one, or the log closes. A handle that is closed while a call is under way ends the process. */
  async stop (): Promise<void> {
    this.#over ??= new StreamError('LOG_FENCED', { group: this.#options.group, member: this.#options.member, why: 'the membership is over' })
    await this.#settled
    await this.#options.transactions.abandon()
    await this.#options.transactions.close()
    this.#isClosing = true
    await this.release()
    if (this.#consumer.isConnected()) await new Promise<void>(resolve => { this.#consumer.disconnect(() => { resolve() }) })
  }

  async #commit (parcels: readonly Parcel[], { appends, offsets }: Commit): Promise<void> {
    const { prefix, transactions, written, noted, mustExist } = this.#options
    const allowed = async () => {
      if (this.#failure !== null) throw this.#failure
      for (const { topic, partition } of [...appends, ...offsets]) await mustExist(prefix + topic, partition)
    }
    try {
      const refusal = this.#failure ?? this.#over
      if (refusal !== null) throw refusal
      written(await transactions.commit({
        parcels: offsets.length === 0 ? parcels : [...parcels, noted(offsets)],
        offsets: offsets.map(({ topic, partition, offset }) => ({ topic: prefix + topic, partition, offset })),
        member: this.#consumer, allowed,
      }))
    } catch (error) {
      throw this.#fail(error as Error)
    }
  }

  /**
   * Polls for rebalances. Not the binding's own loop: that ends at the first error, and does not say so. A short look at a time, since each one
   * holds a thread of libuv's.
   */
  async #poll (): Promise<void> {
    const { clock, group, member } = this.#options
    while (this.#consumer.isConnected()) {
      await asked(done => { this.#consumer.consume(1, done) }).catch((error: unknown) => { if (this.#joined === null && !passes(error)) this.#over ??= translated(error, { group, member }) })
      await clock.sleep(pollMs)
    }
  }

  #mustBeMine (offsets: readonly (Committed & Assignment)[]): void {
    const { prefix, group, member, topics } = this.#options
    for (const { topic, partition } of offsets) {
      const foreign = topics.includes(prefix + topic) && !this.assignments.some(one => one.topic === topic && one.partition === partition)
      if (foreign) throw new StreamError('LOG_FENCED', { group, member, topic, partition, why: 'the partition is another member\'s' })
    }
  }

  /** librdkafka takes part in the next round once what it wants back is unassigned: that is when the holder has released it. */
  #rebalanced (error: RdkafkaError | undefined, places: readonly Place[]): void {
    const { group, member, prefix } = this.#options
    const share = places.map(({ topic, partition }) => ({ topic: topic.slice(prefix.length), partition }))
    try {
      if (error?.code !== assigned) {
        if (this.#isClosing || share.length === 0) this.#consumer.incrementalUnassign(places)
        else this.revoked = sorted([...this.revoked, ...share])
        return
      }
      this.#consumer.incrementalAssign(places.map(({ topic, partition }) => ({ topic, partition, offset: atEnd })))
      if (places.length > 0) this.#consumer.pause(places)
      this.assignments = sorted([...this.assignments, ...share])
      this.#joined?.()
      this.#joined = null
    } catch (cause) {
      // The consumer is being closed.
      this.#over ??= translated(cause, { group, member })
    }
  }

  #fail (error: Error): Error {
    if (this.#failure === null) {
      this.#failure = error
      void this.#options.transactions.abandon()
    }
    return this.#failure
  }
}

const sorted = (places: readonly Assignment[]): readonly Assignment[] => [...places].sort((a, b) => a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition)
