import type { Message } from 'kafkajs'
import { StreamError } from '../../pipelines/core/errors.ts'
import { records } from '../../pipelines/core/record-batch.ts'
import { checkBatch } from '../../pipelines/core/sound-batch.ts'

/** A record batch on its way to a partition, as the messages that kafkajs wants; it makes one batch of them again. */
export interface Parcel { readonly topic: string, readonly partition: number, readonly messages: readonly Message[], readonly count: number }

/**
 * Check a producer's batch at the call, before anything of it is sent, and copy it.
 *
 * Limits: kafkajs cannot write a header without a value, and moves headers of one name together
 * Errors: LOG_BATCH_REFUSED
 */
export function parcel ({ topic, partition, bytes: given }: { readonly topic: string, readonly partition: number, readonly bytes: Uint8Array }, batchBytesMax: number): Parcel {
  checkBatch(given, { topic, partition, batchBytesMax })
  const messages = [...records(Uint8Array.from(given))].map(({ timestamp, key, value, headers }) => ({
    partition,
    // As text: kafkajs takes the number 0 for "now".
    timestamp: `${timestamp}`,
    key: key && Buffer.from(key.buffer, key.byteOffset, key.length),
    value: value && Buffer.from(value.buffer, value.byteOffset, value.length),
    headers: headersOf(headers, { topic, partition }),
  }))
  return { topic, partition, messages, count: messages.length }
}

function headersOf (headers: readonly (readonly [name: string, value: Uint8Array | null])[], place: { readonly topic: string, readonly partition: number }): Record<string, Buffer[]> {
  const named: Record<string, Buffer[]> = {}
  for (const [name, value] of headers) {
    if (value === null) throw new StreamError('LOG_BATCH_REFUSED', { ...place, client: 'kafkajs', header: name, why: 'kafkajs cannot write a header without a value' })
    named[name] = [...named[name] ?? [], Buffer.from(value.buffer, value.byteOffset, value.length)]
  }
  return named
}
