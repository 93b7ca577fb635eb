import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { contractFields } from '../../../pipelines/decode/contract.ts'
import { createDecodeStage } from '../../../pipelines/decode/decoder.ts'
import { at } from './arbitrary.ts'
import { batchesOf, decodeAll, specOf, wire } from './kit.ts'

interface Vector { readonly name: string, readonly writer: unknown, readonly reader: unknown, readonly hex: string, readonly result?: unknown, readonly error?: string }
const vectors = readFileSync(new URL('../../data/avro/vectors.jsonl', import.meta.url), 'utf8').trim().split('\n').map(line => JSON.parse(line) as Vector)

for (const codegen of [true, false]) {
  test(`schemas resolve as Java's Avro resolves them (codegen ${codegen})`, () => {
    assert(vectors.length > 400)
    for (const { name, writer, reader, hex, result, error } of vectors) {
      const contract = JSON.stringify(reader)
      const fields = contractFields(contract)
      const bytes = batchesOf([{ value: wire(1, Buffer.from(hex, 'hex')) }])
      const { rows, deadLetters } = decodeAll(createDecodeStage(specOf(contract, { fields, codegen }), 0), [bytes], new Map([[1, JSON.stringify(writer)]]))
      if (error !== undefined) {
        assert.equal(rows.length, 0, name)
        assert(['DECODE_SCHEMA_INCOMPATIBLE', 'DECODE_UNRESOLVED'].includes(deadLetters[0]!.reason), name)
        continue
      }
      assert.deepEqual(deadLetters.map(letter => letter.message), [], name)
      const expected = fields.map(field => { const value = at(result, field.path); return field.kind === 'number' && value !== null ? value as number + 0 : value })
      assert.deepEqual(rows[0]!.cells, expected, `${name}: ${JSON.stringify(writer)} read as ${contract}`)
    }
  })
}
