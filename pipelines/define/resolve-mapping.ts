import type { MappingSpec, NamedFunction, RangeSpec, SignalSpec } from '../core/spec.ts'
import { nearest } from '../core/nearest.ts'
import { conversion, parseUnit, unitsEqual } from '../core/unit.ts'
import type { LongSource } from './long-form.ts'
import type { Path } from './problem.ts'
import type { Resolving } from './resolve.ts'
import type { ResolvedTable } from './resolve-table.ts'
import type { CheckedMapping } from './schema.ts'
import type { ContractField } from './tools.ts'
import { wanted } from './wanted.ts'

/** How one signal is made from one source. `uses` are the contract fields it reads; `implied`: nobody wrote it, it may be left out. */
export interface Mapped {
  readonly signal: SignalSpec
  readonly spec: MappingSpec
  readonly range: RangeSpec | null
  readonly uses: readonly string[]
  readonly implied: boolean
}

/** Without declared signals the kind and unit follow from the mapping. */
type Target = SignalSpec | { readonly name: string, readonly kind: null, readonly unit: null }
interface MappingPlace {
  readonly source: LongSource
  readonly fields: readonly ContractField[]
  readonly tables: readonly ResolvedTable[]
  readonly signal: Target
  readonly mapping: CheckedMapping
  readonly path: Path
}
type ObjectMapping = Exclude<CheckedMapping, string | null>
type ObjectPlace = MappingPlace & { readonly mapping: ObjectMapping }

export function resolveMapping (resolving: Resolving, place: MappingPlace): Mapped {
  const { mapping } = place
  if (mapping === null) return made(place, { kind: 'nothing' })
  if (typeof mapping === 'string') return expressionMapping(resolving, place, mapping)
  const inner = { ...place, mapping }
  if (mapping.field !== undefined) return fieldMapping(resolving, inner, mapping.field)
  if (mapping.table !== undefined) return tableMapping(resolving, inner, mapping.table)
  return functionMapping(resolving, inner, mapping.map!)
}

function made ({ signal }: MappingPlace, spec: MappingSpec, more: Partial<Pick<Mapped, 'range' | 'uses'>> & { readonly kind?: SignalSpec['kind'], readonly unit?: string | null } = {}): Mapped {
  const { kind = 'number', unit = null, range = null, uses = [] } = more
  return { signal: signal.kind === null ? { name: signal.name, kind, unit } : signal, spec, range, uses, implied: false }
}

function expressionMapping ({ problems, tools }: Resolving, place: MappingPlace, text: string): Mapped {
  const { signal, fields, path } = place
  const expression = problems.attempt(path, () => tools.compileExpression(text, { fields, expect: signal.kind ?? 'any', codegen: false }))
  if (expression === null) return made(place, { kind: 'nothing' })
  if (signal.unit !== null && expression.unit !== null && !unitsEqual(expression.unit, signal.unit)) {
    problems.add(path, `the expression is in ${expression.unit}, the signal "${signal.name}" in ${signal.unit}`)
  }
  return made(place, { kind: 'expression', text }, { kind: expression.kind, unit: expression.unit, uses: expression.fields })
}

function fieldMapping ({ definition, problems }: Resolving, place: ObjectPlace, name: string): Mapped {
  const { signal, fields, mapping, path } = place
  const { from, scale = 1, offset = 0 } = mapping
  if (!wanted({ problems, path: [...path, 'field'], thing: 'field', name, names: fields.map(field => field.name) })) return made(place, { kind: 'nothing' })
  const field = fields.find(other => other.name === name)!
  if (field.kind === 'value' || (signal.kind !== null && field.kind !== signal.kind)) {
    problems.add([...path, 'field'], `the field "${name}" is ${field.type}${signal.kind === null ? ', which is no signal' : `, the signal "${signal.name}" is ${signal.kind}`}${signal.kind === 'bool' && field.kind === 'number' ? `: write a condition, for example "${name} == 1"` : ''}`)
    return made(place, { kind: 'nothing' })
  }
  const numeric = ([['from', from], ['scale', mapping.scale], ['offset', mapping.offset], ['range', mapping.range]] as const).filter(([, value]) => value !== undefined && field.kind !== 'number')
  for (const [word] of numeric) problems.add([...path, word], `"${word}" is for numbers, and "${name}" is ${field.type}`)
  const unit = from ?? field.unit
  if (unit !== null && problems.attempt(from === undefined ? [...path, 'field'] : [...path, 'from'], () => parseUnit(unit)) !== null && signal.kind !== null && (signal.unit !== null || definition.signals?.[signal.name] === 'number')) checkUnit(problems, { place, name, unit })
  const spec: MappingSpec = { kind: 'field', field: name, from: unit, scale, offset }
  return made(place, spec, { kind: field.kind, unit, uses: [name], range: checkedRange(problems, place) })
}

