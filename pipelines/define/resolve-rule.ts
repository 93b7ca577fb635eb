import { canonicalJson, hashText } from '../core/hash.ts'
import type { RuleSpec, SignalSpec, WindowSpec } from '../core/spec.ts'
import { durationMs } from '../core/time.ts'
import type { Path } from './problem.ts'
import type { Resolving } from './resolve.ts'
import type { CheckedRule } from './schema.ts'
import type { ExpressionField } from './tools.ts'
import { wanted } from './wanted.ts'

interface Seen { readonly signals: readonly SignalSpec[], readonly windows: readonly WindowSpec[] }
interface RulePlace { readonly rule: CheckedRule, readonly path: Path, readonly fields: readonly ExpressionField[] }

/** `reads` are the columns that its expressions, labels and summary name. */
export interface ResolvedRule { readonly spec: RuleSpec, readonly reads: readonly string[] }

export function resolveRules (resolving: Resolving, seen: Seen): readonly ResolvedRule[] {
  return Object.entries(resolving.definition.rules).map(([name, rule]) => {
    const path = ['rules', name]
    const fields = fieldsOf(resolving, { seen, rule, path })
    const place = { rule, path, fields: fields ?? [] }
    checkForm(resolving, place)
    const reads = fields === null ? [] : checkTexts(resolving, place, name)
    const { when = null, clear = null, window = null, registry = null, summary = null, missing, order, early, severity, labels, atLeast } = rule
    const spec: Omit<RuleSpec, 'version'> = {
      name, when, clear, window, registry, summary, order, early, severity, labels,
      absentMs: ms(rule.absent),
      forMs: typeof rule.for === 'string' ? durationMs(rule.for) : 0,
      forCount: typeof rule.for === 'number' ? rule.for : 0,
      gapMs: ms(rule.gap),
      keepFiringMs: ms(rule.keepFiring) ?? 0,
      atLeast: atLeast === undefined ? null : { count: atLeast[0], of: atLeast[1] },
      missing: missing === 'hold' ? 'hold' : missing ? 'true' : 'false',
      ttlMs: ms(rule.ttl),
    }
    const known = place.fields.filter(field => reads.includes(field.name))
    return { reads, spec: { ...spec, version: hashText(canonicalJson({ spec, fields: known })).slice(0, 12) } }
  })
}

const ms = (text: string | undefined): number | null => text === undefined ? null : durationMs(text)

/** What the rule's expressions may name: the signals, or the statistics of its window. Null when there is no such window, or its statistics are not loaded. */
function fieldsOf ({ problems, tools, functions }: Resolving, { seen, rule, path }: { readonly seen: Seen, readonly rule: CheckedRule, readonly path: Path }): readonly ExpressionField[] | null {
  if (rule.window === undefined) return seen.signals.map(signal => ({ ...signal, nullable: true }))
  if (!wanted({ problems, path: [...path, 'window'], thing: 'window', name: rule.window, names: seen.windows.map(window => window.name) })) return null
  const window = seen.windows.find(({ name }) => name === rule.window)!
  // The kind of a user statistic is known once its file is loaded; then this is checked again.
  if (functions === null && window.keep.some(({ statistic }) => statistic.kind === 'user')) return null
  return tools.windowColumns(window, seen.signals).map(({ name, kind, unit = null }) => ({ name, kind, unit, nullable: true }))
}

/** Words that mean nothing for a rule of silence. */
const notAbsent = ['window', 'for', 'gap', 'clear', 'keepFiring', 'atLeast'] as const

function checkForm ({ definition, problems }: Resolving, { rule, path }: RulePlace): void {
  if ((rule.when === undefined) === (rule.absent === undefined)) problems.add(path, rule.when === undefined ? 'a rule has "when" or "absent"' : 'a rule has either "when" or "absent", not both')
  if (rule.absent !== undefined) {
    if (durationMs(rule.absent) === 0) problems.add([...path, 'absent'], 'silence is longer than nothing')
    for (const word of notAbsent) if (rule[word] !== undefined) problems.add([...path, word], `"${word}" does not go with "absent"`, { at: 'key' })
  } else if (rule.registry !== undefined) problems.add([...path, 'registry'], '"registry" goes with "absent" only', { at: 'key' })
  if (rule.registry !== undefined) wanted({ problems, path: [...path, 'registry'], thing: 'table', name: rule.registry, names: Object.keys(definition.tables) })
  if (rule.window === undefined) {
    if (rule.early) problems.add([...path, 'early'], '"early" is for rules on windows', { at: 'key' })
    if (typeof rule.for === 'number') problems.add([...path, 'for'], 'on readings "for" is a duration, for example 5m; "atLeast" counts readings')
  } else {
    if (typeof rule.for === 'string') problems.add([...path, 'for'], `on windows "for" is how many in a row, a whole number, not ${JSON.stringify(rule.for)}`)
    if (rule.order === 'event') problems.add([...path, 'order'], '"order" is for rules on readings: windows come in order', { at: 'key' })
  }
  if (rule.atLeast !== undefined && rule.atLeast[0] > rule.atLeast[1]) problems.add([...path, 'atLeast'], `${rule.atLeast[0]} of the last ${rule.atLeast[1]} can never be`)
}

/** Check what the rule reads; gives the names of it. */
function checkTexts ({ problems, tools }: Resolving, { rule, path, fields }: RulePlace, name: string): readonly string[] {
  const expressions = (['when', 'clear'] as const).flatMap(word => {
    const text = rule[word]
    return text === undefined ? [] : [problems.attempt([...path, word], () => tools.compileExpression(text, { fields, expect: 'bool', codegen: false }))]
  })
  const columns = fields.map(field => field.name)
  rule.labels.forEach((label, index) => { wanted({ problems, path: [...path, 'labels', index], thing: rule.window === undefined ? 'signal' : `statistic of the window "${rule.window}"`, name: label, names: columns }) })
  const { summary } = rule
  const template = summary === undefined ? null : problems.attempt([...path, 'summary'], () => tools.checkSummary(summary, { rule: name, columns, labels: rule.labels }))
  return [...new Set([...expressions.flatMap(expression => expression?.fields ?? []), ...rule.labels, ...template?.columns ?? []])]
}
