import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import { batchHeaderBytes, type LogRecord, readBatchHeader, records } from '../../pipelines/core/record-batch.ts'

/**
 * A batch without the records that `keep` refuses, offsets and timestamps unchanged; the batch itself when it keeps all, null when none.
 *
 * Source: Kafka's log cleaner (RecordBatch filtering): base offset, last offset delta and base timestamp stay
 */
export function filterBatch (bytes: Uint8Array, keep: (record: LogRecord) => boolean, crc: Crc32c): Uint8Array | null {
  const header = readBatchHeader(bytes, 0)!
  const spans: { readonly from: number, readonly to: number }[] = []
  let from = batchHeaderBytes
  for (const record of records(bytes)) {
    const to = recordEnd(bytes, from)
    if (keep(record)) spans.push({ from, to })
    from = to
  }
  if (spans.length === header.count) return bytes
  if (spans.length === 0) return null
  const kept = Buffer.concat([bytes.subarray(0, batchHeaderBytes), ...spans.map(({ from, to }) => bytes.subarray(from, to))])
  kept.writeInt32BE(kept.length - 12, 8)
  kept.writeInt32BE(spans.length, 57)
  kept.writeUInt32BE(crc(kept.subarray(21)), 17)
  return kept
}

/** A record begins with its length as a zigzag varint. */
function recordEnd (bytes: Uint8Array, from: number): number {
  let at = from
  let length = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at]!
    at += 1
    length += (byte & 127) * scale
    if (byte < 128) return at + length / 2
  }
}

/** Latest offset per key, for at most `keysMax` keys. */
export class LatestOffsets {
  readonly #keysMax: number
  readonly #latest = new Map<string, number>()

  constructor (keysMax: number) { this.#keysMax = keysMax }

  /** False: full, and the record's key is new. */
  see ({ key, offset }: LogRecord): boolean {
    const name = nameOf(key!)
    if (this.#latest.size >= this.#keysMax && !this.#latest.has(name)) return false
    this.#latest.set(name, offset)
    return true
  }

  isLatest ({ key, offset }: LogRecord): boolean {
    return offset >= (this.#latest.get(nameOf(key!)) ?? -1)
  }
}

/** One character a byte: no two keys share a name. */
const nameOf = (key: Uint8Array) => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