function checkUnit (problems: Resolving['problems'], { place, name, unit }: { readonly place: ObjectPlace, readonly name: string, readonly unit: string }): void {
  const { signal, mapping, path } = place
  const at = [...path, mapping.from === undefined ? 'field' : 'from']
  if (signal.unit !== null) problems.attempt(at, () => conversion(unit, signal.unit!))
  else if (mapping.from !== undefined) problems.add(at, `the signal "${signal.name}" has no unit, so "${name}" cannot be converted to it`)
}

function checkedRange (problems: Resolving['problems'], { mapping, path }: ObjectPlace): RangeSpec | null {
  const { range } = mapping
  if (range === undefined) return null
  const spec: RangeSpec = 'outside' in range
    ? { min: range.min ?? Number.NEGATIVE_INFINITY, max: range.max ?? Number.POSITIVE_INFINITY, outside: range.outside }
    : { min: range[0], max: range[1], outside: 'unknown' }
  if (spec.min > spec.max) problems.add([...path, 'range'], 'the lowest value of a range comes first')
  return spec
}

function tableMapping ({ problems }: Resolving, place: ObjectPlace, name: string): Mapped {
  const { signal, tables, mapping, path } = place
  const otherwise = mapping.else ?? null
  const spec: MappingSpec = { kind: 'table', table: name, column: mapping.column!, otherwise }
  if (!wanted({ problems, path: [...path, 'table'], thing: 'table', name, names: tables.map(table => table.name) })) return made(place, spec)
  const columns = tables.find(table => table.name === name)!.fields
  if (columns.length === 0 || !wanted({ problems, path: [...path, 'column'], thing: `column of "${name}"`, name: mapping.column!, names: columns.map(column => column.name) })) return made(place, spec)
  const column = columns.find(other => other.name === mapping.column)!
  const kind = signal.kind ?? (column.kind === 'value' ? 'text' : column.kind)
  if (column.kind !== kind) problems.add([...path, 'column'], `the column "${column.name}" is ${column.type}, the signal "${signal.name}" is ${kind}`)
  if (signal.unit !== null && column.unit !== null && !unitsEqual(column.unit, signal.unit)) problems.add([...path, 'column'], `the column "${column.name}" is in ${column.unit}, the signal "${signal.name}" in ${signal.unit}`)
  if (otherwise !== null && typeof otherwise !== ({ number: 'number', bool: 'boolean', text: 'string' } as const)[kind]) problems.add([...path, 'else'], `${JSON.stringify(otherwise)} is no ${kind}, and the signal "${signal.name}" is`)
  return made(place, spec, { kind, unit: column.unit })
}

function functionMapping ({ definition, problems, functions }: Resolving, place: ObjectPlace, name: string): Mapped {
  const { signal, fields, mapping, path } = place
  const args = mapping.args ?? []
  args.forEach((field, index) => { wanted({ problems, path: [...path, 'args', index], thing: 'field', name: field, names: fields.map(other => other.name) }) })
  if (signal.kind === null) problems.add(path, `a function's result has no known kind: declare "${signal.name}" in signals`)
  const exported = functions === null ? [] : Object.keys(functions).filter(key => typeof functions[key] === 'function')
  if (definition.functions === undefined) problems.add([...path, 'map'], `there is no function "${name}": the definition names no file of functions`)
  else if (functions !== null && !exported.includes(name)) problems.add([...path, 'map'], `the file of functions exports no function "${name}"`, { nearest: nearest(name, exported) })
  const call = { name, apply: functions?.[name] } as NamedFunction
  return made(place, { kind: 'function', call, fields: args }, { uses: args })
}
