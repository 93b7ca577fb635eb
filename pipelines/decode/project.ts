import type { ColumnKind } from '../core/batch.ts'
import { StreamError } from '../core/errors.ts'
import type { DecodeSpec } from '../core/spec.ts'
import { kindOf, onlyBranch } from './contract.ts'
import { defaultValue, Mismatch, matching, type Plan, readerField, resolve } from './resolve.ts'
import type { AvroType, RecordField, RecordOf } from './schema.ts'
import { fixedWidth } from './shape.ts'

/** A field the pipeline reads, and what becomes of it. `column` is -1 where it is only the key or the time. */
export interface Target { readonly name: string, readonly path: readonly string[], readonly kind: ColumnKind, readonly column: number, readonly key: boolean, readonly time: boolean }

/** What to do with a record's bytes, in their order. `name` indexes the projection's names, for messages. */
export type Step =
  | { readonly do: 'pass', readonly bytes: number, readonly name: number }
  | { readonly do: 'skip', readonly type: AvroType, readonly name: number }
  | { readonly do: 'store', readonly target: Target, readonly plan: Plan, readonly name: number }
  /** No bytes: a default, or null where the value is missing. */
  | { readonly do: 'fill', readonly target: Target, readonly value: unknown, readonly name: number }
  | { readonly do: 'choose', readonly branches: readonly (readonly Step[])[], readonly name: number }
  | { readonly do: 'refuse', readonly name: number }

export interface Projection { readonly steps: readonly Step[], readonly names: readonly string[] }

/** What a definition reads of its contract, one target per field. Errors: DECODE_FIELD */
export function targetsOf (spec: DecodeSpec, contract: AvroType): Target[] {
  const targets = spec.fields.map((field, column): Target => ({ name: field.name, path: field.path, kind: field.kind, column, key: field.name === spec.key, time: field.name === spec.time.field }))
  const extra = (name: string, key: boolean, time: boolean) => {
    const type = typeAt(contract, name.split('.'))
    if (type !== null) targets.push({ name, path: name.split('.'), kind: kindOf(type), column: -1, key, time })
  }
  if (!targets.some(target => target.key)) extra(spec.key, true, spec.key === spec.time.field && !targets.some(target => target.time))
  if (!targets.some(target => target.time)) extra(spec.time.field, false, true)
  for (const target of targets) {
    const type = typeAt(contract, target.path)
    const kind = type === null ? null : kindOf(type)
    const fits = kind === target.kind || (kind !== null && (target.kind === 'value' || (target.kind === 'number' && onlyDecimal(type!))))
    const clash = targets.some(other => other !== target && other.path.every((part, index) => target.path[index] === part))
    if (!fits || clash) throw new StreamError('DECODE_FIELD', { field: target.name, source: spec.source, kind: target.kind, contract: kind ?? 'no such field', ...clash ? { problem: 'read twice' } : {} })
    if (target.time && target.kind !== 'number') throw new StreamError('DECODE_FIELD', { field: target.name, source: spec.source, expected: 'a number for the time' })
    if (target.key && target.kind === 'value') throw new StreamError('DECODE_FIELD', { field: target.name, source: spec.source, expected: 'a text, number or bool for the key' })
  }
  if (!targets.some(target => target.key)) throw new StreamError('DECODE_FIELD', { field: spec.key, source: spec.source, contract: 'no such field' })
  if (!targets.some(target => target.time)) throw new StreamError('DECODE_FIELD', { field: spec.time.field, source: spec.source, contract: 'no such field' })
  return targets
}

function typeAt (type: AvroType, path: readonly string[]): AvroType | null {
  const [name, ...rest] = path
  if (name === undefined) return type
  const record = onlyBranch(type)
  const field = record?.kind === 'record' ? record.fields.find(other => other.name === name) : undefined
  return field === undefined ? null : typeAt(field.type, rest)
}

function onlyDecimal (type: AvroType): boolean {
  const inner = onlyBranch(type)
  return inner !== null && (inner.kind === 'bytes' || inner.kind === 'fixed') && inner.logical?.name === 'decimal'
}

interface Walk { readonly names: string[], readonly at: string }

/**
 * The steps that read the targets from what this writer writes.
 *
 * Errors: throws Mismatch when the writer's schema does not fit the contract in a field that is read
 */
export function project (writer: AvroType, contract: AvroType, targets: readonly Target[]): Projection {
  const names: string[] = []
  return { steps: merged(walk(writer, contract, targets, 0, { names, at: '' })), names }
}

