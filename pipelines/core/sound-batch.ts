import { crc32c } from './crc32c.ts'
import { StreamError } from './errors.ts'
import { readBatchHeader } from './record-batch.ts'

const crcFrom = 21

/**
 * Hold a producer's bytes against what a log takes, before anything of them is sent.
 *
 * Limits: one batch, at most `batchBytesMax`, uncompressed
 * Errors: LOG_BATCH_REFUSED
 */
export function checkBatch (bytes: Uint8Array, { topic, partition, batchBytesMax }: { readonly topic: string, readonly partition: number, readonly batchBytesMax: number }): void {
  const refuse = (why: string): never => { throw new StreamError('LOG_BATCH_REFUSED', { topic, partition, why, bytes: bytes.length }) }
  if (bytes.length > batchBytesMax) refuse(`more than ${batchBytesMax} bytes`)
  const header = readBatchHeader(bytes, 0)
  if (header === null) throw refuse('truncated')
  if (header.bytes !== bytes.length) refuse('not exactly one batch')
  if (header.magic !== 2) refuse(`version ${header.magic}`)
  if (header.compression !== 0) refuse('compressed')
  if (header.count < 1 || header.lastOffsetDelta !== header.count - 1) refuse('record count and offsets disagree')
  if (header.logAppendTime || header.control) refuse('attributes that only the log sets')
  if (crc32c(bytes.subarray(crcFrom)) !== header.crc) refuse('wrong checksum')
}
