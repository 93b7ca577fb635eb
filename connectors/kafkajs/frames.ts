import type { LogRecord } from '../../pipelines/core/record-batch.ts'
import { Reframer } from '../../pipelines/core/reframe.ts'
import type { FetchedPartition, Message } from './inner.ts'

const logAppendTime = 1
const abortMarker = Buffer.from([0, 0, 0, 0])

/**
 * Record batches of what kafkajs has taken apart, in the log's own framing as far as it can be told. Records of aborted transactions and markers
 * are passed over.
 *
 * Shape:  begins with the batch that holds `offset`
 * Source: Kafka's CompletedFetch (aborted transactions by first offset, until the producer's abort marker). kafkajs's own filter opens one
 *         transaction a record, and shows records of the second when two were open where a fetch begins: test/contract/client-probes.ts
 */
export function reframed ({ messages, abortedTransactions }: FetchedPartition, offset: number): Uint8Array {
  const [first] = messages
  if (first === undefined) return new Uint8Array(0)
  const frames = new Reframer(Math.min(offset, Number(first.batchContext.firstOffset)))
  const coming = [...abortedTransactions].map(({ producerId, firstOffset }) => ({ producerId, firstOffset: Number(firstOffset) })).sort((a, b) => a.firstOffset - b.firstOffset)
  const open = new Set<string>()
  let batch: Message['batchContext'] | null = null
  for (const message of messages) {
    const { producerId, inTransaction, firstOffset, lastOffsetDelta } = message.batchContext
    if (batch !== null && firstOffset !== batch.firstOffset) {
      frames.cut()
      frames.pass(Number(batch.firstOffset) + batch.lastOffsetDelta + 1)
    }
    batch = message.batchContext
    while (coming.length > 0 && coming[0]!.firstOffset <= Number(firstOffset) + lastOffsetDelta) open.add(coming.shift()!.producerId)
    if (message.isControlRecord) {
      if (message.key?.equals(abortMarker)) open.delete(producerId)
    } else if (!(inTransaction && open.has(producerId))) {
      frames.add(recordOf(message), message.batchContext.timestampType === logAppendTime)
    }
  }
  frames.pass(Number(batch!.firstOffset) + batch!.lastOffsetDelta + 1)
  return frames.finish()
}

function recordOf ({ offset, timestamp, key, value, headers }: Message): LogRecord {
  const listed = Object.entries(headers).flatMap(([name, one]) => Array.isArray(one) ? one.map(value => [name, value as Buffer | null] as const) : [[name, one as Buffer | null] as const])
  return { offset: Number(offset), timestamp: Number(timestamp), key, value, headers: listed }
}
