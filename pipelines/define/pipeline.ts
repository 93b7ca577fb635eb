import { checkReferences } from './compile.ts'
import { definitionError, Problems } from './problem.ts'
import type { CheckedDefinition } from './schema.ts'
import type { Definition, SignalKind } from './typing.ts'
import { checkWritten } from './written.ts'

type Nothing = Readonly<Record<never, never>>

/**
 * Define a pipeline: a plain object, checked by tsc as it is written and here as it is imported (expressions, units, cross-references).
 *
 * Errors: DEFINITION_INVALID lists every problem with its place and the nearest valid name
 */
export function definePipeline<
  const Signals extends Readonly<Record<string, SignalKind>> = Nothing,
  Shape extends object = never,
  Shapes extends Readonly<Record<string, object>> = Nothing,
  Added extends string = never,
  Tables extends Readonly<Record<string, object>> = Nothing,
  Windows extends Readonly<Record<string, object>> = Nothing,
  const Functions extends string | object = never,
> (definition: Definition<Signals, Shape, Shapes, Added, Tables, Windows, Functions>): CheckedDefinition {
  return checkedDefinition(definition)
}

/** Check a definition of unknown origin, contracts resolved. Errors: DEFINITION_INVALID */
export function checkedDefinition (written: unknown): CheckedDefinition {
  const problems = new Problems()
  const { definition, rest } = checkWritten(written, problems)
  if (rest !== null) problems.list.push(...checkReferences(rest))
  if (definition === null || problems.list.length > 0) throw definitionError(nameOf(written), problems.list)
  return definition
}

function nameOf (written: unknown): string {
  const { name } = (written ?? {}) as { readonly name?: unknown }
  return typeof name === 'string' ? name : '(without a name)'
}
