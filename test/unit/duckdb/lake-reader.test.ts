import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openLake } from '../../../connectors/duckdb/lake.ts'
import { openDuckReader } from '../../../connectors/duckdb/lake-reader.ts'
import { cell } from '../../../pipelines/core/batch.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import type { LakeLayout } from '../../../pipelines/core/lake-ports.ts'
import { trucks } from '../../kit/lake-layouts.ts'
import { storePlain } from '../../kit/lake-writing.ts'

const all = { keys: null, from: 0, to: 1e12 }
const code = (code: string) => (error: unknown) => error instanceof StreamError && error.code === code

function fileFor (t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-duck-reader-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  return join(folder, 'lake.duckdb')
}

async function stored (file: string, layout: LakeLayout = trucks): Promise<void> {
  const lake = await openLake({ file, layout, threads: 1, memoryMax: '256MB' })
  await storePlain(lake, layout, { readings: [{ key: 'a', source: 'trucks', at: 1_000, arrival: 1_000, partition: 0, offset: 0, values: { celsius: 4, doorOpen: true, depot: 'north' } }] })
  await lake.close()
}

test('duckdb reader: a lake that a pipeline has open, also of this process, is not read beside it', async t => {
  const file = fileFor(t)
  const lake = await openLake({ file, layout: trucks, threads: 1, memoryMax: '256MB' })
  await assert.rejects(openDuckReader({ file, layout: trucks }), code('LAKE_LOCKED'))
  await lake.close()
  await (await openDuckReader({ file, layout: trucks })).close()
})

test('duckdb reader: what the file does not have yet is empty, and a column of another kind is refused', async t => {
  const file = fileFor(t)
  await stored(file)
  const newer: LakeLayout = { ...trucks, signals: [...trucks.signals, { name: 'humidity', kind: 'number', unit: '%' }], windows: [{ name: 'hour', shape: { kind: 'tumbling', sizeMs: 3_600_000 }, columns: [], parts: [] }] }
  const reader = await openDuckReader({ file, layout: newer })
  for await (const { columns: [celsius, humidity] } of reader.readings({ ...all, columns: ['celsius', 'humidity'] })) assert.deepEqual([cell(celsius!, 0), cell(humidity!, 0)], [4, null])
  for await (const { key } of reader.rollups({ ...all, window: 'hour', columns: [] })) assert.fail(key)
  await reader.close()
  const other = await openDuckReader({ file, layout: { ...trucks, signals: [{ name: 'celsius', kind: 'text', unit: null }] } })
  await assert.rejects(async () => { for await (const { key } of other.readings({ ...all, columns: ['celsius'] })) assert.fail(key) }, code('LAKE_LAYOUT'))
  await other.close()
})

test('duckdb reader: a file that is not there is said to be', async t => {
  await assert.rejects(openDuckReader({ file: fileFor(t), layout: trucks }), code('LAKE_UNAVAILABLE'))
})

test('duckdb reader: event time has microseconds, and ranges are cut by them', async t => {
  const file = fileFor(t)
  const lake = await openLake({ file, layout: trucks, threads: 1, memoryMax: '256MB' })
  await storePlain(lake, trucks, { readings: [1_000, 1_000.25, 1_000.5, 1_001].map((at, offset) => ({ key: 'a', source: 'trucks', at, arrival: 2_000, partition: 0, offset, values: { celsius: 4 } })) })
  const reader = await lake.openReader!()
  const times = async (from: number, to: number) => {
    const found: number[] = []
    for await (const { at } of reader.readings({ keys: null, from, to, columns: [] })) found.push(...at)
    return found
  }
  assert.deepEqual(await times(1_000, 1_001), [1_000, 1_000.25, 1_000.5])
  assert.deepEqual(await times(1_000.25, 1_000.5), [1_000.25])
  assert.deepEqual(await times(1_000.3, 1e6), [1_000.5, 1_001])
  await lake.close()
})

test('duckdb reader: a scan under way keeps its view while a pipeline commits, and ends when the lake is closed', async t => {
  const lake = await openLake({ file: fileFor(t), layout: trucks, threads: 1, memoryMax: '256MB' })
  const rows = (from: number) => ({ readings: Array.from({ length: 6_000 }, (_, i) => ({ key: 'a', source: 'trucks', at: from + i, arrival: from + i, partition: 0, offset: from + i, values: { celsius: i } })) })
  await storePlain(lake, trucks, rows(0))
  const reader = await lake.openReader!()
  const scan = reader.readings({ ...all, columns: ['celsius'] })[Symbol.asyncIterator]()
  let count = (await scan.next()).value!.count as number
  await storePlain(lake, trucks, rows(10_000))
  for (let piece = await scan.next(); !piece.done; piece = await scan.next()) count += piece.value.count
  assert.equal(count, 6_000)
  const cut = reader.readings({ ...all, columns: ['celsius'] })[Symbol.asyncIterator]()
  await cut.next()
  await lake.close()
  await assert.rejects(async () => { while (!(await cut.next()).done); }, code('LAKE_UNAVAILABLE'))
})
