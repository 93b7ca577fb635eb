import { compileProgram } from './pattern-program.ts'
import { PatternParser } from './pattern-parser.ts'

/** A pattern ready to search in texts. `size` is its number of states. */
export interface Pattern { readonly size: number, test (text: string): boolean }

export const patternSizeMax = 500

/**
 * Compile an RE2 pattern. All states advance together, one step per character, so that no text takes more than its
 * length times the pattern's size: there is no backtracking.
 *
 * Shape:  literals, `.`, classes, \d \w \s \b, anchors, groups, | * + ? {n,m}, flags i s m; neither references nor look-around,
 *         nor Unicode classes
 * Limits: 500 states, repetitions written out
 * Source: K. Thompson's construction, as RE2 has it
 */
export function compilePattern (source: string, fail: (problem: string) => never): Pattern {
  const program = compileProgram(new PatternParser(source, fail).parse(), patternSizeMax, fail)
  return { size: program.size, test: text => program.test(text) }
}
