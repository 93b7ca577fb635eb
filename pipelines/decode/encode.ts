import avsc from 'avsc'
import { StreamError } from '../core/errors.ts'
import { words } from './contract.ts'
import { civilText, decimalBytes } from './logical.ts'
import { type AvroType, type Fixed, type Logical, type Primitive, parseSchema, type RecordOf, type Union } from './schema.ts'

const prefixBytes = 5
const int32Max = 2 ** 31
const int64Max = 2n ** 63n

/** Longs as BigInt, so that every one of the 2^64 can be written. */
const longType = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => { const bytes = Buffer.alloc(8); bytes.writeBigInt64LE(value); return bytes },
  fromJSON: (value: number) => BigInt(value),
  toJSON: (value: bigint) => Number(value),
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => a === b ? 0 : a < b ? -1 : 1,
})

/** Also where the long has a logical type, which a registry entry would not catch. */
const typeHook = (schema: avsc.Schema) => schema === 'long' || (typeof schema === 'object' && 'type' in schema && schema.type === 'long') ? longType : undefined

/** Plain JSON to the bytes of a record's value. */
export type Encoder = (value: unknown) => Uint8Array

/**
 * An encoder for one contract, in the Confluent wire format. Off the hot path: replay, simulator, tests, tables.
 *
 * Shape:  an object with the contract's fields; nullable fields take the bare value and may be absent; unions take the first
 *         branch that fits; maps are objects; bytes are Uint8Array or text of characters up to U+00FF
 * Units:  numbers as the contract has them; timestamps, dates and times of day also as ISO text (without a zone: UTC),
 *         decimals as number or text, longs beyond 2^53 as bigint or text of digits
 * Errors: ENCODE_VALUE naming the field; SCHEMA_INVALID
 */
export function createEncoder (avro: string, schemaId: number): Encoder {
  const type = parseSchema(avro)
  const writer = avscType(avro)
  return value => {
    const body = writer.toBuffer(convert(type, value, ''))
    const bytes = new Uint8Array(prefixBytes + body.length)
    new DataView(bytes.buffer).setInt32(1, schemaId)
    bytes.set(body, prefixBytes)
    return bytes
  }
}

function avscType (avro: string): avsc.Type {
  try {
    return avsc.Type.forSchema(JSON.parse(avro) as avsc.Schema, { wrapUnions: true, typeHook })
  } catch (cause) {
    throw new StreamError('SCHEMA_INVALID', { problem: cause instanceof Error ? cause.message : String(cause) }, { cause })
  }
}

function convert (type: AvroType, value: unknown, at: string): unknown {
  switch (type.kind) {
    case 'null': return value === null ? null : unfit(type, value, at)
    case 'boolean': return typeof value === 'boolean' ? value : unfit(type, value, at)
    case 'int': return integer(type, value, at)
    case 'long': return long(type, value, at)
    case 'float': case 'double': return typeof value === 'number' ? value : unfit(type, value, at)
    case 'string': return typeof value === 'string' && value.isWellFormed() ? value : unfit(type, value, at)
    case 'bytes': return type.logical?.name === 'decimal' ? Buffer.from(decimal(type, type.logical, null, value, at)) : blob(type, value, at)
    case 'fixed': return fixed(type, value, at)
    case 'enum': return typeof value === 'string' && type.symbols.includes(value) ? value : unfit(type, value, at, { symbols: type.symbols })
    case 'array': return Array.isArray(value) ? value.map((item, index) => convert(type.items, item, `${at}[${index}]`)) : unfit(type, value, at)
    case 'map': return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, convert(type.values, item, `${at}.${key}`)])) : unfit(type, value, at)
    case 'record': return record(type, value, at)
    case 'union': return union(type, value, at)
  }
}

function record (type: RecordOf, value: unknown, at: string): unknown {
  if (!isObject(value)) unfit(type, value, at)
  const given = value as Readonly<Record<string, unknown>>
  const result: Record<string, unknown> = {}
  for (const field of type.fields) {
    const path = at === '' ? field.name : `${at}.${field.name}`
    const item = Object.hasOwn(given, field.name) ? given[field.name] : undefined
    if (item !== undefined) result[field.name] = convert(field.type, item, path)
    else if (field.otherwise === undefined) result[field.name] = absent(field.type, path)
  }
  return result
}

