import avsc from 'avsc'
import { Outputs } from '../pipelines/core/outputs.ts'
import { records } from '../pipelines/core/record-batch.ts'
import { type DecodeSpec, decodeLimits } from '../pipelines/core/spec.ts'
import { contractFields } from '../pipelines/decode/contract.ts'
import { createDecodeStage } from '../pipelines/decode/decoder.ts'
import { bestRate, report } from './kit.ts'
import { readingBatches } from './readings.ts'

/** What decoding costs per record, from record batches in memory to columns, against avsc on the same values. */

const contract = JSON.stringify({
  type: 'record', name: 'Reading', fields: [
    { name: 'sensorId', type: 'string' }, { name: 'ts', type: { type: 'long', logicalType: 'timestamp-millis' } }, { name: 'value', type: 'double' }, { name: 'quality', type: 'int' },
  ],
})
const count = 400_000
const goalRatio = 5

interface Options { readonly codegen?: boolean, readonly fields?: readonly string[], readonly writer?: string }

/** Records per second of a stage over loads of bytes, as a leg would feed them. */
function stageRate (loads: readonly Uint8Array[], { codegen = true, fields, writer = contract }: Options = {}): number {
  const spec: DecodeSpec = {
    source: 'bench', contract, fields: contractFields(contract).filter(({ name }) => fields?.includes(name) ?? true), key: 'sensorId', time: { field: 'ts', unitMs: 1 },
    keysMax: 1 << 20, limits: decodeLimits, codegen,
  }
  const stage = createDecodeStage(spec, 0)
  stage.schema(1, writer)
  const out = new Outputs()
  return bestRate(() => {
    let rows = 0
    for (const bytes of loads) {
      stage.load(bytes, 0, Number.MAX_SAFE_INTEGER)
      for (let batch = stage.next(out); batch !== null; batch = stage.next(out)) rows += batch.count
    }
    if (rows + out.deadLetters.length < loads.length) throw new Error('nothing was decoded')
    out.clear()
    return rows
  })
}

/** Record batches joined into fetches of about a megabyte. */
function loadsOf (batches: readonly Uint8Array[], perLoad = 8): readonly Uint8Array[] {
  const loads: Uint8Array[] = []
  for (let first = 0; first < batches.length; first += perLoad) loads.push(Buffer.concat(batches.slice(first, first + perLoad)))
  return loads
}

/** The peer does less: no record headers, no keys, no checks; its values lie ready one by one. */
function avscRate (batches: readonly Uint8Array[]): number {
  const type = avsc.Type.forSchema(JSON.parse(contract) as avsc.Schema)
  const values = batches.flatMap(bytes => Array.from(records(bytes), ({ value }) => Buffer.from(value!.subarray(5))))
  let sum = 0
  return bestRate(() => {
    for (const value of values) sum += (type.fromBuffer(value) as { value: number }).value
    return Number.isNaN(sum) ? 0 : values.length
  })
}

/** One record in a hundred cut short. */
function spoiled (batches: readonly Uint8Array[]): readonly Uint8Array[] {
  return batches.map(bytes => {
    const copy = bytes.slice()
    let at = 0
    for (const { value, offset } of records(bytes)) {
      at += 1
      if (at % 100 === 0 && value !== null && offset >= 0) copy[value.byteOffset - bytes.byteOffset + 5] = 0x7e
    }
    return copy
  })
}

const tenThousand = readingBatches({ records: count, keys: 10_000 })
const loads = loadsOf(tenThousand)
const avscPerSecond = avscRate(tenThousand)
const perSecond = stageRate(loads)
const peer = { name: 'avsc fromBuffer', value: avscPerSecond }
report({ id: 'decode', what: 'record batches to columns, 4 fields, 10 k keys', value: perSecond, unit: 'records/s', peer, goal: `>= ${goalRatio}x`, met: perSecond >= goalRatio * avscPerSecond })
report({ id: 'decode.projection', what: 'the same, key and time and one value', value: stageRate(loads, { fields: ['value'] }), unit: 'records/s', peer })
report({ id: 'decode.keys1M', what: 'the same with 400 k keys', value: stageRate(loadsOf(readingBatches({ records: count, keys: count }))), unit: 'records/s', peer })
report({ id: 'decode.poison', what: 'the same with one record in a hundred poisoned', value: stageRate(loadsOf(spoiled(tenThousand))), unit: 'records/s', peer })
report({ id: 'decode.closures', what: 'the same without code generation', value: stageRate(loads, { codegen: false }), unit: 'records/s', peer })
