import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reframed } from '../../../connectors/kafkajs/frames.ts'
import type { Message } from '../../../connectors/kafkajs/inner.ts'
import { readBatchHeader, records } from '../../../pipelines/core/record-batch.ts'

const message = (offset: number, producerId: string, more: Partial<Message> = {}): Message => ({
  offset: `${offset}`, timestamp: '1000', key: null, value: Buffer.from(`v${offset}`), headers: {}, isControlRecord: false,
  batchContext: { firstOffset: `${offset}`, lastOffsetDelta: 0, producerId, inTransaction: producerId !== '-1', timestampType: 0 }, ...more,
})
const abort = (offset: number, producerId: string) => message(offset, producerId, { key: Buffer.from([0, 0, 0, 0]), isControlRecord: true })
function shown (messages: readonly Message[], aborted: readonly (readonly [producerId: string, firstOffset: number])[], offset: number) {
  const bytes = reframed({ partition: 0, lastStableOffset: '99', messages, abortedTransactions: aborted.map(([producerId, firstOffset]) => ({ producerId, firstOffset: `${firstOffset}` })) }, offset)
  let end = offset
  for (let from = 0, header = readBatchHeader(bytes, 0); header !== null; from += header.bytes, header = readBatchHeader(bytes, from)) end = header.baseOffset + header.lastOffsetDelta + 1
  return { offsets: [...records(bytes)].map(one => one.offset), end }
}

//   offset    0   1   2   3   4   5   6
//   producer  A   B   B   A   A!  B!  -        ! abort marker
test('records of two aborted transactions that are open where a fetch begins are both passed over', () => {
  const log = [message(2, 'B'), message(3, 'A'), abort(4, 'A'), abort(5, 'B'), message(6, '-1')]
  assert.deepEqual(shown(log, [['A', 0], ['B', 1]], 2), { offsets: [6], end: 7 })
})

test('what a producer writes after its abort marker is shown, and the position moves past trailing markers', () => {
  const log = [message(0, 'A'), abort(1, 'A'), message(2, 'A'), message(3, 'A', { key: Buffer.from([0, 0, 0, 1]), isControlRecord: true })]
  assert.deepEqual(shown(log, [['A', 0]], 0), { offsets: [2], end: 4 })
})

test('a batch keeps its framing, and offsets that compaction has taken out of it are passed over', () => {
  const context = { firstOffset: '4', lastOffsetDelta: 5, producerId: '-1', inTransaction: false, timestampType: 1 }
  const batch = [4, 5, 8].map(offset => message(offset, '-1', { batchContext: context }))
  assert.deepEqual(shown(batch, [], 5), { offsets: [4, 5, 8], end: 10 })
})
