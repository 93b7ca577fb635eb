import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import type { DecodeSpec } from '../../../pipelines/core/spec.ts'
import { contractFields } from '../../../pipelines/decode/contract.ts'
import { createDecodeStage } from '../../../pipelines/decode/decoder.ts'
import { createEncoder } from '../../../pipelines/decode/encode.ts'
import { batchesOf, decodeAll, type Sent, specOf, wire } from './kit.ts'

const contract = JSON.stringify({
  type: 'record', name: 'Reading', fields: [
    { name: 'k', type: 'string' }, { name: 't', type: { type: 'long', logicalType: 'timestamp-millis' } }, { name: 'value', type: ['null', 'double'], default: null }, { name: 'site', type: 'string', default: 'unknown' },
  ],
})
const older = JSON.stringify({ type: 'record', name: 'Reading', fields: [{ name: 't', type: 'long' }, { name: 'k', type: 'string' }] })
const schemas = new Map<number, string | null>([[1, contract], [2, older], [3, null]])
const encoders = [createEncoder(contract, 1), createEncoder(older, 2), createEncoder(contract, 3)] as const
const reading = (i: number) => ({ k: `key ${i % 7}`, t: 1_700_000_000_000 + i, value: i % 3 === 0 ? null : i / 4, site: `site ${i % 5}` })
const sent = (i: number): Sent => ({ value: encoders[i % 11 === 10 ? 2 : i % 4 === 3 ? 1 : 0]!(reading(i)), timestamp: 5000 + i, headers: i % 6 === 5 ? [['trace', Buffer.from('x')], ['empty', null]] : [] })

test('what comes out does not depend on record batches, loads, restarts or code generation', () => {
  const all = Array.from({ length: 60 }, (_, i) => sent(i))
  const whole = decodeAll(createDecodeStage(specOf(contract), 0), [batchesOf(all)], schemas)
  assert.equal(whole.rows.length + whole.deadLetters.length, 60)
  assert.deepEqual(whole.wanted, [1, 2, 3])
  fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 60, maxLength: 60 }), fc.boolean(), fc.boolean(), (perBatch, cuts, codegen, restart) => {
    let stage = createDecodeStage(specOf(contract, { codegen }), 0)
    const rows = []
    const letters = []
    for (let first = 0, cut = 0; first < all.length; cut += 1) {
      const part = all.slice(first, first + cuts[cut]!)
      const decoded = decodeAll(stage, [batchesOf(part, perBatch, first)], schemas)
      rows.push(...decoded.rows)
      letters.push(...decoded.deadLetters)
      first += part.length
      if (!restart) continue
      const state = stage.snapshot()
      stage = createDecodeStage(specOf(contract, { codegen }), 0)
      stage.restore(state)
    }
    assert.deepEqual(rows, whole.rows)
    assert.deepEqual(letters, whole.deadLetters)
  }), { numRuns: 100 })
})

test('only records from the range asked for are decoded, and only their schemas are asked for', () => {
  const bytes = batchesOf(Array.from({ length: 20 }, (_, i) => sent(i)), 8)
  for (const [from, to] of [[0, 20], [3, 17], [4, 5], [8, 8], [15, 100]] as const) {
    const { rows, deadLetters } = decodeAll(createDecodeStage(specOf(contract), 0), [bytes], schemas, from, to)
    assert.deepEqual([...rows, ...deadLetters].map(({ position }) => position).sort((a, b) => a - b), Array.from({ length: 20 }, (_, i) => i).filter(i => i >= from && i < to))
  }
  assert.deepEqual(decodeAll(createDecodeStage(specOf(contract), 0), [bytes], schemas, 4, 7).wanted, [1])
})

