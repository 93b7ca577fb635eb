import { sealBatch } from '../../../connectors/embedded/seal.ts'
import { crc32c } from '../../../connectors/kafka/crc.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { batchHeaderBytes, readBatchHeader, RecordBatchWriter, records } from '../../../pipelines/core/record-batch.ts'
import { code } from './codes.ts'

const noProducer = -1n
const remembered = 5
const controlAttributes = 16 | 32

interface Kept { readonly bytes: Uint8Array, readonly baseOffset: number, readonly lastOffset: number, readonly maxTimestamp: number, readonly producerId: bigint, readonly transactional: boolean, readonly control: boolean }
interface Aborted { readonly producerId: bigint, readonly firstOffset: number, readonly lastOffset: number }
interface Producer { epoch: number, next: number, readonly last: { readonly sequence: number, readonly baseOffset: number }[] }
export interface Appending { readonly stampMs: number | null, readonly batchBytesMax: number, readonly keyed: boolean }
export interface PartitionFetch { readonly errorCode: number, readonly lastStable: number, readonly logStart: number, readonly aborted: readonly Aborted[], readonly records: Uint8Array }

/**
 * One partition as a broker keeps it: batches, producers and their numbers, transactions that are open in it, and those that were aborted.
 *
 * Source: Kafka's UnifiedLog and ProducerStateManager; KIP-98, KIP-890
 */
export class BrokerPartition {
  readonly batches: Kept[] = []
  start = 0
  end = 0
  readonly #open = new Map<bigint, number>()
  readonly #aborted: Aborted[] = []
  readonly #producers = new Map<bigint, Producer>()
  /** Of those who want to begin a transaction here, and whose coordinator has yet to know of it. */
  readonly #guards = new Map<bigint, object>()

