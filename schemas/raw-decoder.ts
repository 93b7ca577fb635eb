import avsc from 'avsc'
import { bufferOf } from './codec.ts'

/** Longs whole, as bigint. */
const longType = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => { const bytes = Buffer.alloc(8); bytes.writeBigInt64LE(value); return bytes },
  fromJSON: (value: number) => BigInt(value),
  toJSON: (value: bigint) => value.toString(),
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => Number(a > b) - Number(a < b),
})

/** Names of types are kept in the options, so they are another reading's own. */
const options = () => ({
  wrapUnions: true,
  typeHook: (schema: avsc.Schema) => schema === 'long' || (typeof schema === 'object' && 'type' in schema && schema.type === 'long') ? longType : undefined,
})

/**
 * Records of one schema as another has them: every field, whatever its type, off the hot path.
 *
 * Shape:  Avro bytes without any prefix in; longs as bigint, bytes and fixed as Uint8Array, enums as text, unions as the bare value
 * Errors: throws for a pair that does not resolve, and for bytes that are no datum of the writer's schema
 */
export function rawDecoder (writer: string, reader: string): (bytes: Uint8Array) => Readonly<Record<string, unknown>> {
  const [from, to] = [avsc.Type.forSchema(JSON.parse(writer) as avsc.Schema, options()), avsc.Type.forSchema(JSON.parse(reader) as avsc.Schema, options())]
  const resolver = to.createResolver(from)
  return bytes => bare(to.fromBuffer(bufferOf(bytes), resolver)) as Readonly<Record<string, unknown>>
}

function bare (value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(bare)
  if ('unwrap' in value && typeof value.unwrap === 'function') return bare(value.unwrap())
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, bare(inner)]))
}