test('rows before a schema that must be asked for come first, and the stage waits for the answer', () => {
  const stage = createDecodeStage(specOf(contract), 0)
  stage.schema(1, contract)
  const out = new Outputs()
  stage.load(batchesOf([sent(0), sent(1), sent(3), sent(4)]), 0, 9)
  assert.equal(stage.next(out)?.count, 2)
  assert.equal(stage.next(out), null)
  assert.equal(stage.schemaWanted, 2)
  assert.equal(stage.next(out), null)
  stage.schema(2, older)
  assert.equal(stage.schemaWanted, null)
  assert.equal(stage.next(out)?.count, 2)
  assert.equal(stage.next(out), null)
})

test('a schema id in the header __value_schema_id is understood in each of its forms', () => {
  const body = encoders[0](reading(1)).slice(5)
  const id = Buffer.from([0, 0, 0, 1])
  for (const codegen of [true, false]) {
    const forms: Sent[] = [
      { value: body, headers: [['__value_schema_id', Buffer.concat([Buffer.from([0]), id])]] },
      { value: body, headers: [['a', null], ['__value_schema_id', id], ['b', Buffer.from('c')]] },
      { value: body, headers: [['__value_schema_id', Buffer.from([0, 0, 0, 0, 9])], ['__value_schema_id', id]] },
      { value: wire(1, body), headers: [['__key_schema_id', id]] },
    ]
    const { rows, deadLetters } = decodeAll(createDecodeStage(specOf(contract, { codegen }), 0), [batchesOf(forms)], schemas)
    assert.deepEqual(deadLetters, [])
    assert.deepEqual(rows.map(row => row.cells), Array.from({ length: 4 }, () => ['key 1', 1_700_000_000_001, 0.25, 'site 1']))
  }
})

test('arrival is the record timestamp, or its batch\'s under LogAppendTime', () => {
  const bytes = batchesOf([sent(0), sent(1)])
  assert.deepEqual(decodeAll(createDecodeStage(specOf(contract), 0), [bytes], schemas).rows.map(row => row.arrival), [5000, 5001])
  bytes[22]! |= 8
  assert.deepEqual(decodeAll(createDecodeStage(specOf(contract), 0), [bytes], schemas).rows.map(row => row.arrival), [5001, 5001])
})

test('control batches and part of a batch at the end are passed over', () => {
  const control = batchesOf([sent(0)], 1, 0)
  control[22]! |= 0x20
  const bytes = Buffer.concat([control, batchesOf([sent(1)], 1, 1), batchesOf([sent(2)], 1, 2).subarray(0, -3)])
  assert.deepEqual(decodeAll(createDecodeStage(specOf(contract), 0), [bytes], schemas).rows.map(row => row.position), [1])
})

test('a text column with more texts than it keeps is cleared between batches and stays right', () => {
  const many = Array.from({ length: 70_000 }, (_, i) => ({ value: encoders[0]({ k: 'a', t: i, value: null, site: `site ${i}` }) }))
  const { rows } = decodeAll(createDecodeStage(specOf(contract), 0), [batchesOf(many), batchesOf(many.slice(0, 3), 3, 70_000)], schemas)
  assert.equal(rows.length, 70_003)
  assert(rows.every((row, i) => row.cells[3] === `site ${i % 70_000}`))
})

