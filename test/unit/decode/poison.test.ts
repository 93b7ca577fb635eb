import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../../../pipelines/core/errors.ts'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import { contractFields } from '../../../pipelines/decode/contract.ts'
import { createDecodeStage } from '../../../pipelines/decode/decoder.ts'
import { batchesOf, decodeAll, type Sent, specOf, wire } from './kit.ts'

/** Bytes by hand, so that they can be wrong. */
const zigzag = (value: bigint | number) => {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value) << 1n ^ BigInt(value) >> 63n)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}
const text = (value: string | Uint8Array) => Buffer.concat([zigzag(Buffer.from(value).length), Buffer.from(value)])
const double = (value: number) => { const bytes = Buffer.alloc(8); bytes.writeDoubleLE(value); return bytes }
const repeat = (bytes: Uint8Array, times: number) => Buffer.concat(Array.from({ length: times }, () => bytes))

const contract = JSON.stringify({
  type: 'record', name: 'R', fields: [
    { name: 'k', type: 'string' }, { name: 't', type: 'double' }, { name: 'n', type: 'long' }, { name: 'v', type: ['null', 'double'] }, { name: 'e', type: { type: 'enum', name: 'E', symbols: ['A', 'B'] } },
    { name: 'tag', type: 'string' }, { name: 'nulls', type: { type: 'array', items: 'null' } }, { name: 'm', type: { type: 'map', values: 'int' } }, { name: 'blob', type: 'bytes' },
    { name: 'tree', type: ['null', { type: 'record', name: 'Tree', fields: [{ name: 'inner', type: ['null', 'Tree'] }] }] }, { name: 'q', type: 'int' },
  ],
})
const good = {
  k: text('key'), t: double(1000), n: zigzag(1), v: Buffer.concat([zigzag(1), double(2.5)]), e: zigzag(0), tag: text('tag'), nulls: Buffer.concat([zigzag(2), zigzag(0)]),
  m: Buffer.concat([zigzag(1), text('a'), zigzag(5), zigzag(0)]), blob: text('blob'), tree: zigzag(0), q: zigzag(3),
}
const body = (parts: Partial<Record<keyof typeof good, Uint8Array>> = {}) => Buffer.concat(Object.values({ ...good, ...parts }))
const record = (parts: Partial<Record<keyof typeof good, Uint8Array>>): Sent => ({ value: wire(1, body(parts)) })
const raw = (value: Uint8Array | null): Sent => ({ value })
const id = (schemaId: number): Sent => raw(wire(schemaId, body()))

