import { words } from './contract.ts'
import { decimalText, durationOf, type TimeUnit, timeUnit, unscaledOf, uuidText } from './logical.ts'
import type { AvroType, Enum, Fixed, Logical, Primitive, RecordField, RecordOf, Union } from './schema.ts'
import { isRecursive } from './shape.ts'

type NumberName = 'int' | 'long' | 'float' | 'double'

/** How to read a value the writer wrote as the contract wants it. Plans of recursive records are cyclic. */
export type Plan =
  | { readonly do: 'null' }
  | { readonly do: 'boolean' }
  | { readonly do: 'number', readonly from: NumberName, readonly to: NumberName, readonly time: TimeUnit | null }
  | { readonly do: 'text' }
  | { readonly do: 'bytes' }
  | { readonly do: 'fixed', readonly size: number }
  | { readonly do: 'decimal', /** Null: a length comes first. */ readonly size: number | null, readonly scale: number }
  | { readonly do: 'uuid' }
  | { readonly do: 'duration' }
  | { readonly do: 'enum', /** By the writer's index; null: the contract lacks it. */ readonly symbols: readonly (string | null)[] }
  | { readonly do: 'array', readonly items: Plan }
  | { readonly do: 'map', readonly values: Plan }
  | RecordPlan
  | { readonly do: 'union', readonly branches: readonly Plan[] }
  /** The writer may write this, the contract has no place for it: poison when it comes. */
  | { readonly do: 'refuse' }
export interface RecordPlan { readonly do: 'record', readonly fields: RecordPart[], readonly defaults: { readonly name: string, readonly value: unknown }[], readonly recursive: boolean }
export type RecordPart = { readonly name: string, readonly plan: Plan } | { readonly skip: AvroType }

/** The writer's schema does not fit the contract at `at`. */
export class Mismatch {
  readonly at: string
  readonly problem: string
  constructor (at: string, problem: string) { this.at = at; this.problem = problem }
}

type Memo = Map<AvroType, Map<AvroType, RecordPlan>>
const promotions: Readonly<Record<string, readonly string[]>> = { int: ['long', 'float', 'double'], long: ['float', 'double'], float: ['double'], string: ['bytes'], bytes: ['string'] }

/**
 * Resolve a writer's type against the contract's.
 *
 * Errors: throws Mismatch
 * Source: Avro 1.12, "Schema Resolution"; names match by their last part or an alias. Beyond Avro: time types convert by the writer's unit
 */
export function resolve (writer: AvroType, reader: AvroType, at: string, memo: Memo = new Map()): Plan {
  if (writer.kind === 'union') return { do: 'union', branches: writer.branches.map(branch => orRefuse(() => resolve(branch, reader, at, memo))) }
  if (reader.kind === 'union') return resolve(writer, matching(writer, reader, at, memo), at, memo)
  switch (writer.kind) {
    case 'null': if (reader.kind === 'null') return { do: 'null' }; break
    case 'boolean': if (reader.kind === 'boolean') return { do: 'boolean' }; break
    case 'int': case 'long': case 'float': case 'double':
      if (writer.kind === reader.kind || promotions[writer.kind]?.includes(reader.kind)) return { do: 'number', from: writer.kind, to: reader.kind as NumberName, time: timeOf(writer.logical, reader) }
      break
    case 'string': case 'bytes': if (reader.kind === 'string' || reader.kind === 'bytes') return span(writer.logical, reader, at); break
    case 'fixed': if (reader.kind === 'fixed') return fixed(writer, reader, at); break
    case 'enum': if (reader.kind === 'enum' && namesMatch(writer, reader)) return { do: 'enum', symbols: writer.symbols.map(symbol => reader.symbols.includes(symbol) ? symbol : reader.otherwise) }; break
    case 'array': if (reader.kind === 'array') return { do: 'array', items: resolve(writer.items, reader.items, `${at}[]`, memo) }; break
    case 'map': if (reader.kind === 'map') return { do: 'map', values: resolve(writer.values, reader.values, `${at}{}`, memo) }; break
    case 'record': if (reader.kind === 'record') return record(writer, reader, at, memo); break
  }
  throw new Mismatch(at, `the writer has ${words(writer)}, the contract ${words(reader)}`)
}

function orRefuse (make: () => Plan): Plan {
  try { return make() } catch (problem) {
    if (problem instanceof Mismatch) return { do: 'refuse' }
    throw problem
  }
}

/** The writer's unit where it has one; else what the contract says of a bare number. */
function timeOf (writer: Logical | null, reader: AvroType): TimeUnit | null {
  const wanted = 'logical' in reader ? timeUnit(reader.logical) : null
  return wanted === null ? null : timeUnit(writer) ?? wanted
}

function span (writer: Logical | null, reader: Primitive, at: string): Plan {
  if (reader.kind === 'string') return { do: 'text' }
  return reader.logical === null ? { do: 'bytes' } : { do: 'decimal', size: null, scale: scaleOf(writer, reader.logical, at) }
}

function fixed (writer: Fixed, reader: Fixed, at: string): Plan {
  if (!namesMatch(writer, reader) || writer.size !== reader.size) throw new Mismatch(at, `the writer has ${words(writer)}, the contract ${words(reader)}`)
  switch (reader.logical?.name) {
    case 'decimal': return { do: 'decimal', size: reader.size, scale: scaleOf(writer.logical, reader.logical, at) }
    case 'uuid': return { do: 'uuid' }
    case 'duration': return { do: 'duration' }
    default: return { do: 'fixed', size: reader.size }
  }
}

function scaleOf (writer: Logical | null, reader: Logical, at: string): number {
  if (writer?.name === 'decimal' && writer.scale !== reader.scale) throw new Mismatch(at, `the writer has a decimal of scale ${writer.scale}, the contract of ${reader.scale}`)
  return reader.scale
}

