import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort } from '../../pipelines/core/ports.ts'
import type { Cluster } from './cluster.ts'
import { Again, check } from './codes.ts'
import type { Address } from './connection.ts'
import { produceAll, Unknown } from './produce.ts'
import { addOffsetsToTxn, addPartitionsToTxn, initProducerId, type TransactionOffsets } from './requests.ts'
import { settled } from './settled.ts'
import { noProducer, type Parcel, stamp } from './stamp.ts'
import { takesLateMarkers, type TransactionProtocol, transactionProtocol } from './transaction-protocol.ts'

const sequences = 2 ** 31

/** What the markers of a transaction take where all is well: asked before, the coordinator says no. */
const markersMs = 5

/** Answers to offsets of a generation that has ended. */
const sharingOut = new Set(['ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS'])

/** Transactional ids of a worker; the markers of one transaction are written while the next one runs on another id. */
export const turns = 4
export const transactionalIds = (group: string, member: string): readonly string[] => Array.from({ length: turns }, (_, turn) => `${group}.${member}.${turn}`)

export interface TransactionsOptions { readonly clock: ClockPort, readonly crc: Crc32c, readonly timeoutMs: number, readonly requestTimeoutMs: number }
export interface GroupFacts { readonly group: string, readonly generation: number, readonly memberId: string, readonly instanceId: string }
export interface Transaction {
  readonly parcels: readonly Parcel[]
  readonly offsets: TransactionOffsets
  /** As whom the group knows this worker now; again when it refuses the one given, since it has shared out anew meanwhile. Throws when the worker may not commit any more. */
  readonly facts: (refused: GroupFacts | null) => Promise<GroupFacts>
  /** Throws when this worker may not begin to write any more. What was begun is finished: its offsets were taken by the right generation. */
  readonly allowed: () => void
}
/** Where a committed transaction wrote: readable once the log's last stable offset is at or past `end`. */
export interface Written { readonly topic: string, readonly partition: number, readonly end: number }

interface Turn {
  readonly transactionalId: string
  producerId: bigint
  epoch: number
  /** Per partition the number of the next batch's first record, under this epoch. */
  readonly next: Map<string, number>
  /** Monotonic; when something of an open transaction was first sent, else null. */
  openedMs: number | null
  /** Whether a transaction has ended under its epoch, or before it. */
  isSpent: boolean
  /** When the id may be used again. */
  done: Promise<unknown>
}
/** A transaction of which something was written before its commit was asked for. */
interface Begun { readonly turn: Turn, written: Promise<readonly Written[]> }

/**
 * Transactions of one worker, one after another on ids that take turns.
 *
 * Delivery: nothing of a transaction is sent before everything of the one before is acknowledged, nor its end before that one's end has
 *           succeeded; when one fails, those behind it fail with the same error and are aborted. What is written ahead of a commit comes after all records
 *           of the commits asked for before it, and does not wait for their offsets; one without positions (a snapshot) may pass in between. Where a marker that comes twice would end the next
 *           transaction of its id, the id gets a new epoch first, behind the commit and before its next turn
 * Errors:   LOG_FENCED when another took the ids over; KAFKA_TRANSACTION, KAFKA_UNREACHABLE: begin anew
 * Source:   reliability rules 1 to 4; KIP-890, and the protocol before it
 */
export class Transactions {
  readonly #cluster: Cluster
  readonly #options: TransactionsOptions
  readonly #protocol: TransactionProtocol
  readonly #renews: Promise<boolean>
  readonly #turns: readonly Turn[]
  #turn = 0
  /** Some request may have been served, or may be yet. */
  #isUnknown = false
  #abandoned: Promise<void> | null = null
  #sent: Promise<unknown> = Promise.resolve()
  /** The records of all commits so far are acknowledged, if not yet their offsets. */
  #produced: Promise<unknown> = Promise.resolve()
  #ended: Promise<unknown> = Promise.resolve()
  #begun: Begun | null = null

