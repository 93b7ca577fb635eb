import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import cassandra from 'cassandra-driver'
import { avroColumns, cqlOf } from '../../../connectors/cassandra/avro-types.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { parseAvro, type RecordOf } from '../../../schemas/avro-schema.ts'
import { rawDecoder } from '../../../schemas/raw-decoder.ts'

interface Encoder { decode (bytes: Uint8Array, type: unknown): unknown }
// The driver's own reading of what we write: a reader that knows nothing of us. Its types do not show it.
const { Encoder } = cassandra as unknown as { readonly Encoder: new (version: number, options: object) => Encoder }
const driver = new Encoder(4, { encoding: {} })
const { dataTypes } = cassandra.types
const codes = { text: dataTypes.text, double: dataTypes.double, float: dataTypes.float, boolean: dataTypes.boolean, int: dataTypes.int, bigint: dataTypes.bigint, timestamp: dataTypes.timestamp, blob: dataTypes.blob, date: dataTypes.date, time: dataTypes.time, uuid: dataTypes.uuid, decimal: dataTypes.decimal, duration: dataTypes.custom } as const

function typeOf (type: string): unknown {
  const [, list] = /^frozen<list<(\w+)>>$/.exec(type) ?? []
  if (list !== undefined) return { code: dataTypes.list, info: typeOf(list) }
  const [, map] = /^frozen<map<text, (\w+)>>$/.exec(type) ?? []
  if (map !== undefined) return { code: dataTypes.map, info: [typeOf('text'), typeOf(map)] }
  if (type === 'duration') return { code: dataTypes.custom, info: 'org.apache.cassandra.db.marshal.DurationType' }
  return { code: codes[type as keyof typeof codes], info: null }
}

/** A value through Avro's bytes to a column's, and as the driver reads it: numbers and dates as they are, the rest as text. */
function through (avro: unknown, value: unknown): { readonly type: string, readonly read: unknown } {
  const schema = { type: 'record', name: 'R', fields: [{ name: 'field', type: avro }] }
  const text = JSON.stringify(schema)
  const bytes = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: false }).toBuffer({ field: value })
  const { field } = rawDecoder(text, text)(bytes)
  const mapping = cqlOf((parseAvro(text) as RecordOf).fields[0]!.type, 'field')
  if (field === null) return { type: mapping.type, read: null }
  return { type: mapping.type, read: plain(driver.decode(Buffer.from(mapping.encode(field)), typeOf(mapping.type))) }
}

function plain (value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  return Object.getPrototypeOf(value) === Object.prototype ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)])) : String(value)
}

const long = (logicalType?: string) => logicalType === undefined ? 'long' : { type: 'long', logicalType }
const days = Date.parse('2026-11-23T00:00:00Z') / 86_400_000
const ms = Date.parse('2026-11-23T14:05:06.789Z')
const parts = (...numbers: readonly number[]) => Buffer.from(Uint32Array.from(numbers).buffer)

