import { type Crc32c, crc32c } from './crc32c.ts'

/** Bytes before the first record of a batch. */
export const batchHeaderBytes = 61
const int31Max = 2 ** 31 - 1
const noHeaders: readonly { readonly name: Buffer, readonly bytes: Uint8Array | null }[] = []
export type Headers = readonly (readonly [name: string, value: Uint8Array | null])[]

/**
 * Fields of a batch header. `bytes` is the length of the whole batch, header included.
 *
 * Source: Kafka protocol, "Record Batch" (magic 2)
 */
export interface BatchHeader {
  readonly baseOffset: number
  readonly bytes: number
  readonly magic: number
  readonly crc: number
  readonly compression: number
  readonly logAppendTime: boolean
  readonly transactional: boolean
  readonly control: boolean
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly count: number
}

/** Header of the batch that begins at `from`, or null when fewer than a whole batch remains. */
export function readBatchHeader (bytes: Uint8Array, from: number): BatchHeader | null {
  if (from + batchHeaderBytes > bytes.length) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, batchHeaderBytes)
  const length = 12 + view.getInt32(8)
  if (length < batchHeaderBytes || from + length > bytes.length) return null
  const attributes = view.getInt16(21)
  return {
    baseOffset: Number(view.getBigInt64(0)), bytes: length, magic: view.getInt8(16), crc: view.getUint32(17),
    compression: attributes & 7, logAppendTime: (attributes & 8) !== 0, transactional: (attributes & 16) !== 0, control: (attributes & 32) !== 0,
    lastOffsetDelta: view.getInt32(23), baseTimestamp: Number(view.getBigInt64(27)), maxTimestamp: Number(view.getBigInt64(35)), count: view.getInt32(57),
  }
}

/**
 * Writes one record batch into a buffer it reuses.
 *
 * Shape:  reset, append..., finish; the bytes are valid until the next reset
 * Units:  timestamps milliseconds since the epoch
 * Source: Kafka protocol, "Record Batch" (magic 2), uncompressed
 */
export class RecordBatchWriter {
  count = 0
  #bytes: Uint8Array
  #at = batchHeaderBytes
  #baseTimestamp = 0
  #maxTimestamp = 0
  readonly #crc: Crc32c

  constructor (bytesInitial = 1 << 16, crc: Crc32c = crc32c) {
    this.#bytes = new Uint8Array(bytesInitial)
    this.#crc = crc
  }