  private constructor (cluster: Cluster, options: TransactionsOptions, { protocol, taken }: { readonly protocol: TransactionProtocol, readonly taken: readonly Turn[] }) {
    this.#cluster = cluster
    this.#options = options
    this.#protocol = protocol
    this.#renews = takesLateMarkers(cluster, protocol)
    this.#turns = taken
  }

  /** Take over a worker's ids: what it left open is settled when this resolves, and it is fenced. */
  static async open (cluster: Cluster, ids: readonly string[], options: TransactionsOptions): Promise<Transactions> {
    const protocol = await transactionProtocol(cluster)
    const taken = await settled(ids.map(async transactionalId => {
      const owned = await cluster.retry('take over the transactional id', () => initialise(cluster, transactionalId, { timeoutMs: options.timeoutMs, ...noProducer }))
      return { transactionalId, ...owned, next: new Map<string, number>(), openedMs: null, isSpent: false, done: Promise.resolve() }
    }))
    return new Transactions(cluster, options, { protocol, taken })
  }

  /** Write a part of the next transaction that `continues`, behind what was written of it before. `allowed` throws when this worker may not write any more. */
  ahead (parcels: readonly Parcel[], allowed: () => void): Promise<unknown> {
    const begun = this.#begun ??= this.#begin()
    const { turn, written: before } = begun
    const written = (async () => {
      const sofar = await before
      allowed()
      await this.#places(parcels)
      turn.openedMs ??= this.#options.clock.monotonicMs()
      if (this.#protocol.announces) await this.#announce(turn, parcels, null)
      return [...sofar, ...await this.#produce(turn, parcels)]
    })()
    written.catch(() => {})
    begun.written = written
    return written
  }

  commit (transaction: Transaction, continues = false): Promise<readonly Written[]> {
    const { turn, written: ahead } = (continues ? this.#begun : null) ?? this.#begin()
    if (turn === this.#begun?.turn) this.#begun = null
    const [sentBefore, endedBefore] = [this.#sent, this.#ended]
    const produced = Promise.withResolvers<void>()
    const sent = (async () => {
      // Both have come to an end before anything is aborted.
      const [, written] = await settled([sentBefore, ahead])
      transaction.allowed()
      return [...written, ...await this.#send(turn, transaction, produced.resolve)]
    })()
    sent.then(() => { produced.resolve() }, produced.reject)
    const ended = (async () => {
      // Both are waited for, so that no rejection goes unseen; the earlier transaction's error is the one that counts.
      const [before, written] = await Promise.allSettled([endedBefore, sent])
      if (before.status === 'rejected') throw before.reason
      if (written.status === 'rejected') throw written.reason
      await this.#end(turn, true)
      return written.value
    })()
    this.#sent = sent
    this.#produced = produced.promise
    this.#ended = ended
    turn.done = ended.then(() => this.#renew(turn))
    for (const one of [sent, produced.promise, ended, turn.done]) one.catch(() => {})
    return ended
  }

  /** The next turn, once it is free and all records of the transactions before are acknowledged: behind them they are in order, whatever becomes of offsets. One that was begun keeps its turn while others, without it, go by. */
  #begin (): Begun {
    do this.#turn = (this.#turn + 1) % this.#turns.length
    while (this.#turns[this.#turn] === this.#begun?.turn)
    const turn = this.#turns[this.#turn]!
    const written = Promise.all([this.#produced, turn.done]).then(() => [])
    written.catch(() => {})
    return { turn, written }
  }

  /**
   * Wait for what is under way, then abort what is open, as far as the broker can be reached: readers need not wait for its timeout. In the older protocol
   * an abort leaves the epoch as it is, and a request whose answer did not come might be served behind it: that is left to whoever has the ids next.
   */
  abandon (): Promise<void> {
    this.#abandoned ??= this.#abandon()
    return this.#abandoned
  }

  async #abandon (): Promise<void> {
    await Promise.allSettled([this.#sent, this.#ended, this.#begun?.written, ...this.#turns.map(({ done }) => done)])
    if (this.#protocol.announces && this.#isUnknown) return
    await Promise.allSettled(this.#turns.map(async turn => { if (turn.openedMs !== null) await this.#end(turn, false) }))
  }

  /** Whether a refused producer may have been given up by its coordinator for being slow, instead of being taken over. */
  get mayHaveTimedOut (): boolean {
    const { clock, timeoutMs } = this.#options
    return this.#turns.some(({ openedMs }) => openedMs !== null && clock.monotonicMs() - openedMs > timeoutMs * 0.9)
  }

  async #send (turn: Turn, { parcels, offsets, facts }: Transaction, produced: () => void): Promise<readonly Written[]> {
    await this.#places([...parcels, ...offsets.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })))])
    if (parcels.length === 0 && offsets.length === 0) return []
    turn.openedMs ??= this.#options.clock.monotonicMs()
    if (this.#protocol.announces) await this.#announce(turn, parcels, offsets.length === 0 ? null : (await facts(null)).group)
    const [written] = await settled([this.#produce(turn, parcels).then(ends => { produced(); return ends }), offsets.length === 0 ? null : this.#offsets(turn, offsets, facts)])
    return written
  }

  async #places (places: readonly { readonly topic: string, readonly partition: number }[]): Promise<void> {
    for (const { topic, partition } of places) await this.#cluster.retry(`commit to ${topic}`, () => this.#cluster.atLeader(topic, partition, async () => {}))
  }

  /** What the transaction will hold; brokers take nothing else of it. */
  async #announce ({ transactionalId, producerId, epoch }: Turn, parcels: readonly Parcel[], groupId: string | null): Promise<void> {
    const who = { transactionalId, producerId, producerEpoch: epoch }
    const topics = new Map<string, Set<number>>()
    for (const { topic, partition } of parcels) topics.set(topic, (topics.get(topic) ?? new Set()).add(partition))
    const ask = (attempt: (address: Address) => Promise<void>) => this.#once('begin the transaction', () => this.#cluster.atCoordinator('transaction', transactionalId, attempt))
    if (topics.size > 0) await ask(async address => {
      const { resultsByTopic } = await this.#cluster.call(address, 'transaction', addPartitionsToTxn, { ...who, topics: [...topics].map(([name, partitions]) => ({ name, partitions: [...partitions] })) })
      for (const { name: topic, resultsByPartition } of resultsByTopic) for (const { partitionIndex: partition, partitionErrorCode } of resultsByPartition) check(partitionErrorCode, { transactionalId, topic, partition, needs: 'WRITE' })
    })
    if (groupId !== null) await ask(async address => { check((await this.#cluster.call(address, 'transaction', addOffsetsToTxn, { ...who, groupId })).errorCode, { transactionalId, group: groupId, needs: 'READ' }) })
  }

  /** A request takes one batch of a partition: more of them go in rounds. */
  async #produce (turn: Turn, parcels: readonly Parcel[]): Promise<readonly Written[]> {
    const { crc, requestTimeoutMs, timeoutMs } = this.#options
    const { transactionalId, producerId, epoch } = turn
    const ends = new Map<string, Written>()
    for (let left = parcels; left.length > 0;) {
      const round = new Map<string, Parcel>()
      left = left.filter(parcel => {
        const name = `${parcel.partition} ${parcel.topic}`
        return round.has(name) || (round.set(name, parcel), false)
      })
      const batches = [...round].map(([name, parcel]) => {
        const sequence = turn.next.get(name) ?? 0
        turn.next.set(name, (sequence + parcel.count) % sequences)
        return { ...parcel, bytes: stamp(parcel, { producerId, epoch, sequence, transactional: true }, crc) }
      })
      const offsets = await this.#settled('append', () => produceAll(this.#cluster, batches, { api: this.#protocol.produce, transactionalId, timeoutMs: requestTimeoutMs, lane: 'produce', again: false, patienceMs: timeoutMs }))
      batches.forEach(({ topic, partition, count }, at) => { ends.set(`${partition} ${topic}`, { topic, partition, end: offsets[at]! + count + 1 }) })
    }
    return [...ends.values()]
  }

  async #offsets ({ transactionalId, producerId, epoch }: Turn, topics: TransactionOffsets, factsNow: Transaction['facts']): Promise<void> {
    for (let facts = await factsNow(null); ; facts = await factsNow(facts)) {
      const { group, generation, memberId, instanceId } = facts
      try {
        await this.#once('commit offsets', () => this.#cluster.atCoordinator('group', group, async address => {
          const answer = await this.#cluster.call(address, 'transaction', this.#protocol.txnOffsetCommit, { transactionalId, groupId: group, producerId, producerEpoch: epoch, generationId: generation, memberId, groupInstanceId: instanceId, topics })
          for (const { name: topic, partitions } of answer.topics) for (const { partitionIndex: partition, errorCode } of partitions) check(errorCode, { group, topic, partition, needs: 'READ' })
        }))
        return
      } catch (error) {
        if (!(error instanceof StreamError) || !sharingOut.has(String(error.details.kafka))) throw error
      }
    }
  }

  async #end (turn: Turn, committed: boolean): Promise<void> {
    if (turn.openedMs === null) return
    // As it is now: whoever asks again asks for the end of the same transaction.
    const { transactionalId, producerId: ownerId, epoch: ownerEpoch } = turn
    await this.#once('end the transaction', () => this.#cluster.atCoordinator('transaction', transactionalId, async address => {
      const { errorCode, producerId, producerEpoch: epoch } = await this.#cluster.call(address, 'transaction', this.#protocol.endTxn, { transactionalId, producerId: ownerId, producerEpoch: ownerEpoch, committed })
      check(errorCode, { transactionalId, needs: 'WRITE' })
      Object.assign(turn, { openedMs: null, isSpent: true })
      if (this.#protocol.announces) return
      Object.assign(turn, { producerId, epoch })
      turn.next.clear()
    }))
  }

  /**
   * Give the id an epoch that none of its markers has had: a late one is refused then. The coordinator takes it once the markers are there. Whoever has taken
   * the id over meanwhile is not fenced, since this asks as the producer that it was.
   */
  async #renew (turn: Turn): Promise<void> {
    if (!turn.isSpent || !await this.#renews) return
    await this.#options.clock.sleep(markersMs)
    const { transactionalId, producerId, epoch: producerEpoch } = turn
    await this.#once('renew the transactional id', async () => {
      if (this.#abandoned !== null) return
      Object.assign(turn, await initialise(this.#cluster, transactionalId, { timeoutMs: this.#options.timeoutMs, producerId, producerEpoch }), { isSpent: false })
      turn.next.clear()
    })
  }

  /** Tried again only when the broker said that nothing was done: after silence nobody knows, and the producer is not used again. */
  #once<T> (what: string, attempt: () => Promise<T>): Promise<T> {
    return this.#settled(what, () => this.#cluster.retry(what, async () => {
      try {
        return await attempt()
      } catch (error) {
        throw error instanceof Again && error.indefinite ? new Unknown(error) : error
      }
    }, { patienceMs: this.#options.timeoutMs }))
  }

  async #settled<T> (what: string, attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt()
    } catch (error) {
      this.#isUnknown ||= error instanceof Unknown
      throw error instanceof Unknown ? new StreamError('KAFKA_UNREACHABLE', { what, why: error.message, outcome: 'unknown' }, { cause: error.cause }) : error
    }
  }
}

interface Owner { readonly producerId: bigint, readonly producerEpoch: number }

/** Errors: Again while markers of the id's last transaction are on their way; LOG_FENCED when the id is not the producer's that is given */
function initialise (cluster: Cluster, transactionalId: string, { timeoutMs, ...owner }: Owner & { readonly timeoutMs: number }): Promise<{ readonly producerId: bigint, readonly epoch: number }> {
  return cluster.atCoordinator('transaction', transactionalId, async address => {
    const { errorCode, producerId, producerEpoch: epoch } = await cluster.call(address, 'control', initProducerId, { transactionalId, transactionTimeoutMs: timeoutMs, ...owner })
    check(errorCode, { transactionalId, needs: 'WRITE' })
    return { producerId, epoch }
  })
}
