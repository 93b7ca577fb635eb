import { StreamError } from '../../pipelines/core/errors.ts'
import { snakeCase } from '../../pipelines/core/lake-names.ts'
import type { AvroType, Fixed, Logical, Primitive, RecordOf, Union } from '../../schemas/avro-schema.ts'
import { bigintCell, boolCell, dateCell, decimalCell, doubleCell, durationCell, floatCell, intCell, listCell, mapCell, textCell, timeCell, uuidCell } from './avro-cells.ts'
import type { CqlType, ScalarType } from './table.ts'

/**
 * A type of CQL for a type of Avro, and how a value gets there. Values are as `rawDecoder` of `schemas` gives them: longs as bigint, bytes and fixed as
 * Uint8Array, enums as text, unions as the bare value.
 *
 * Errors: `encode` throws LAKE_ROW_REFUSED for a value that CQL's type does not have
 */
export interface CqlMapping { readonly type: CqlType, readonly means: string, encode (value: unknown): Uint8Array }
/** A field of a contract as a column. */
export interface AvroColumn extends CqlMapping { readonly name: string, readonly field: string }

interface Scalar extends CqlMapping { readonly type: ScalarType }

/**
 * Columns of a record's fields, in order. Names are snake_case; one that is taken stays as the contract has it, or gets `_field` behind it.
 *
 * Errors: LAKE_LAYOUT when that is taken too
 */
export function avroColumns ({ fields }: RecordOf, taken: readonly string[]): readonly AvroColumn[] {
  const used = new Set(taken)
  return fields.map(({ name, type }) => {
    const column = [snakeCase(name), name, `${snakeCase(name)}_field`].find(one => !used.has(one))
    if (column === undefined) throw new StreamError('LAKE_LAYOUT', { field: name, why: 'every name for its column is taken' })
    used.add(column)
    return { name: column, field: name, ...cqlOf(type, name) }
  })
}

/** The type of CQL that has every value of a type of Avro: JSON where none has. */
export function cqlOf (type: AvroType, field: string): CqlMapping {
  const bare = withoutNull(type)
  if (bare === null) return json('several types, JSON')
  switch (bare.kind) {
    case 'array': return listOf(bare.items, field)
    case 'map': return mapOf(bare.values, field)
    case 'record': return json('a record, JSON')
    default: return scalarOf(bare, field)
  }
}

/** A union with null is its other branch, when there is one. */
function withoutNull (type: AvroType): Exclude<AvroType, Union> | null {
  if (type.kind !== 'union') return type
  const others = type.branches.filter(branch => branch.kind !== 'null')
  if (others.length === 0) return { kind: 'null', logical: null }
  return others.length === 1 ? others[0] as Exclude<AvroType, Union> : null
}

type Leaf = Primitive | Fixed | Extract<AvroType, { readonly kind: 'enum' }>
type Meant = (Primitive | Fixed) & { readonly logical: Logical }

function scalarOf (type: Leaf, field: string): Scalar {
  if (type.kind !== 'enum' && type.logical !== null) return logicalOf(type as Meant, field)
  switch (type.kind) {
    case 'boolean': return { type: 'boolean', means: 'boolean', encode: value => boolCell(value as boolean) }
    case 'int': return { type: 'int', means: 'int', encode: value => intCell(value as number) }
    case 'long': return { type: 'bigint', means: 'long', encode: value => bigintCell(value as bigint) }
    case 'float': return { type: 'float', means: 'float', encode: value => floatCell(value as number) }
    case 'double': return { type: 'double', means: 'double', encode: value => doubleCell(value as number) }
    case 'bytes': case 'fixed': return { type: 'blob', means: type.kind, encode: value => value as Uint8Array }
    case 'enum': return { type: 'text', means: 'enum', encode: value => textCell(value as string) }
    case 'string': return { type: 'text', means: 'string', encode: value => textCell(value as string) }
    case 'null': return { type: 'text', means: 'always null', encode: value => textCell(jsonText(value)) }
  }
}

/** Times finer than CQL's are cut towards the past, and the column says so; times without a zone are taken for UTC. */
function logicalOf (type: Meant, field: string): Scalar {
  const { name, scale } = type.logical
  const whole = (cell: Uint8Array | null, why: string) => { if (cell === null) throw new StreamError('LAKE_ROW_REFUSED', { field, why }); return cell }
  switch (name) {
    case 'decimal': return { type: 'decimal', means: `decimal with ${scale} digits behind the point`, encode: value => decimalCell(value as Uint8Array, scale) }
    case 'uuid': return { type: 'uuid', means: 'uuid', encode: value => type.kind === 'fixed' ? value as Uint8Array : whole(uuidCell(value as string), 'not a UUID') }
    case 'date': return { type: 'date', means: 'date', encode: value => dateCell(value as number) }
    case 'time-millis': return { type: 'time', means: 'time of day', encode: value => whole(timeCell(BigInt(value as number) * 1_000_000n), 'not a time of day') }
    case 'time-micros': return { type: 'time', means: 'time of day', encode: value => whole(timeCell(value as bigint * 1_000n), 'not a time of day') }
    case 'duration': return { type: 'duration', means: 'duration', encode: value => whole(durationCell(value as Uint8Array), 'a duration of more months or days than Cassandra counts') }
    default: {
      const [, local = '', unit] = /^(local-)?timestamp-(millis|micros|nanos)$/.exec(name)!
      const perMs = { millis: 1n, micros: 1_000n, nanos: 1_000_000n }[unit as 'millis' | 'micros' | 'nanos']
      return { type: 'timestamp', means: `${local === '' ? 'time' : 'time without a zone, taken for UTC'}${perMs === 1n ? '' : `, ${unit} cut to milliseconds`}`, encode: value => bigintCell(floorDiv(value as bigint, perMs)) }
    }
  }
}

function floorDiv (value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}

/** Cassandra has no null in a list, and no list in a list that grows with the contract: such items are JSON, each. */
function listOf (items: AvroType, field: string): CqlMapping {
  const item = itemOf(items, field)
  return { type: `frozen<list<${item.type}>>`, means: item.means === jsonEach ? 'array, JSON each' : `array of ${item.means}`, encode: value => listCell((value as readonly unknown[]).map(one => item.encode(one))) }
}

/** Entries by key: Cassandra keeps them sorted, and equal maps have equal bytes. */
function mapOf (values: AvroType, field: string): CqlMapping {
  const item = itemOf(values, field)
  const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  return { type: `frozen<map<text, ${item.type}>>`, means: item.means === jsonEach ? 'map, JSON each' : `map of ${item.means}`, encode: value => mapCell(Object.entries(value as Readonly<Record<string, unknown>>).toSorted(byKey).map(([key, one]) => [key, item.encode(one)])) }
}

const jsonEach = 'JSON each'

function itemOf (type: AvroType, field: string): Scalar {
  return type.kind === 'array' || type.kind === 'map' || type.kind === 'record' || type.kind === 'union' || type.kind === 'null' ? json(jsonEach) : scalarOf(type, field)
}

function json (means: string): Scalar {
  return { type: 'text', means, encode: value => textCell(jsonText(value)) }
}

/** Bytes as hexadecimal text, longs with all their digits, NaN and infinities as text. */
export function jsonText (value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `"${value}"`
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('hex')}"`
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (typeof value === 'object') return `{${Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}:${jsonText(inner)}`).join(',')}}`
  return JSON.stringify(value)
}
