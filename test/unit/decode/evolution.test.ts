import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import fc from 'fast-check'
import { contractFields } from '../../../pipelines/decode/contract.ts'
import { createDecodeStage } from '../../../pipelines/decode/decoder.ts'
import { at, evolved, expected, type RecordSchema, SchemaMaker } from './arbitrary.ts'
import { batchesOf, decodeAll, specOf, wire } from './kit.ts'

const keyAndTime = [{ name: 'k', type: 'string' }, { name: 't', type: 'long' }] as const
const typeOf = (schema: unknown) => avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: true })
test('what a writer wrote is read under a later contract as avsc resolves it', () => {
  let compared = 0
  fc.assert(fc.property(fc.gen(), g => {
    const maker = new SchemaMaker(g)
    const writer = maker.record(3, keyAndTime)
    const reader = evolved(g, writer, true) as RecordSchema
    if (ambiguous(reader)) return
    const contract = JSON.stringify(reader)
    const [writes, reads] = [typeOf(writer), typeOf(reader)]
    const bodies = Array.from({ length: 3 }, () => writes.toBuffer(maker.value(writer as never)))
    let resolver: ReturnType<typeof reads.createResolver>
    try { resolver = reads.createResolver(writes) } catch { return }
    const fields = contractFields(contract)
    const bytes = batchesOf(bodies.map(body => ({ value: wire(9, body) })))
    for (const codegen of [true, false]) {
      const { rows, deadLetters } = decodeAll(createDecodeStage(specOf(contract, { fields, codegen }), 0), [bytes], new Map([[9, JSON.stringify(writer)]]))
      const good = bodies.map((body, position) => ({ position, whole: orNothing(() => expected(reader as never, reads.fromBuffer(body, resolver))) }))
      for (const { position, whole } of good) {
        const row = rows.find(candidate => candidate.position === position)
        const letter = deadLetters.find(candidate => candidate.position === position)
        assert((row === undefined) !== (letter === undefined))
        // Bytes read as text must be UTF-8, and a float too large for its promotion is not finite: avsc lets both pass.
        if (letter !== undefined && ['DECODE_UTF8', 'DECODE_NOT_FINITE'].includes(letter.reason)) continue
        if (whole === undefined || row === undefined) { assert.equal(letter?.reason, whole === undefined ? 'DECODE_UNRESOLVED' : undefined, letter?.message); continue }
        compared += 1
        assert.deepEqual(row.cells, fields.map(field => field.kind === 'number' && at(whole, field.path) !== null ? Number(at(whole, field.path)) + 0 : at(whole, field.path)))
      }
    }
  }), { numRuns: 300 })
  assert(compared > 300)
})

/** avsc takes the first branch that a value may be promoted to, Avro the one of its own type: Java's vectors cover those. */
function ambiguous (type: unknown): boolean {
  if (typeof type !== 'object' || type === null) return false
  if (!Array.isArray(type)) return Object.values(type).some(ambiguous)
  const kinds = type.map(branch => typeof branch === 'object' && branch !== null && 'type' in branch ? branch.type : branch)
  return kinds.filter(kind => ['int', 'long', 'float', 'double'].includes(kind)).length > 1 || (kinds.includes('string') && kinds.includes('bytes')) || type.some(ambiguous)
}

function orNothing<T> (make: () => T): T | undefined {
  try { return make() } catch { return undefined }
}
