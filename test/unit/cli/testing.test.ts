import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EventLine, replay, type WindowLine } from 'millrace/testing'
import { loadDefinition } from '../../../pipelines/define/load.ts'
import { asLines, readings, roomsFolder } from '../../kit/rooms.ts'

const { definition, write } = roomsFolder()

test('testing: replay of objects gives typed lines and counts the readings', async () => {
  const played = await replay({ definition, input: readings })
  assert.equal(played.readings, 6)
  const windows = played.filter((line): line is WindowLine => line.kind === 'window').map(({ key, start, values }) => [key, start, values])
  assert.deepEqual(windows, [
    ['a', 0, { mean: 6.5, n: 2 }], ['b', 0, { mean: null, n: 1 }], ['a', 60_000, { mean: 6, n: 1 }], ['b', 60_000, { mean: 5, n: 1 }],
  ])
  const events = played.filter((line): line is EventLine => line.kind === 'event').map(({ rule, key, state, at }) => [rule, key, state, at])
  assert.deepEqual(events, [['warm', 'a', 'raised', 2_000], ['warm', 'a', 'cleared', 61_000]])
  assert.deepEqual(played.filter(({ kind }) => kind === 'late'), [{ kind: 'late', window: 'minute', key: 'b', at: 4_000, arrival: 70_000, line: 6 }])
})

test('testing: a file, objects and an async source of objects give the same lines, however they are cut', async () => {
  const whole = await replay({ definition, input: readings })
  const file = write('readings.jsonl', asLines(readings))
  assert.deepEqual(await replay({ definition, input: file }), whole)
  assert.deepEqual(await replay({ definition, input: (async function * () { yield * readings })(), batch: 1 }), whole)
  assert.deepEqual(await replay({ definition, input: readings, restartEvery: 1 }), whole)
  assert.deepEqual(await replay({ definition, input: readings, snapshotEvery: 2, crashEvery: 3 }), whole)
})

test('testing: takes a loaded definition, emits what is wanted, leaves windows open without drain', async () => {
  const loaded = await loadDefinition(definition)
  const played = await replay({ definition: loaded, input: readings, emit: ['windows', 'readings'], drain: false })
  assert.deepEqual(played.map(({ kind }) => kind), ['reading', 'reading', 'reading', 'reading', 'reading', 'window', 'window', 'reading'])
})

test('testing: an object that does not fit the contract is a dead letter that names its line', async () => {
  const played = await replay({ definition, input: [{ room: 'a', at: 1, celsius: 'warm' }, { room: 'a', at: 10n, celsius: 1 }] })
  const letters = played.flatMap(line => line.kind === 'dead-letter' ? [[line.reason, line.line]] : [])
  assert.deepEqual(letters, [['INPUT_CONTRACT', 1]])
})

test('testing: rows of a table may be objects', async () => {
  write('table.avsc', JSON.stringify({ type: 'record', name: 'T', fields: [{ name: 'room', type: 'string' }, { name: 'max', type: 'double', unit: 'Cel' }] }))
  const withTable = write('table.yaml', `name: tabled
source: { contract: room.avsc, key: room, time: { field: at } }
tables: { limits: { contract: table.avsc, key: room } }
normalise: { limit: { table: limits, column: max, else: 100.0 } }
signals: { celsius: { unit: Cel }, limit: { unit: Cel } }
rules: { warm: { when: celsius > limit } }
`)
  const played = await replay({ definition: withTable, input: readings, tables: { limits: [{ room: 'a', max: 5 }] } })
  assert.deepEqual(played.flatMap(line => line.kind === 'event' ? [[line.key, line.state, line.at]] : []), [['a', 'raised', 2_000]])
})
