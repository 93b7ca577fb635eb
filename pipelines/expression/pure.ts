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

/** `in` over constants: a set looked up once, instead of a chain of comparisons. */
export function among (values: readonly (number | string)[], kind: 'number' | 'text'): Pure {
  const set = new Set(values)
  const apply = kind === 'number'
    ? (value: number) => Number.isNaN(value) ? 2 : set.has(value) ? 1 : 0
    : (value: string | null) => value === null ? 2 : set.has(value) ? 1 : 0
  return { name: 'in', apply } as Pure
}
