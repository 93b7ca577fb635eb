import avsc from 'avsc'
import { Outputs } from '../pipelines/core/outputs.ts'
import { records } from '../pipelines/core/record-batch.ts'
import { type DecodeSpec, decodeLimits } from '../pipelines/core/spec.ts'
import { contractFields } from '../pipelines/decode/contract.ts'
import { createDecodeStage } from '../pipelines/decode/decoder.ts'
import { bestRate, report } from './kit.ts'
import { readingBatches } from './readings.ts'

/** What decoding costs per record, from record batches in memory to columns, against avsc on the same record batches. */

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
  stage.schema(2, writer)
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

/** The peer doing the same: find each record in its batch, decode its value, give its key a number. No checks, no columns. */
function avscRate (loads: readonly Uint8Array[]): number {
  const type = avsc.Type.forSchema(JSON.parse(contract) as avsc.Schema)
  const keys = new Map<string, number>()
  let sum = 0
  return bestRate(() => {
    let rows = 0
    for (const load of loads) {
      const bytes = Buffer.from(load.buffer, load.byteOffset, load.length)
      rows += eachValue(bytes, (from, to) => {
        const { sensorId, value } = type.fromBuffer(bytes.subarray(from, to)) as { sensorId: string, value: number }
        const key = keys.get(sensorId)
        if (key === undefined) keys.set(sensorId, keys.size)
        sum += value + (key ?? 0)
      })
    }
    return Number.isNaN(sum) ? 0 : rows
  })
}

/** The peer alone: every value lies ready in a Buffer of its own, nobody has to find it. */
function avscBareRate (batches: readonly Uint8Array[]): number {
  const type = avsc.Type.forSchema(JSON.parse(contract) as avsc.Schema)
  const values = batches.flatMap(bytes => Array.from(records(bytes), ({ value }) => Buffer.from(value!.subarray(5))))
  let sum = 0
  return bestRate(() => {
    for (const value of values) sum += (type.fromBuffer(value) as { value: number }).value
    return Number.isNaN(sum) ? 0 : values.length
  })
}

/** As plain and quick as a walk over record batches gets. */
function eachValue (bytes: Buffer, take: (from: number, to: number) => void): number {
  let at = 0
  let rows = 0
  const varint = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      value |= (byte & 127) << shift
      if (byte < 128) return (value >>> 1) ^ -(value & 1)
    }
  }
  for (let from = 0; from < bytes.length; from += 12 + bytes.readInt32BE(from + 8)) {
    at = from + 61
    for (let left = bytes.readInt32BE(from + 57); left > 0; left -= 1) {
      const length = varint()
      const end = at + length
      at += 1
      varint()
      varint()
      const key = varint()
      at += key
      const value = varint()
      take(at + 5, at + value)
      at = end
      rows += 1
    }
  }
  return rows
}

/** Every other record under another id of the same schema. */
function alternating (batches: readonly Uint8Array[]): readonly Uint8Array[] {
  return batches.map(bytes => {
    const copy = bytes.slice()
    for (const { value, offset } of records(bytes)) if (offset % 2 === 0) copy[value!.byteOffset - bytes.byteOffset + 4] = 2
    return copy
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
const avscPerSecond = avscRate(loads)
const perSecond = stageRate(loads)
const peer = { name: 'avsc and a Map of keys', value: avscPerSecond }
report({ id: 'decode', what: 'record batches to columns, 4 fields, 10 k keys', value: perSecond, unit: 'records/s', peer, goal: `>= ${goalRatio}x`, met: perSecond >= goalRatio * avscPerSecond })
report({ id: 'decode.bare', what: 'the same, against avsc alone on values that lie ready', value: perSecond, unit: 'records/s', peer: { name: 'avsc fromBuffer', value: avscBareRate(tenThousand) } })
report({ id: 'decode.projection', what: 'the same, key and time and one value', value: stageRate(loads, { fields: ['value'] }), unit: 'records/s', peer })
report({ id: 'decode.keys1M', what: 'the same with 400 k keys', value: stageRate(loadsOf(readingBatches({ records: count, keys: count }))), unit: 'records/s', peer })
report({ id: 'decode.poison', what: 'the same with one record in a hundred poisoned', value: stageRate(loadsOf(spoiled(tenThousand))), unit: 'records/s', peer })
report({ id: 'decode.mixed', what: 'the same from writers of two schemas that take turns', value: stageRate(loadsOf(alternating(tenThousand))), unit: 'records/s', peer })
report({ id: 'decode.closures', what: 'the same without code generation', value: stageRate(loads, { codegen: false }), unit: 'records/s', peer })
