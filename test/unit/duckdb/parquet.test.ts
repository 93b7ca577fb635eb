import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { writeFile } from '../../../pipelines/cli/lake/files.ts'
import { type Cell, gathered, type Head, type Sheet } from '../../../pipelines/cli/lake/sheet.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-parquet-test-'))
after(() => { rmSync(folder, { recursive: true }) })

const heads: readonly Head[] = [{ name: 'at', kind: 'time' }, { name: 'key', kind: 'text' }, { name: 'celsius "in"', kind: 'number' }, { name: 'received', kind: 'count' }, { name: 'open', kind: 'bool' }, { name: 'labels', kind: 'map' }]
async function * rowsOf (rows: Iterable<readonly Cell[]>) { yield * rows }
const sheetOf = (rows: Iterable<readonly Cell[]>): Sheet => ({ heads, pieces: gathered(rowsOf(rows), (row, column) => row[column]!, 3_000) })
const abort = new AbortController().signal

async function readBack (file: string, sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql.replace('FILE', `read_parquet('${file}')`))).getRowsJson() as unknown[][]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

test('Parquet: another program reads back types, names, times in UTC, and no value as NULL', async () => {
  const file = join(folder, 'one.parquet')
  const at = Date.parse('2026-11-23T14:00:00.250Z')
  await writeFile(sheetOf([[at, 'truck 🚚 "1"', 8.125, 12, true, { site: 'Oslo' }], [null, null, null, null, null, null], [at, '', Number.NaN, 2 ** 40, false, {}]]), { file, format: 'parquet', abort })
  assert.deepEqual(await readBack(file, 'SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM FILE)'), [['at', 'TIMESTAMP WITH TIME ZONE'], ['key', 'VARCHAR'], ['celsius "in"', 'DOUBLE'], ['received', 'BIGINT'], ['open', 'BOOLEAN'], ['labels', 'VARCHAR']])
  assert.deepEqual(await readBack(file, 'SELECT epoch_ms("at"), key, "celsius ""in"""::VARCHAR, received, open, labels FROM FILE'), [
    [String(at), 'truck 🚚 "1"', '8.125', '12', true, '{"site":"Oslo"}'], [null, null, null, null, null, null], [String(at), '', 'nan', String(2 ** 40), false, '{}']])
})

test('Parquet: rows of many pieces stay in their order', async () => {
  const file = join(folder, 'many.parquet')
  const rows = function * () { for (let n = 0; n < 10_000; n += 1) yield [n, `k${n % 7}`, n / 2, n, n % 2 === 0, null] }
  await writeFile(sheetOf(rows()), { file, format: 'parquet', abort })
  assert.deepEqual(await readBack(file, `SELECT count(*), sum(received), count(DISTINCT key), bool_and(received = file_row_number) FROM read_parquet('${file}', file_row_number = true)`), [['10000', '49995000', '7', true]])
})

test('a file is whole or not there: what goes wrong in the middle leaves nothing, and what was there stays', async () => {
  const file = join(folder, 'kept.csv')
  await writeFile(sheetOf([[0, 'first', 1, 1, true, null]]), { file, format: 'csv', abort })
  const failing = function * (): Generator<readonly Cell[]> { yield [0, 'second', 1, 1, true, null]; throw new Error('the lake broke') }
  for (const format of ['csv', 'parquet'] as const) await assert.rejects(writeFile(sheetOf(failing()), { file, format, abort }), /the lake broke/)
  await assert.rejects(writeFile(sheetOf([]), { file: join(folder, 'no', 'such', 'x.parquet'), format: 'parquet', abort }), (error: unknown) => error instanceof StreamError && error.code === 'LAKE_EXPORT')
  await assert.rejects(writeFile(sheetOf([]), { file: join(folder, 'no', 'such', 'x.csv'), format: 'csv', abort }), (error: unknown) => error instanceof StreamError && error.code === 'LAKE_EXPORT')
  const stopped = new AbortController()
  const stopping = function * (): Generator<readonly Cell[]> { stopped.abort(); for (let n = 0; n < 5_000; n += 1) yield [0, 'third', 1, 1, true, null] }
  await assert.rejects(writeFile(sheetOf(stopping()), { file, format: 'csv', abort: stopped.signal }))
  assert.deepEqual(readdirSync(folder).filter(name => name.includes('kept')), ['kept.csv'])
  assert.match(readFileSync(file, 'utf8'), /first/)
})
