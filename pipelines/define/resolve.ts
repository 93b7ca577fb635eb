import type { Contract } from '../../schemas/contract.ts'
import { canonicalJson, hashText } from '../core/hash.ts'
import type { OperatorSpec } from '../core/operator.ts'
import type { SignalSpec, WindowSpec } from '../core/spec.ts'
import type { CompiledPipeline, LakeSpec } from '../core/stage.ts'
import { durationMs } from '../core/time.ts'
import { longForm } from './long-form.ts'
import type { Problems } from './problem.ts'
import { resolveLake } from './resolve-lake.ts'
import { resolveOperators } from './resolve-operator.ts'
import { type ResolvedRule, resolveRules } from './resolve-rule.ts'
import { type ResolvedSource, resolveSources } from './resolve-source.ts'
import { type ResolvedTable, resolveTables } from './resolve-table.ts'
import { resolveWindows } from './resolve-window.ts'
import type { CheckedDefinition } from './schema.ts'
import type { Tools } from './tools.ts'

/** A definition whose names are found, durations are milliseconds and defaults are worked out. */
export interface Resolved {
  readonly name: string
  readonly hash: string
  readonly signals: readonly SignalSpec[]
  readonly sources: readonly ResolvedSource[]
  readonly tables: readonly ResolvedTable[]
  readonly operators: readonly OperatorSpec[]
  readonly windows: readonly WindowSpec[]
  readonly rules: readonly ResolvedRule[]
  readonly clock: { readonly latenessMs: number, readonly idleMs: number, readonly futureMaxMs: number, readonly explicit: boolean }
  readonly control: CompiledPipeline['control']
  readonly lake: LakeSpec | null
  readonly limits: CheckedDefinition['limits']
}

/** What every part of the work shares. `functions` is null while the file is not loaded: names in it cannot be checked then. */
export interface Resolving {
  readonly definition: CheckedDefinition
  readonly problems: Problems
  readonly tools: Tools
  readonly functions: Readonly<Record<string, unknown>> | null
}

/** Find every name, check every expression and unit; what is wrong goes to `problems`. Null when a part could not be made at all. */
export function resolveDefinition (definition: CheckedDefinition, tools: Tools, problems: Problems): Resolved | null {
  const functions = typeof definition.functions === 'object' ? definition.functions : null
  const resolving: Resolving = { definition, problems, tools, functions }
  const tables = resolveTables(resolving)
  const { sources, signals } = resolveSources(resolving, longForm(definition, problems), tables)
  const operators = resolveOperators(resolving, signals)
  const windows = resolveWindows(resolving, signals)
  const rules = resolveRules(resolving, { signals, windows })
  const lake = resolveLake(resolving, { signals, windows })
  if (problems.list.length > 0) return null
  const { name, limits } = definition
  const time = timePolicy(definition)
  return {
    name, signals, sources, tables, operators, windows, rules, lake, limits,
    hash: hashText(canonicalJson(hashed(definition))),
    clock: { latenessMs: durationMs(time.lateness), idleMs: durationMs(time.idle), futureMaxMs: durationMs(time.futureMax), explicit: time.watermark === 'explicit' },
    control: definition.control === undefined && rules.length === 0
      ? null
      : { topic: definition.control?.topic ?? `${name}.control`, delivery: definition.control?.delivery ?? 'exactly-once' },
  }
}

/** In the short form the words about time may stand in the source, too. */
function timePolicy ({ time, source }: CheckedDefinition): CheckedDefinition['time'] {
  const { lateness = time.lateness, idle = time.idle, futureMax = time.futureMax, watermark = time.watermark } = source?.time ?? {}
  return { lateness, idle, futureMax, ...watermark === undefined ? {} : { watermark } }
}

/**
 * What of a definition shapes its output. The code of functions counts, not the path of their file; the fields of a contract, not
 * how its JSON is laid out or which version it is called; texts for people do not.
 */
function hashed ({ description: _, functions, source, sources, tables, ...rest }: CheckedDefinition): unknown {
  const withFields = <T extends { readonly contract: Contract<object> }>(part: T) => ({ ...part, contract: { subject: part.contract.subject, schema: JSON.parse(part.contract.schema) as unknown } })
  const each = <T extends { readonly contract: Contract<object> }>(parts: Readonly<Record<string, T>>) => Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, withFields(part)]))
  const { signals = {}, operators, windows, rules } = rest
  return {
    ...rest,
    // Outputs of one cause come in the order of the definition, and so do columns.
    order: [signals, operators, windows, rules, ...Object.values(windows).map(({ keep }) => keep)].map(part => Object.keys(part)),
    tables: each(tables),
    source: source === undefined ? undefined : withFields(source),
    sources: sources === undefined ? undefined : each(sources),
    functions: typeof functions === 'object' ? codeOf({ ...functions }) : functions,
  }
}

function codeOf (value: unknown): unknown {
  if (typeof value === 'function') return String(value)
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, codeOf(member)])) : String(value)
}
