import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SchemaName } from '../../../pipelines/core/journal.ts'
import { createDecodeStage } from '../../../pipelines/decode/decoder.ts'
import { createEncoder } from '../../../pipelines/decode/encode.ts'
import { firstHandle, GuidTable } from '../../../pipelines/decode/guids.ts'
import { batchesOf, decodeAll, type Sent, specOf, wire } from './kit.ts'

const contract = JSON.stringify({ type: 'record', name: 'Reading', fields: [{ name: 'k', type: 'string' }, { name: 't', type: 'long' }, { name: 'site', type: 'string', default: 'none' }] })
const older = JSON.stringify({ type: 'record', name: 'Reading', fields: [{ name: 't', type: 'long' }, { name: 'k', type: 'string' }] })
const bodies = [contract, older].map(schema => createEncoder(schema, 1)({ k: 'k', t: 5, site: 'a' }).slice(5)) as [Uint8Array, Uint8Array]
const guid = (number: number) => `00112233-4455-8677-8899-${number.toString(16).padStart(12, '0')}`
const header = (number: number) => [['trace', null], ['__value_schema_id', Buffer.from(`01${guid(number).replaceAll('-', '')}`, 'hex')]] as const

for (const codegen of [true, false]) {
  test(`a GUID in the header names the schema where the value has no prefix, and goes before one it has (codegen ${codegen})`, () => {
    const schemas = new Map<SchemaName, string | null>([[guid(1), contract], [guid(2), older], [3, contract]])
    // All forms take turns, as old and new writers do.
    const sent: readonly Sent[] = Array.from({ length: 40 }, (_, i) => [{ value: bodies[0], headers: header(1) }, { value: bodies[1], headers: header(2) }, { value: wire(3, bodies[0]) }, { value: bodies[0], headers: header(9) }][i % 4]!)
    const stage = createDecodeStage(specOf(contract, { codegen }), 0)
    const { rows, deadLetters, wanted } = decodeAll(stage, [batchesOf(sent, 7)], schemas)
    assert.deepEqual(wanted, [guid(1), guid(2), 3, guid(9)])
    assert.deepEqual(rows.slice(0, 3).map(({ cells }) => cells[2]), ['a', 'none', 'a'])
    assert.equal(rows.length, 30)
    assert.deepEqual(deadLetters.map(({ reason, schemaId }) => [reason, schemaId]), Array.from({ length: 10 }, () => ['DECODE_SCHEMA_UNKNOWN', null]))
    assert(deadLetters[0]!.message.includes(guid(9)))
    assert.deepEqual(stage.schemasUnknown, [guid(9)])
    const restored = createDecodeStage(specOf(contract, { codegen }), 0)
    restored.restore(stage.snapshot())
    assert.deepEqual(decodeAll(restored, [batchesOf(sent, 7)]).wanted, [], 'a restored stage asks for none of them again')
  })

  test(`a forged id that looks like the number of a GUID is no GUID (codegen ${codegen})`, () => {
    const sent: readonly Sent[] = [{ value: bodies[0], headers: header(1) }, ...[firstHandle, firstHandle - 1, -1, -(2 ** 31)].map(id => ({ value: wire(id, bodies[0]) })), { value: bodies[0], headers: header(1) }]
    const { rows, deadLetters } = decodeAll(createDecodeStage(specOf(contract, { codegen }), 0), [batchesOf(sent)], new Map([[guid(1), contract]]))
    assert.equal(rows.length, 2)
    assert.deepEqual(deadLetters.map(({ schemaId }) => schemaId), [firstHandle, firstHandle - 1, -1, -(2 ** 31)])
  })

  test(`any number of forged GUIDs is held in bounds and mistaken for none (codegen ${codegen})`, () => {
    const sent: readonly Sent[] = Array.from({ length: 20_000 }, (_, i) => ({ value: bodies[0], headers: header(i % 50 === 0 ? 1 : 100 + i) }))
    const stage = createDecodeStage(specOf(contract, { codegen }), 0)
    const { rows, deadLetters } = decodeAll(stage, [batchesOf(sent)], new Map([[guid(1), contract]]))
    assert.deepEqual([rows.length, deadLetters.length], [400, 19_600])
    assert(stage.schemasUnknown.length <= 4096)
  })
}

test('GUID table: a handle stands for one GUID for ever', () => {
  const table = new GuidTable()
  const bytes = Buffer.alloc(16)
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
  const seen = new Map<number, string>()
  for (let i = 0; i < 10_000; i += 1) {
    bytes.writeUInt32BE(i * 7919, i % 2 === 0 ? 0 : 12)
    const handle = table.handle(view, 0)
    assert(handle <= firstHandle)
    assert.equal(table.handle(view, 0), handle)
    assert.equal(table.text(handle)!.replaceAll('-', ''), bytes.toString('hex'))
    assert.equal(seen.get(handle) ?? bytes.toString('hex'), bytes.toString('hex'))
    seen.set(handle, bytes.toString('hex'))
  }
})
