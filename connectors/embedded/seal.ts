import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import { type BatchHeader, batchHeaderBytes, readBatchHeader, records } from '../../pipelines/core/record-batch.ts'

const logAppendTimeBit = 8
/** The checksum covers everything from the attributes on. */
const crcFrom = 21

export interface Seal {
  readonly baseOffset: number
  /** Moment of the append for a LogAppendTime topic; null leaves the records' own timestamps. */
  readonly stampMs: number | null
  readonly batchBytesMax: number
  readonly crc: Crc32c
  /** Compacted topics take records with a key only. */
  readonly keyed: boolean
}

/** A batch as the log keeps it, with the fields of its header that the log needs. */
export interface SealedBatch { readonly bytes: Uint8Array, readonly count: number, readonly lastOffset: number, readonly maxTimestamp: number }

/**
 * Check a producer's batch and copy it with the offset (and time) that the log gives it.
 *
 * Limits: one batch, at most `batchBytesMax`, uncompressed
 * Errors: LOG_BATCH_REFUSED
 * Source: Kafka's LogValidator: assigns the base offset, sets the timestamp type bit and maxTimestamp for LogAppendTime
 */
export function sealBatch (given: Uint8Array, { baseOffset, stampMs, batchBytesMax, crc, keyed }: Seal): SealedBatch {
  const header = acceptable(given, batchBytesMax, crc)
  if (keyed) for (const { key } of records(given)) if (key === null) throw new StreamError('LOG_BATCH_REFUSED', { why: 'a record without a key in a compacted topic' })
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(given.length).buffer)
  bytes.set(given)
  const view = new DataView(bytes.buffer, bytes.byteOffset, batchHeaderBytes)
  view.setBigInt64(0, BigInt(baseOffset))
  view.setInt32(12, 0)
  if (stampMs !== null) {
    view.setInt16(crcFrom, view.getInt16(crcFrom) | logAppendTimeBit)
    view.setBigInt64(35, BigInt(stampMs))
    view.setUint32(17, crc(bytes.subarray(crcFrom)))
  }
  return { bytes, count: header.count, lastOffset: baseOffset + header.lastOffsetDelta, maxTimestamp: stampMs ?? header.maxTimestamp }
}

function acceptable (given: Uint8Array, batchBytesMax: number, crc: Crc32c): BatchHeader {
  const refuse = (why: string): never => { throw new StreamError('LOG_BATCH_REFUSED', { why, bytes: given.length }) }
  if (given.length > batchBytesMax) return refuse(`more than ${batchBytesMax} bytes`)
  const header = readBatchHeader(given, 0)
  if (header === null) return refuse('truncated')
  if (header.bytes !== given.length) return refuse('not exactly one batch')
  if (header.magic !== 2) return refuse(`version ${header.magic}`)
  if (header.compression !== 0) return refuse('compressed')
  if (header.count < 1 || header.lastOffsetDelta !== header.count - 1) return refuse('record count and offsets disagree')
  if (header.logAppendTime || header.control) return refuse('attributes that only the log sets')
  return crc(given.subarray(crcFrom)) === header.crc ? header : refuse('wrong checksum')
}

/**
 * What is wrong with stored bytes that should be the batch at `baseOffset`; null when they are sound.
 *
 * Shape: `bytes` may hold more after the batch's `length`
 */
export function batchFault (bytes: Uint8Array, baseOffset: number, crc: Crc32c): string | null {
  const header = readBatchHeader(bytes, 0)
  if (header === null || header.bytes !== bytes.length) return 'truncated'
  if (header.magic !== 2) return `version ${header.magic}`
  if (header.baseOffset !== baseOffset) return `holds offset ${header.baseOffset}`
  return crc(bytes.subarray(crcFrom)) === header.crc ? null : 'wrong checksum'
}
