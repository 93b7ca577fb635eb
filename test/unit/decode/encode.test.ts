import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import { contractFields } from '../../../pipelines/decode/contract.ts'
import { createEncoder } from '../../../pipelines/decode/encode.ts'
import { parseSchema } from '../../../pipelines/decode/schema.ts'

const contract = JSON.stringify({
  type: 'record', name: 'R', namespace: 'x', fields: [
    { name: 'id', type: 'string' }, { name: 'ts', type: { type: 'long', logicalType: 'timestamp-micros' } }, { name: 'celsius', type: ['null', 'double'], unit: 'Cel' },
    { name: 'place', type: ['null', { type: 'record', name: 'Place', fields: [{ name: 'lat', type: 'double', unit: 'deg' }, { name: 'site', type: { type: 'enum', name: 'Site', symbols: ['A', 'B'] } }] }], default: null },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }, default: '\u0000' }, { name: 'big', type: { type: 'fixed', name: 'Big', size: 20, logicalType: 'decimal', precision: 40, scale: 2 }, default: '\u0000'.repeat(20) },
    { name: 'on', type: 'boolean', default: false }, { name: 'any', type: ['int', 'string', { type: 'array', items: 'int' }], default: 0 }, { name: 'tags', type: { type: 'map', values: 'long' }, default: {} }, { name: 'day', type: { type: 'int', logicalType: 'date' }, default: 0 },
  ],
})
const type = avsc.Type.forSchema(JSON.parse(contract) as avsc.Schema, { wrapUnions: true })
const encode = createEncoder(contract, 0x01020304)
const read = (value: object) => JSON.parse(type.toString(type.fromBuffer(Buffer.from(encode({ id: 'a', ts: 1, ...value }).subarray(5))))) as Record<string, unknown>

test('a value carries the magic byte and the schema id in front', () => {
  assert.deepEqual([...encode({ id: 'a', ts: 1 }).subarray(0, 5)], [0, 1, 2, 3, 4])
})

test('plain JSON is encoded as avsc reads it back', () => {
  assert.equal(read({ celsius: 4 }).celsius && JSON.stringify(read({ celsius: 4 }).celsius), '{"double":4}')
  assert.equal(read({}).celsius, null)
  assert.equal(read({ ts: '2024-05-06T07:08:09.123456+02:00' }).ts, Date.parse('2024-05-06T05:08:09.123Z') * 1000 + 456)
  assert.equal(read({ ts: '2024-05-06' }).ts, Date.parse('2024-05-06') * 1000)
  assert.equal(read({ day: '1970-02-01' }).day, 31)
  assert.deepEqual(read({ place: { lat: 1, site: 'B' } }).place, { 'x.Place': { lat: 1, site: 'B' } })
  assert.deepEqual(read({ any: 'text' }).any, { string: 'text' })
  assert.deepEqual(read({ any: [1, 2] }).any, { array: [1, 2] })
  assert.deepEqual(read({ any: { int: 5 } }).any, { int: 5 })
  assert.equal(read({ price: '-1.5' }).price, '\u00ff\u006a')
  assert.equal(read({ price: 327.67 }).price, '\u007f\u00ff')
  assert.deepEqual(read({ tags: { a: 1, b: 2 } }).tags, { a: 1, b: 2 })
})

test('a value that does not fit is refused with its field named', () => {
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ id: 5 }, /field="id" expected="string" given=5/], [{ ts: 1.5 }, /field="ts"/], [{ ts: 'yesterday' }, /field="ts".*given="yesterday"/], [{ ts: 2 ** 60 }, /field="ts"/],
    [{ celsius: true }, /field="celsius" expected="double" given=true/], [{ celsius: '4' }, /field="celsius"/], [{ on: 1 }, /field="on" expected="boolean" given=1/],
    [{ place: { lat: 1 } }, /field="place.site"/], [{ place: { lat: 1, site: 'C' } }, /field="place.site".*symbols=\["A","B"\]/], [{ price: '1.234' }, /field="price".*scale=2/], [{ price: 99999.99 }, /field="price"/],
    [{ any: true }, /field="any" expected="int or string or array of int"/], [{ any: [1, 'x'] }, /field="any"/], [{ tags: { a: 'x' } }, /field="tags.a"/], [{ id: '\ud800' }, /field="id"/],
  ]
  for (const [value, message] of refused) assert.throws(() => read(value), { code: 'ENCODE_VALUE', message })
  assert.throws(() => encode({ ts: 1 }), { code: 'ENCODE_VALUE', message: /field="id".*given="nothing"/ })
  assert.throws(() => encode([]), { code: 'ENCODE_VALUE' })
})

test('the fields of a contract are listed by dotted path with kind, unit and whether they may be null', () => {
  assert.deepEqual(contractFields(contract).map(({ name, kind, unit, nullable, logical }) => [name, kind, unit, nullable, logical]), [
    ['id', 'text', null, false, null], ['ts', 'number', null, false, 'timestamp-micros'], ['celsius', 'number', 'Cel', true, null], ['place.lat', 'number', 'deg', true, null], ['place.site', 'text', null, true, null],
    ['price', 'number', null, false, 'decimal'], ['big', 'value', null, false, 'decimal'], ['on', 'bool', null, false, null], ['any', 'value', null, false, null], ['tags', 'value', null, false, null], ['day', 'number', null, false, 'date'],
  ])
})

test('a schema that is not Avro is refused with the place named', () => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    ['nothing', /unknownType="nothing"/], [{ type: 'record', name: 'R' }, /fields/], [{ type: 'record', name: 'R', fields: [{ name: 'a b', type: 'int' }] }, /at="a b"/], [{ type: 'record', name: '1', fields: [] }, /name/],
    [{ type: 'record', name: 'R', fields: [{ name: 'a', type: 'int' }, { name: 'a', type: 'int' }] }, /none twice/], [['int', 'int'], /union/], [[], /union/], [{ type: 'enum', name: 'E', symbols: [] }, /symbols/], [{ type: 'fixed', name: 'F' }, /size/],
    [{ type: 'record', name: 'R', fields: [{ name: 'a', type: { type: 'array', items: 'X' } }] }, /at="a\[\]" unknownType="X"/], [5, /a type/],
  ]
  for (const [schema, message] of refused) assert.throws(() => parseSchema(JSON.stringify(schema)), { code: 'SCHEMA_INVALID', message })
  assert.throws(() => parseSchema(`${'{"type":"array","items":'.repeat(5000)}"int"${'}'.repeat(5000)}`), { code: 'SCHEMA_INVALID', message: /nesting/ })
})