const keyed = (type: unknown) => JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'k', type }, { name: 't', type: 'long' }] })
test('the key is the text of a field of any dense kind', () => {
  const cases: readonly (readonly [unknown, readonly unknown[], readonly string[]])[] = [
    ['string', ['', 'a', '\u00e9\ud83d\ude00', 'a'], ['', 'a', '\u00e9\ud83d\ude00', 'a']],
    ['int', [0, -5, 2147483647, -2147483648], ['0', '-5', '2147483647', '-2147483648']],
    ['long', [9007199254740991, -9007199254740991, 10, 99], ['9007199254740991', '-9007199254740991', '10', '99']],
    ['double', [1.5, -0, 1e300, 100], ['1.5', '0', '1e+300', '100']],
    ['boolean', [true, false], ['true', 'false']],
    [{ type: 'enum', name: 'E', symbols: ['X', 'Y'] }, ['Y', 'X', 'Y'], ['Y', 'X', 'Y']],
    [{ type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' }, ['01234567-89ab-cdef-0123-456789abcdef'], ['01234567-89ab-cdef-0123-456789abcdef']],
    [['null', 'string'], ['a', 'b'], ['a', 'b']],
  ]
  for (const codegen of [true, false]) {
    for (const fields of ['all', 'none'] as const) {
      for (const [type, values, texts] of cases) {
        const avro = keyed(type)
        const encode = createEncoder(avro, 1)
        const spec = specOf(avro, { codegen, fields: fields === 'all' ? contractFields(avro) : [] })
        const { rows, deadLetters } = decodeAll(createDecodeStage(spec, 0), [batchesOf(values.map(k => ({ value: encode({ k, t: 1 }) })))], new Map([[1, avro]]))
        assert.deepEqual(deadLetters, [])
        assert.deepEqual(rows.map(row => row.key), texts)
      }
    }
  }
})

test('a key of null is a dead letter', () => {
  for (const codegen of [true, false]) {
    const avro = keyed(['null', 'string'])
    const { rows, deadLetters } = decodeAll(createDecodeStage(specOf(avro, { codegen }), 0), [batchesOf([{ value: createEncoder(avro, 1)({ k: null, t: 1 }) }])], new Map([[1, avro]]))
    assert.deepEqual(rows, [])
    assert.deepEqual(deadLetters.map(letter => letter.reason), ['DECODE_KEY'])
  }
})

test('time is milliseconds, exact in whole ones, whatever the unit of its field', () => {
  const cases: readonly (readonly [type: unknown, unitMs: number, value: unknown, at: number])[] = [
    ['long', 1, 1_700_000_000_123, 1_700_000_000_123], ['long', 1000, 1_700_000_000, 1_700_000_000_000], ['int', 1000, 1_700_000_000, 1_700_000_000_000], ['double', 1000, 1_700_000_000.5, 1_700_000_000_500],
    ['long', 0.001, 1_700_000_000_123_000, 1_700_000_000_123], ['long', 1e-6, 1_700_000_000_123_000_000n, 1_700_000_000_123], ['long', 1e-6, -1_700_000_000_123_000_000n, -1_700_000_000_123],
    ['double', 0.001, 1_700_000_000_123_000, 1_700_000_000_123], ['long', 1, 0, 0], ['long', 1, -1, -1],
    [{ type: 'long', logicalType: 'timestamp-micros' }, 1, '2023-11-14T22:13:20.123Z', 1_700_000_000_123], [{ type: 'long', logicalType: 'timestamp-nanos' }, 1, '2023-11-14T22:13:20.123Z', 1_700_000_000_123],
    [{ type: 'long', logicalType: 'local-timestamp-nanos' }, 1, '1969-12-31T23:59:59.999', -1], [{ type: 'int', logicalType: 'date' }, 1, '2023-11-14', 1_699_920_000_000],
  ]
  for (const codegen of [true, false]) {
    for (const [type, unitMs, value, at] of cases) {
      const avro = JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'k', type: 'string' }, { name: 't', type }] })
      const spec: DecodeSpec = specOf(avro, { codegen, time: { field: 't', unitMs } })
      const { rows, deadLetters } = decodeAll(createDecodeStage(spec, 0), [batchesOf([{ value: createEncoder(avro, 1)({ k: 'a', t: value }) }])], new Map([[1, avro]]))
      assert.deepEqual(deadLetters, [])
      assert.equal(rows[0]!.at, at, JSON.stringify([type, unitMs, String(value)]))
    }
  }
})

test('timestamps are read by the unit the writer names, whatever unit the contract names', () => {
  const avro = (logicalType: string) => JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'k', type: 'string' }, { name: 't', type: { type: 'long', logicalType } }] })
  for (const codegen of [true, false]) {
    const { rows } = decodeAll(createDecodeStage(specOf(avro('timestamp-millis'), { codegen }), 0), [batchesOf([{ value: createEncoder(avro('timestamp-micros'), 1)({ k: 'a', t: 5_000_000 }) }])], new Map([[1, avro('timestamp-micros')]]))
    assert.equal(rows[0]!.at, 5000)
  }
})

