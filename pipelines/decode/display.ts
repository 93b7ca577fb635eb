import avsc from 'avsc'
import { StreamError } from '../core/errors.ts'

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
 * Shape:  Confluent wire format in; records as objects, bytes as hexadecimal text, unions as the bare value
 * Errors: DECODE_TRUNCATED for anything that is not a datum of the schema
 */
export function createDisplay (avro: string): (value: Uint8Array) => unknown {
  const type = avsc.Type.forSchema(JSON.parse(avro) as avsc.Schema, {
    wrapUnions: true,
    typeHook: schema => schema === 'long' || (typeof schema === 'object' && 'type' in schema && schema.type === 'long') ? longType : undefined,
  })
  return value => {
    try {
      return plain(type.fromBuffer(Buffer.from(value.subarray(headerBytes))))
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

/** Id in the header of a Confluent wire-format value; null when it is not one. */
export function schemaIdOf (value: Uint8Array): number | null {
  if (value.length < headerBytes || value[0] !== 0) return null
  return new DataView(value.buffer, value.byteOffset, value.byteLength).getInt32(1)
}
