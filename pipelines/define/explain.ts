import type { MappingSpec, SignalSpec, StatisticSpec, WindowSpec } from '../core/spec.ts'
import { durationText } from '../core/time.ts'
import { resolved } from './compile.ts'
import type { Resolved } from './resolve.ts'
import type { Mapped } from './resolve-mapping.ts'
import type { ResolvedRule } from './resolve-rule.ts'
import type { ResolvedSource } from './resolve-source.ts'
import type { CheckedDefinition } from './schema.ts'

/**
 * A pipeline drawn as text: what comes in, how it becomes signals, what is kept and decided, where it goes.
 *
 * Shape:  one tree per leg, in the order of the data; a name in it is the name in the definition
 * Errors: DEFINITION_INVALID
 */
export function explain (definition: CheckedDefinition): string {
  const pipeline = resolved(definition)
  const { name, hash, clock, lake } = pipeline
  const policy = clock.explicit ? 'watermark set from outside' : `watermark = highest time - ${durationText(clock.latenessMs)}, going on after ${durationText(clock.idleMs)} of silence`
  return [
    `${name}  ${hash.slice(0, 12)}${definition.description === undefined ? '' : `  ${definition.description}`}`,
    '',
    ...tree('race', raceBranches(pipeline, policy)),
    ...lake === null ? [] : ['', ...tree('pond', pondBranches(pipeline))],
    ...pipeline.tables.length === 0 ? [] : ['', ...tree('tables', pipeline.tables.map(({ name: table, topic, key, fields }) => leaf(`${table}  <- ${topic}, by ${key}: ${fields.map(field => field.name).filter(field => field !== key).join(', ')}`)))],
  ].join('\n')
}

interface Branch { readonly text: string, readonly below: readonly Branch[] }
const leaf = (text: string): Branch => ({ text, below: [] })

function tree (text: string, branches: readonly Branch[], indent = ''): readonly string[] {
  return [...indent === '' ? [text] : [], ...branches.flatMap((branch, index) => {
    const last = index === branches.length - 1
    return [`${indent}${last ? '└─' : '├─'} ${branch.text}`, ...branch.below.length === 0 ? [] : tree('', branch.below, `${indent}${last ? '  ' : '│ '} `)]
  })]
}

function raceBranches ({ name, sources, operators, windows, rules, control, signals, clock }: Resolved, policy: string): readonly Branch[] {
  const readingRules = rules.filter(({ spec }) => spec.window === null)
  return [
    ...sources.map(source => sourceBranch(source, clock.futureMaxMs)),
    { text: `signals  ${signals.map(signalText).join(', ')}`, below: [leaf(policy)] },
    ...operators.map(operator => leaf(`operator ${operator.name}  ${operator.reads.join(', ')} -> ${operator.writes.join(', ')}`)),
    ...windows.map(window => ({
      text: `window ${window.name}  ${windowText(window)}`,
      below: [...window.keep.map(({ name: keep, statistic }) => leaf(`${keep} = ${statisticText(statistic)}`)), ...rules.filter(({ spec }) => spec.window === window.name).map(ruleBranch)],
    })),
    ...readingRules.map(ruleBranch),
    ...control === null ? [] : [leaf(`-> ${control.topic}  control events, ${control.delivery}`)],
    leaf(`-> millrace.${name}.dead-letter`),
    ...windows.length === 0 ? [] : [leaf(`-> millrace.${name}.late`)],
  ]
}

function pondBranches ({ lake, signals, windows }: Resolved): readonly Branch[] {
  const { keyspace, rawTtlMs, rollups, allowedLatenessMs } = lake!
  return [
    leaf(`${keyspace}: readings  ${signals.map(({ name }) => name).join(', ')}, kept ${rawTtlMs === null ? 'for ever' : durationText(rawTtlMs)}`),
    ...windows.filter(({ name }) => rollups.includes(name)).map(({ name, keep }) => leaf(`${keyspace}: ${name}  ${keep.map(one => one.name).join(', ')}, corrected for ${durationText(allowedLatenessMs)}`)),
    leaf(`${keyspace}: alerts`),
  ]
}

