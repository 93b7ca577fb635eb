import { errorText, StreamError } from '../core/errors.ts'
import { nearest as nearestOf } from '../core/nearest.ts'

/** Where a thing stands in a definition: `['rules', 'tooWarm', 'when']`. */
export type Path = readonly (string | number)[]

/**
 * One mistake of a definition.
 *
 * Shape: `at` tells whether the name or the value at `path` is wrong; line and column, from 1, are those inside the text at `path` (an expression)
 */
export interface DefinitionProblem {
  readonly path: Path
  readonly message: string
  readonly nearest: string | null
  readonly at: 'key' | 'value'
  readonly line?: number
  readonly column?: number
}

/** Collects problems while a definition is checked, so that all are told at once. */
export class Problems {
  readonly list: DefinitionProblem[] = []

  add (path: Path, message: string, more: { readonly nearest?: string | null, readonly at?: 'key' | 'value', readonly line?: number, readonly column?: number } = {}): void {
    this.list.push({ path, message, nearest: null, at: 'value', ...more })
  }

  /** What a stage room says about a part of the definition; anything but a StreamError is a bug and goes on. */
  attempt<T> (path: Path, make: () => T): T | null {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      // Place and nearest name are told by the problem itself, the expression stands at its place.
      const { nearest, line = 1, column, expression: _, known, ...facts } = error.details
      const guess = Array.isArray(known) && typeof facts.name === 'string' ? nearestOf(facts.name, known as readonly string[]) : null
      this.add(path, errorText(error.code, facts), {
        nearest: typeof nearest === 'string' ? nearest : guess,
        ...(typeof line === 'number' && typeof column === 'number' ? { line, column } : {}),
      })
      return null
    }
  }
}

export function pathText (path: Path): string {
  return path.map((part, index) => typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`).join('')
}

export function problemText ({ path, message, nearest }: DefinitionProblem): string {
  return `${path.length > 0 ? `${pathText(path)}: ` : ''}${message}${nearest === null ? '' : `; did you mean "${nearest}"?`}`
}

/** All problems as the one error that leaves `define`. */
export function definitionError (definition: string, problems: readonly DefinitionProblem[]): StreamError {
  return new StreamError('DEFINITION_INVALID', { definition, problems: problems.map(problemText) }, { cause: { problems } })
}

/** The problems an error of `definitionError` carries; null for any other error. */
export function problemsOf (error: unknown): readonly DefinitionProblem[] | null {
  // By name, not instanceof: the definition may have been made by another copy of this package.
  const { code, cause } = (error ?? {}) as { readonly code?: unknown, readonly cause?: { readonly problems?: unknown } }
  return code === 'DEFINITION_INVALID' && Array.isArray(cause?.problems) ? cause.problems as DefinitionProblem[] : null
}
