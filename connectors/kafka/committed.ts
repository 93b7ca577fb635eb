import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import { type BatchHeader, batchHeaderBytes, readBatchHeader } from '../../pipelines/core/record-batch.ts'
import { decompress } from '../../pipelines/core/decompress.ts'

const crcFrom = 21
const attributesAt = 21
const producerIdAt = 43
const compressionBits = 7

/** An aborted transaction that overlaps what was fetched, and its first offset in the partition. */
export interface AbortedTransaction { readonly producerId: bigint, readonly firstOffset: number }

export interface CommittedOptions {
  readonly topic: string
  readonly partition: number
  readonly crc: Crc32c
  readonly decompressedBytesMax: number
  /** Where to put bytes that had to be changed, if they fit. */
  readonly into?: Uint8Array | undefined
}

/**
 * What a reader may see of fetched record batches: each checked, uncompressed; batches of aborted transactions and markers are replaced by empty
 * batches over the same offsets, so that a reader's position moves past them.
 *
 * Shape:  a batch cut off at the end is left out; where nothing had to change the result is a view of `fetched`
 * Limits: a batch decompresses to at most `decompressedBytesMax`
 * Errors: LOG_CORRUPT when the first batch is damaged; batches before a damaged one are given, and the next call says what is wrong
 * Source: Kafka's CompletedFetch (aborted transactions by first offset, until the producer's abort marker); KIP-98
 */
export function committedBatches (fetched: Uint8Array, aborted: readonly AbortedTransaction[], options: CommittedOptions): Uint8Array {
  const pieces = new Pieces(fetched)
  const open = new OpenAborts(aborted)
  for (let from = 0; ;) {
    const header = readBatchHeader(fetched, from)
    if (header === null) break
    const batch = fetched.subarray(from, from + header.bytes)
    const fault = faultOf(batch, header, options.crc)
    try {
      if (fault !== null) throw new RangeError(fault)
      if (!open.isVisible(batch, header)) pieces.skip(header)
      else if (header.compression === 0) pieces.keep(from, from + header.bytes)
      else pieces.put(uncompressed(batch, header, options))
    } catch (cause) {
      if (from > 0) break
      throw new StreamError('LOG_CORRUPT', { topic: options.topic, partition: options.partition, offset: header.baseOffset, why: (cause as Error).message }, { cause })
    }
    from += header.bytes
  }
  return pieces.gather(options.crc, options.into)
}

/** `leader epoch` and base offset, which the broker writes, lie outside the checksum. */
function faultOf (batch: Uint8Array, { magic, crc: stored }: BatchHeader, crc: Crc32c): string | null {
  if (magic !== 2) return `version ${magic}`
  return crc(batch.subarray(crcFrom)) === stored ? null : 'wrong checksum'
}

/** Which producers are, at this point of the partition, inside a transaction that was aborted. */
class OpenAborts {
  readonly #coming: AbortedTransaction[]
  readonly #open = new Set<bigint>()

  constructor (aborted: readonly AbortedTransaction[]) { this.#coming = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset) }

  isVisible (batch: Uint8Array, { baseOffset, lastOffsetDelta, transactional, control }: BatchHeader): boolean {
    if (!transactional && !control) return true
    while (this.#coming.length > 0 && this.#coming[0]!.firstOffset <= baseOffset + lastOffsetDelta) this.#open.add(this.#coming.shift()!.producerId)
    const producer = new DataView(batch.buffer, batch.byteOffset).getBigInt64(producerIdAt)
    if (!control) return !this.#open.has(producer)
    // A marker of either kind ends the producer's transaction.
    this.#open.delete(producer)
    return false
  }
}

function uncompressed (batch: Uint8Array, { compression }: BatchHeader, { crc, decompressedBytesMax }: CommittedOptions): Uint8Array {
  const records = decompress(compression, batch.subarray(batchHeaderBytes), decompressedBytesMax)
  const plain = new Uint8Array(batchHeaderBytes + records.length)
  plain.set(batch.subarray(0, batchHeaderBytes))
  plain.set(records, batchHeaderBytes)
  const view = new DataView(plain.buffer)
  view.setInt32(8, plain.length - 12)
  view.setInt16(attributesAt, view.getInt16(attributesAt) & ~compressionBits)
  view.setUint32(17, crc(plain.subarray(crcFrom)))
  return plain
}

interface Skipped { readonly baseOffset: number, lastOffset: number, readonly timestamp: number }

/** Parts of the result in order: ranges of what was fetched, batches made anew, and runs of offsets without records. */
class Pieces {
  readonly #fetched: Uint8Array
  readonly #parts: (Uint8Array | Skipped)[] = []
  #keptFrom = 0
  #keptTo = 0
  #length = 0

  constructor (fetched: Uint8Array) { this.#fetched = fetched }

  keep (from: number, to: number): void {
    if (from !== this.#keptTo) { this.#flush(); this.#keptFrom = from }
    this.#keptTo = to
  }

  put (batch: Uint8Array): void {
    this.#flush()
    this.#parts.push(batch)
    this.#length += batch.length
  }

  skip ({ baseOffset, lastOffsetDelta, maxTimestamp }: BatchHeader): void {
    this.#flush()
    const last = this.#parts.at(-1)
    if (last !== undefined && !(last instanceof Uint8Array)) { last.lastOffset = baseOffset + lastOffsetDelta; return }
    this.#parts.push({ baseOffset, lastOffset: baseOffset + lastOffsetDelta, timestamp: maxTimestamp })
    this.#length += batchHeaderBytes
  }

  gather (crc: Crc32c, into: Uint8Array | undefined): Uint8Array {
    this.#flush()
    const [only] = this.#parts
    if (this.#parts.length === 1 && only instanceof Uint8Array) return only
    const target = into !== undefined && into.length >= this.#length ? into : new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      const bytes = part instanceof Uint8Array ? part : emptyBatch(part, crc)
      target.set(bytes, at)
      at += bytes.length
    }
    return target.subarray(0, at)
  }

  #flush (): void {
    if (this.#keptTo > this.#keptFrom) {
      this.#parts.push(this.#fetched.subarray(this.#keptFrom, this.#keptTo))
      this.#length += this.#keptTo - this.#keptFrom
    }
    this.#keptFrom = this.#keptTo
  }
}

/** A batch without records, as compaction leaves them in a log of Kafka's own accord. */
function emptyBatch ({ baseOffset, lastOffset, timestamp }: Skipped, crc: Crc32c): Uint8Array {
  const bytes = new Uint8Array(batchHeaderBytes)
  const view = new DataView(bytes.buffer)
  view.setBigInt64(0, BigInt(baseOffset))
  view.setInt32(8, batchHeaderBytes - 12)
  view.setInt32(12, -1)
  view.setInt8(16, 2)
  view.setInt32(23, lastOffset - baseOffset)
  view.setBigInt64(27, BigInt(timestamp))
  view.setBigInt64(35, BigInt(timestamp))
  view.setBigInt64(43, -1n)
  view.setInt16(51, -1)
  view.setInt32(53, -1)
  view.setUint32(17, crc(bytes.subarray(crcFrom)))
  return bytes
}
