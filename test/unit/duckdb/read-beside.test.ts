import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyTable } from '../../../pipelines/core/keys.ts'
import type { LakeReaderPort } from '../../../pipelines/core/lake-ports.ts'
import { lakeFor, readings } from './lake-kit.ts'

const all = { keys: null, from: 0, to: 1e12, columns: ['celsius'] } as const
const rowsOf = async (reader: LakeReaderPort, signal?: AbortSignal) => {
  let rows = 0
  for await (const piece of reader.readings({ ...all, ...signal && { signal } })) rows += piece.count
  return rows
}

test('a reader beside the writer sees what is committed, and a scan that has begun what was committed then', async t => {
  const lake = await lakeFor(t)
  const keys = new KeyTable(16)
  const commit = async (from: number, count: number) => {
    const rows = Array.from({ length: count }, (_, index) => ({ key: `k${index % 3}`, at: from + index, celsius: 4 }))
    lake.addReadings({ source: 's', topic: 't', partition: 0, batch: readings(rows, keys, { offset: from }), keys })
    await lake.commit([{ topic: 't', partition: 0, offset: from + count, metadata: '' }])
  }
  const reader = await lake.openReader!()
  assert.equal(await rowsOf(reader), 0)
  await commit(0, 4_000)
  lake.addReadings({ source: 's', topic: 't', partition: 0, batch: readings([{ key: 'k0', at: 9, celsius: 4 }], keys, { offset: 1e6 }), keys })
  const scan = reader.readings(all)[Symbol.asyncIterator]()
  let seen = (await scan.next()).value!.count as number
  lake.discard()
  for (let turn = 1; turn <= 5; turn += 1) await commit(4_000 * turn, 4_000)
  for (let next = await scan.next(); next.done !== true; next = await scan.next()) seen += next.value.count
  assert.equal(seen, 4_000)
  assert.equal(await rowsOf(reader), 24_000)
})

test('a scan that is abandoned or stopped leaves nothing behind: many more can follow, and the lake closes', async t => {
  const lake = await lakeFor(t)
  const keys = new KeyTable(16)
  lake.addReadings({ source: 's', topic: 't', partition: 0, batch: readings(Array.from({ length: 4_000 }, (_, at) => ({ key: `k${at % 3}`, at, celsius: 4 })), keys), keys })
  await lake.commit([{ topic: 't', partition: 0, offset: 4_000, metadata: '' }])
  const reader = await lake.openReader!()
  for (let turn = 0; turn < 100; turn += 1) for await (const piece of reader.readings(all)) { assert(piece.count > 0); break }
  const stopped = new AbortController()
  await assert.rejects(async () => {
    for await (const _ of reader.readings({ ...all, signal: stopped.signal })) stopped.abort(new Error('stopped by the client'))
  }, /stopped by the client/)
  await assert.rejects(rowsOf(reader, stopped.signal), /stopped by the client/)
  assert.equal(await rowsOf(reader), 4_000)
  const open = reader.readings(all)[Symbol.asyncIterator]()
  await open.next()
  await lake.close()
  await assert.rejects(rowsOf(reader), /LAKE_UNAVAILABLE|Cannot use the lake/)
})
