import { checkDefinition, locateProblem, type Problem } from './check.ts'
import { StreamError } from '../core/errors.ts'
import { type InspectOptions, inspectDefinition } from './inspect.ts'
import type { CheckedDefinition } from './schema.ts'

export { checkDefinition, type Problem }

/**
 * Load a definition from a .ts or .yaml file, with its contracts and functions, checked.
 *
 * Errors: DEFINITION_INVALID names every problem with file, line and column; DEFINITION_UNREADABLE
 */
export async function loadDefinition (path: string, options: InspectOptions = {}): Promise<CheckedDefinition> {
  const { definition, problems, text } = await inspectDefinition(path, options)
  if (definition !== null) return definition
  const told = problems.map(problem => locateProblem(problem, { file: path, text })).map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`)
  throw new StreamError('DEFINITION_INVALID', { definition: path, problems: told }, { cause: { problems } })
}