const cases: readonly [what: string, avro: unknown, value: unknown, type: string, read: unknown][] = [
  ['null', 'null', null, 'text', null],
  ['boolean', 'boolean', true, 'boolean', true],
  ['int', 'int', -7, 'int', -7],
  ['long', 'long', -(2 ** 40), 'bigint', String(-(2 ** 40))],
  ['float', 'float', 0.5, 'float', 0.5],
  ['double', 'double', 8.25, 'double', 8.25],
  ['double, not a number', 'double', Number.NaN, 'double', Number.NaN],
  ['double, infinite', 'double', -Infinity, 'double', -Infinity],
  ['bytes', 'bytes', Buffer.from([0, 255]), 'blob', '00ff'],
  ['bytes, none', 'bytes', Buffer.alloc(0), 'blob', ''],
  ['string', 'string', "Kühl 'x' 🧊", 'text', "Kühl 'x' 🧊"],
  ['fixed', { type: 'fixed', name: 'F', size: 2 }, Buffer.from([1, 2]), 'blob', '0102'],
  ['enum', { type: 'enum', name: 'E', symbols: ['OPEN', 'SHUT'] }, 'SHUT', 'text', 'SHUT'],
  ['decimal of bytes', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, Buffer.from([0xff, 0x38]), 'decimal', '-2.00'],
  ['decimal of fixed', { type: 'fixed', name: 'D', size: 4, logicalType: 'decimal', precision: 9, scale: 3 }, Buffer.from([0, 1, 0x86, 0xa0]), 'decimal', '100.000'],
  ['decimal of no bytes', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }, Buffer.alloc(0), 'decimal', '0.00'],
  ['uuid of text', { type: 'string', logicalType: 'uuid' }, '0F8FAD5B-d9cb-469f-a165-70867728950e', 'uuid', '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['uuid of fixed', { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' }, Buffer.from('0f8fad5bd9cb469fa16570867728950e', 'hex'), 'uuid', '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['date', { type: 'int', logicalType: 'date' }, days, 'date', '2026-11-23'],
  ['date before the epoch', { type: 'int', logicalType: 'date' }, -1, 'date', '1969-12-31'],
  ['time-millis', { type: 'int', logicalType: 'time-millis' }, 3_723_004, 'time', '01:02:03.004'],
  ['time-micros', long('time-micros'), 3_723_004_005, 'time', '01:02:03.004005'],
  ['timestamp-millis', long('timestamp-millis'), ms, 'timestamp', '2026-11-23T14:05:06.789Z'],
  ['timestamp-micros', long('timestamp-micros'), ms * 1_000 + 999, 'timestamp', '2026-11-23T14:05:06.789Z'],
  ['timestamp-micros before the epoch', long('timestamp-micros'), -1, 'timestamp', '1969-12-31T23:59:59.999Z'],
  ['timestamp-nanos', long('timestamp-nanos'), 1_500_000, 'timestamp', '1970-01-01T00:00:00.001Z'],
  ['local-timestamp-millis', long('local-timestamp-millis'), ms, 'timestamp', '2026-11-23T14:05:06.789Z'],
  ['local-timestamp-micros', long('local-timestamp-micros'), ms * 1_000, 'timestamp', '2026-11-23T14:05:06.789Z'],
  ['local-timestamp-nanos', long('local-timestamp-nanos'), -1, 'timestamp', '1969-12-31T23:59:59.999Z'],
  ['duration', { type: 'fixed', name: 'L', size: 12, logicalType: 'duration' }, parts(14, 3, 90_061_500), 'duration', '1y2mo3d25h1m1s500ms'],
  ['duration, long', { type: 'fixed', name: 'L', size: 12, logicalType: 'duration' }, parts(0, 0x7fffffff, 0xffffffff), 'duration', '2147483647d1193h2m47s295ms'],
  ['a logical type that nobody knows', { type: 'string', logicalType: 'colour' }, 'red', 'text', 'red'],
  ['array', { type: 'array', items: 'double' }, [1.5, -2], 'frozen<list<double>>', [1.5, -2]],
  ['array, empty', { type: 'array', items: 'string' }, [], 'frozen<list<text>>', []],
  ['array of a logical type', { type: 'array', items: { type: 'int', logicalType: 'date' } }, [days], 'frozen<list<date>>', ['2026-11-23']],
  ['array that may hold null', { type: 'array', items: ['null', 'int'] }, [1, null], 'frozen<list<text>>', ['1', 'null']],
  ['array of arrays', { type: 'array', items: { type: 'array', items: 'long' } }, [[1, 2], []], 'frozen<list<text>>', ['[1,2]', '[]']],
  ['map', { type: 'map', values: 'int' }, { b: 2, a: 1 }, 'frozen<map<text, int>>', { a: 1, b: 2 }],
  ['map of records', { type: 'map', values: { type: 'record', name: 'P', fields: [{ name: 'x', type: 'double' }] } }, { p: { x: 0.5 } }, 'frozen<map<text, text>>', { p: '{"x":0.5}' }],
  ['record', { type: 'record', name: 'Q', fields: [{ name: 'n', type: 'long' }, { name: 'raw', type: 'bytes' }, { name: 'far', type: 'double' }, { name: 'who', type: ['null', 'string'] }] }, { n: 1, raw: Buffer.from([9]), far: Infinity, who: 'Ann "A"' }, 'text', '{"n":1,"raw":"09","far":"Infinity","who":"Ann \\"A\\""}'],
  ['union with null', ['null', 'double'], 4.5, 'double', 4.5],
  ['union with null, null', ['double', 'null'], null, 'double', null],
  ['union with null of a logical type', ['null', { type: 'long', logicalType: 'timestamp-millis' }], ms, 'timestamp', '2026-11-23T14:05:06.789Z'],
  ['union of several', ['null', 'string', 'double'], 'x', 'text', '"x"'],
  ['union of several, a number', ['null', 'string', 'double'], 2.5, 'text', '2.5'],
  ['union of several, null', ['null', 'string', 'double'], null, 'text', null],
]

for (const [what, avro, value, type, read] of cases) {
  test(`avro to cql: ${what}`, () => { assert.deepEqual(through(avro, value), { type, read }) })
}

test('avro to cql: a long keeps its last digit', () => {
  const text = '{"type":"record","name":"R","fields":[{"name":"n","type":"long"}]}'
  const { n } = rawDecoder(text, text)(Buffer.from('feffffffffffffffff01', 'hex'))
  assert.equal(n, 9_223_372_036_854_775_807n)
  const mapping = cqlOf((parseAvro(text) as RecordOf).fields[0]!.type, 'n')
  assert.equal(String(driver.decode(Buffer.from(mapping.encode(n)), typeOf('bigint'))), '9223372036854775807')
})

test('avro to cql: what a type of CQL does not have is refused, with the field', () => {
  const refused = (error: unknown) => error instanceof StreamError && error.code === 'LAKE_ROW_REFUSED' && error.details.field === 'field'
  assert.throws(() => through({ type: 'string', logicalType: 'uuid' }, 'no uuid'), refused)
  assert.throws(() => through({ type: 'int', logicalType: 'time-millis' }, 86_400_000), refused)
  assert.throws(() => through(long('time-micros'), -1), refused)
  assert.throws(() => through({ type: 'fixed', name: 'L', size: 12, logicalType: 'duration' }, parts(0xffffffff, 0, 0)), refused)
})

test('columns of a contract: snake_case, and another name where that is taken', () => {
  const contract = parseAvro('{"type":"record","name":"R","fields":[{"name":"doorOpen","type":"boolean"},{"name":"door_open","type":"int"},{"name":"at","type":"long"},{"name":"Key","type":"string"},{"name":"bucket_","type":"string"}]}') as RecordOf
  assert.deepEqual(avroColumns(contract, ['key', 'at', 'bucket']).map(({ name, field, type }) => [field, name, type]), [
    ['doorOpen', 'door_open', 'boolean'], ['door_open', 'door_open_field', 'int'], ['at', 'at_field', 'bigint'], ['Key', 'Key', 'text'], ['bucket_', 'bucket_', 'text'],
  ])
})

test('a record of another schema is resolved to the contract: a field more is left out, one that is new has its default', () => {
  const decode = rawDecoder('{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"gone","type":"string"}]}', '{"type":"record","name":"R","fields":[{"name":"a","type":"long"},{"name":"b","type":["null","string"],"default":null}]}')
  assert.deepEqual(decode(Buffer.from([2, 2, 0x78])), { a: 1n, b: null })
})
