import { lakeParts, partStatistic } from '../core/lake-parts.ts'
import type { FieldSpec, NormaliseSpec, SignalSpec, WindowSpec } from '../core/spec.ts'
import { decodeLimits } from '../core/spec.ts'
import type { CompiledPipeline, TaskContext, TaskStages } from '../core/stage.ts'
import { closeChunks, createChunkStage } from '../chunk/stage.ts'
import { contractFields } from '../decode/contract.ts'
import { createDecodeStage } from '../decode/decoder.ts'
import { compileExpression, type ExpressionField } from '../expression/compile.ts'
import { createNormaliseStage } from '../normalise/stage.ts'
import { createRuleStages } from '../rules/stage.ts'
import { parseSummary } from '../rules/summary.ts'
import { createWindowStage, windowColumns } from '../window/stage.ts'
import { operated } from './operated.ts'
import { definitionError, type DefinitionProblem, Problems } from './problem.ts'
import { type Resolved, resolveDefinition } from './resolve.ts'
import type { Mapped } from './resolve-mapping.ts'
import type { ResolvedSource } from './resolve-source.ts'
import { assertFunctionsLoaded } from './resolve-window.ts'
import type { CheckedDefinition } from './schema.ts'
import { findBreaks, type WriterSchema } from './schema-breaks.ts'
import type { Tools } from './tools.ts'

export interface CompileOptions {
  /** Generate code for decoders and expressions; false where `new Function` is forbidden, with the same results. */
  readonly codegen?: boolean
  /** The race carries every signal, also those that nothing of it reads: to show readings. The pond always does. */
  readonly readings?: boolean
}

/** This file alone reaches the stage rooms; what the checks need of them goes by here. */
const tools: Tools = { contractFields, compileExpression, windowColumns, checkSummary: parseSummary }

/** Everything of a definition that its shape does not tell: names, units, expressions, cross-references. */
export function checkReferences (definition: CheckedDefinition): readonly DefinitionProblem[] {
  const problems = new Problems()
  resolveDefinition(definition, tools, problems)
  return problems.list
}

/** What of a definition records of other schemas would break: see `findBreaks`. Errors: DEFINITION_INVALID, SCHEMA_INVALID */
export function schemaBreaks (definition: CheckedDefinition, writers: readonly WriterSchema[]): readonly DefinitionProblem[] {
  return findBreaks(resolved(definition), { definition, tools, writers })
}

/** The definition with names found and defaults worked out, for drawing and planning. Errors: DEFINITION_INVALID */
export function resolved (definition: CheckedDefinition): Resolved {
  const problems = new Problems()
  const found = resolveDefinition(definition, tools, problems)
  if (found === null || problems.list.length > 0) throw definitionError(definition.name, problems.list)
  return found
}

/**
 * Turn a definition into what the runtime runs.
 *
 * Errors: DEFINITION_INVALID; DEFINITION_UNREADABLE when it names a file of functions that was not loaded
 */
export function compileDefinition (definition: CheckedDefinition, options: CompileOptions = {}): CompiledPipeline {
  assertFunctionsLoaded({ definition, functions: typeof definition.functions === 'object' ? definition.functions : null })
  const pipeline = resolved(definition)
  const { name, hash, sources, tables, signals, windows, rules, control, lake, clock } = pipeline
  return {
    name, hash, signals, windows, control, lake, explicit: clock.explicit, futureMaxMs: clock.futureMaxMs,
    sources: sources.map(source => ({ name: source.name, topic: source.topic, subject: source.subject, contract: source.contract, idleMs: clock.idleMs, intervalMs: source.intervalMs, key: source.key, time: source.time })),
    tables: tables.map(({ fields: _, ...table }) => table),
    rules: rules.map(({ spec }) => spec),
    createStages: context => createStages(pipeline, context, options),
    closeChunks,
  }
}

