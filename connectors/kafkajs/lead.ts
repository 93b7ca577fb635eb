import { StreamError } from '../../pipelines/core/errors.ts'
import { packMetadata } from '../../pipelines/core/log-names.ts'
import type { Assignment, Commit, Membership } from '../../pipelines/core/ports.ts'
import { parcel, type Parcel } from './parcel.ts'
import type { Offsets, Transactions, Written } from './transactions.ts'

/** The name under which the one lead of a group writes, whatever its member is called: the next lead takes over what it left, also one of another client. */
export const worker = 'kafkajs'

export interface LeadOptions {
  /** Names as Kafka has them, prefix included. */
  readonly group: string
  readonly prefix: string
  readonly assignments: readonly Assignment[]
  readonly batchBytesMax: number
  /** Told of what a commit has written, and of the offsets in it. */
  readonly written: (written: readonly Written[], offsets: readonly Offsets[]) => void
  /** Errors: LOG_TOPIC_UNKNOWN */
  readonly mustExist: (topic: string, partition: number) => Promise<void>
}

/**
 * The one member of a group that reads and commits all of its partitions. kafkajs commits offsets without the group's generation, so that
 * members that share could not be fenced: the newest leads alone, and taking its transactional ids over fences the one before.
 *
 * Delivery: a commit is one Kafka transaction; after a failed one every later one is refused with the same error
 * Errors:   LOG_FENCED: another lead is there, here or elsewhere
 */
export class Lead implements Membership {
  readonly assignments: readonly Assignment[]
  readonly revoked: readonly Assignment[] = []
  readonly #options: LeadOptions
  readonly #transactions: Transactions
  #failure: Error | null = null
  #settled: Promise<unknown> = Promise.resolve()

  constructor (transactions: Transactions, options: LeadOptions) {
    this.#transactions = transactions
    this.#options = options
    this.assignments = options.assignments
  }

  async release (): Promise<void> {}

  commit (commit: Commit): Promise<void> {
    try {
      if (this.#failure !== null) throw this.#failure
      const { prefix, batchBytesMax } = this.#options
      const parcels = commit.appends.map(append => parcel({ ...append, topic: prefix + append.topic }, batchBytesMax))
      const done = this.#commit(parcels, commit)
      this.#settled = Promise.allSettled([this.#settled, done])
      return done
    } catch (error) {
      return Promise.reject(this.#fail(error as Error))
    }
  }

  async leave (): Promise<void> {
    await this.#settled
    this.#failure ??= new StreamError('LOG_FENCED', { group: this.#options.group, why: 'it has left' })
    await this.stop()
  }

  /** Another lead of this process takes the place of this one, or the log closes. */
  async stop (): Promise<void> {
    await this.#transactions.abandon()
    await this.#transactions.close()
  }

  /** Refuse what is not sent yet. */
  fence (): void { this.#failure ??= new StreamError('LOG_FENCED', { group: this.#options.group, why: 'another member of this process leads the group' }) }

  async #commit (parcels: readonly Parcel[], { appends, offsets }: Commit): Promise<void> {
    const { group, prefix, mustExist, written } = this.#options
    const allowed = async () => {
      if (this.#failure !== null) throw this.#failure
      for (const { topic, partition } of [...appends, ...offsets]) await mustExist(prefix + topic, partition)
    }
    try {
      const taken = this.#offsets(offsets)
      written(await this.#transactions.commit({ parcels, offsets: taken, group, allowed }), taken)
    } catch (error) {
      throw this.#fail(error as Error)
    }
  }

  #offsets (offsets: Commit['offsets']): readonly Offsets[] {
    const topics = new Map<string, { partition: number, offset: string, metadata: string }[]>()
    for (const { topic, partition, offset, metadata } of offsets) {
      const full = this.#options.prefix + topic
      topics.set(full, [...topics.get(full) ?? [], { partition, offset: `${offset}`, metadata: packMetadata(worker, metadata) }])
    }
    return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
  }

  #fail (error: Error): Error {
    if (this.#failure === null) {
      this.#failure = error
      void this.#transactions.abandon()
    }
    return this.#failure
  }
}
