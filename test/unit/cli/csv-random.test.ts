import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { replay, type WindowLine } from 'millrace/testing'
import { delimiterOf, fieldNames } from '../../../pipelines/cli/csv.ts'
import { projectFiles } from '../../../pipelines/cli/init/project.ts'
import { readRecording } from '../../../pipelines/cli/init/recording.ts'
import { checkDefinition } from '../../../pipelines/define/check.ts'
import { roomsFolder } from '../../kit/rooms.ts'

const { folder } = roomsFolder()
const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000)
const said = `MILLRACE_SEED=${seed}`

/** Words that are nasty as names, and any text at all. */
const headerName = fc.oneof(fc.constantFrom('at', 'key', 'offset', 'source', 'n', 'mean', 'null', 'in', 'constructor', '__proto__', 'toString', 'device', 'Temp (°C)', 'temp', 'TEMP', 'a b', 'a_b', 'aB', '1', '', 'Ä', '$arrival2', 'count', 'size'), fc.string({ maxLength: 12 }))

test(`csv: every header becomes distinct names that Avro, expressions and the lake take, ${said}`, () => {
  fc.assert(fc.property(fc.array(headerName, { minLength: 1, maxLength: 12 }), header => {
    const names = fieldNames(header)
    assert.equal(new Set(names.map(name => name.toLowerCase())).size, header.length)
    for (const name of names) assert.match(name, /^[A-Za-z_][A-Za-z0-9_]{0,90}$/)
    assert.deepEqual(fieldNames(header), names)
  }), { seed })
})

test('csv: the delimiter is what the header has most of, quotes left aside', () => {
  assert.deepEqual(['a,b', 'a;b', 'a\tb', '"a,b,c";d', 'a', 'a;b,c\nd,e,f'].map(delimiterOf), [',', ';', '\t', ';', ',', ','])
})

const cells = {
  number: fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }).map(String), fc.integer().map(String)),
  text: fc.string({ maxLength: 8 }),
  bool: fc.boolean().map(String),
  sparse: fc.oneof(fc.constantFrom('', 'NA', '-', 'null'), fc.integer({ min: 0, max: 99 }).map(String)),
  same: fc.constant('7'),
}
const table = fc.record({
  columns: fc.array(fc.tuple(headerName, fc.constantFrom(...Object.keys(cells) as (keyof typeof cells)[])), { maxLength: 5 }),
  steps: fc.array(fc.integer({ min: -90_000, max: 300_000 }), { minLength: 1, maxLength: 30 }),
  epoch: fc.constantFrom('iso', 's', 'ms'),
  delimiter: fc.constantFrom(',', ';', '\t'),
  end: fc.constantFrom('\n', '\r\n'),
}).chain(shape => fc.record({ shape: fc.constant(shape), rows: fc.tuple(...shape.steps.map(() => fc.tuple(...shape.columns.map(([, kind]) => cells[kind])))) }))

const quoted = (cell: string) => /^[\w.+-]*$/.test(cell) ? cell : `"${cell.replaceAll('"', '""')}"`

test(`init: of any table the project checks clean, reads every row and counts it once, ${said}`, async () => {
  let number = 0
  await fc.assert(fc.asyncProperty(table, async ({ shape, rows }) => {
    let ms = 1_768_435_200_000
    const times = shape.steps.map(step => { ms += step; return shape.epoch === 'iso' ? new Date(ms).toISOString() : String(shape.epoch === 's' ? Math.floor(ms / 1000) : ms) })
    const lines = [['timestamp', ...shape.columns.map(([name]) => name)], ...rows.map((row, i) => [times[i]!, ...row])]
    const text = lines.map(line => line.map(quoted).join(shape.delimiter)).join(shape.end) + shape.end
    const recording = readRecording({ file: 'random.csv', text })
    const target = join(folder, `random-${number += 1}`)
    for (const file of [...projectFiles({ ...recording, name: 'mine', csvFile: 'data.csv', millrace: '*' }), { path: 'data.csv', text: recording.text }]) {
      mkdirSync(join(target, file.path, '..'), { recursive: true })
      writeFileSync(join(target, file.path), file.text)
    }
    assert.deepEqual(await checkDefinition(join(target, 'pipeline.yaml')), [])
    const played = await replay({ definition: join(target, 'pipeline.yaml'), input: join(target, 'data.csv') })
    assert.deepEqual(played.filter(({ kind }) => kind === 'dead-letter'), [])
    assert.equal(played.filter((line): line is WindowLine => line.kind === 'window').reduce((sum, { values }) => sum + Number(values.n), 0), rows.length)
  }), { seed, numRuns: 40 })
})