function absent (type: AvroType, path: string): null {
  if (type.kind === 'null' || (type.kind === 'union' && type.branches.some(branch => branch.kind === 'null'))) return null
  throw new StreamError('ENCODE_VALUE', { field: path, expected: words(type), given: 'nothing' })
}

function union (type: Union, value: unknown, at: string): unknown {
  if (value === null) return type.branches.some(branch => branch.kind === 'null') ? null : unfit(type, value, at)
  const candidates = type.branches.filter(branch => branch.kind !== 'null')
  const wrapped = isObject(value) && Object.keys(value).length === 1 ? candidates.find(branch => branchName(branch) === Object.keys(value)[0]) : undefined
  if (wrapped !== undefined) return { [branchName(wrapped)]: convert(wrapped, Object.values(value as object)[0], at) }
  for (const branch of candidates) {
    try {
      return { [branchName(branch)]: convert(branch, value, at) }
    } catch (problem) {
      // With one candidate its own message is the better one: it names the inner field.
      if (candidates.length === 1 || !(problem instanceof StreamError)) throw problem
    }
  }
  return unfit(type, value, at)
}

const branchName = (type: AvroType) => 'fullName' in type ? type.fullName : type.kind

function integer (type: Primitive, value: unknown, at: string): number {
  const number = typeof value === 'string' && type.logical !== null ? Number(civilText(type.logical.name, value) ?? Number.NaN) : value
  return typeof number === 'number' && Number.isInteger(number) && number >= -int32Max && number < int32Max ? number : unfit(type, value, at)
}

function long (type: Primitive, value: unknown, at: string): bigint {
  const whole = typeof value === 'bigint' ? value
    : typeof value === 'number' ? (Number.isSafeInteger(value) ? BigInt(value) : null)
    : typeof value !== 'string' ? null
    : type.logical !== null ? civilText(type.logical.name, value)
    : /^-?\d{1,19}$/.test(value) ? BigInt(value) : null
  return whole !== null && whole >= -int64Max && whole < int64Max ? whole : unfit(type, value, at)
}

function fixed (type: Fixed, value: unknown, at: string): Buffer {
  if (type.logical?.name === 'decimal') return Buffer.from(decimal(type, type.logical, type.size, value, at))
  if (type.logical?.name === 'uuid' && typeof value === 'string') return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value) ? Buffer.from(value.replaceAll('-', ''), 'hex') : unfit(type, value, at)
  if (type.logical?.name === 'duration' && isObject(value) && !(value instanceof Uint8Array)) return duration(type, value, at)
  const bytes = blob(type, value, at)
  return bytes.length === type.size ? bytes : unfit(type, value, at)
}

function duration (type: Fixed, value: Readonly<Record<string, unknown>>, at: string): Buffer {
  const bytes = Buffer.alloc(12)
  for (const [index, part] of (['months', 'days', 'millis'] as const).entries()) {
    const amount = value[part] ?? 0
    if (typeof amount !== 'number' || !Number.isInteger(amount) || amount < 0 || amount >= 2 ** 32) unfit(type, value, at)
    bytes.writeUInt32LE(amount as number, index * 4)
  }
  return bytes
}

function blob (type: AvroType, value: unknown, at: string): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Avro's JSON form of bytes is one character per byte
  return typeof value === 'string' && /^[\u0000-\u00ff]*$/.test(value) ? Buffer.from(value, 'latin1') : unfit(type, value, at)
}

function decimal (type: AvroType, logical: Logical, size: number | null, value: unknown, at: string): Uint8Array {
  if (value instanceof Uint8Array) return value
  const text = typeof value === 'number' || typeof value === 'string' ? decimalBytes(String(value), logical, size) : null
  return text ?? unfit(type, value, at, { scale: logical.scale, precision: logical.precision })
}

function unfit (type: AvroType, value: unknown, at: string, more: Readonly<Record<string, unknown>> = {}): never {
  throw new StreamError('ENCODE_VALUE', { field: at || '(top)', expected: words(type), given: shown(value), ...more })
}

function shown (value: unknown): unknown {
  if (typeof value === 'string') return value.length > 60 ? `${value.slice(0, 60)}...` : value
  return value === null || typeof value === 'number' || typeof value === 'boolean' ? value : typeof value === 'bigint' ? String(value) : Array.isArray(value) ? 'an array' : `an ${typeof value}`
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)