  /** First offset of a transaction that is still open, or the end: readers of what is committed see nothing at or past it. */
  get lastStable (): number {
    let least = this.end
    for (const offset of this.#open.values()) least = Math.min(least, offset)
    return least
  }

  /** Whether a producer's transaction of this epoch has begun here. */
  isIn (producerId: bigint, epoch: number): boolean { return this.#open.has(producerId) && this.#producers.get(producerId)?.epoch === epoch }

  /** Holds until a transaction of the producer's begins here, or ends. */
  guard (producerId: bigint): object {
    let held = this.#guards.get(producerId)
    if (held === undefined) this.#guards.set(producerId, held = {})
    return held
  }

  isGuarded (producerId: bigint, guard: object): boolean { return this.#guards.get(producerId) === guard }

  append (given: Uint8Array, { stampMs, batchBytesMax, keyed }: Appending): { readonly errorCode: number, readonly baseOffset: number } {
    const header = readBatchHeader(given, 0)
    if (header === null) return refused('CORRUPT_MESSAGE')
    const view = new DataView(given.buffer, given.byteOffset, batchHeaderBytes)
    const producerId = view.getBigInt64(43)
    const sequence = view.getInt32(53)
    if (producerId !== noProducer) {
      const known = this.#numbered(producerId, view.getInt16(51), sequence)
      if (typeof known !== 'object') return known === 'again' ? { errorCode: 0, baseOffset: this.#producers.get(producerId)!.last.find(one => one.sequence === sequence)!.baseOffset } : refused(known)
    }
    const baseOffset = this.end
    try {
      const { bytes, lastOffset, maxTimestamp } = sealBatch(given, { baseOffset, stampMs, batchBytesMax, crc: crc32c, keyed })
      this.#keep({ bytes, baseOffset, lastOffset, maxTimestamp, producerId, transactional: header.transactional, control: false })
    } catch (error) {
      if (error instanceof StreamError) return refused('INVALID_RECORD')
      throw error
    }
    if (producerId !== noProducer) {
      const producer = this.#producers.get(producerId)!
      producer.next = sequence + header.count
      producer.last.push({ sequence, baseOffset })
      if (producer.last.length > remembered) producer.last.shift()
    }
    if (header.transactional && !this.#open.has(producerId)) this.#open.set(producerId, baseOffset)
    this.#guards.delete(producerId)
    return { errorCode: 0, baseOffset }
  }

  /**
   * The end of a producer's transaction. Its next one goes by this epoch; if that is a new one, it begins to count anew. A marker of an epoch that is over is
   * refused; one that comes twice ends what is open now, unless brokers are `strict`.
   *
   * Source: Kafka's ProducerAppendInfo; KIP-1228
   */
  mark (producerId: bigint, epoch: number, { committed, nowMs, strict = false }: { readonly committed: boolean, readonly nowMs: number, readonly strict?: boolean }): void {
    const known = this.#producers.get(producerId)?.epoch ?? -1
    if (epoch < known || (strict && epoch === known)) return
    const baseOffset = this.end
    this.#keep({ bytes: marker({ producerId, epoch, committed, baseOffset, nowMs }), baseOffset, lastOffset: baseOffset, maxTimestamp: nowMs, producerId, transactional: true, control: true })
    const firstOffset = this.#open.get(producerId)
    this.#open.delete(producerId)
    this.#guards.delete(producerId)
    if (firstOffset !== undefined && !committed) this.#aborted.push({ producerId, firstOffset, lastOffset: baseOffset })
    if (this.#producers.get(producerId)?.epoch !== epoch) this.#producers.set(producerId, { epoch, next: 0, last: [] })
  }

  /** Whole batches up to what is stable, at least one; the last may be cut off, as a broker does. */
  read (offset: number, bytesMax: number): PartitionFetch {
    const { start: logStart, lastStable } = this
    if (offset < logStart || offset > this.end) return { errorCode: code('OFFSET_OUT_OF_RANGE'), lastStable, logStart, aborted: [], records: new Uint8Array(0) }
    const parts: Uint8Array[] = []
    let total = 0
    let upper = offset
    for (let at = this.#find(offset); at < this.batches.length; at += 1) {
      const { bytes, baseOffset, lastOffset } = this.batches[at]!
      if (baseOffset >= lastStable || (parts.length > 0 && total >= bytesMax)) break
      upper = lastOffset + 1
      parts.push(parts.length === 0 ? bytes : bytes.subarray(0, bytesMax - total))
      total += parts.at(-1)!.length
    }
    const aborted = this.#aborted.filter(one => one.lastOffset >= offset && one.firstOffset < upper)
    return { errorCode: 0, lastStable, logStart, aborted, records: Buffer.concat(parts) }
  }

  /** What readers of committed records see, told from the transactions themselves. */
  * committed (): Generator<{ readonly offset: number, readonly timestamp: number, readonly key: Uint8Array | null, readonly value: Uint8Array | null }> {
    const { lastStable } = this
    for (const { bytes, baseOffset, producerId, transactional, control } of this.batches) {
      if (baseOffset >= lastStable) return
      if (control || (transactional && this.#aborted.some(one => one.producerId === producerId && one.firstOffset <= baseOffset && baseOffset < one.lastOffset))) continue
      yield * records(bytes)
    }
  }

  offsetAt (timestampMs: number): number {
    for (const { bytes, maxTimestamp, control } of this.batches) {
      if (control || maxTimestamp < timestampMs) continue
      for (const { timestamp, offset } of records(bytes)) if (timestamp >= timestampMs && offset >= this.start && offset < this.lastStable) return offset
    }
    return -1
  }

  trim (before: number): void {
    this.start = Math.max(this.start, Math.min(before, this.end))
    while (this.batches.length > 0 && this.batches[0]!.lastOffset < this.start) this.batches.shift()
  }

  /** Whether a producer's numbers go on: `again` when the batch is there already. */
  #numbered (producerId: bigint, epoch: number, sequence: number): Producer | string {
    let producer = this.#producers.get(producerId)
    if (producer === undefined || epoch > producer.epoch) {
      if (sequence !== 0) return 'OUT_OF_ORDER_SEQUENCE_NUMBER'
      this.#producers.set(producerId, producer = { epoch, next: 0, last: [] })
      return producer
    }
    if (epoch < producer.epoch) return 'INVALID_PRODUCER_EPOCH'
    if (producer.last.some(one => one.sequence === sequence)) return 'again'
    return sequence === producer.next ? producer : 'OUT_OF_ORDER_SEQUENCE_NUMBER'
  }

  #keep (kept: Kept): void {
    this.batches.push(kept)
    this.end = kept.lastOffset + 1
  }

  #find (offset: number): number {
    let low = 0
    let high = this.batches.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.batches[middle]!.lastOffset < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

const refused = (name: string) => ({ errorCode: code(name), baseOffset: -1 })

/** Source: Kafka protocol, "Control Batches" */
function marker ({ producerId, epoch, committed, baseOffset, nowMs }: { readonly producerId: bigint, readonly epoch: number, readonly committed: boolean, readonly baseOffset: number, readonly nowMs: number }): Uint8Array {
  const writer = new RecordBatchWriter(128)
  writer.append(nowMs, Uint8Array.of(0, 0, 0, committed ? 1 : 0), new Uint8Array(6))
  const bytes = writer.finish(baseOffset).slice()
  const view = new DataView(bytes.buffer)
  view.setInt16(21, controlAttributes)
  view.setBigInt64(43, producerId)
  view.setInt16(51, epoch)
  view.setUint32(17, crc32c(bytes.subarray(21)))
  return bytes
}
