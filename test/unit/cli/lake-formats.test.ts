import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { type TextFormat, written } from '../../../pipelines/cli/lake/formats.ts'
import { type Cell, distinctHeads, gathered, type Head, limited, type Sheet } from '../../../pipelines/cli/lake/sheet.ts'
import { harmless, lengthText, widthOf } from '../../../pipelines/cli/lake/texts.ts'

async function * rowsOf (rows: readonly (readonly Cell[])[]) { yield * rows }
const sheet = (heads: readonly Head[], rows: readonly (readonly Cell[])[]): Sheet => ({ heads, pieces: gathered(rowsOf(rows), (row, column) => row[column]!, 2) })
async function textOf (of: Sheet, format: TextFormat): Promise<string> {
  let all = ''
  for await (const text of written(of, format)) all += text
  return all
}

const heads: readonly Head[] = [
  { name: 'start', kind: 'time' }, { name: 'key', kind: 'text' }, { name: 'mean', kind: 'number', unit: 'Cel' }, { name: 'received', kind: 'count' }, { name: 'durationMs', kind: 'duration' }, { name: 'open', kind: 'bool' }, { name: 'labels', kind: 'map' },
]
const at = Date.parse('2026-11-23T14:00:00Z')
const rows: readonly (readonly Cell[])[] = [
  [at, 'truck-1', 8.5, 1200, 605_000, true, { site: 'Oslo' }],
  [at + 1_500, 'truck "2", with\nlines', -12.125, 3, 250, false, { site: 'Å', n: 2 }],
  [null, '', null, 0, null, null, null],
  [at + 3_600_000, '=1+1', 1e-7, 1_000_000, 90_061_000, null, {}],
]

test('a table has units in its head, numbers to the right, and nothing that steers a terminal', async () => {
  assert.equal(await textOf(sheet(heads, rows), 'table'), `\
start                     key                         mean [Cel]  received  duration  open   labels
2026-11-23 14:00:00Z      truck-1                          8.500      1200    10m 5s  true   site=Oslo
2026-11-23 14:00:01.500Z  truck "2", with\\u000alines     -12.125         3     250ms  false  site=Å n=2
-                                                              -         0         -  -      -
2026-11-23 15:00:00Z      =1+1                              1e-7   1000000     1d 1h  -
`)
})

test('CSV: quotes where they are needed, no value is nothing, an empty text is two quotes', async () => {
  assert.equal(await textOf(sheet(heads, rows), 'csv'), [
    'start,key,mean,received,durationMs,open,labels',
    '2026-11-23T14:00:00.000Z,truck-1,8.5,1200,605000,true,"{""site"":""Oslo""}"',
    '2026-11-23T14:00:01.500Z,"truck ""2"", with\nlines",-12.125,3,250,false,"{""site"":""Å"",""n"":2}"',
    ',"",,0,,,',
    '2026-11-23T15:00:00.000Z,=1+1,1e-7,1000000,90061000,,{}', ''].join('\r\n'))
})

test('JSON and JSON lines hold the same objects, and JSON is whole also when there are none', async () => {
  const json = JSON.parse(await textOf(sheet(heads, rows), 'json')) as unknown[]
  const lines = (await textOf(sheet(heads, rows), 'ndjson')).trim().split('\n').map(line => JSON.parse(line) as unknown)
  assert.deepEqual(json, lines)
  assert.deepEqual(json[0], { start: '2026-11-23T14:00:00.000Z', key: 'truck-1', mean: 8.5, received: 1200, durationMs: 605_000, open: true, labels: { site: 'Oslo' } })
  assert.deepEqual(JSON.parse(await textOf(sheet(heads, []), 'json')), [])
  assert.equal(await textOf(sheet(heads, []), 'ndjson'), '')
})

test('numbers that JSON has no word for are null; bytes and large whole numbers are texts', async () => {
  const of = sheet([{ name: 'a', kind: 'number' }, { name: 'b', kind: 'map' }], [[Number.NaN, { n: 1n, bytes: Uint8Array.of(1, 255) }], [Number.POSITIVE_INFINITY, null]])
  assert.deepEqual(JSON.parse(await textOf(of, 'json')), [{ a: null, b: { n: '1', bytes: '01ff' } }, { a: null, b: null }])
})

test('any texts come back from CSV and JSON as they were', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.double({ noNaN: true, noDefaultInfinity: true })), { minLength: 1 }), async cells => {
    const of = () => sheet([{ name: 'text', kind: 'text' }, { name: 'number', kind: 'number' }], cells)
    const csv = parse(await textOf(of(), 'csv'), { columns: true, record_delimiter: '\r\n' }) as { readonly text: string, readonly number: string }[]
    assert.deepEqual(csv.map(row => [row.text, Number(row.number)]), cells.map(([text, number]) => [text, number === 0 ? 0 : number]))
    const json = JSON.parse(await textOf(of(), 'json')) as { readonly text: string, readonly number: number }[]
    assert.deepEqual(json.map(row => [row.text, row.number]), cells.map(([text, number]) => [text, number === 0 ? 0 : number]))
  }))
})

test('the source of rows is let go once there are enough', async () => {
  let ended = false
  const endless = async function * () { try { for (let n = 0; ; n += 1) yield [n] } finally { ended = true } }
  const text = await textOf(limited({ heads: [{ name: 'n', kind: 'count' }], pieces: gathered(endless(), (row, column) => row[column]!, 4) }, 6), 'csv')
  assert.equal(text, 'n\r\n0\r\n1\r\n2\r\n3\r\n4\r\n5\r\n')
  assert(ended)
})

test('no two columns of an answer have the same name', () => {
  assert.deepEqual(distinctHeads([{ name: 'a', kind: 'text' }, { name: 'a', kind: 'text' }, { name: 'a_', kind: 'text' }]).map(({ name }) => name), ['a', 'a_', 'a__'])
})

test('texts: widths in a terminal, codes that steer it, lengths of time', () => {
  assert.deepEqual(['abc', 'Å', '北京', '🚚', 'e\u0301'].map(widthOf), [3, 1, 4, 2, 1])
  assert.equal(harmless('a\u001b[31mb\u202ec\r\n'), 'a\\u001b[31mb\\u202ec\\u000d\\u000a')
  assert.deepEqual([0, 999, 1_000, 61_000, 3_600_000, 3_661_000, 90_000_000, 86_400_000].map(lengthText), ['0ms', '999ms', '1s', '1m 1s', '1h', '1h 1m', '1d 1h', '1d'])
})
