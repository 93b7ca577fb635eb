import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '../../../connectors/kafka/crc.ts'
import { parcel, stamp } from '../../../connectors/kafka/stamp.ts'
import { readAll } from '../../../pipelines/runtime/journal.ts'
import { Table } from '../../../pipelines/runtime/tables.ts'
import { ManualClock } from '../../kit/clock.ts'
import { Brokers } from '../../kit/cluster/brokers.ts'
import { openSimulatedLog } from '../../kit/cluster/log.ts'
import { batchWith, memoryLog, text, topicSpec } from './kit.ts'

/** A topic of Kafka that begins with an aborted transaction larger than any fetch: a reader gets batches without records over its offsets. */
async function withAborted (value: Uint8Array) {
  const clock = new ManualClock(1_700_000_000_000)
  const brokers = new Brokers({ clock })
  brokers.createTopic('t', { partitions: 1, configs: new Map([['cleanup.policy', 'compact'], ['message.timestamp.type', 'CreateTime']]) })
  for (let sequence = 0; sequence < 6; sequence += 1) {
    const lost = parcel({ topic: 't', partition: 0, bytes: batchWith(text('lost'), new Uint8Array(1 << 20)) }, { crc: crc32c, batchBytesMax: 2 << 20, compression: 'none' })
    assert.equal(brokers.append('t', 0, stamp(lost, { producerId: 7n, epoch: 1, sequence, transactional: true }, crc32c)).errorCode, 0)
  }
  brokers.partition('t', 0).mark(7n, 2, { committed: false, nowMs: 0 })
  assert.equal(brokers.append('t', 0, batchWith(text('kept'), value)).errorCode, 0)
  return openSimulatedLog(brokers, { clock })
}

test('reading a partition to its end goes past batches without records', async () => {
  const log = await withAborted(text('value'))
  const seen: string[] = []
  for await (const { key } of readAll(log, 't', 0, 0)) seen.push(Buffer.from(key!).toString())
  assert.deepEqual(seen, ['kept'])
})

test('table: rows behind batches without records are read', async () => {
  const log = await withAborted(text('{}'))
  const table = new Table({ name: 't', topic: 't', key: 'none', decode: async value => JSON.parse(Buffer.from(value).toString()) })
  await table.catchUp(log)
  assert.deepEqual([...table.keys()], ['kept'])
})

test('reading a partition to its end goes on where it begins now when its owner trims it meanwhile', async () => {
  let left = 3
  const { log } = memoryLog(point => {
    if (point !== 'fetch') return
    left -= 1
    if (left !== 0) return
    void log.append('t', 0, batchWith(null, new Uint8Array([8])))
    void log.trim('t', 0, 6)
  })
  await log.createTopic(topicSpec('t'))
  for (let i = 0; i < 8; i += 1) await log.append('t', 0, batchWith(null, new Uint8Array(5 << 20).fill(i)))
  const seen: number[] = []
  for await (const { offset } of readAll(log, 't', 0, 0)) seen.push(offset)
  assert.deepEqual(seen, [0, 1, 6, 7, 8])
})
