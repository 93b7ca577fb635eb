import { type InspectOptions, inspectDefinition } from './inspect.ts'
import { type DefinitionProblem, problemText } from './problem.ts'
import type { SourceText } from './source-text.ts'

/** A mistake where the user wrote it. Line and column from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** Place in the definition, what is wrong, and the nearest valid name. */
  readonly message: string
  readonly nearest: string | null
}

/**
 * Everything wrong with the definition in a file, in order of lines; empty when it is fine.
 *
 * Errors: DEFINITION_UNREADABLE when there is no such file
 */
export async function checkDefinition (path: string, options: InspectOptions = {}): Promise<Problem[]> {
  const { problems, text } = await inspectDefinition(path, options)
  return problems.map(problem => locateProblem(problem, { file: path, text })).sort((a, b) => a.line - b.line || a.column - b.column)
}

export function locateProblem (problem: DefinitionProblem, { file, text }: { readonly file: string, readonly text: SourceText }): Problem {
  const { path, at, line, column, nearest } = problem
  const within = line === undefined || column === undefined ? null : path.length === 0 ? { line, column } : text.locateWithin(path, { line, column })
  return { file, ...(within ?? text.locate(path, at)), message: problemText(problem), nearest }
}
