import { numberCode } from './function-entry.ts'
import type { Pure } from './node.ts'
import { compareText, textLengthMax } from './text.ts'

/** Operators. `apply` and `code` say the same twice: once for closures, once for generated code. */

const numbers = (name: string, apply: (a: number, b: number) => number, code: (a: string, b: string) => string): Pure => ({ name, apply, code } as Pure)

export const arithmetic: Readonly<Record<'+' | '-' | '*' | '/' | '%', Pure>> = {
  '+': numbers('+', (a, b) => a + b, (a, b) => `(${a} + ${b})`),
  '-': numbers('-', (a, b) => a - b, (a, b) => `(${a} - ${b})`),
  '*': numbers('*', (a, b) => a * b, (a, b) => `(${a} * ${b})`),
  '/': numbers('/', (a, b) => b === 0 ? Number.NaN : a / b, (a, b) => `(${b} === 0 ? NaN : ${a} / ${b})`),
  '%': numbers('%', (a, b) => a % b, (a, b) => `(${a} % ${b})`),
}

export const negate: Pure = { name: '-', apply: (a: number) => -a, code: a => `(-${a})` } as Pure

export type Comparison = '<' | '<=' | '>' | '>=' | '==' | '!='

export const compareNumbers: Readonly<Record<Comparison, Pure>> = {
  '<': numbers('<', (a, b) => a < b ? 1 : a >= b ? 0 : 2, (a, b) => `2 - (${a} < ${b}) - 2 * (${a} >= ${b})`),
  '<=': numbers('<=', (a, b) => a <= b ? 1 : a > b ? 0 : 2, (a, b) => `2 - (${a} <= ${b}) - 2 * (${a} > ${b})`),
  '>': numbers('>', (a, b) => a > b ? 1 : a <= b ? 0 : 2, (a, b) => `2 - (${a} > ${b}) - 2 * (${a} <= ${b})`),
  '>=': numbers('>=', (a, b) => a >= b ? 1 : a < b ? 0 : 2, (a, b) => `2 - (${a} >= ${b}) - 2 * (${a} < ${b})`),
  '==': numbers('==', (a, b) => a === b ? 1 : a < b || a > b ? 0 : 2, (a, b) => `(${a} === ${b} ? 1 : ${a} < ${b} || ${a} > ${b} ? 0 : 2)`),
  '!=': numbers('!=', (a, b) => a === b ? 0 : a < b || a > b ? 1 : 2, (a, b) => `(${a} === ${b} ? 0 : ${a} < ${b} || ${a} > ${b} ? 1 : 2)`),
}

const bools = (name: string, apply: (a: number, b: number) => boolean, sign: string): Pure =>
  ({ name, apply: (a: number, b: number) => a === 2 || b === 2 ? 2 : apply(a, b) ? 1 : 0, code: (a: string, b: string) => `(${a} === 2 || ${b} === 2 ? 2 : ${a} ${sign} ${b} ? 1 : 0)` } as Pure)

export const compareBools: Readonly<Record<Comparison, Pure>> = {
  '<': bools('<', (a, b) => a < b, '<'),
  '<=': bools('<=', (a, b) => a <= b, '<='),
  '>': bools('>', (a, b) => a > b, '>'),
  '>=': bools('>=', (a, b) => a >= b, '>='),
  '==': bools('==', (a, b) => a === b, '==='),
  '!=': bools('!=', (a, b) => a !== b, '!=='),
}

const texts = (name: string, apply: (a: string, b: string) => boolean): Pure =>
  ({ name, apply: (a: string | null, b: string | null) => a === null || b === null ? 2 : apply(a, b) ? 1 : 0 } as Pure)

export const compareTexts: Readonly<Record<Comparison, Pure>> = {
  '<': texts('<', (a, b) => compareText(a, b) < 0),
  '<=': texts('<=', (a, b) => compareText(a, b) <= 0),
  '>': texts('>', (a, b) => compareText(a, b) > 0),
  '>=': texts('>=', (a, b) => compareText(a, b) >= 0),
  '==': texts('==', (a, b) => a === b),
  '!=': texts('!=', (a, b) => a !== b),
}

export const not: Pure = { name: '!', apply: (a: number) => a === 2 ? 2 : 1 - a, code: a => `(${a} === 2 ? 2 : 1 - ${a})` } as Pure

export const knownNumber: Pure = { name: 'known', apply: (a: number) => Number.isNaN(a) ? 0 : 1, code: a => `(${a} === ${a} ? 1 : 0)` } as Pure
export const knownBool: Pure = { name: 'known', apply: (a: number) => a === 2 ? 0 : 1, code: a => `(${a} === 2 ? 0 : 1)` } as Pure
export const knownText: Pure = { name: 'known', apply: (a: string | null) => a === null ? 0 : 1, code: a => `(${a} === null ? 0 : 1)` } as Pure

/** Beyond `textLengthMax` unknown. */
export const concat: Pure = { name: '+', apply: (a: string | null, b: string | null) => a === null || b === null || a.length + b.length > textLengthMax ? null : a + b } as Pure

const comparedOneByOneMax = 16

/** `in` over constant numbers: a few are compared one by one, many searched for in order. */
export function amongNumbers (values: readonly number[]): Pure {
  const sorted = Float64Array.from(new Set(values)).sort()
  const apply = (value: number) => Number.isNaN(value) ? 2 : found(sorted, value) ? 1 : 0
  if (sorted.length > comparedOneByOneMax) return { name: 'in', apply } as Pure
  return { name: 'in', apply, code: x => `(${x} === ${x} ? ${Array.from(sorted, value => `${x} === ${numberCode(value)}`).join(' || ')} ? 1 : 0 : 2)` } as Pure
}

function found (sorted: Float64Array, value: number): boolean {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (sorted[middle]! < value) from = middle + 1
    else to = middle
  }
  return from < sorted.length && sorted[from] === value
}

/** `in` over constant texts. */
export function amongTexts (values: readonly string[]): Pure {
  const set = new Set(values)
  return { name: 'in', apply: (value: string | null) => value === null ? 2 : set.has(value) ? 1 : 0 } as Pure
}
