import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schemaBreaks } from '../../../pipelines/define/compile.ts'
import { problemText } from '../../../pipelines/define/problem.ts'
import { type CheckedDefinition, definePipeline } from '../../../pipelines/define/public.ts'
import { contract } from '../../../schemas/contract.ts'

const avro = (...fields: readonly object[]) => ({ type: 'record', name: 'Reading', fields })
const id = { name: 'id', type: 'string' }
const ts = { name: 'ts', type: { type: 'long', logicalType: 'timestamp-millis' } }
const temp = { name: 'temp', type: 'double', unit: 'Cel' }
const door = { name: 'door', type: 'boolean', default: false }
const note = { name: 'note', type: 'string', default: '' }
const reading = contract<object>({ subject: 'fleet-value', version: 1, schema: avro(id, ts, temp, door, note) })
const device = contract<object>({ subject: 'devices-value', version: 1, schema: { type: 'record', name: 'Device', fields: [{ name: 'device', type: 'string' }, { name: 'maxC', type: 'double', default: 8 }] } })

const definition = definePipeline({
  name: 'fleet', signals: { celsius: { unit: 'Cel' }, open: 'bool', limit: { unit: 'Cel' } }, tables: { devices: { contract: device, key: 'device' } },
  sources: { polar: { topic: 'fleet', contract: reading, key: 'id', time: { field: 'ts' }, normalise: { celsius: { field: 'temp' }, open: 'door', limit: { table: 'devices', column: 'maxC', else: 8.0 } } } },
  windows: { minute: { tumbling: '1m', keep: { mean: { mean: 'celsius' }, n: 'count' } } },
  rules: { warm: { when: 'celsius > limit' }, ajar: { when: 'open' }, mild: { window: 'minute', when: 'mean > 5.0' }, many: { window: 'minute', when: 'n > 100' }, silent: { absent: '10m' } },
} as never) as CheckedDefinition

const breaks = (...fields: readonly object[]) => schemaBreaks(definition, [{ part: 'source', name: 'polar', called: 'fleet-value@2', schema: JSON.stringify(avro(...fields)) }]).map(problemText)
const places = (found: readonly string[]) => found.map(text => text.split(':')[0])
const celsius = ['sources.polar.normalise.celsius', 'windows.minute.keep.mean', 'rules.warm', 'rules.mild']

test('schema breaks: what nobody reads may go, types may promote, fields may come', () => {
  assert.deepEqual(breaks(id, ts, temp, door, note), [])
  assert.deepEqual(breaks({ name: 'more', type: 'int' }, id, ts, { ...temp, type: 'float' }, door), [])
})

test('schema breaks: a dropped field names the mapping, and every window and rule behind it', () => {
  const found = breaks(id, ts, door)
  assert.deepEqual(places(found), celsius)
  assert.match(found[0]!, /in fleet-value@2 the field "temp" is gone, and the contract has no default: records become dead letters/)
  assert.match(found[3]!, /the statistic "mean" of the window "minute" is broken: the signal "celsius" of the source "polar" is broken/)
  const defaulted = breaks(id, ts, temp)
  assert.deepEqual(places(defaulted), ['sources.polar.normalise.open', 'rules.ajar'])
  assert.match(defaulted[0]!, /default stands in/)
})

test('schema breaks: a changed type, a new union, another unit and another logical type', () => {
  assert.match(breaks(id, ts, { ...temp, type: 'string' }, door)[0]!, /cannot always be read \(temp: the reader has double, the writer string\)/)
  const union = breaks(id, ts, { ...temp, type: ['null', 'double'] }, door)
  assert.deepEqual(places(union), celsius)
  assert.match(union[0]!, /the writer null/)
  assert.match(breaks(id, ts, { ...temp, unit: '[degF]' }, door)[0]!, /is in \[degF\], not in Cel/)
  const micros = breaks(id, { name: 'ts', type: { type: 'long', logicalType: 'timestamp-micros' } }, temp, door)
  assert.deepEqual(places(micros), ['sources.polar.time', ...celsius.slice(1, 3), 'rules.ajar', 'rules.mild'])
  assert.match(micros[0]!, /timestamp-micros in long, not timestamp-millis in long/)
})

test('schema breaks: a key that is gone takes everything with it', () => {
  assert.deepEqual(places(breaks(ts, temp, door)), ['sources.polar.key', 'windows.minute.keep.mean', 'rules.warm', 'rules.ajar', 'rules.mild'])
})

test('schema breaks: a column of a table is followed to what is looked up', () => {
  const found = schemaBreaks(definition, [{ part: 'table', name: 'devices', called: 'devices-value@2', schema: JSON.stringify({ type: 'record', name: 'Device', fields: [{ name: 'device', type: 'string' }] }) }]).map(problemText)
  assert.deepEqual(places(found), ['sources.polar.normalise.limit', 'rules.warm'])
})