function record (writer: RecordOf, reader: RecordOf, at: string, memo: Memo): Plan {
  const known = memo.get(writer)?.get(reader)
  if (known !== undefined) return known
  const plan: RecordPlan = { do: 'record', fields: [], defaults: [], recursive: isRecursive(writer) }
  if (!memo.has(writer)) memo.set(writer, new Map())
  memo.get(writer)!.set(reader, plan)
  const matched = new Set<RecordField>()
  for (const field of writer.fields) {
    const wanted = readerField(field, writer, reader)
    if (wanted === null) { plan.fields.push({ skip: field.type }); continue }
    matched.add(wanted)
    plan.fields.push({ name: wanted.name, plan: resolve(field.type, wanted.type, `${at}.${wanted.name}`, memo) })
  }
  for (const field of reader.fields) {
    if (matched.has(field)) continue
    if (field.otherwise === undefined) throw new Mismatch(`${at}.${field.name}`, 'the writer lacks it, and the contract gives no default')
    plan.defaults.push({ name: field.name, value: defaultValue(field.type, field.otherwise, `${at}.${field.name}`) })
  }
  return plan
}

/** The contract's field for one of the writer's: by name, else by alias. */
export function readerField (field: RecordField, writer: RecordOf, reader: RecordOf): RecordField | null {
  return reader.fields.find(({ name }) => name === field.name)
    ?? reader.fields.find(({ name, aliases }) => aliases.includes(field.name) && !writer.fields.some(other => other.name === name)) ?? null
}

const lastPart = (name: string) => name.slice(name.lastIndexOf('.') + 1)
function namesMatch (writer: Enum | Fixed | RecordOf, reader: Enum | Fixed | RecordOf): boolean {
  return lastPart(writer.fullName) === lastPart(reader.fullName) || reader.aliases.includes(writer.fullName)
}

/** The branch of the contract's union that takes the writer's type: the same type, then a record of the same structure, then a promotion. */
export function matching (writer: AvroType, reader: Union, at: string, memo: Memo = new Map()): AvroType {
  const same = reader.branches.filter(branch => branch.kind === writer.kind)
  const exact = 'fullName' in writer
    ? same.find(branch => 'fullName' in branch && branch.fullName === writer.fullName) ?? same.find(branch => 'fullName' in branch && namesMatch(writer, branch) && fits(writer, branch, at, memo))
    : same[0]
  const structural = writer.kind === 'record' ? same.find(branch => fits(writer, branch, at, memo)) : undefined
  const found = exact ?? structural ?? reader.branches.find(branch => promotions[writer.kind]?.includes(branch.kind))
  if (found === undefined) throw new Mismatch(at, `the writer has ${words(writer)}, the contract ${words(reader)}`)
  return found
}

/** Tried on a copy of the memo, which holds the records being resolved: one within itself is taken to fit. */
function fits (writer: AvroType, reader: AvroType, at: string, memo: Memo): boolean {
  try { resolve(writer, reader, at, new Map([...memo].map(([type, plans]) => [type, new Map(plans)]))); return true } catch (problem) {
    if (problem instanceof Mismatch) return false
    throw problem
  }
}

/** A default of the contract (JSON) as the value it stands for. */
export function defaultValue (type: AvroType, json: unknown, at: string): unknown {
  if (type.kind !== 'union' && !jsonFits(type, json)) throw new Mismatch(at, `the contract's default is not ${words(type)}`)
  switch (type.kind) {
    case 'union': {
      const branch = type.branches.find(candidate => jsonFits(candidate, json))
      if (branch === undefined) throw new Mismatch(at, `the contract's default is not ${words(type)}`)
      return defaultValue(branch, json, at)
    }
    case 'int': case 'long': { const unit = timeUnit(type.logical); return unit === null ? json : (json as number) * unit.scale / unit.divisor }
    case 'float': return Math.fround(json as number)
    case 'array': return (json as readonly unknown[]).map(item => defaultValue(type.items, item, at))
    case 'map': return plain(Object.entries(json as object).map(([key, item]) => [key, defaultValue(type.values, item, at)]))
    case 'record': return plain(type.fields.map(field => {
      const given = (json as Readonly<Record<string, unknown>>)[field.name]
      return [field.name, defaultValue(field.type, given === undefined ? field.otherwise ?? null : given, at)]
    }))
    case 'bytes': case 'fixed': return bytesDefault(type.logical, Uint8Array.from(json as string, char => char.charCodeAt(0)))
    default: return json
  }
}

function jsonFits (type: AvroType, json: unknown): boolean {
  switch (type.kind) {
    case 'null': return json === null
    case 'boolean': return typeof json === 'boolean'
    case 'int': case 'long': return Number.isInteger(json)
    case 'float': case 'double': return typeof json === 'number'
    case 'array': return Array.isArray(json)
    case 'map': case 'record': return typeof json === 'object' && json !== null && !Array.isArray(json)
    case 'enum': return typeof json === 'string' && type.symbols.includes(json)
    case 'union': return type.branches.some(branch => jsonFits(branch, json))
    case 'fixed': return typeof json === 'string' && json.length === type.size
    default: return typeof json === 'string'
  }
}

const plain = (entries: readonly (readonly [string, unknown])[]) => Object.assign(Object.create(null) as object, Object.fromEntries(entries))

function bytesDefault (logical: Logical | null, bytes: Uint8Array): unknown {
  switch (logical?.name) {
    case 'decimal': return decimalText(unscaledOf(bytes, 0, bytes.length), logical.scale)
    case 'uuid': return uuidText(bytes, 0)
    case 'duration': return durationOf(bytes, 0)
    default: return bytes
  }
}
