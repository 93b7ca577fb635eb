import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RecordBatchWriter, records } from '../../../pipelines/core/record-batch.ts'
import { ManualClock } from '../../kit/clock.ts'
import { batchOf, valuesOf } from '../../contract/log.ts'
import { everything, logFor, textOf, topic } from './log-kit.ts'

test('embedded log: retention by time deletes whole batches, oldest first', async t => {
  const clock = new ManualClock(100_000)
  const log = await logFor(t, { clock })
  await log.createTopic(topic('in', { retentionMs: 10_000, timestamps: 'LogAppendTime' }))
  await log.append('in', 0, batchOf(['a', 'b']))
  await clock.advance(6_000)
  await log.append('in', 0, batchOf(['c']))
  await clock.advance(4_000)
  await log.maintain()
  assert.deepEqual(await log.range('in', 0), { start: 0, end: 3 })
  await clock.advance(1)
  await log.maintain()
  assert.deepEqual(await log.range('in', 0), { start: 2, end: 3 })
  await clock.advance(60_000)
  await log.maintain()
  assert.deepEqual(await log.range('in', 0), { start: 3, end: 3 })
})

test('embedded log: retention by bytes keeps at least so many', async t => {
  const log = await logFor(t)
  const batch = batchOf(['x'.repeat(1_000)])
  await log.createTopic(topic('in', { retentionBytes: 3 * batch.length }))
  for (let n = 0; n < 300; n += 1) await log.append('in', 0, batch)
  await log.maintain()
  assert.deepEqual(await log.range('in', 0), { start: 297, end: 300 })
})

test('embedded log: compaction keeps offsets and the latest record of each key, and a tombstone for its time', async t => {
  const clock = new ManualClock(1_000)
  const log = await logFor(t, { clock, tombstonesKeptMs: 500 })
  await log.createTopic(topic('table', { cleanup: 'compact' }))
  const put = async (...rows: readonly (readonly [string, string | null])[]) => {
    const writer = new RecordBatchWriter()
    for (const [key, value] of rows) writer.append(clock.wallMs(), Buffer.from(key), value === null ? null : Buffer.from(value))
    await log.append('table', 0, writer.finish())
  }
  await put(['a', '1'], ['b', '1'], ['c', '1'])
  await put(['a', '2'])
  await put(['b', null], ['a', '3'])
  const rows = async () => (await everything(log, 'table')).map(record => [record.offset, String(Buffer.from(record.key!)), record.value && textOf(record)])
  await log.maintain()
  assert.deepEqual(await rows(), [[2, 'c', '1'], [4, 'b', null], [5, 'a', '3']])
  assert.deepEqual(await log.range('table', 0), { start: 0, end: 6 })
  await clock.advance(501)
  await put(['c', '2'], ['d', '1'], ['d', '2'], ['d', 'x'.repeat(300)])
  await log.maintain()
  assert.deepEqual((await rows()).map(([offset, key]) => [offset, key]), [[5, 'a'], [6, 'c'], [9, 'd']])
  const { bytes } = await log.fetch({ topic: 'table', partition: 0, offset: 3, bytesMax: 1 << 20, waitMs: 0 })
  assert.deepEqual([...records(bytes)].map(({ offset }) => offset), [5, 6, 9], 'a fetch into a gap goes on with the next batch')
})

test('embedded log: a compacted topic always gives the table that all its records give', async t => {
  const clock = new ManualClock(1_000)
  const log = await logFor(t, { clock, tombstonesKeptMs: 0 })
  let topics = 0
  const operations = fc.array(fc.oneof(fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.option(fc.integer())), { minLength: 1, maxLength: 6 }), fc.constant('compact' as const)), { maxLength: 12 })
  await fc.assert(fc.asyncProperty(operations, async steps => {
    const name = `table-${topics += 1}`
    await log.createTopic(topic(name, { cleanup: 'compact' }))
    const table = new Map<string, string>()
    for (const step of steps) {
      await clock.advance(1)
      if (step === 'compact') { await log.maintain(); continue }
      const writer = new RecordBatchWriter()
      for (const [key, value] of step) {
        writer.append(clock.wallMs(), Buffer.from(`k${key}`), value === null ? null : Buffer.from(`${value}`))
        if (value === null) table.delete(`k${key}`)
        else table.set(`k${key}`, `${value}`)
      }
      await log.append(name, 0, writer.finish())
    }
    const read = new Map<string, string>()
    for (const record of await everything(log, name)) {
      if (record.value === null) read.delete(String(Buffer.from(record.key!)))
      else read.set(String(Buffer.from(record.key!)), textOf(record))
    }
    assert.deepEqual([...read].sort(), [...table].sort())
    await log.deleteTopic(name)
  }), { numRuns: 40 })
})

test('embedded log: cleaning goes on beside appends and reads, and stops with the log', async t => {
  const log = await logFor(t, { maintainEveryMs: 1 })
  await log.createTopic(topic('in', { retentionBytes: 2_000 }))
  for (let n = 0; n < 200; n += 1) {
    await log.append('in', 0, batchOf([`${n}`]))
    const { end } = await log.range('in', 0)
    const { bytes } = await log.fetch({ topic: 'in', partition: 0, offset: end - 1, bytesMax: 1, waitMs: 0 })
    assert.deepEqual(valuesOf(bytes), [`${n}`])
  }
  for (let round = 0; (await log.range('in', 0)).start === 0 && round < 200; round += 1) await new Promise(resolve => { setTimeout(resolve, 5) })
  assert((await log.range('in', 0)).start > 0)
})
