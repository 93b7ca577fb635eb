import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Headers, type LogRecord, readBatchHeader, RecordBatchWriter, records } from '../../../pipelines/core/record-batch.ts'

const bytes = (maxLength: number) => fc.option(fc.uint8Array({ maxLength }), { nil: null })
const record = fc.record({
  timestamp: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }).map(n => n * 4096), fc.constantFrom(0, 2 ** 42, -(2 ** 40))),
  key: bytes(80), value: bytes(200), headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 10 }), bytes(10)), { maxLength: 3 }),
})

const hex = (item: Uint8Array | null) => item === null ? null : Buffer.from(item).toString('hex')

test('what a writer wrote is what a reader reads, for any timestamps, nulls and headers', () => {
  fc.assert(fc.property(fc.array(fc.array(record, { minLength: 1, maxLength: 70 }), { minLength: 1, maxLength: 3 }), batches => {
    const writer = new RecordBatchWriter(64)
    let offset = 0
    const parts = batches.map(list => {
      writer.reset()
      for (const { timestamp, key, value, headers } of list) writer.append(timestamp, key, value, headers as Headers)
      const part = writer.finish(offset).slice()
      offset += list.length
      return part
    })
    const expected = batches.flat().map(({ timestamp, key, value, headers }, index) => ({ offset: index, timestamp, key, value, headers }))
    const plain = (list: readonly LogRecord[]) => list.map(one => ({ ...one, key: hex(one.key), value: hex(one.value), headers: one.headers.map(([name, item]) => [name, hex(item)]) }))
    assert.deepEqual(plain([...records(Buffer.concat(parts))]), plain(expected as LogRecord[]))
  }), { numRuns: 200 })
})

test('a foreign client reads what the writer wrote, checksum included', async () => {
  const require = createRequire(import.meta.url)
  const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => unknown
  const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: unknown) => Promise<{ firstOffset: string, records: { offset: string, timestamp: string, key: Buffer | null, value: Buffer | null, headers: Record<string, Buffer> }[] }>
  const writer = new RecordBatchWriter()
  for (let i = 0; i < 300; i += 1) writer.append(1_700_000_000_000 + i * 977, i % 3 === 0 ? null : Buffer.from(`key ${i}`), Buffer.from('v'.repeat(i)), i % 5 === 0 ? [['h', Buffer.from('x')]] : [])
  const batch = Buffer.from(writer.finish(7))
  const { records: read } = await decodeBatch(new Decoder(batch))
  assert.equal(read.length, 300)
  assert.deepEqual(read.map(({ offset }) => Number(offset)), Array.from({ length: 300 }, (_, i) => 7 + i))
  assert.deepEqual(read.map(({ timestamp }) => Number(timestamp)), Array.from({ length: 300 }, (_, i) => 1_700_000_000_000 + i * 977))
  assert.deepEqual(read.map(({ key, value }) => [key === null ? null : String(key), value!.length]), Array.from({ length: 300 }, (_, i) => [i % 3 === 0 ? null : `key ${i}`, i]))
  assert.equal(String(read[5]!.headers.h), 'x')
  const require32c = require('@node-rs/crc32') as { crc32c: (bytes: Buffer) => number }
  assert.equal(readBatchHeader(batch, 0)!.crc, require32c.crc32c(batch.subarray(21)))
})