function sourceBranch ({ name, topic, subject, key, time, mapped, dedupe, intervalMs }: ResolvedSource, futureMaxMs: number): Branch {
  const unit = { 1000: ' in seconds', 0.001: ' in microseconds', 0.000001: ' in nanoseconds' }[time.unitMs] ?? ''
  return {
    text: `source ${name}  <- ${topic} (${subject})`,
    below: [
      leaf(`key ${key}, time ${time.field}${unit}, at most ${durationText(futureMaxMs)} ahead${intervalMs === null ? '' : `, a reading every ${durationText(intervalMs)}`}`),
      ...dedupe === null ? [] : [leaf(`dedupe by ${dedupe.by.join(', ')} within ${durationText(dedupe.withinMs)}`)],
      ...mapped.filter(({ implied }) => !implied).map(one => leaf(`${one.signal.name} = ${mappingText(one)}`)),
    ],
  }
}

function mappingText ({ signal, spec, range }: Mapped): string {
  const text = mappingCore(spec, signal)
  return range === null ? text : `${text}, in [${range.min}, ${range.max}]${range.outside === 'unknown' ? '' : ` else ${range.outside}`}`
}

function mappingCore (spec: MappingSpec, signal: SignalSpec): string {
  switch (spec.kind) {
    case 'nothing': return 'nothing'
    case 'expression': return spec.text
    case 'table': return `${spec.table}[key].${spec.column}${spec.otherwise === null ? '' : `, else ${JSON.stringify(spec.otherwise)}`}`
    case 'function': return `${spec.call.name}(${spec.fields.join(', ')})`
    case 'field': {
      const calibrated = `${spec.field}${spec.scale === 1 ? '' : ` * ${spec.scale}`}${spec.offset === 0 ? '' : ` + ${spec.offset}`}`
      return spec.from === null || spec.from === signal.unit ? calibrated : `${calibrated}  ${spec.from} -> ${signal.unit}`
    }
  }
}

const signalText = ({ name, kind, unit }: SignalSpec) => `${name} ${unit ?? kind}`

function windowText ({ shape, emit, allowedLatenessMs }: WindowSpec): string {
  const form = shape.kind === 'tumbling' ? `every ${durationText(shape.sizeMs)}`
    : shape.kind === 'hopping' ? `${durationText(shape.sizeMs)} long, every ${durationText(shape.advanceMs)}`
    : `sessions apart by more than ${durationText(shape.gapMs)}`
  const when = emit.mode === 'every' ? `, early every ${durationText(emit.everyMs)}` : emit.mode === 'update' ? ', at each change' : ''
  return `${form}${when}${allowedLatenessMs === 0 ? '' : `, corrected for ${durationText(allowedLatenessMs)}`}`
}

function statisticText (statistic: StatisticSpec): string {
  switch (statistic.kind) {
    case 'count': return 'count'
    case 'quantile': return `quantile ${statistic.q} of ${statistic.signal}`
    case 'collect': return `up to ${statistic.limit} of ${statistic.signal}`
    case 'user': return `${statistic.statistic.name} of ${statistic.signal}`
    default: return `${statistic.kind} of ${statistic.signal}`
  }
}

function ruleBranch ({ spec }: ResolvedRule): Branch {
  const parts = [
    spec.absentMs === null ? `when ${spec.when}` : `when silent for ${durationText(spec.absentMs)}${spec.registry === null ? '' : `, also ${spec.registry} never heard`}`,
    ...spec.atLeast === null ? [] : [`${spec.atLeast.count} of the last ${spec.atLeast.of}`],
    ...spec.forMs === 0 ? [] : [`for ${durationText(spec.forMs)}`],
    ...spec.forCount === 0 ? [] : [`${spec.forCount} in a row`],
    ...spec.clear === null ? [] : [`clear when ${spec.clear}`],
  ]
  return leaf(`rule ${spec.name}  ${spec.severity}  ${parts.join(', ')}`)
}
