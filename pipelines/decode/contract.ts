import type { ColumnKind } from '../core/batch.ts'
import { StreamError } from '../core/errors.ts'
import type { FieldSpec } from '../core/spec.ts'
import { type AvroType, parseSchema, type RecordOf } from './schema.ts'

/** A field of a contract: what a definition may name. `logical` is the Avro logical type, `type` the Avro type in words. */
export interface ContractField extends FieldSpec { readonly logical: string | null, readonly type: string, readonly symbols: readonly string[] | null }

/** Numbers of up to this many digits survive as doubles; longer decimals stay text in a `value` column. */
const decimalDigitsMax = 15

/**
 * Every field of a contract that can be read, in order, records walked by dotted path.
 *
 * Units:  from the field's attribute `unit` (UCUM), else null; fields with a time type are in milliseconds
 * Limits: a record within itself is not walked again; arrays, maps, bytes and unions of several kinds are `value`
 * Errors: SCHEMA_INVALID
 */
export function contractFields (avro: string): ContractField[] {
  const type = parseSchema(avro)
  if (type.kind !== 'record') throw new StreamError('SCHEMA_INVALID', { at: '(top)', expected: 'a record', given: words(type) })
  return walk(type, [], false, [type])
}

function walk (record: RecordOf, above: readonly string[], nullableAbove: boolean, within: readonly RecordOf[]): ContractField[] {
  return record.fields.flatMap(field => {
    const path = [...above, field.name]
    const inner = onlyBranch(field.type)
    const nullable = nullableAbove || isNullable(field.type)
    if (inner?.kind === 'record' && !within.includes(inner)) return walk(inner, path, nullable, [...within, inner])
    const logical = inner !== null && 'logical' in inner ? inner.logical?.name ?? null : null
    return [{ name: path.join('.'), path, kind: kindOf(field.type), unit: field.unit, nullable, logical, type: words(field.type), symbols: inner?.kind === 'enum' ? inner.symbols : null }]
  })
}

/** The column that holds values of this type; null branches become unknown cells. */
export function kindOf (type: AvroType): ColumnKind {
  switch (type.kind) {
    case 'boolean': return 'bool'
    case 'int': case 'long': case 'float': case 'double': return 'number'
    case 'string': case 'enum': return 'text'
    case 'bytes': case 'fixed':
      if (type.logical?.name === 'uuid') return 'text'
      return type.logical?.name === 'decimal' && type.logical.precision <= decimalDigitsMax ? 'number' : 'value'
    case 'union': {
      const kinds = new Set(type.branches.filter(branch => branch.kind !== 'null').map(kindOf))
      return kinds.size === 1 ? [...kinds][0]! : 'value'
    }
    default: return 'value'
  }
}

const isNullable = (type: AvroType) => type.kind === 'null' || (type.kind === 'union' && type.branches.some(branch => branch.kind === 'null'))

/** The type itself, or the one branch of a union beside null; null where there are several. */
export function onlyBranch (type: AvroType): AvroType | null {
  if (type.kind !== 'union') return type
  const branches = type.branches.filter(branch => branch.kind !== 'null')
  return branches.length === 1 ? branches[0]! : null
}

/** A type in words, for messages. */
export function words (type: AvroType): string {
  switch (type.kind) {
    case 'array': return `array of ${words(type.items)}`
    case 'map': return `map of ${words(type.values)}`
    case 'union': return type.branches.map(words).join(' or ')
    case 'record': case 'enum': return `${type.kind} ${type.fullName}`
    case 'fixed': return type.logical === null ? `fixed ${type.fullName} of ${type.size} bytes` : `${type.logical.name} in fixed ${type.fullName}`
    default: return type.logical === null ? type.kind : `${type.logical.name} in ${type.kind}`
  }
}
