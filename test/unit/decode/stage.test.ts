import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cell } from '../../../pipelines/core/batch.ts'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import { type Headers, RecordBatchWriter } from '../../../pipelines/core/record-batch.ts'
import { type DecodeSpec, decodeLimits } from '../../../pipelines/core/spec.ts'
import { contractFields } from '../../../pipelines/decode/contract.ts'
import { createDecodeStage } from '../../../pipelines/decode/decoder.ts'
import { createEncoder } from '../../../pipelines/decode/encode.ts'

const reading = JSON.stringify({
  type: 'record', name: 'Reading', fields: [
    { name: 'sensorId', type: 'string' }, { name: 'ts', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'value', type: 'double' }, { name: 'quality', type: 'int' },
  ],
})
const spec = (codegen: boolean): DecodeSpec => ({
  source: 's', contract: reading, fields: contractFields(reading), key: 'sensorId', time: { field: 'ts', unitMs: 1 }, keysMax: 100, limits: decodeLimits, codegen,
})

for (const codegen of [true, false]) {
  test(`a stage turns record batches into columns (codegen ${codegen})`, () => {
    const encode = createEncoder(reading, 1)
    const writer = new RecordBatchWriter()
    for (let i = 0; i < 10; i += 1) writer.append(1000 + i, null, encode({ sensorId: `s${i % 3}`, ts: 1_700_000_000_000 + i, value: i / 2, quality: i - 5 }), i % 2 ? [['h', null]] as Headers : [])
    const bytes = writer.finish(100)
    const stage = createDecodeStage(spec(codegen), 0)
    const out = new Outputs()
    stage.load(bytes, 102, 108)
    assert.equal(stage.next(out), null)
    assert.equal(stage.schemaWanted, 1)
    stage.schema(1, reading)
    const batch = stage.next(out)!
    assert.equal(batch.count, 6)
    assert.deepEqual([...batch.position.subarray(0, 6)], [102, 103, 104, 105, 106, 107])
    assert.deepEqual([...batch.arrival.subarray(0, 2)], [1002, 1003])
    assert.equal(batch.at[0], 1_700_000_000_002)
    assert.deepEqual(batch.columns.map(column => cell(column, 1)), ['s0', 1_700_000_000_003, 1.5, -2])
    assert.equal(stage.keys.text(batch.key[1]!), 's0')
    assert.deepEqual(Buffer.from(bytes.subarray(batch.valueStart[0], batch.valueEnd[0])), Buffer.from(encode({ sensorId: 's2', ts: 1_700_000_000_002, value: 1, quality: -3 })))
    assert.equal(stage.next(out), null)
    assert.equal(stage.schemaWanted, null)
    assert.deepEqual(out.deadLetters, [])
  })
}
