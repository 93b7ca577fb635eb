import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import type { Cluster } from './cluster.ts'
import { check } from './codes.ts'
import { produceAll } from './produce.ts'
import { upTo } from './api.ts'
import { initProducerId, produce } from './requests.ts'
import { noProducer, type Parcel, stamp } from './stamp.ts'

const sequences = 2 ** 31
const plainProduce = upTo(11, produce)

interface Producer { readonly id: bigint, readonly epoch: number, readonly next: Map<string, number> }

/**
 * Appends outside transactions, as an idempotent producer: what is sent twice because an answer was lost is there once.
 *
 * State:    a producer id, and per partition its next number
 * Delivery: appends to one partition go one after another, in the order of the calls. A broker that restarts forgets producers by the timestamps of
 *           their records: with timestamps older than a day in a topic with CreateTime, what is sent again may be there twice
 * Errors:   LOG_BATCH_REFUSED, LOG_TOPIC_UNKNOWN, KAFKA_TRANSACTION, KAFKA_UNREACHABLE: the last two leave open whether the batch was written
 */
export class Appender {
  readonly #cluster: Cluster
  readonly #options: { readonly crc: Crc32c, readonly timeoutMs: number }
  readonly #behind = new Map<string, Promise<unknown>>()
  #producer: Promise<Producer> | null = null

  constructor (cluster: Cluster, options: { readonly crc: Crc32c, readonly timeoutMs: number }) {
    this.#cluster = cluster
    this.#options = options
  }

  /** Base offset. */
  async append (parcel: Parcel): Promise<number> {
    const name = `${parcel.partition} ${parcel.topic}`
    const before = this.#behind.get(name)
    const mine = (async () => {
      await before?.catch(() => {})
      return this.#append(parcel, name)
    })()
    this.#behind.set(name, mine)
    try {
      return await mine
    } finally {
      if (this.#behind.get(name) === mine) this.#behind.delete(name)
    }
  }

  async #append (parcel: Parcel, name: string): Promise<number> {
    const { crc, timeoutMs } = this.#options
    await this.#cluster.retry(`append to ${parcel.topic}`, () => this.#cluster.atLeader(parcel.topic, parcel.partition, async () => {}))
    const started = this.#producer ??= this.#init()
    try {
      const { id, epoch, next } = await started
      const sequence = next.get(name) ?? 0
      const bytes = stamp(parcel, { producerId: id, epoch, sequence, transactional: false }, crc)
      const [baseOffset] = await produceAll(this.#cluster, [{ ...parcel, bytes }], { api: plainProduce, transactionalId: null, timeoutMs, lane: 'produce', again: true })
      next.set(name, (sequence + parcel.count) % sequences)
      return baseOffset!
    } catch (error) {
      // Numbers behind one whose fate is unknown would be out of order: a producer begins anew.
      if (this.#producer === started) this.#producer = null
      throw error
    }
  }

  async #init (): Promise<Producer> {
    return this.#cluster.retry('begin to append', async () => {
      const { errorCode, producerId, producerEpoch } = await this.#cluster.anywhere('control', initProducerId, { transactionalId: null, transactionTimeoutMs: 0, ...noProducer })
      check(errorCode, { what: 'producer id', needs: 'IDEMPOTENT_WRITE' })
      return { id: producerId, epoch: producerEpoch, next: new Map() }
    })
  }
}
