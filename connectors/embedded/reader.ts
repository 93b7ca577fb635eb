import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import { type LogRecord, readBatchHeader, records } from '../../pipelines/core/record-batch.ts'
import { batchFault } from './seal.ts'
import { batchKey, emptyPartition, offsetOfKey, type Store, type StoredPartition, type StoredTopic } from './store.ts'

export interface Place { readonly topic: StoredTopic, readonly partition: number }

/**
 * Reads batches as they are stored. Everything read in one call comes from one moment of the store.
 *
 * Errors: LOG_TOPIC_UNKNOWN, LOG_OUT_OF_RANGE; LOG_CORRUPT with topic, partition and offset when checksum, offset or succession is wrong
 */
export class Reader {
  readonly #store: Store
  readonly #crc: Crc32c

  constructor (store: Store, crc: Crc32c) {
    this.#store = store
    this.#crc = crc
  }

  place (name: string, partition: number): Place {
    const topic = this.#store.topics.get(name)
    if (topic === undefined) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic: name })
    if (!Number.isInteger(partition) || partition < 0 || partition >= topic.partitions) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic: name, partition, partitions: topic.partitions })
    return { topic, partition }
  }

  bounds ({ topic, partition }: Place): StoredPartition { return this.#store.partitions.get([topic.number, partition]) ?? emptyPartition }

  /** Whole batches from the one that holds `offset` on, as many as `bytesMax` takes, at least one. */
  read (name: string, partition: number, offset: number, bytesMax: number, into?: Uint8Array): { readonly bytes: Uint8Array, readonly end: number } {
    this.#store.env.resetReadTxn()
    const place = this.place(name, partition)
    const { start, end } = this.bounds(place)
    if (!(offset >= start && offset <= end)) throw new StreamError('LOG_OUT_OF_RANGE', { topic: name, partition, offset, start, end })
    if (offset === end) return { bytes: new Uint8Array(0), end }
    const target = new Gathering(bytesMax, into)
    for (let base = this.#base(place, offset); base !== null && base < end;) {
      const batch = this.stored(place, base)
      const why = batch === null ? 'missing' : batchFault(batch, base, this.#crc)
      if (why !== null || !target.add(batch!)) {
        // What comes before damage is good: it is given, and the next call says what is wrong.
        if (why !== null && target.length === 0) throw corrupt(place, base, why)
        break
      }
      base = this.#following(place, base + readBatchHeader(target.last, 0)!.lastOffsetDelta + 1)
    }
    return { bytes: target.bytes(), end }
  }

  /** The stored bytes of the batch at `base`, valid until the next get; null when there is none. */
  stored ({ topic, partition }: Place, base: number): Uint8Array | null {
    const { batches } = this.#store
    const view = batches.getBinaryFast(batchKey(topic.number, partition, base))
    return view === undefined ? null : view.subarray(0, batches.lastSize)
  }

  /** Base offsets of stored batches in [from, to), at most `limit`. */
  bases ({ topic, partition }: Place, from: number, to: number, limit: number): number[] {
    const range = { start: batchKey(topic.number, partition, from), end: batchKey(topic.number, partition, to), limit }
    return [...this.#store.batches.getKeys(range)].map(offsetOfKey)
  }

  /** First record at or past `timestampMs`, looking batch by batch from the start. */
  offsetAt (name: string, partition: number, timestampMs: number): number {
    this.#store.env.resetReadTxn()
    const place = this.place(name, partition)
    const { start, end } = this.bounds(place)
    for (let base = this.#base(place, start); base !== null && base < end;) {
      const header = readBatchHeader(this.stored(place, base) ?? new Uint8Array(0), 0)
      if (header === null) throw corrupt(place, base, 'missing')
      if (header.maxTimestamp >= timestampMs) {
        for (const { offset, timestamp } of this.recordsOf(place, base)) if (timestamp >= timestampMs && offset >= start) return offset
      }
      base = this.bases(place, base + 1, end, 1)[0] ?? null
    }
    return end
  }

  /** Records of one batch, checked. */
  * recordsOf (place: Place, base: number): Generator<LogRecord> {
    const bytes = new Uint8Array(this.stored(place, base) ?? [])
    const why = batchFault(bytes, base, this.#crc)
    if (why !== null) throw corrupt(place, base, why)
    yield * records(bytes)
  }

  /** Base of the batch that holds `offset`, or of the first one after it. */
  #base (place: Place, offset: number): number | null {
    const { topic, partition } = place
    const [below] = this.#store.batches.getKeys({ start: batchKey(topic.number, partition, offset), end: batchKey(topic.number, partition, 0), inclusiveEnd: true, reverse: true, limit: 1 } as never)
    const base = below && offsetOfKey(below)
    if (base !== undefined) {
      const header = readBatchHeader(this.stored(place, base)!, 0)
      if (header === null || base + header.lastOffsetDelta >= offset) return base
    }
    return this.#following(place, offset)
  }

  /** Base of the batch that begins at `offset`; after a gap that compaction left, of the next one. */
  #following (place: Place, offset: number): number | null {
    const { end } = this.bounds(place)
    if (offset >= end || place.topic.cleanup !== 'compact') return offset
    return this.bases(place, offset, end, 1)[0] ?? null
  }
}

const corrupt = ({ topic, partition }: Place, offset: number, why: string) => new StreamError('LOG_CORRUPT', { topic: topic.name, partition, offset, why })

const none = new Uint8Array(0)

/** Batches one after another in the buffer given while they fit, else in one of their own; made small when the answer is small. */
class Gathering {
  readonly #bytesMax: number
  #buffer: Uint8Array
  #used = 0
  last: Uint8Array = none

  constructor (bytesMax: number, into: Uint8Array = none) {
    this.#bytesMax = bytesMax
    this.#buffer = into
  }

  /** False when there was no room; the first always has. */
  add (batch: Uint8Array): boolean {
    const needed = this.#used + batch.length
    if (this.#used > 0 && needed > this.#bytesMax) return false
    if (needed > this.#buffer.length) {
      const bigger = new Uint8Array(Buffer.allocUnsafeSlow(Math.max(needed, Math.min(needed * 4, this.#bytesMax))).buffer)
      bigger.set(this.#buffer.subarray(0, this.#used))
      this.#buffer = bigger
    }
    this.#buffer.set(batch, this.#used)
    this.last = this.#buffer.subarray(this.#used, needed)
    this.#used = needed
    return true
  }

  get length (): number { return this.#used }
  bytes (): Uint8Array { return this.#buffer.subarray(0, this.#used) }
}
