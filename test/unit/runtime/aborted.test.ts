import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fetched, FetchRequest } from '../../../pipelines/core/ports.ts'
import { batchHeaderBytes, readBatchHeader, RecordBatchWriter } from '../../../pipelines/core/record-batch.ts'
import { readAll } from '../../../pipelines/runtime/journal.ts'
import { Table } from '../../../pipelines/runtime/tables.ts'
import { ManualClock } from '../../kit/clock.ts'
import { MemoryLog } from '../../kit/memory-log.ts'
import { batchWith, text, topicSpec } from './kit.ts'

/** Gives a batch at a time, those of aborted transactions as a reader of Kafka gets them: without records, over the same offsets. */
class WithAborted extends MemoryLog {
  readonly aborted = new Set<number>()

  override async fetch (request: FetchRequest): Promise<Fetched> {
    const fetched = await super.fetch({ ...request, bytesMax: 1 })
    const header = readBatchHeader(fetched.bytes, 0)
    if (header === null || !this.aborted.has(header.baseOffset)) return fetched
    const empty = new RecordBatchWriter().finish(header.baseOffset).slice(0, batchHeaderBytes)
    new DataView(empty.buffer).setInt32(23, header.lastOffsetDelta)
    return { ...fetched, bytes: empty }
  }
}

async function logWith (aborted: readonly number[]) {
  const log = new WithAborted({ clock: new ManualClock(0) })
  await log.createTopic(topicSpec('t', { cleanup: 'compact' }))
  for (const key of ['a', 'b', 'c', 'd']) await log.append('t', 0, batchWith(text(key), text(key)))
  for (const offset of aborted) log.aborted.add(offset)
  return log
}

test('reading all of a partition: aborted transactions are passed over, not taken for the end', async () => {
  for (const [aborted, wanted] of [[[0, 1], 'cd'], [[1], 'acd'], [[3], 'abc'], [[0, 1, 2, 3], '']] as const) {
    const found: string[] = []
    for await (const { key } of readAll(await logWith(aborted), 't', 0, 0)) found.push(Buffer.from(key!).toString())
    assert.equal(found.join(''), wanted)
  }
})

test('table: rows behind an aborted transaction are read', async () => {
  const table = new Table({ name: 't', topic: 't', key: 'k', decode: async value => ({ k: Buffer.from(value).toString() }) })
  await table.catchUp(await logWith([0, 1]))
  assert.deepEqual([...table.keys()], ['c', 'd'])
})
