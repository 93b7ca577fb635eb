import { crc32c } from './crc32c.ts'
import { batchHeaderBytes, type LogRecord, RecordBatchWriter } from './record-batch.ts'

const crcFrom = 21
const attributesAt = 21
const logAppendTimeBit = 8
const batchBytesMax = 1 << 20

/**
 * Record batches made again of records that a client of Kafka handed out one by one.
 *
 * Shape:  add or pass in the order of offsets, then finish. Records of consecutive offsets share a batch; offsets that were passed over hold no record
 * Limits: a batch ends at 1 MiB or where the log's stamp changes, so that the log's own framing is lost. Costs a copy and a checksum a record
 */
export class Reframer {
  readonly #writer = new RecordBatchWriter(1 << 12)
  readonly #parts: Uint8Array[] = []
  #length = 0
  #base = 0
  #stamp = 0
  #byLog = false
  /** The offset behind the last one that is accounted for. */
  #next: number

  constructor (offset: number) { this.#next = offset }

  /** Bytes so far, the batch that is open included. */
  get length (): number { return this.#length + (this.#writer.count === 0 ? 0 : this.#writer.length) }
  get next (): number { return this.#next }

  /** `logAppendTime`: the log gave the record its time, and did so for the whole of its batch. */
  add ({ offset, timestamp, key, value, headers }: LogRecord, logAppendTime: boolean): void {
    const writer = this.#writer
    if (writer.count > 0 && (offset !== this.#next || writer.length > batchBytesMax || logAppendTime !== this.#byLog || (logAppendTime && timestamp !== this.#stamp))) this.cut()
    if (writer.count === 0) {
      this.#byLog = logAppendTime
      this.#base = offset
      this.#stamp = timestamp
    }
    writer.append(timestamp, key, value, headers)
    this.#next = offset + 1
  }

  /** Nothing to be read lies before `offset`: an empty batch says so, as compaction leaves one in a log. */
  pass (offset: number): void {
    if (offset <= this.#next) return
    this.cut()
    this.#keep(emptyBatch(this.#next, offset - 1))
    this.#next = offset
  }

  /** The next record begins a batch. */
  cut (): void {
    if (this.#writer.count === 0) return
    const bytes = this.#writer.finish(this.#base).slice()
    this.#keep(this.#byLog ? stampedByLog(bytes) : bytes)
    this.#writer.reset()
  }

  finish (): Uint8Array {
    this.cut()
    const [only] = this.#parts
    if (this.#parts.length === 1) return only!
    const bytes = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  }

  #keep (bytes: Uint8Array): void {
    this.#parts.push(bytes)
    this.#length += bytes.length
  }
}

/** Readers take the time of such a batch from its header alone. */
function stampedByLog (bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  view.setInt16(attributesAt, logAppendTimeBit)
  view.setUint32(17, crc32c(bytes.subarray(crcFrom)))
  return bytes
}

function emptyBatch (first: number, last: number): Uint8Array {
  const bytes = new Uint8Array(batchHeaderBytes)
  const view = new DataView(bytes.buffer)
  view.setBigInt64(0, BigInt(first))
  view.setInt32(8, batchHeaderBytes - 12)
  view.setInt32(12, -1)
  view.setInt8(16, 2)
  view.setInt32(23, last - first)
  view.setBigInt64(43, -1n)
  view.setInt16(51, -1)
  view.setInt32(53, -1)
  view.setUint32(17, crc32c(bytes.subarray(crcFrom)))
  return bytes
}