  /** Bytes so far, header included. */
  get length (): number { return this.#at }

  reset (): void {
    this.count = 0
    this.#at = batchHeaderBytes
  }

  append (timestampMs: number, key: Uint8Array | null, value: Uint8Array | null, headers: Headers = []): void {
    if (this.count === 0) this.#baseTimestamp = this.#maxTimestamp = timestampMs
    const delta = timestampMs - this.#baseTimestamp
    const named = headers.length === 0 ? noHeaders : headers.map(([name, bytes]) => ({ name: Buffer.from(name, 'utf8'), bytes }))
    let length = 1 + varintBytes(delta) + varintBytes(this.count) + spanBytes(key) + spanBytes(value) + varintBytes(named.length)
    for (const { name, bytes } of named) length += spanBytes(name) + spanBytes(bytes)
    this.#reserve(length + 10)
    this.#varint(length)
    this.#bytes[this.#at] = 0
    this.#at += 1
    this.#varint(delta)
    this.#varint(this.count)
    this.#span(key)
    this.#span(value)
    this.#varint(named.length)
    for (const { name, bytes } of named) {
      this.#span(name)
      this.#span(bytes)
    }
    if (timestampMs > this.#maxTimestamp) this.#maxTimestamp = timestampMs
    this.count += 1
  }

  /** Seal the batch. The log assigns the base offset. */
  finish (baseOffset = 0): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#at)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    view.setBigInt64(0, BigInt(baseOffset))
    view.setInt32(8, this.#at - 12)
    view.setInt32(12, -1)
    view.setInt8(16, 2)
    view.setInt16(21, 0)
    view.setInt32(23, this.count - 1)
    view.setBigInt64(27, BigInt(this.#baseTimestamp))
    view.setBigInt64(35, BigInt(this.#maxTimestamp))
    view.setBigInt64(43, -1n)
    view.setInt16(51, -1)
    view.setInt32(53, -1)
    view.setInt32(57, this.count)
    view.setUint32(17, this.#crc(bytes.subarray(21)))
    return bytes
  }

  #reserve (more: number): void {
    if (this.#at + more <= this.#bytes.length) return
    const bigger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more))
    bigger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = bigger
  }

  #varint (value: number): void {
    const bytes = this.#bytes
    let at = this.#at
    let rest = value >= 0 ? value * 2 : -value * 2 - 1
    for (; rest > int31Max; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128
    let small = rest | 0
    for (; small > 127; small >>>= 7) bytes[at++] = (small & 127) | 128
    bytes[at++] = small
    this.#at = at
  }

  #span (span: Uint8Array | null): void {
    if (span === null) { this.#varint(-1); return }
    const { length } = span
    this.#varint(length)
    const bytes = this.#bytes
    const at = this.#at
    // A call into the runtime costs more than a few dozen bytes copied one by one.
    if (length < 64) for (let i = 0; i < length; i += 1) bytes[at + i] = span[i]!
    else bytes.set(span, at)
    this.#at = at + length
  }
}

/** Length of a zigzag varint. */
function varintBytes (value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  let bytes = 1
  for (; rest > int31Max; bytes += 1) rest = Math.floor(rest / 128)
  for (let small = rest | 0; small > 127; bytes += 1) small >>>= 7
  return bytes
}

const spanBytes = (span: Uint8Array | null) => span === null ? 1 : varintBytes(span.length) + span.length

/** Offset behind the last record of consecutive batches. */
export function endOf (bytes: Uint8Array): number {
  let end = 0
  let from = 0
  for (let header = readBatchHeader(bytes, from); header !== null; header = readBatchHeader(bytes, from)) {
    end = header.baseOffset + header.lastOffsetDelta + 1
    from += header.bytes
  }
  return end
}

export interface LogRecord { readonly offset: number, readonly timestamp: number, readonly key: Uint8Array | null, readonly value: Uint8Array | null, readonly headers: Headers }

/** The records of consecutive batches as objects: for tools, tables and tests, never for readings. Views into `bytes`. */
export function * records (bytes: Uint8Array): Generator<LogRecord> {
  let from = 0
  for (let header = readBatchHeader(bytes, from); header !== null; header = readBatchHeader(bytes, from)) {
    const cursor = { bytes, at: from + batchHeaderBytes }
    for (let i = 0; i < header.count && !header.control; i += 1) {
      varint(cursor)
      cursor.at += 1
      const timestamp = header.logAppendTime ? (varint(cursor), header.maxTimestamp) : header.baseTimestamp + varint(cursor)
      const offset = header.baseOffset + varint(cursor)
      const key = span(cursor)
      const value = span(cursor)
      const headers = Array.from({ length: varint(cursor) }, () => [Buffer.from(span(cursor) ?? []).toString('utf8'), span(cursor)] as const)
      yield { offset, timestamp, key, value, headers }
    }
    from += header.bytes
  }
}

interface Cursor { readonly bytes: Uint8Array, at: number }

function varint (cursor: Cursor): number {
  let value = 0
  let scale = 1
  for (;;) {
    const byte = cursor.bytes[cursor.at]!
    cursor.at += 1
    value += (byte & 127) * scale
    if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    scale *= 128
  }
}

function span (cursor: Cursor): Uint8Array | null {
  const length = varint(cursor)
  if (length < 0) return null
  cursor.at += length
  return cursor.bytes.subarray(cursor.at - length, cursor.at)
}