function walk (writer: AvroType, reader: AvroType, targets: readonly Target[], depth: number, to: Walk): Step[] {
  const leaf = targets.find(target => target.path.length === depth)
  if (leaf !== undefined) return store(writer, reader, leaf, to)
  const name = nameIn(to)
  if (writer.kind === 'union') return [{ do: 'choose', name, branches: writer.branches.map(branch => attempt(() => walk(branch, reader, targets, depth, to), name)) }]
  const wanted = reader.kind === 'union' ? matching(writer, reader, to.at) : reader
  if (writer.kind === 'null' && wanted.kind === 'null') return targets.map(target => ({ do: 'fill', target, value: null, name }))
  if (writer.kind !== 'record' || wanted.kind !== 'record') throw new Mismatch(to.at || '(top)', `the writer has ${writer.kind}, the contract ${wanted.kind}`)
  return fields(writer, wanted, targets, depth, to)
}

function fields (writer: RecordOf, reader: RecordOf, targets: readonly Target[], depth: number, to: Walk): Step[] {
  const steps: Step[] = []
  const found = new Set<Target>()
  const inside = (name: string): Walk => ({ names: to.names, at: to.at === '' ? name : `${to.at}.${name}` })
  for (const field of writer.fields) {
    const wanted = readerField(field, writer, reader)
    const mine = wanted === null ? [] : targets.filter(target => target.path[depth] === wanted.name && !found.has(target))
    for (const target of mine) found.add(target)
    if (mine.length === 0) steps.push({ do: 'skip', type: field.type, name: nameIn(inside(field.name)) })
    else steps.push(...walk(field.type, wanted!.type, mine, depth + 1, inside(wanted!.name)))
  }
  for (const target of targets) {
    if (!found.has(target)) steps.push(absent(reader, target, depth, inside(target.path[depth]!)))
  }
  return steps
}

/** The contract's default for a field this writer lacks. */
function absent (reader: RecordOf, target: Target, depth: number, to: Walk): Step {
  const field = reader.fields.find(({ name }) => name === target.path[depth])!
  if (field.otherwise === undefined) throw new Mismatch(to.at, 'the writer lacks it, and the contract gives no default')
  return { do: 'fill', target, value: cellOf(descend(field, field.otherwise, target.path.slice(depth + 1), to.at), target), name: nameIn(to) }
}

/** A default record holds defaults for what is inside; what it leaves out has its own. */
function descend (field: RecordField, json: unknown, path: readonly string[], at: string): unknown {
  const [name, ...rest] = path
  if (name === undefined) return defaultValue(field.type, json, at)
  const record = onlyBranch(field.type)
  const inner = record?.kind === 'record' ? record.fields.find(other => other.name === name) : undefined
  if (json === null || inner === undefined) return null
  const given = (json as Readonly<Record<string, unknown>>)[name]
  return descend(inner, given === undefined ? inner.otherwise ?? null : given, rest, at)
}

function cellOf (value: unknown, target: Target): unknown {
  if (value === null || target.kind === 'value') return value
  return target.kind === 'number' ? Number(value) + 0 : value
}

function store (writer: AvroType, reader: AvroType, target: Target, to: Walk): Step[] {
  const name = nameIn(to)
  if (target.kind === 'value') {
    const plan = resolve(writer, reader, to.at)
    return [plan.do === 'refuse' ? { do: 'refuse', name } : { do: 'store', target, plan, name }]
  }
  if (writer.kind === 'union') return [{ do: 'choose', name, branches: writer.branches.map(branch => attempt(() => store(branch, reader, target, to), name)) }]
  const plan = resolve(writer, reader, to.at)
  if (plan.do === 'null') return [{ do: 'fill', target, value: null, name }]
  if (!dense[target.kind].includes(plan.do)) throw new Mismatch(to.at, `a ${target.kind} column cannot hold what the writer has there`)
  return [{ do: 'store', target, plan, name }]
}
const dense: Readonly<Record<'number' | 'bool' | 'text', readonly Plan['do'][]>> = { number: ['number', 'decimal'], bool: ['boolean'], text: ['text', 'enum', 'uuid'] }

function attempt (make: () => Step[], name: number): readonly Step[] {
  try { return merged(make()) } catch (problem) {
    if (problem instanceof Mismatch) return [{ do: 'refuse', name }]
    throw problem
  }
}

function nameIn ({ names, at }: Walk): number {
  const index = names.indexOf(at)
  return index >= 0 ? index : names.push(at) - 1
}

/** Neighbouring fields of fixed width that nobody reads are passed over in one step. */
function merged (steps: readonly Step[]): Step[] {
  const result: Step[] = []
  for (const step of steps) {
    const width = step.do === 'skip' ? fixedWidth(step.type) : null
    const last = result.at(-1)
    if (width === null) result.push(step)
    else if (last?.do === 'pass') result[result.length - 1] = { ...last, bytes: last.bytes + width }
    else result.push({ do: 'pass', bytes: width, name: step.name })
  }
  return result
}
