import { RecordBatchWriter } from '../pipelines/core/record-batch.ts'

export interface ReadingsOptions { readonly records: number, readonly keys: number, /** Records in one record batch. */ readonly perBatch?: number, readonly keyPrefix?: string, readonly schemaId?: number, /** Readings in a second of event time. */ readonly perSecond?: number }

/**
 * Record batches of the lab's contract (sensorId, ts, value, quality), as a log would hand them over.
 *
 * Shape:  arrays of bytes, one record batch each; offsets run from 0
 * Units:  10,000 readings to a second of event time, whatever the number of keys, unless told otherwise: 1 M records are 100 s
 * Source: lab's topic: keys in turn, values 0 to 50, one reading of a key a second at 10 k keys
 */
export function readingBatches ({ records, keys, perBatch = 4096, keyPrefix = 'sensor-', schemaId = 1, perSecond = 10_000 }: ReadingsOptions): readonly Uint8Array[] {
  const startMs = Date.UTC(2026, 0, 1)
  const names = Array.from({ length: keys }, (_, i) => Buffer.from(`${keyPrefix}${String(i).padStart(6, '0')}`))
  const value = Buffer.alloc(64)
  const batches: Uint8Array[] = []
  const writer = new RecordBatchWriter(perBatch * 64)
  let random = 1
  for (let first = 0; first < records; first += perBatch) {
    writer.reset()
    for (let i = first; i < Math.min(first + perBatch, records); i += 1) {
      random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff
      const name = names[i % keys]!
      const ms = startMs + Math.floor(i * 1000 / perSecond)
      let at = value.writeInt8(0, 0)
      at = value.writeInt32BE(schemaId, at)
      at = varint(value, at, name.length)
      at += name.copy(value, at)
      at = varint(value, at, ms)
      at = value.writeDoubleLE((random >>> 8) % 5000 / 100, at)
      at = varint(value, at, 1)
      writer.append(ms, name, value.subarray(0, at))
    }
    batches.push(writer.finish(first).slice())
  }
  return batches
}

/** Avro's zigzag varint of a number not below 0. */
function varint (bytes: Buffer, at: number, number: number): number {
  let rest = number * 2
  let to = at
  for (; rest > 127; rest = Math.floor(rest / 128)) to = bytes.writeUInt8((rest % 128) | 128, to)
  return bytes.writeUInt8(rest, to)
}
