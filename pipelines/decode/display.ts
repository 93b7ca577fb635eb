import avsc from 'avsc'
import { StreamError } from '../core/errors.ts'
import type { SchemaName } from '../core/journal.ts'
import type { Headers } from '../core/record-batch.ts'

const headerBytes = 5

/** Longs as numbers where they fit, else as text of digits. */
const longType = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => {
    const value = bytes.readBigInt64LE()
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
  },
  toBuffer: () => { throw new TypeError('for reading only') },
  fromJSON: (value: unknown) => value,
  toJSON: (value: unknown) => value,
  isValid: () => true,
  compare: () => 0,
})

/**
 * Values of a topic as plain JSON, for tools that show records to people. Not for untrusted speed: it makes objects.
 *
 * Shape:  Confluent wire format in, the Avro bytes from `from` on; records as objects, bytes as hexadecimal text, unions as the bare value
 * Errors: DECODE_TRUNCATED for anything that is not a datum of the schema
 */
export function createDisplay (avro: string): (value: Uint8Array, from?: number) => unknown {
  const type = avsc.Type.forSchema(JSON.parse(avro) as avsc.Schema, {
    wrapUnions: true,
    typeHook: schema => schema === 'long' || (typeof schema === 'object' && 'type' in schema && schema.type === 'long') ? longType : undefined,
  })
  return (value, from = headerBytes) => {
    try {
      return plain(type.fromBuffer(Buffer.from(value.subarray(from))))
    } catch (cause) {
      throw new StreamError('DECODE_TRUNCATED', { bytes: value.length }, { cause })
    }
  }
}

function plain (value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (isBranch(value)) return plain(value.unwrap())
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
  return value
}

/** How avsc gives the value of a union. */
function isBranch (value: unknown): value is { unwrap (): unknown } {
  return typeof value === 'object' && value !== null && 'unwrap' in value && typeof value.unwrap === 'function'
}

export interface NamedValue { readonly schema: SchemaName, /** Where the Avro bytes begin. */ readonly from: number }

/**
 * What a record calls its schema, as `headerSchemaId` has it for readings: by the header `__value_schema_id`, else by the value's prefix; null when
 * it does neither.
 */
export function namedValue (value: Uint8Array, headers: Headers): NamedValue | null {
  const header = headers.findLast(([name]) => name === '__value_schema_id')?.[1] ?? null
  const int32 = (bytes: Uint8Array, at: number) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(at)
  if (header !== null) {
    if (header.length === 17 && header[0] === 1) return { schema: Buffer.from(header.subarray(1)).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'), from: 0 }
    if (header.length === 5 && header[0] === 0) return { schema: int32(header, 1), from: 0 }
    return header.length === 4 ? { schema: int32(header, 0), from: 0 } : null
  }
  return value.length < headerBytes || value[0] !== 0 ? null : { schema: int32(value, 1), from: headerBytes }
}
