import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort } from '../../pipelines/core/ports.ts'
import { translated } from './errors.ts'
import { asked, type Conf, type Consumer, type Position, type Producer, type Rdkafka } from './package.ts'
import { Deliveries, type Parcel } from './parcel.ts'

/** Transactional ids of a worker; the markers of one transaction are written while the next one runs on another id. */
const turns = 4
/** How often delivery reports are fetched: librdkafka's binding hands none out by itself. */
const pollMs = 2
/** How often a transaction is made again for a new generation: as long as it takes to join. */
const triesMax = 50
const pauseMs = 100

export interface TransactionsOptions { readonly rdkafka: Rdkafka, readonly clock: ClockPort, readonly conf: Conf, readonly timeoutMs: number, readonly patienceMs: number }
export interface Transaction {
  readonly parcels: readonly Parcel[]
  readonly offsets: readonly Position[]
  /** The member whose generation the offsets are committed under. */
  readonly member: Consumer
  /** Throws when nothing more may begin. */
  readonly allowed: () => Promise<void>
}
export interface Written { readonly topic: string, readonly partition: number, readonly end: number }
interface Turn { readonly producer: Producer, readonly deliveries: Deliveries, open: boolean, done: Promise<unknown> }

/**
 * Transactions of one worker, one after another on ids that take turns, in the order of the calls.
 *
 * Delivery: nothing of a transaction is sent before everything of the one before is acknowledged, nor its end before that one's end has
 *           succeeded; when one fails, those behind it fail with the same error and are aborted
 * Errors:   LOG_FENCED when another took the ids over; LOG_REBALANCED, KAFKA_TRANSACTION, KAFKA_UNREACHABLE: begin anew
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

  /** Take a worker's ids over: what it left open is settled when this resolves, and it is fenced. */
  static async open (name: string, options: TransactionsOptions): Promise<Transactions> {
    const { rdkafka, conf, timeoutMs, patienceMs } = options
    const taken = Array.from({ length: turns }, (_, turn): Turn => {
      const producer = new rdkafka.Producer({ ...conf, 'transactional.id': `${name}.${turn}`, 'transaction.timeout.ms': timeoutMs, 'socket.timeout.ms': Math.min(timeoutMs, conf['socket.timeout.ms'] as number), 'linger.ms': 0, 'dr_cb': true }, {})
      producer.on('event.error', () => {})
      producer.setPollInterval(pollMs)
      return { producer, deliveries: new Deliveries(producer), open: false, done: Promise.resolve() }
    })
    const mine = new Transactions(options, taken)
    try {
      await Promise.all(taken.map(async ({ producer }) => {
        await asked(done => { producer.connect({ timeout: patienceMs }, done) })
        await asked(done => { producer.initTransactions(patienceMs, done) })
      }))
    } catch (error) {
      await mine.close()
      throw translated(error, { what: 'take over the transactional ids', ids: name })
    }
    return mine
  }

  async close (): Promise<void> {
    await Promise.all(this.#turns.map(({ producer }) => producer.isConnected() && new Promise<void>(resolve => { producer.disconnect(1_000, () => { resolve() }) })))
  }

  commit (transaction: Transaction): Promise<readonly Written[]> {
    const turn = this.#turns[this.#turn]!
    this.#turn = (this.#turn + 1) % this.#turns.length
    const [sentBefore, endedBefore, free] = [this.#sent, this.#ended, turn.done]
    const sent = (async () => {
      await Promise.all([sentBefore, free])
      return this.#sendAgain(turn, transaction)
    })()
    const ended = (async () => {
      // Both are waited for, so that no rejection goes unseen; the earlier transaction's error is the one that counts.
      const [before, written] = await Promise.allSettled([endedBefore, sent])
      if (before.status === 'rejected') throw before.reason
      if (written.status === 'rejected') throw written.reason
      if (turn.open) await this.#step('end the transaction', done => { turn.producer.commitTransaction(this.#options.timeoutMs, done) })
      turn.open = false
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
    await Promise.allSettled(this.#turns.map(async turn => {
      if (turn.open && turn.producer.isConnected()) await asked(done => { turn.producer.abortTransaction(this.#options.timeoutMs, done) })
      turn.open = false
    }))
  }

  /** A transaction whose offsets met a new generation of the group is aborted, and made again under that one. */
  async #sendAgain (turn: Turn, transaction: Transaction): Promise<readonly Written[]> {
    for (let tries = 1; ; tries += 1) {
      await transaction.allowed()
      try {
        return await this.#send(turn, transaction)
      } catch (error) {
        if (!(error instanceof StreamError && error.code === 'LOG_REBALANCED') || tries === triesMax) throw error
        await this.#step('abort the transaction', done => { turn.producer.abortTransaction(this.#options.timeoutMs, done) })
        turn.open = false
        await this.#options.clock.sleep(pauseMs)
      }
    }
  }

  async #send (turn: Turn, { parcels, offsets, member }: Transaction): Promise<readonly Written[]> {
    if (parcels.length === 0 && offsets.length === 0) return []
    await this.#step('begin a transaction', done => { turn.producer.beginTransaction(done) })
    turn.open = true
    const ends = new Map<string, Written>()
    const delivered = Promise.all(parcels.map(async parcel => {
      const { topic, partition } = parcel
      const { end } = await turn.deliveries.deliver(parcel)
      ends.set(`${partition} ${topic}`, { topic, partition, end: Math.max(end + 1, ends.get(`${partition} ${topic}`)?.end ?? 0) })
    }))
    const [appended, committed] = await Promise.allSettled([delivered, offsets.length === 0 ? null : this.#step('commit offsets', done => { turn.producer.sendOffsetsToTransaction(offsets, member, this.#options.timeoutMs, done) })])
    if (committed.status === 'rejected') throw committed.reason
    if (appended.status === 'rejected') throw appended.reason
    return [...ends.values()]
  }

  async #step (what: string, ask: Parameters<typeof asked>[0]): Promise<void> {
    try {
      await asked(ask)
    } catch (error) {
      throw translated(error, { what }) satisfies StreamError
    }
  }
}
