import type { Call } from './check-call.ts'
import { type FunctionEntry, plain, pure } from './function-entry.ts'
import { call, type Node } from './node.ts'

const wholeMax = 2 ** 63
const numberPattern = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const wholePattern = /^[+-]?\d+$/

/** A function of one number, NaN in, NaN out; the unit stays. */
function ofNumber (name: string, apply: (value: number) => number, code: (value: string) => string): (given: Call) => Node {
  const made = pure(name, apply as never, code)
  return given => {
    const value = given.of(0, 'number')
    return call('number', value.unit, made, value)
  }
}

const ofMath = (name: 'floor' | 'ceil' | 'trunc' | 'sqrt' | 'sign' | 'abs') => ofNumber(name, Math[name], value => `Math.${name}(${value})`)
const withoutUnit = (check: (given: Call) => Node) => (given: Call): Node => ({ ...check(given), unit: null })

/** min(a, b, c) as a chain of pairs. */
function extreme (name: 'min' | 'max'): (given: Call) => Node {
  const made = pure(name, Math[name] as never, (a, b) => `Math.${name}(${a}, ${b})`)
  return given => given.args.map((_, index) => given.of(index, 'number')).reduce((left, right) =>
    call('number', given.checker.sharedUnit(left, right, given.at, 'compare'), made, left, right))
}

/** Half away from zero, as CEL's math.round. */
const round = ofNumber('round', x => x < 0 ? -Math.round(-x) : Math.round(x), a => `(${a} < 0 ? -Math.round(-${a}) : Math.round(${a}))`)

/** Towards zero; beyond 64 bits unknown. */
const whole = ofNumber('int', x => x > -wholeMax && x < wholeMax ? Math.trunc(x) : Number.NaN, a => `(${a} > -${wholeMax} && ${a} < ${wholeMax} ? Math.trunc(${a}) : NaN)`)

/** The number that a text says, NaN when it says none. */
function fromText (name: string, pattern: RegExp, value: Node): Node {
  const apply = (text: string | null) => {
    const number = text !== null && pattern.test(text) ? Number(text) : Number.NaN
    return Number.isFinite(number) ? number : Number.NaN
  }
  return call('number', null, pure(name, apply as never), value)
}

function toNumber (given: Call): Node {
  const value = given.any(0)
  if (value.kind === 'bool') given.fail(0, 'a boolean is no number; write x ? 1.0 : 0.0')
  return value.kind === 'number' ? value : fromText('double', numberPattern, value)
}

function toWhole (given: Call): Node {
  const value = given.any(0)
  return value.kind === 'text' ? fromText('int', wholePattern, value) : whole(given)
}

export const numberFunctions: readonly FunctionEntry[] = [
  plain([1, 1], 'abs(number) -> number', 'Without its sign.', ofMath('abs')),
  plain([1, 32], 'min(number, ...) -> number', 'The least; unknown when any is.', extreme('min')),
  plain([1, 32], 'max(number, ...) -> number', 'The greatest; unknown when any is.', extreme('max')),
  plain([1, 1], 'floor(number) -> number', 'Down to a whole number.', ofMath('floor')),
  plain([1, 1], 'ceil(number) -> number', 'Up to a whole number.', ofMath('ceil')),
  plain([1, 1], 'round(number) -> number', 'To the nearest whole number, halves away from zero.', round),
  plain([1, 1], 'sqrt(number) -> number', 'Square root, without a unit; unknown below zero.', withoutUnit(ofMath('sqrt'))),
  plain([1, 1], 'int(x) -> number', 'A number towards zero to a whole one; the whole number that a text says.', toWhole),
  plain([1, 1], 'double(x) -> number', 'The number that a text says; unknown when it says none.', toNumber),
  plain([1, 1], 'math.abs(number) -> number', 'As abs.', ofMath('abs')),
  plain([1, 32], 'math.least(number, ...) -> number', 'As min.', extreme('min')),
  plain([1, 32], 'math.greatest(number, ...) -> number', 'As max.', extreme('max')),
  plain([1, 1], 'math.floor(number) -> number', 'As floor.', ofMath('floor')),
  plain([1, 1], 'math.ceil(number) -> number', 'As ceil.', ofMath('ceil')),
  plain([1, 1], 'math.round(number) -> number', 'As round.', round),
  plain([1, 1], 'math.trunc(number) -> number', 'Towards zero.', ofMath('trunc')),
  plain([1, 1], 'math.sign(number) -> number', '-1, 0 or 1, without a unit.', withoutUnit(ofMath('sign'))),
  plain([1, 1], 'math.sqrt(number) -> number', 'As sqrt.', withoutUnit(ofMath('sqrt'))),
]
