import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { replay, type WindowLine } from 'millrace/testing'
import { projectFiles } from '../../../pipelines/cli/init/project.ts'
import { readRecording, recordingName } from '../../../pipelines/cli/init/recording.ts'
import { sampleCsv } from '../../../pipelines/cli/init/sample.ts'
import { checkDefinition } from '../../../pipelines/define/check.ts'
import { csvFiles } from './csv-files.ts'
import { roomsFolder } from '../../kit/rooms.ts'

const { folder } = roomsFolder()

function project (name: string, text: string) {
  const recording = readRecording({ file: `${name}.csv`, text })
  const target = join(folder, name.replace(/\W+/g, '-'))
  for (const file of [...projectFiles({ ...recording, name: 'mine', csvFile: 'data.csv', millrace: '*' }), { path: 'data.csv', text: recording.text }]) {
    mkdirSync(join(target, file.path, '..'), { recursive: true })
    writeFileSync(join(target, file.path), file.text)
  }
  return { target, recording }
}

for (const { name, text, fields, rows, deadLetters } of csvFiles) {
  test(`init: ${name}: the project checks clean, reads every row and counts it once`, async () => {
    const { target, recording } = project(name, text)
    assert.deepEqual(recording.guess.columns.map(({ field }) => field), fields)
    assert.deepEqual(await checkDefinition(join(target, 'pipeline.yaml')), [])
    const played = await replay({ definition: join(target, 'pipeline.yaml'), input: join(target, 'data.csv') })
    assert.equal(played.readings, rows)
    const letters = played.filter(line => line.kind === 'dead-letter')
    assert.equal(letters.length, deadLetters, JSON.stringify(letters[0]))
    const counted = played.filter((line): line is WindowLine => line.kind === 'window').reduce((sum, { values }) => sum + Number(values.n), 0)
    assert.equal(counted, rows - deadLetters, 'nothing is late')
  })
}

test('init: without a file the made-up recording raises one alert for the room that fails, and clears it', async () => {
  const { target } = project('sample', sampleCsv())
  const played = await replay({ definition: join(target, 'pipeline.yaml'), input: join(target, 'data.csv'), emit: ['events'] })
  assert.deepEqual([...new Set(played.flatMap(line => line.kind === 'event' ? [line.key] : []))], ['room-b'])
  assert.deepEqual(played.flatMap(line => line.kind === 'event' ? [line.state] : []).slice(0, 2), ['raised', 'cleared'])
})

test('init: guesses key, time, unit and interval, and says so', () => {
  const { guess } = readRecording({ file: 'x.csv', text: csvFiles.find(({ name }) => name === 'odd header names')!.text })
  assert.equal(guess.time.field, 'Date_Time')
  assert.equal(guess.key!.field, 'key_1')
  assert.equal(guess.columns[1]!.unit, 'Cel')
  assert.equal(guess.intervalMs, 120_000)
  assert.deepEqual(guess.said.slice(0, 4), [
    'time: column "Date/Time", dates as text, UTC where no zone is named', 'key: column "key" names the device, 2 distinct', 'interval: a device reports every 120 s (median)', 'name: "Date/Time" became Date_Time',
  ])
})

test('init: a recording in no order is sorted by time, rows of one time in their order, and says so', () => {
  const { text, notes } = readRecording({ file: 'x.csv', text: 'timestamp,d,v\n2026-01-03,a,1\n2026-01-01,a,2\nragged\n2026-01-01,a,3\n2026-01-02,a,4\n' })
  assert.deepEqual(text.trim().split('\n').slice(1), ['2026-01-01,a,2', 'ragged', '2026-01-01,a,3', '2026-01-02,a,4', '2026-01-03,a,1'])
  assert.match(notes.at(-1)!, /^3 rows came after later ones/)
})

for (const [what, text, says] of [
  ['an empty file', '', /header line and at least one row/],
  ['a header alone', 'timestamp,value\n', /header line and at least one row/],
  ['no times', 'a,b\n1,2\n3,4\n', /no column holds times/],
  ['a quote that is never closed', 'timestamp,value\n"2026-01-01,1\n2026-01-02,2\n', /CSV_QUOTE_NOT_CLOSED|quote/i],
] as const) {
  test(`init: ${what} is refused as the data's fault`, () => {
    assert.throws(() => readRecording({ file: 'x.csv', text }), { exit: 'data', message: says })
  })
}

test('init: the name of a recording needs no quotes, and one that lies in the project is never replaced', () => {
  assert.equal(recordingName('/data/My readings (1).TXT', { inPlace: false, changed: false }), 'My-readings-1.csv')
  assert.equal(recordingName('a.csv', { inPlace: true, changed: false }), 'a.csv')
  assert.equal(recordingName('a.csv', { inPlace: true, changed: true }), 'a.ordered.csv')
})

test('init: the new package brings its own Node and lets its install script run', () => {
  const { target } = project('package', csvFiles[0]!.text)
  const written = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8'))
  assert.deepEqual([written.devDependencies, written.allowScripts], [{ node: '^24.0.0' }, { node: true, lmdb: false, 'msgpackr-extract': false }])
  assert(existsSync(join(target, 'test/pipeline.test.js')))
})