const schemas = new Map<number, string | null>([
  [1, contract],
  [2, contract.replace('"double"', '"string"')],
  [3, JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'k', type: 'string' }] })],
  [4, '{ not avro'],
])
const list: readonly (readonly [name: string, sent: Sent, reason: ErrorCode, message: RegExp])[] = [
  ['a null value', raw(null), 'DECODE_VALUE_MISSING', /null/],
  ['an empty value', raw(Buffer.alloc(0)), 'DECODE_VALUE_MISSING', /empty/],
  ['1 byte', raw(Buffer.from([0])), 'DECODE_WIRE_FORMAT', /bytes=1/],
  ['4 bytes', raw(Buffer.from([0, 0, 0, 0])), 'DECODE_WIRE_FORMAT', /bytes=4/],
  ['a wrong magic byte', raw(Buffer.concat([Buffer.from([7]), wire(1, body()).subarray(1)])), 'DECODE_WIRE_FORMAT', /firstByte=7/],
  ['JSON for Avro', raw(Buffer.from('{"k":"a","t":1}')), 'DECODE_WIRE_FORMAT', /firstByte=123/],
  ['schema id 0', id(0), 'DECODE_SCHEMA_UNKNOWN', /schemaId=0/],
  ['schema id -1', id(-1), 'DECODE_SCHEMA_UNKNOWN', /schemaId=-1/],
  ['an unknown schema id', id(77), 'DECODE_SCHEMA_UNKNOWN', /schemaId=77/],
  ['schema id 2^31-1', id(2 ** 31 - 1), 'DECODE_SCHEMA_UNKNOWN', /schemaId=2147483647/],
  ['a schema that does not fit', id(2), 'DECODE_SCHEMA_INCOMPATIBLE', /field="t".*string/],
  ['a schema without the time', id(3), 'DECODE_SCHEMA_INCOMPATIBLE', /default/],
  ['a schema that is none', id(4), 'DECODE_SCHEMA_INCOMPATIBLE', /JSON/],
  ['a record cut before its end', raw(wire(1, body().subarray(0, -1))), 'DECODE_TRUNCATED', /field="q"/],
  ['a record cut in a double', raw(wire(1, body().subarray(0, 7))), 'DECODE_TRUNCATED', /field="t"/],
  ['a record of its prefix alone', raw(wire(1, Buffer.alloc(0))), 'DECODE_TRUNCATED', /field="k"/],
  ['trailing bytes', raw(wire(1, Buffer.concat([body(), Buffer.from([0])]))), 'DECODE_TRAILING', /left over/],
  ['a long of eleven bytes', record({ n: Buffer.concat([repeat(Buffer.from([0x80]), 10), Buffer.from([1])]) }), 'DECODE_VARINT', /field="n"/],
  ['a long beyond 64 bits', record({ n: Buffer.concat([repeat(Buffer.from([0xff]), 9), Buffer.from([2])]) }), 'DECODE_VARINT', /field="n"/],
  ['an int of six bytes', record({ q: Buffer.concat([repeat(Buffer.from([0x80]), 5), Buffer.from([1])]) }), 'DECODE_VARINT', /field="q"/],
  ['an int beyond 32 bits', record({ q: zigzag(2 ** 31) }), 'DECODE_VARINT', /field="q"/],
  ['union index 99', record({ v: zigzag(99) }), 'DECODE_INDEX', /field="v"/],
  ['union index -1', record({ v: zigzag(-1) }), 'DECODE_INDEX', /field="v"/],
  ['enum index 99', record({ e: zigzag(99) }), 'DECODE_INDEX', /field="e"/],
  ['enum index 2', record({ e: zigzag(2) }), 'DECODE_INDEX', /field="e"/],
  ['a negative string length', record({ tag: zigzag(-1) }), 'DECODE_LENGTH', /field="tag"/],
  ['a string length of 10^9', record({ tag: zigzag(1e9) }), 'DECODE_LIMIT', /field="tag".*textBytesMax/],
  ['a bytes length of 10^9', record({ blob: zigzag(1e9) }), 'DECODE_TRUNCATED', /field="blob"/],
  ['a negative bytes length', record({ blob: zigzag(-5) }), 'DECODE_LENGTH', /field="blob"/],
  ['array<null> of 2x10^7', record({ nulls: Buffer.concat([zigzag(2e7), zigzag(0)]) }), 'DECODE_LIMIT', /field="nulls".*elementsMax/],
  ['array<null> of 2x10^7 in small blocks', record({ nulls: Buffer.concat([repeat(zigzag(90_000), 3), zigzag(0)]) }), 'DECODE_LIMIT', /elementsMax/],
  ['array<null> of 2x10^7 with a block size', record({ nulls: Buffer.concat([zigzag(-2e7), zigzag(0), zigzag(0)]) }), 'DECODE_LIMIT', /elementsMax/],
  ['a block count of 2^40', record({ nulls: Buffer.concat([zigzag(2 ** 40), zigzag(0)]) }), 'DECODE_LIMIT', /elementsMax/],
  ['a block count of -2^63', record({ nulls: Buffer.concat([zigzag(-(2n ** 63n)), zigzag(0), zigzag(0)]) }), 'DECODE_LIMIT', /elementsMax/],
  ['a map with 2^40 entries', record({ m: zigzag(2 ** 40) }), 'DECODE_LIMIT', /field="m".*elementsMax/],
  ['recursion of 10^5', record({ tree: Buffer.concat([repeat(zigzag(1), 1e5), zigzag(0)]) }), 'DECODE_LIMIT', /field="tree.*depthMax/],
  ['a map key __proto__', record({ m: Buffer.concat([zigzag(1), text('__proto__'), zigzag(5), zigzag(0)]) }), 'DECODE_MAP_KEY', /field="m"/],
  ['a text that is not UTF-8', record({ tag: text(Uint8Array.of(0xc3, 0x28)) }), 'DECODE_UTF8', /field="tag"/],
  ['a text with a surrogate', record({ tag: text(Uint8Array.of(0xed, 0xa0, 0x80)) }), 'DECODE_UTF8', /field="tag"/],
  ['a key that is not UTF-8', record({ k: text(Uint8Array.of(0xff)) }), 'DECODE_UTF8', /UTF-8/],
  ['a map key that is not UTF-8', record({ m: Buffer.concat([zigzag(1), text(Uint8Array.of(0xff)), zigzag(5), zigzag(0)]) }), 'DECODE_UTF8', /field="m"/],
  ['a value of NaN', record({ v: Buffer.concat([zigzag(1), double(Number.NaN)]) }), 'DECODE_NOT_FINITE', /field="v"/],
  ['an infinite value', record({ v: Buffer.concat([zigzag(1), double(Number.NEGATIVE_INFINITY)]) }), 'DECODE_NOT_FINITE', /field="v"/],
  ['a time of NaN', record({ t: double(Number.NaN) }), 'DECODE_TIME', /time/],
  ['an infinite time', record({ t: double(Number.POSITIVE_INFINITY) }), 'DECODE_TIME', /time/],
  ['a long over 2^53', record({ n: zigzag(2n ** 53n) }), 'DECODE_UNSAFE', /field="n"/],
  ['a long of -2^63', record({ n: zigzag(-(2n ** 63n)) }), 'DECODE_UNSAFE', /field="n"/],
  ['a 1 MB string in a tag', record({ tag: text('x'.repeat(1e6)) }), 'DECODE_LIMIT', /field="tag".*textBytesMax/],
  ['10^4 headers', { value: wire(1, body()), headers: Array.from({ length: 1e4 }, (_, i) => [`h${i}`, Buffer.from('v')] as const) }, 'DECODE_LIMIT', /headersMax/],
  ['a record of 17 MB', record({ blob: text(Buffer.alloc(17 << 20)) }), 'DECODE_LIMIT', /recordBytesMax/],
  ['a schema id in a header of three bytes', { value: body(), headers: [['__value_schema_id', Buffer.from([1, 2, 3])]] }, 'DECODE_WIRE_FORMAT', /__value_schema_id/],
  ['a forged schema GUID in a header', { value: body(), headers: [['__value_schema_id', Buffer.concat([Buffer.from([1]), Buffer.alloc(16, 7)])]] }, 'DECODE_SCHEMA_UNKNOWN', /schemaGuid="07070707-0707-0707-0707-070707070707"/],
]

for (const codegen of [true, false]) {
  for (const fields of ['all', 'none'] as const) {
    test(`each kind of poison becomes one dead letter and harms no other record (codegen ${codegen}, fields ${fields})`, () => {
      const fine: Sent = { value: wire(1, body({ k: text('fine') })), key: Buffer.from('record key') }
      const sent = list.flatMap(([name, poison], index) => [fine, { key: Buffer.from(`key ${index}`), headers: [['note', Buffer.from(name)]] as const, timestamp: index, ...poison }])
      // What nobody reads is not checked as text or number: without fields these are sound.
      const unread = fields === 'none' ? list.filter(([, , reason, message]) => ['DECODE_MAP_KEY', 'DECODE_NOT_FINITE', 'DECODE_UNSAFE'].includes(reason) || (reason === 'DECODE_UTF8' && /field/.test(message.source))).map(([name]) => name) : []
      const stage = createDecodeStage(specOf(contract, { codegen, fields: fields === 'all' ? contractFields(contract) : [] }), 3)
      const { rows, deadLetters } = decodeAll(stage, [batchesOf(sent, 7, 100)], schemas)
      assert.equal(rows.length, list.length + unread.length)
      assert.equal(rows.filter(row => row.key === 'fine').length, list.length)
      const dead = new Map(deadLetters.map(letter => [letter.position, letter]))
      assert.equal(dead.size, deadLetters.length, 'none twice')
      list.forEach(([name, poison, reason, message], index) => {
        const letter = dead.get(100 + index * 2 + 1)
        if (unread.includes(name)) { assert.equal(letter, undefined, name); return }
        assert(letter !== undefined, name)
        assert.equal(letter.reason, reason, `${name}: ${letter.message}`)
        assert.match(letter.message, message, name)
        assert.equal(letter.step, 'decode')
        assert.equal(letter.stage, 3)
        assert.equal(letter.arrival, index)
        assert.equal(Buffer.from(letter.key!).toString(), `key ${index}`)
        assert.deepEqual(letter.value === null ? null : Buffer.from(letter.value).equals(Buffer.from(poison.value!)), letter.value === null ? null : true)
        const headers = poison.headers ?? [['note', Buffer.from(name)]]
        assert.equal(letter.headers.length, headers.length)
        assert.equal(letter.headers[0]![0], headers[0]![0])
        if (poison.value !== null && poison.value.length >= 5 && !/GUID/.test(name) && !['DECODE_WIRE_FORMAT', 'DECODE_LIMIT'].includes(reason)) assert.equal(letter.schemaId, Buffer.from(poison.value).readInt32BE(1), name)
      })
    })
  }
}

test('a value of -0 is 0, and a whole number of 2^53 - 1 is exact', () => {
  const { rows, deadLetters } = decodeAll(createDecodeStage(specOf(contract), 0), [batchesOf([record({ v: Buffer.concat([zigzag(1), double(-0)]), t: double(-0), n: zigzag(2n ** 53n - 1n) })])], schemas)
  assert.deepEqual(deadLetters, [])
  assert(Object.is(rows[0]!.at, 0) && Object.is(rows[0]!.cells[3], 0))
  assert.equal(rows[0]!.cells[2], Number.MAX_SAFE_INTEGER)
})

test('keys beyond the bound become dead letters, known keys go on', () => {
  for (const codegen of [true, false]) {
    const sent = ['a', 'b', 'c', 'a', 'd'].map(key => record({ k: text(key) }))
    const { rows, deadLetters } = decodeAll(createDecodeStage(specOf(contract, { codegen, keysMax: 2 }), 0), [batchesOf(sent)], schemas)
    assert.deepEqual(rows.map(row => row.key), ['a', 'b', 'a'])
    assert.deepEqual(deadLetters.map(letter => [letter.position, letter.reason]), [[2, 'KEYS_FULL'], [4, 'KEYS_FULL']])
  }
})

test('a flood of poison comes in parts, each record once', () => {
  const stage = createDecodeStage(specOf(contract), 0)
  stage.schema(1, contract)
  const out = new Outputs()
  stage.load(batchesOf(Array.from({ length: 10_000 }, () => raw(Buffer.from('{}')))), 0, 1e6)
  const parts: number[] = []
  for (let batch = stage.next(out); batch !== null || out.deadLetters.length > 0; batch = stage.next(out)) {
    parts.push(out.deadLetters.length)
    out.clear()
  }
  assert.deepEqual(parts, [4096, 4096, 1808])
})

test('a poisoned record takes no place in the key table', () => {
  const stage = createDecodeStage(specOf(contract), 0)
  decodeAll(stage, [batchesOf([record({ k: text('ghost'), q: Buffer.alloc(0) }), record({ k: text('real') })])], schemas)
  assert.equal(stage.keys.size, 1)
  assert.equal(stage.keys.text(0), 'real')
})

test('batches that are compressed, of another magic or damaged are refused with the place named', () => {
  const bytes = batchesOf([record({})])
  const spoil = (at: number, byte: number) => { const copy = Buffer.from(bytes); copy[at] = byte; return copy }
  const play = (load: Uint8Array) => () => decodeAll(createDecodeStage(specOf(contract), 0), [load], schemas)
  assert.throws(play(spoil(22, 2)), { code: 'DECODE_BATCH', message: /compressed.*codec=2/ })
  assert.throws(play(spoil(16, 1)), { code: 'DECODE_BATCH', message: /magic=1/ })
  assert.throws(play(spoil(11, 3)), { code: 'DECODE_BATCH', message: /length/ })
  assert.throws(play(spoil(61, 0x7e)), { code: 'DECODE_BATCH', message: /records/ })
})
