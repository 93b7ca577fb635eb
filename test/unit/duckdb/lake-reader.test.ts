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
