import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import fc from 'fast-check'
import { contractFields } from '../../../pipelines/decode/contract.ts'
import { createDecodeStage } from '../../../pipelines/decode/decoder.ts'
import { at, expected, type RecordSchema, SchemaMaker } from './arbitrary.ts'
import { batchesOf, decodeAll, specOf, wire } from './kit.ts'

const keyAndTime = [{ name: 'k', type: 'string' }, { name: 't', type: 'long' }] as const
const typeOf = (schema: RecordSchema) => avsc.Type.forSchema(schema as unknown as avsc.Schema, { wrapUnions: true })
const numbered = (value: unknown, kind: string) => kind === 'number' && value !== null ? Number(value) + 0 : value

test('random schemas, data and projections decode to what avsc reads, with and without code generation', () => {
  fc.assert(fc.property(fc.gen(), g => {
    const maker = new SchemaMaker(g)
    const schema = maker.record(3, keyAndTime)
    const contract = JSON.stringify(schema)
    const type = typeOf(schema)
    const values = Array.from({ length: 1 + g(fc.nat, { max: 4 }) }, () => maker.value(schema as never))
    const bodies = values.map(value => type.toBuffer(value))
    const fields = contractFields(contract).filter(() => g(fc.boolean))
    const bytes = batchesOf(bodies.map(body => ({ value: wire(5, body) })), 1 + g(fc.nat, { max: 4 }))
    for (const codegen of [true, false]) {
      const { rows, deadLetters } = decodeAll(createDecodeStage(specOf(contract, { fields, codegen }), 0), [bytes], new Map([[5, contract]]))
      assert.deepEqual(deadLetters.map(letter => letter.message), [])
      assert.equal(rows.length, values.length)
      rows.forEach((row, index) => {
        const whole = expected(schema as never, type.fromBuffer(bodies[index]!))
        assert.equal(row.key, at(whole, ['k']))
        assert.equal(row.at, at(whole, ['t']))
        assert.deepEqual(row.cells, fields.map(field => numbered(at(whole, field.path), field.kind)))
      })
    }
  }), { numRuns: 300 })
})

test('mutated bytes give the same rows and the same dead letters with and without code generation, each record once', () => {
  fc.assert(fc.property(fc.gen(), g => {
    const maker = new SchemaMaker(g)
    const schema = maker.record(2, keyAndTime)
    const contract = JSON.stringify(schema)
    const type = typeOf(schema)
    const bodies = Array.from({ length: 4 }, () => {
      const body = type.toBuffer(maker.value(schema as never))
      switch (g(fc.nat, { max: 4 })) {
        case 0: return body.subarray(0, g(fc.nat, { max: body.length }))
        case 1: return Buffer.concat([body, Buffer.from(g(fc.uint8Array, { minLength: 1, maxLength: 12 }))])
        case 2: { const copy = Buffer.from(body); copy[g(fc.nat, { max: body.length - 1 })] = g(fc.nat, { max: 255 }); return copy }
        case 3: { const copy = Buffer.from(body); const from = g(fc.nat, { max: body.length }); return copy.fill(g(fc.constantFrom, 0x80, 0xff, 0x01), from, Math.min(from + 12, body.length)) }
        default: return body
      }
    })
    const bytes = batchesOf(bodies.map(body => ({ value: wire(5, body) })), 1 + g(fc.nat, { max: 3 }))
    const fields = contractFields(contract).filter(() => g(fc.boolean))
    const [generated, closures] = [true, false].map(codegen => decodeAll(createDecodeStage(specOf(contract, { fields, codegen }), 0), [bytes], new Map([[5, contract]])))
    assert.deepEqual(generated, closures)
    assert.deepEqual([...generated!.rows, ...generated!.deadLetters].map(({ position }) => position).sort(), [0, 1, 2, 3])
  }), { numRuns: 500 })
})
