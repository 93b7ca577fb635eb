import type { Kafka, Producer, Transaction as KafkajsTransaction } from 'kafkajs'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort } from '../../pipelines/core/ports.ts'
import { isIndefinite, rootOf, translated } from './errors.ts'
import type { Parcel } from './parcel.ts'

/** Transactional ids of a lead; the markers of one transaction are written while the next one runs on another id. */
export const turns = 4
export const transactionalIds = (group: string, worker: string): readonly string[] => Array.from({ length: turns }, (_, turn) => `${group}.${worker}.${turn}`)

const pauseMs = 5
const pauseMaxMs = 50

export interface TransactionsOptions { readonly clock: ClockPort, readonly timeoutMs: number, readonly patienceMs: number }
export interface Offsets { readonly topic: string, readonly partitions: readonly { readonly partition: number, readonly offset: string, readonly metadata: string }[] }
export interface Transaction {
  readonly parcels: readonly Parcel[]
  readonly offsets: readonly Offsets[]
  readonly group: string
  /** Throws when nothing more may begin. */
  readonly allowed: () => Promise<void>
}
export interface Written { readonly topic: string, readonly partition: number, readonly end: number }
interface Turn { readonly producer: Producer, transaction: KafkajsTransaction | null, open: boolean, done: Promise<unknown> }

/**
 * Transactions of the one lead of a group, one after another on ids that take turns, in the order of the calls.
 *
 * Delivery: nothing of a transaction is sent before everything of the one before is acknowledged, nor its end before that one's end has succeeded.
 *           Offsets are added without generation and member, which kafkajs does not send: what fences an earlier lead is that the ids are taken over
 * Errors:   LOG_FENCED when another took the ids over; KAFKA_TRANSACTION, KAFKA_UNREACHABLE: begin anew
 */
export class Transactions {
  readonly #options: TransactionsOptions
  readonly #turns: readonly Turn[]
  #turn = 0
  #sent: Promise<unknown> = Promise.resolve()
  #ended: Promise<unknown> = Promise.resolve()

  private constructor (options: TransactionsOptions, taken: readonly Turn[]) {
    this.#options = options
    this.#turns = taken
  }

  /** Take the ids over: what an earlier lead left open is settled when this resolves, and it is fenced. */
  static async open (kafka: Kafka, ids: readonly string[], options: TransactionsOptions): Promise<Transactions> {
    const taken: Turn[] = ids.map(transactionalId => ({ producer: kafka.producer({ transactionalId, idempotent: true, transactionTimeout: options.timeoutMs, allowAutoTopicCreation: false, createPartitioner: () => ({ message }) => message.partition! }), transaction: null, open: false, done: Promise.resolve() }))
    const mine = new Transactions(options, taken)
    try {
      await Promise.all(taken.map(async turn => {
        await turn.producer.connect()
        turn.transaction = await turn.producer.transaction()
      }))
    } catch (error) {
      await mine.close()
      throw translated(error, { what: 'take over the transactional ids', ids: ids[0] })
    }
    return mine
  }

  async close (): Promise<void> { await Promise.allSettled(this.#turns.map(({ producer }) => producer.disconnect())) }

  commit (transaction: Transaction): Promise<readonly Written[]> {
    const turn = this.#turns[this.#turn]!
    this.#turn = (this.#turn + 1) % this.#turns.length
    const [sentBefore, endedBefore, free] = [this.#sent, this.#ended, turn.done]
    const sent = (async () => {
      await Promise.all([sentBefore, free])
      await transaction.allowed()
      return this.#send(turn, transaction)
    })()
    const ended = (async () => {
      // Both are waited for, so that no rejection goes unseen; the earlier transaction's error is the one that counts.
      const [before, written] = await Promise.allSettled([endedBefore, sent])
      if (before.status === 'rejected') throw before.reason
      if (written.status === 'rejected') throw written.reason
      await this.#end(turn)
      return written.value
    })()
    this.#sent = sent
    this.#ended = turn.done = ended
    sent.catch(() => {})
    ended.catch(() => {})
    return ended
  }

  /** Wait for what is under way, then abort what is open, as far as the broker can be reached. */
  async abandon (): Promise<void> {
    await Promise.allSettled([this.#sent, this.#ended])
    await Promise.allSettled(this.#turns.map(async turn => { if (turn.open && turn.transaction?.isActive()) await turn.transaction.abort() }))
  }

  async #send (turn: Turn, { parcels, offsets, group }: Transaction): Promise<readonly Written[]> {
    if (parcels.length === 0 && offsets.length === 0) return []
    turn.open = true
    turn.transaction ??= await turn.producer.transaction()
    const ends = new Map<string, Written>()
    for (let left = parcels; left.length > 0;) {
      const round = new Map<string, Parcel>()
      left = left.filter(parcel => {
        const name = `${parcel.partition} ${parcel.topic}`
        return round.has(name) || (round.set(name, parcel), false)
      })
      for (const { topicName, partition, baseOffset } of await this.#settled('append', () => turn.transaction!.sendBatch({ acks: -1, topicMessages: byTopic([...round.values()]) }))) {
        const { count } = round.get(`${partition} ${topicName}`)!
        ends.set(`${partition} ${topicName}`, { topic: topicName, partition, end: Number(baseOffset) + count + 1 })
      }
    }
    if (offsets.length > 0) await this.#settled('commit offsets', () => turn.transaction!.sendOffsets({ consumerGroupId: group, topics: offsets as never }))
    return [...ends.values()]
  }

  async #end (turn: Turn): Promise<void> {
    if (!turn.open) return
    await this.#settled('end the transaction', () => turn.transaction!.commit())
    turn.open = false
    turn.transaction = null
  }

  /** The coordinator says that an earlier transaction of the id has yet to end before anything is done: that alone is tried again here. */
  async #settled<T> (what: string, attempt: () => Promise<T>): Promise<T> {
    const { clock, patienceMs } = this.#options
    const untilMs = clock.monotonicMs() + patienceMs
    for (let pause = pauseMs; ; pause = Math.min(pause * 2, pauseMaxMs)) {
      try {
        return await attempt()
      } catch (error) {
        if (rootOf(error).type !== 'CONCURRENT_TRANSACTIONS' || clock.monotonicMs() > untilMs) throw isIndefinite(error) ? new StreamError('KAFKA_UNREACHABLE', { what, client: 'kafkajs', why: rootOf(error).message, outcome: 'unknown' }, { cause: error }) : translated(error, { what })
      }
      await clock.sleep(pause)
    }
  }
}

function byTopic (parcels: readonly Parcel[]) {
  const topics = new Map<string, Parcel['messages'][number][]>()
  for (const { topic, messages } of parcels) topics.set(topic, [...topics.get(topic) ?? [], ...messages])
  return [...topics].map(([topic, messages]) => ({ topic, messages }))
}
