import { type Batch, cell } from '../../../pipelines/core/batch.ts'
import type { SchemaName } from '../../../pipelines/core/journal.ts'
import { type DeadLetterOutput, Outputs } from '../../../pipelines/core/outputs.ts'
import { type Headers, RecordBatchWriter } from '../../../pipelines/core/record-batch.ts'
import { type DecodeSpec, decodeLimits } from '../../../pipelines/core/spec.ts'
import type { DecodeStage } from '../../../pipelines/core/stage.ts'
import { contractFields } from '../../../pipelines/decode/contract.ts'

export interface Sent { readonly value: Uint8Array | null, readonly timestamp?: number, readonly key?: Uint8Array | null, readonly headers?: Headers }

/** Record batches of at most `perBatch` records, one after another, offsets from `baseOffset` on. */
export function batchesOf (sent: readonly Sent[], perBatch = 1000, baseOffset = 0): Uint8Array {
  const parts: Uint8Array[] = []
  const writer = new RecordBatchWriter()
  for (let first = 0; first < sent.length; first += perBatch) {
    writer.reset()
    for (const { value, timestamp = 1000, key = null, headers = [] } of sent.slice(first, first + perBatch)) writer.append(timestamp, key, value, headers)
    parts.push(writer.finish(baseOffset + first).slice())
  }
  return Buffer.concat(parts)
}

export const wire = (schemaId: number, body: Uint8Array) => { const prefix = Buffer.alloc(5); prefix.writeInt32BE(schemaId, 1); return Buffer.concat([prefix, body]) }

export function specOf (contract: string, more: Partial<DecodeSpec> = {}): DecodeSpec {
  return { source: 's', contract, fields: contractFields(contract), key: 'k', time: { field: 't', unitMs: 1 }, keysMax: 10_000, limits: decodeLimits, codegen: true, ...more }
}

export interface Row { readonly position: number, readonly key: string, readonly at: number, readonly arrival: number, readonly cells: readonly unknown[], readonly value: string }
export interface Decoded { readonly rows: readonly Row[], readonly deadLetters: readonly DeadLetterOutput[], readonly wanted: readonly SchemaName[] }

/** Play loads through a stage, answering what it asks of the registry. */
export function decodeAll (stage: DecodeStage, loads: readonly Uint8Array[], schemas: ReadonlyMap<SchemaName, string | null> = new Map(), from = 0, to = Number.MAX_SAFE_INTEGER): Decoded {
  const out = new Outputs()
  const rows: Row[] = []
  const wanted: SchemaName[] = []
  for (const bytes of loads) {
    stage.load(bytes, from, to)
    for (;;) {
      const batch = stage.next(out)
      if (batch !== null) rows.push(...rowsOf(stage, batch))
      else if (stage.schemaWanted === null) break
      else {
        wanted.push(stage.schemaWanted)
        stage.schema(stage.schemaWanted, schemas.get(stage.schemaWanted) ?? null)
      }
    }
  }
  return { rows, deadLetters: [...out.deadLetters], wanted }
}

export function rowsOf (stage: DecodeStage, batch: Batch): Row[] {
  return Array.from({ length: batch.count }, (_, row) => ({
    position: batch.position[row]!, key: stage.keys.text(batch.key[row]!), at: batch.at[row]!, arrival: batch.arrival[row]!,
    cells: batch.columns.map(column => plain(cell(column, row))), value: Buffer.from(batch.bytes.subarray(batch.valueStart[row], batch.valueEnd[row])).toString('hex'),
  }))
}

/** Objects with a prototype, for comparing; bytes as hexadecimal text. */
export function plain (value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
  return value
}
