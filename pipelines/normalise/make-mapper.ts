import { StreamError } from '../core/errors.ts'
import type { KeyTable } from '../core/keys.ts'
import { nearest } from '../core/nearest.ts'
import type { FieldSpec, MappingSpec, NormaliseSpec, SignalSpec } from '../core/spec.ts'
import type { TableView } from '../core/table.ts'
import { compileExpression } from '../expression/compile.ts'
import { calibrated, isUnchanged, type Linear, unchanged, unitLinear } from './linear.ts'
import { Lookup, type LookupWish } from './lookup.ts'
import { CastMapper, ExpressionMapper, FunctionMapper, LinearMapper, LookupMapper, type Mapper, NothingMapper, SharedMapper } from './mapper.ts'

export interface MapperOptions { readonly keys: KeyTable, readonly tables: ReadonlyMap<string, TableView> }

/** One mapper per signal, and the lookups behind them. Errors: NORMALISE_MAPPING, EXPRESSION_*, UNIT_* */
export function makeMappers (spec: NormaliseSpec, options: MapperOptions): { readonly mappers: readonly Mapper[], readonly lookups: readonly Lookup[] } {
  const wishes = new Map<string, LookupWish[]>()
  const places = spec.mappings.map((mapping, index) => {
    if (mapping.kind !== 'table') return null
    const wanted = wishes.get(mapping.table) ?? []
    wishes.set(mapping.table, [...wanted, { signal: spec.signals[index]!, column: mapping.column, otherwise: mapping.otherwise }])
    return { table: mapping.table, place: wanted.length }
  })
  const lookups = new Map([...wishes].map(([table, wanted]) => [table, new Lookup(table, wanted, { keys: options.keys, view: options.tables.get(table) ?? null })]))
  const mappers = spec.signals.map((signal, index) => {
    const at = places[index]
    return at ? new LookupMapper(signal, lookups.get(at.table)!.columns[at.place]!) : makeMapper(spec, signal, { mapping: spec.mappings[index]!, keys: options.keys })
  })
  return { mappers, lookups: [...lookups.values()] }
}

function makeMapper (spec: NormaliseSpec, signal: SignalSpec, { mapping, keys }: { readonly mapping: MappingSpec, readonly keys: KeyTable }): Mapper {
  switch (mapping.kind) {
    case 'field': return fieldMapper(spec, signal, mapping)
    case 'expression': {
      const expression = compileExpression(mapping.text, { fields: spec.fields, expect: signal.kind, codegen: spec.codegen, keys })
      return new ExpressionMapper(signal, expression, linearOf(expression.unit, signal))
    }
    case 'function': return new FunctionMapper(signal, mapping.call, mapping.fields.map(field => fieldIndex(spec.fields, field, signal)))
    case 'table':
    case 'nothing': return new NothingMapper(signal)
  }
}

/** Calibration happens in the field's unit, then the conversion to the signal's. */
function fieldMapper ({ fields }: NormaliseSpec, signal: SignalSpec, mapping: MappingSpec & { kind: 'field' }): Mapper {
  const index = fieldIndex(fields, mapping.field, signal)
  const field = fields[index]!
  const linear = calibrated(mapping, linearOf(mapping.from ?? field.unit, signal) ?? unchanged)
  switch (`${field.kind}>${signal.kind}`) {
    case 'number>number': return isUnchanged(linear) ? new SharedMapper(signal, index) : new LinearMapper(signal, index, linear)
    case 'bool>number': return new LinearMapper(signal, index, linear)
    case 'bool>bool':
    case 'text>text': return new SharedMapper(signal, index)
    case 'number>bool':
    case 'value>number':
    case 'value>bool':
    case 'value>text': return new CastMapper(signal, index, linear)
    default: throw new StreamError('NORMALISE_MAPPING', { signal: signal.name, kind: signal.kind, field: field.name, fieldKind: field.kind })
  }
}

function linearOf (from: string | null, signal: SignalSpec): Linear | null {
  if (from === null || signal.kind !== 'number' || signal.unit === null || from === signal.unit) return null
  const linear = unitLinear(from, signal.unit)
  return isUnchanged(linear) ? null : linear
}

function fieldIndex (fields: readonly FieldSpec[], name: string, signal: SignalSpec): number {
  const index = fields.findIndex(field => field.name === name)
  if (index < 0) throw new StreamError('NORMALISE_MAPPING', { signal: signal.name, field: name, nearest: nearest(name, fields.map(field => field.name)) })
  return index
}