function createStages (pipeline: Resolved, context: TaskContext, { codegen = true, readings = false }: CompileOptions): TaskStages {
  const source = pipeline.sources.find(({ name }) => name === context.source)
  if (source === undefined) throw new RangeError(`no source named ${context.source}`)
  const { latenessMs, idleMs, explicit } = pipeline.clock
  const race = context.leg === 'race'
  const mapped = race && !readings ? source.mapped.filter(({ implied, signal }) => !implied || isRead(pipeline, signal.name)) : source.mapped
  const fields = fieldsRead(source, mapped)
  const signals = mapped.map(({ signal }) => signal)
  const decode = createDecodeStage({
    source: source.name, contract: source.contract, fields, key: source.key, time: source.time, keysMax: pipeline.limits.keys, limits: decodeLimits, codegen,
  }, 0)
  const { keys } = decode
  const plain = createNormaliseStage(normaliseSpec(pipeline, source, { mapped, fields, codegen }), { number: 1, keys, tables: context.tables })
  const normalise = operated(plain, { operators: pipeline.operators, signals, keys })
  const windows = windowsOf(pipeline, source, race).map((spec, index) => createWindowStage(spec, { number: 2 + index, keys, signals }))
  const rules = race ? createRuleStages(pipeline.rules.map(({ spec }) => spec), {
    pipeline: pipeline.name, source: source.name, topic: context.topic, partition: context.partition, mode: context.mode, keys, codegen,
    signals: signals.map(signal => ({ ...signal, nullable: true })),
    windows: new Map(pipeline.windows.map(spec => [spec.name, expressionFields(spec, signals)])),
    firstNumber: 2 + windows.length,
  }) : []
  const chunks = race || context.chunked !== true || pipeline.lake?.rawMode !== 'chunks' ? null : createChunkStage(pipeline.lake.chunks, { number: 2 + windows.length, keys, signals })
  return { decode, normalise, windows, rules, chunks, clock: { latenessMs, idleMs, explicit } }
}

function isRead ({ windows, rules }: Resolved, signal: string): boolean {
  return rules.some(({ spec, reads }) => spec.window === null && reads.includes(signal)) ||
    windows.some(({ keep }) => keep.some(({ statistic }) => 'signal' in statistic && statistic.signal === signal))
}

/** The projection: key, time, what mappings and dedupe read, in the contract's order. */
function fieldsRead ({ fields, key, time, dedupe }: ResolvedSource, mapped: readonly Mapped[]): readonly FieldSpec[] {
  const names = new Set([key, time.field, ...dedupe?.by ?? [], ...mapped.flatMap(({ uses }) => uses)])
  return fields.filter(({ name }) => names.has(name)).map(({ name, path, kind, unit, nullable }) => ({ name, path, kind, unit, nullable }))
}

interface Parts { readonly mapped: readonly Mapped[], readonly fields: readonly FieldSpec[], readonly codegen: boolean }

function normaliseSpec ({ clock, limits }: Resolved, { name, dedupe }: ResolvedSource, { mapped, fields, codegen }: Parts): NormaliseSpec {
  return {
    source: name, fields, codegen,
    signals: mapped.map(({ signal }) => signal),
    mappings: mapped.map(({ spec }) => spec),
    ranges: mapped.map(({ range }) => range),
    dedupe: dedupe === null ? null : { ...dedupe, entriesMax: limits.dedupe },
    futureMaxMs: clock.futureMaxMs,
  }
}

/** The pond keeps its rollups only, with what makes them merge, and corrects them for longer. */
function windowsOf ({ windows, lake, signals }: Resolved, { intervalMs }: ResolvedSource, race: boolean): readonly WindowSpec[] {
  if (race) return windows.map(window => ({ ...window, intervalMs }))
  if (lake === null) return []
  const { rollups, allowedLatenessMs } = lake
  return windows.filter(({ name }) => rollups.includes(name)).map(window => ({
    ...window, intervalMs, emit: { mode: 'close' }, allowedLatenessMs,
    keep: [...window.keep, ...lakeParts(window, signals).map(part => ({ name: part.name, statistic: partStatistic(part) }))],
  }))
}

function expressionFields (spec: WindowSpec, signals: readonly SignalSpec[]): readonly ExpressionField[] {
  return windowColumns(spec, signals).map(({ name, kind, unit = null }) => ({ name, kind, unit, nullable: true }))
}
