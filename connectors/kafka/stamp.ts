import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import { batchHeaderBytes, readBatchHeader } from '../../pipelines/core/record-batch.ts'
import { compress, compressionBits, type CompressionType } from './compress.ts'

/** Of one who has no producer yet, or asks for it whoever has it. */
export const noProducer = { producerId: -1n, producerEpoch: -1 }

const crcFrom = 21
const transactionalBit = 16
const compressionMask = 7
const lengthAt = 8
const attributesAt = 21

/** A record batch on its way to a partition, copied, so that the caller may reuse its bytes. */
export interface Parcel { readonly topic: string, readonly partition: number, readonly bytes: Uint8Array, readonly count: number }

export interface ParcelOptions { readonly crc: Crc32c, readonly batchBytesMax: number, readonly compression: CompressionType }

/** Whose batch it is; brokers drop what they already have of a producer's numbers. */
export interface Stamp { readonly producerId: bigint, readonly epoch: number, readonly sequence: number, readonly transactional: boolean }

/**
 * Check a producer's batch at the call, before anything of it is sent, and copy it, compressed if that makes it smaller.
 *
 * Limits: one batch, given uncompressed, at most `batchBytesMax`
 * Errors: LOG_BATCH_REFUSED
 */
export function parcel ({ topic, partition, bytes: given }: { readonly topic: string, readonly partition: number, readonly bytes: Uint8Array }, { crc, batchBytesMax, compression }: ParcelOptions): Parcel {
  const refuse = (why: string): never => { throw new StreamError('LOG_BATCH_REFUSED', { topic, partition, why, bytes: given.length }) }
  if (given.length > batchBytesMax) return refuse(`more than ${batchBytesMax} bytes`)
  const header = readBatchHeader(given, 0)
  if (header === null) return refuse('truncated')
  if (header.bytes !== given.length) return refuse('not exactly one batch')
  if (header.magic !== 2) return refuse(`version ${header.magic}`)
  if (header.compression !== 0) return refuse('compressed')
  if (header.count < 1 || header.lastOffsetDelta !== header.count - 1) return refuse('record count and offsets disagree')
  if (header.logAppendTime || header.control) return refuse('attributes that only the log sets')
  if (crc(given.subarray(crcFrom)) !== header.crc) return refuse('wrong checksum')
  return { topic, partition, bytes: packed(given, compression), count: header.count }
}

/** The checksum is that of `stamp`. */
function packed (given: Uint8Array, compression: CompressionType): Uint8Array {
  if (compression === 'none') return Uint8Array.from(given)
  const records = compress(compression, given.subarray(batchHeaderBytes))
  if (batchHeaderBytes + records.length >= given.length) return Uint8Array.from(given)
  const bytes = new Uint8Array(batchHeaderBytes + records.length)
  bytes.set(given.subarray(0, batchHeaderBytes))
  bytes.set(records, batchHeaderBytes)
  const view = new DataView(bytes.buffer)
  view.setInt32(lengthAt, bytes.length - lengthAt - 4)
  view.setInt16(attributesAt, compressionBits(compression))
  return bytes
}

/** Write the producer into a batch, in place. Source: Kafka protocol, "Record Batch": attributes, producerId, producerEpoch, baseSequence */
export function stamp ({ bytes }: Parcel, { producerId, epoch, sequence, transactional }: Stamp, crc: Crc32c): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, batchHeaderBytes)
  // Whoever made the batch may have numbered it; brokers refuse any other base offset.
  view.setBigInt64(0, 0n)
  view.setInt16(attributesAt, (view.getInt16(attributesAt) & compressionMask) | (transactional ? transactionalBit : 0))
  view.setBigInt64(43, producerId)
  view.setInt16(51, epoch)
  view.setInt32(53, sequence)
  view.setUint32(17, crc(bytes.subarray(crcFrom)))
  return bytes
}
