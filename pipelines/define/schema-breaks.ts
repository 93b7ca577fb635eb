import { parseAvro } from '../../schemas/avro-schema.ts'
import { incompatibilities } from '../../schemas/compatibility.ts'
import { longForm } from './long-form.ts'
import { type DefinitionProblem, type Path, Problems } from './problem.ts'
import type { Resolved } from './resolve.ts'
import type { ResolvedSource } from './resolve-source.ts'
import type { CheckedDefinition } from './schema.ts'
import type { ContractField, Tools } from './tools.ts'

/** A schema that a source's or table's writers use, or will. `called` is its name for people: `fleet.polar-value@3`. */
export interface WriterSchema { readonly part: 'source' | 'table', readonly name: string, readonly called: string, readonly schema: string }
/** Why a field, signal or statistic does not say any more what it said, by its name. */
type Broken = ReadonlyMap<string, string>

/**
 * What of a definition would not work, or not say the same, on records of other schemas than its contracts: the mappings, windows and
 * rules that read a field which is gone, has another type, unit or meaning, or may hold what the contract has no place for.
 *
 * Shape: one problem per place, in the order of the data; a rule on a window is told through the window
 */
export function findBreaks (pipeline: Resolved, { definition, tools, writers }: { readonly definition: CheckedDefinition, readonly tools: Tools, readonly writers: readonly WriterSchema[] }): readonly DefinitionProblem[] {
  const problems = new Problems()
  const tables = new Map<string, Broken>()
  for (const { name, called, schema } of writers.filter(({ part }) => part === 'table')) {
    const table = pipeline.tables.find(one => one.name === name)
    if (table !== undefined) tables.set(name, brokenFields(table, { called, schema, tools, used: table.fields.map(field => field.name) }))
  }
  const signals = new Map<string, string>()
  const places = new Map(longForm(definition, new Problems()).map(({ name, place }) => [name, place]))
  for (const source of pipeline.sources) {
    const writer = writers.find(({ part, name }) => part === 'source' && name === source.name)
    const used = [source.key, source.time.field, ...source.dedupe?.by ?? [], ...source.mapped.filter(({ implied, signal }) => !implied || isRead(pipeline, signal.name)).flatMap(({ uses }) => uses)]
    const fields: Broken = writer === undefined ? new Map() : brokenFields(source, { ...writer, tools, used: [...new Set(used)] })
    const place = places.get(source.name)!
    for (const word of ['key', 'time', 'dedupe'] as const) {
      const why = reasons(partsOf(source, word), fields)
      if (why !== null) problems.add(place[word], why)
      // Without key or time nothing of the source is read.
      if (why !== null && word !== 'dedupe') for (const { signal } of source.mapped) signals.set(signal.name, `nothing of the source "${source.name}" can be read: ${why}`)
    }
    brokenSignals(source, { fields, tables, signals, problems, normalise: place.normalise })
  }
  for (const { reads, writes } of pipeline.operators) {
    const why = reasons(reads, signals)
    if (why !== null) for (const name of writes) signals.set(name, why)
  }
  downstream(pipeline, signals, problems)
  return problems.list
}

const partsOf = ({ key, time, dedupe }: ResolvedSource, word: 'key' | 'time' | 'dedupe'): readonly string[] => word === 'key' ? [key] : word === 'time' ? [time.field] : dedupe?.by ?? []

interface Signals { readonly fields: Broken, readonly tables: ReadonlyMap<string, Broken>, readonly signals: Map<string, string>, readonly problems: Problems, readonly normalise: Path }

function brokenSignals ({ name, mapped }: ResolvedSource, { fields, tables, signals, problems, normalise }: Signals): void {
  for (const { signal, spec, uses, implied } of mapped) {
    const why = spec.kind === 'table' ? reasons([spec.column], tables.get(spec.table) ?? new Map()) : reasons(uses, fields)
    if (why === null) continue
    if (!implied) problems.add([...normalise, signal.name], why)
    if (!signals.has(signal.name)) signals.set(signal.name, `the signal "${signal.name}" of the source "${name}" is broken: ${why}`)
  }
}

function downstream ({ windows, rules }: Resolved, signals: Broken, problems: Problems): void {
  const statistics = new Map<string, Broken>()
  for (const { name, keep } of windows) {
    const broken = new Map<string, string>()
    for (const { name: kept, statistic } of keep) {
      const why = 'signal' in statistic ? reasons([statistic.signal], signals) : null
      if (why === null) continue
      problems.add(['windows', name, 'keep', kept], why)
      broken.set(kept, `the statistic "${kept}" of the window "${name}" is broken: ${why}`)
    }
    statistics.set(name, broken)
  }
  for (const { spec, reads } of rules) {
    const why = reasons(reads, spec.window === null ? signals : statistics.get(spec.window) ?? new Map())
    if (why !== null) problems.add(['rules', spec.name], why)
  }
}

/** The first reason there is. */
function reasons (names: readonly string[], broken: Broken): string | null {
  for (const name of names) {
    const why = broken.get(name)
    if (why !== undefined) return why
  }
  return null
}

function isRead ({ windows, rules }: Resolved, signal: string): boolean {
  return rules.some(({ spec, reads }) => spec.window === null && reads.includes(signal)) || windows.some(({ keep }) => keep.some(({ statistic }) => 'signal' in statistic && statistic.signal === signal))
}

interface Against { readonly called: string, readonly schema: string, readonly tools: Tools, readonly used: readonly string[] }

function brokenFields ({ contract, fields }: { readonly contract: string, readonly fields: readonly ContractField[] }, { called, schema, tools, used }: Against): Broken {
  const found = incompatibilities({ reader: parseAvro(contract), writer: parseAvro(schema) })
  const written = tools.contractFields(schema)
  const broken = new Map<string, string>()
  for (const name of used) {
    const was = fields.find(field => field.name === name)
    const unfit = found.find(({ path }) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`) || path.startsWith(`${name}{`) || (path !== '' && name.startsWith(`${path}.`)) || path === '')
    const is = written.find(field => field.name === name)
    const why = unfit !== undefined && is === undefined ? 'is gone, and the contract has no default: records become dead letters'
      : unfit !== undefined ? `cannot always be read (${unfit.says}): records become dead letters`
      : is === undefined ? hasAlias(contract, name) ? null : 'is gone; the contract\'s default stands in for it'
      : was === undefined ? null : changed(was, is)
    if (why !== null) broken.set(name, `in ${called} the field "${name}" ${why}`)
  }
  return broken
}

/** What Avro lets pass, and means something else. */
function changed (was: ContractField, is: ContractField): string | null {
  if (is.unit !== null && is.unit !== was.unit) return `is in ${is.unit}, not in ${was.unit ?? 'no unit'}`
  if (is.logical !== was.logical) return `is ${is.type}, not ${was.type}`
  return null
}

/** Whether the writers may call the field by another name; then only its type can be wrong. */
function hasAlias (contract: string, name: string): boolean {
  let type = parseAvro(contract)
  for (const part of name.split('.')) {
    const record = type.kind === 'union' ? type.branches.find(({ kind }) => kind === 'record') ?? type : type
    const field = record.kind === 'record' ? record.fields.find(one => one.name === part) : undefined
    if (field === undefined) return false
    if (field.aliases.length > 0) return true
    type = field.type
  }
  return false
}
