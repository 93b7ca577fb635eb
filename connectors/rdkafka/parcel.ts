import { StreamError } from '../../pipelines/core/errors.ts'
import { type Headers, records } from '../../pipelines/core/record-batch.ts'
import { checkBatch } from '../../pipelines/core/sound-batch.ts'
import { translated } from './errors.ts'
import type { Position, Producer, RdkafkaError } from './package.ts'

interface Outgoing { readonly timestamp: number, readonly key: Buffer | null, readonly value: Buffer | null, readonly headers: readonly Readonly<Record<string, Buffer>>[] }
/** A record batch on its way to a partition, as the records that librdkafka gathers into batches of its own. */
export interface Parcel { readonly topic: string, readonly partition: number, readonly records: readonly Outgoing[] }

/**
 * Check a producer's batch at the call, before anything of it is sent, and copy it.
 *
 * Limits: header values are text; a record of the first millisecond of 1970 is stamped with the present
 * Errors: LOG_BATCH_REFUSED
 */
export function parcel ({ topic, partition, bytes: given }: { readonly topic: string, readonly partition: number, readonly bytes: Uint8Array }, batchBytesMax: number): Parcel {
  checkBatch(given, { topic, partition, batchBytesMax })
  const buffer = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const outgoing = [...records(Uint8Array.from(given))].map(({ timestamp, key, value, headers }) => ({ timestamp, key: buffer(key), value: buffer(value), headers: headersOf(headers, { topic, partition }) }))
  return { topic, partition, records: outgoing }
}

function headersOf (headers: Headers, place: { readonly topic: string, readonly partition: number }): Outgoing['headers'] {
  return headers.map(([name, value]) => {
    const refuse = (why: string) => new StreamError('LOG_BATCH_REFUSED', { ...place, client: 'node-rdkafka', header: name, why })
    if (value === null) throw refuse('node-rdkafka cannot write a header without a value')
    const bytes = Buffer.from(value)
    if (!Buffer.from(bytes.toString('utf8')).equals(bytes)) throw refuse('node-rdkafka writes header values as text, and this one is not')
    return { [name]: bytes }
  })
}

/** Deliveries of one producer, told apart by what librdkafka carries along. */
export class Deliveries {
  readonly #producer: Producer

  constructor (producer: Producer) {
    this.#producer = producer
    producer.on('delivery-report', (error, report) => { (report.opaque as (error: RdkafkaError | null, report: Position) => void)(error, report) })
  }

  /** Offset of the first record and the one behind the last, once all of them are acknowledged. Errors: the first one's that fails */
  deliver ({ topic, partition, records }: Parcel): Promise<{ readonly first: number, readonly end: number }> {
    return new Promise((resolve, reject) => {
      let [left, first, end] = [records.length, Number.POSITIVE_INFINITY, 0]
      const told = (error: RdkafkaError | null, { offset }: Position) => {
        if (error) reject(translated(error, { topic, partition }))
        first = Math.min(first, offset)
        end = Math.max(end, offset + 1)
        left -= 1
        if (left === 0) resolve({ first, end })
      }
      try {
        for (const { timestamp, key, value, headers } of records) this.#producer.produce(topic, partition, value, key, timestamp, told, headers)
      } catch (error) {
        reject(translated(error, { topic, partition }))
      }
    })
  }
}