test('a decimal of another scale does not fit the contract', () => {
  const avro = (scale: number) => JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'k', type: 'string' }, { name: 't', type: 'long' }, { name: 'd', type: { type: 'bytes', logicalType: 'decimal', precision: 6, scale } }] })
  const { deadLetters } = decodeAll(createDecodeStage(specOf(avro(2)), 0), [batchesOf([{ value: createEncoder(avro(3), 1)({ k: 'a', t: 1, d: '1.234' }) }])], new Map([[1, avro(3)]]))
  assert.equal(deadLetters[0]?.reason, 'DECODE_SCHEMA_INCOMPATIBLE')
  assert.match(deadLetters[0].message, /field="d".*scale/)
})

test('longs beyond 2^53 are bigints in a value column', () => {
  const avro = JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'k', type: 'string' }, { name: 't', type: 'long' }, { name: 'a', type: { type: 'array', items: 'long' } }] })
  const a = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 5n]
  const { rows } = decodeAll(createDecodeStage(specOf(avro), 0), [batchesOf([{ value: createEncoder(avro, 1)({ k: 'a', t: 1, a }) }])], new Map([[1, avro]]))
  assert.deepEqual(rows[0]!.cells[2], [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 5])
})

test('a contract that lacks what the definition reads is refused when the stage is made', () => {
  const make = (more: Partial<DecodeSpec>) => () => createDecodeStage(specOf(contract, more), 0)
  assert.throws(make({ key: 'nobody' }), { code: 'DECODE_FIELD', message: /nobody/ })
  assert.throws(make({ time: { field: 'k', unitMs: 1 } }), { code: 'DECODE_FIELD', message: /field="k".*number/ })
  assert.throws(make({ fields: [{ name: 'value', path: ['value'], kind: 'text', unit: null, nullable: true }] }), { code: 'DECODE_FIELD', message: /text/ })
  assert.throws(make({ contract: '{' }), { code: 'SCHEMA_INVALID' })
})

test('a schema of very many fields is read by closures beyond what is worth inlining', () => {
  const avro = JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'k', type: 'string' }, ...Array.from({ length: 500 }, (_, i) => ({ name: `f${i}`, type: ['int', 'double', 'string', ['null', 'long']][i % 4] })), { name: 't', type: 'long' }] })
  const value = { k: 'a', t: 5, ...Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, [i, i / 2, `t${i}`, i % 8 < 4 ? null : i][i % 4]])) }
  for (const codegen of [true, false]) {
    const { rows } = decodeAll(createDecodeStage(specOf(avro, { codegen }), 0), [batchesOf([{ value: createEncoder(avro, 1)(value) }])], new Map([[1, avro]]))
    assert.deepEqual(rows[0]!.cells, contractFields(avro).map(({ name }) => (value as Record<string, unknown>)[name]))
  }
})

test('where the process forbids code generation the stage decodes all the same', () => {
  const here = (file: string) => JSON.stringify(new URL(file, import.meta.url).href)
  const bytes = Buffer.from(encoders[0](reading(1))).toString('hex')
  const script = `import { createDecodeStage } from ${here('../../../pipelines/decode/decoder.ts')}
    import { batchesOf, decodeAll, specOf } from ${here('./kit.ts')}
    const contract = ${JSON.stringify(contract)}
    const { rows } = decodeAll(createDecodeStage(specOf(contract), 0), [batchesOf([{ value: Buffer.from('${bytes}', 'hex') }])], new Map([[1, contract]]))
    console.log(JSON.stringify(rows[0].cells))`
  const out = execFileSync(process.execPath, ['--disallow-code-generation-from-strings', '--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.deepEqual(JSON.parse(out), ['key 1', 1_700_000_000_001, 0.25, 'site 1'])
})
