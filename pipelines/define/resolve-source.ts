import type { SignalSpec } from '../core/spec.ts'
import { durationMs } from '../core/time.ts'
import { parseUnit } from '../core/unit.ts'
import { fieldsOfContract } from './contract-fields.ts'
import type { LongSource } from './long-form.ts'
import type { Resolving } from './resolve.ts'
import { writtenSignals } from './resolve-operator.ts'
import { type Mapped, resolveMapping } from './resolve-mapping.ts'
import type { ResolvedTable } from './resolve-table.ts'
import type { ContractField } from './tools.ts'
import { wanted } from './wanted.ts'

export interface ResolvedSource {
  readonly name: string
  readonly topic: string
  readonly subject: string
  readonly contract: string
  /** Every field of the contract. */
  readonly fields: readonly ContractField[]
  readonly key: string
  readonly time: { readonly field: string, readonly unitMs: number }
  readonly dedupe: { readonly by: readonly string[], readonly withinMs: number } | null
  readonly intervalMs: number | null
  /** One per signal, same order. */
  readonly mapped: readonly Mapped[]
}

const unitsMs = { s: 1_000, ms: 1, us: 1e-3, ns: 1e-6 } as const

export function resolveSources (resolving: Resolving, sources: readonly LongSource[], tables: readonly ResolvedTable[]): { readonly sources: readonly ResolvedSource[], readonly signals: readonly SignalSpec[] } {
  const { definition } = resolving
  const declared = definition.signals === undefined ? null : declaredSignals(resolving, definition.signals)
  const withFields = sources.map(source => ({ source, fields: fieldsOfContract(resolving, { schema: source.contract.schema, path: source.place.contract }) }))
  checkTopics(resolving, sources)
  let signals = declared ?? []
  const resolved = withFields.flatMap(({ source, fields }) => {
    if (fields.length === 0) return []
    const mapped = declared === null ? impliedSignals(resolving, { source, fields, tables }) : declared.map(signal => mappingOf(resolving, { source, fields, tables, signal }))
    if (declared !== null) checkNoStrangers(resolving, source, declared)
    else signals = mapped.map(({ signal }) => signal)
    return [resolveSource(resolving, { source, fields, mapped })]
  })
  return { sources: resolved, signals }
}

function declaredSignals ({ problems }: Resolving, signals: NonNullable<Resolving['definition']['signals']>): readonly SignalSpec[] {
  return Object.entries(signals).map(([name, signal]) => {
    if (typeof signal === 'string') return { name, kind: signal, unit: null }
    const unit = problems.attempt(['signals', name, 'unit'], () => parseUnit(signal.unit))
    return { name, kind: 'number', unit: unit === null ? null : signal.unit }
  })
}

interface Place { readonly source: LongSource, readonly fields: readonly ContractField[], readonly tables: readonly ResolvedTable[] }

/** The mapping of a declared signal: as written; in the short form a field of its name serves too. */
function mappingOf (resolving: Resolving, { source, fields, tables, signal }: Place & { readonly signal: SignalSpec }): Mapped {
  const { definition, problems } = resolving
  const written = Object.hasOwn(source.normalise, signal.name) ? source.normalise[signal.name] : undefined
  const operated = writtenSignals(definition).has(signal.name)
  if (operated) {
    if (written !== undefined && written !== null) problems.add([...source.place.normalise, signal.name], `"${signal.name}" is written by an operator: no source maps anything onto it`, { at: 'key' })
    return { signal, spec: { kind: 'nothing' }, range: null, uses: [], implied: false }
  }
  if (written === undefined && (definition.sources !== undefined || !fields.some(({ name }) => name === signal.name))) {
    problems.add(source.place.normalise, `nothing is mapped onto the signal "${signal.name}" (null says: this source has none)`, { at: 'key' })
    return { signal, spec: { kind: 'nothing' }, range: null, uses: [], implied: false }
  }
  return resolveMapping(resolving, { source, fields, tables, signal, mapping: written === undefined ? { field: signal.name } : written, path: [...source.place.normalise, signal.name] })
}

/** Without declared signals the contract's fields are the signals, and `normalise` adds to or replaces them. */
function impliedSignals (resolving: Resolving, { source, fields, tables }: Place): readonly Mapped[] {
  const own = fields.filter(({ name, kind }) => kind !== 'value' && !Object.hasOwn(source.normalise, name)).map((field): Mapped => ({
    signal: { name: field.name, kind: field.kind as SignalSpec['kind'], unit: field.unit },
    spec: { kind: 'field', field: field.name, from: field.unit, scale: 1, offset: 0 },
    range: null, uses: [field.name], implied: true,
  }))
  const added = Object.entries(source.normalise).flatMap(([name, mapping]) => mapping === null
    ? []
    : [resolveMapping(resolving, { source, fields, tables, signal: { name, kind: null, unit: null }, mapping, path: [...source.place.normalise, name] })])
  return [...own, ...added]
}

function checkNoStrangers ({ problems }: Resolving, source: LongSource, declared: readonly SignalSpec[]): void {
  const names = declared.map(({ name }) => name)
  for (const name of Object.keys(source.normalise)) {
    if (!names.includes(name)) wanted({ problems, path: [...source.place.normalise, name], thing: 'signal', name, names, at: 'key' })
  }
}

function resolveSource (resolving: Resolving, { source, fields, mapped }: { readonly source: LongSource, readonly fields: readonly ContractField[], readonly mapped: readonly Mapped[] }): ResolvedSource {
  const { problems } = resolving
  const { name, topic, contract, key, time, interval, dedupe, place } = source
  const names = fields.map(field => field.name)
  const keyPlace = place.key
  if (wanted({ problems, path: keyPlace, thing: 'field', name: key, names })) {
    const field = fields.find(other => other.name === key)!
    if (field.kind !== 'text' && !(field.kind === 'number' && /\b(int|long)\b/.test(field.type))) problems.add(keyPlace, `the key is a text or a whole number, and "${key}" is ${field.type}`)
  }
  dedupe?.by.forEach((by, index) => { wanted({ problems, path: [...place.dedupe, 'by', index], thing: 'field', name: by, names }) })
  return {
    name, topic, fields, key, mapped,
    subject: contract.subject,
    contract: contract.schema,
    time: { field: time.field, unitMs: timeUnit(resolving, source, fields) },
    dedupe: dedupe === undefined ? null : { by: dedupe.by, withinMs: durationMs(dedupe.within) },
    intervalMs: interval === undefined ? null : durationMs(interval),
  }
}

function timeUnit ({ problems }: Resolving, { time, place }: LongSource, fields: readonly ContractField[]): number {
  const names = fields.filter(field => field.kind === 'number').map(field => field.name)
  const path = [...place.time, 'field']
  const field = fields.find(({ name }) => name === time.field)
  if (field !== undefined && field.kind !== 'number') problems.add(path, `the time is a number or a timestamp, and "${time.field}" is ${field.type}`)
  else if (wanted({ problems, path, thing: 'time field', name: time.field, names }) && time.unit !== undefined && /^(local-)?timestamp|^date$/.test(field?.logical ?? '')) {
    problems.add([...place.time, 'unit'], `"${time.field}" is ${field!.type}, which says its unit itself`)
  }
  return unitsMs[time.unit ?? 'ms']
}

function checkTopics ({ problems }: Resolving, sources: readonly LongSource[]): void {
  sources.forEach((source, index) => {
    const twin = sources.slice(0, index).find(({ topic }) => topic === source.topic)
    if (twin !== undefined) problems.add(['sources', source.name, 'topic'], `the topic "${source.topic}" is that of the source "${twin.name}" already`)
  })
}
