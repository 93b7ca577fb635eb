import type { Call } from './check-call.ts'
import { either, type FunctionEntry, method, plain, pure, strict } from './function-entry.ts'
import { call, type Node } from './node.ts'
import { compilePattern } from './pattern.ts'
import { lowerAscii, textLengthMax, textSize, upperAscii } from './text.ts'

const test = (name: string, apply: (text: string, part: string) => boolean) => strict(name, 'bool', ['text', 'text'], ((text: string, part: string) => apply(text, part) ? 1 : 0) as never)
const change = (name: string, apply: (text: string) => string) => strict(name, 'text', ['text'], apply as never)

function matches (given: Call): Node {
  const text = given.of(0, 'text')
  const pattern = compilePattern(given.text(1, 'the pattern'), problem => given.fail(1, problem))
  given.checker.spend(given.at, Math.ceil(pattern.size / 8), 1)
  return call('bool', null, pure('matches', ((value: string | null) => value === null ? 2 : pattern.test(value) ? 1 : 0) as never), text)
}

const truths: Readonly<Record<string, number>> = { '1': 1, 't': 1, 'true': 1, 'TRUE': 1, 'True': 1, '0': 0, 'f': 0, 'false': 0, 'FALSE': 0, 'False': 0 }

function toBool (given: Call): Node {
  const value = given.any(0)
  if (value.kind === 'bool') return value
  if (value.kind === 'number') given.fail(0, 'a number is no boolean; compare it')
  return call('bool', null, pure('bool', ((text: string | null) => text !== null && Object.hasOwn(truths, text) ? truths[text]! : 2) as never), value)
}

function toText (given: Call): Node {
  const value = given.any(0)
  if (value.kind === 'text') return value
  const apply = value.kind === 'bool' ? (x: number) => x === 2 ? null : x === 1 ? 'true' : 'false' : (x: number) => Number.isNaN(x) ? null : String(x)
  return call('text', null, pure('string', apply as never), value)
}

/** Positions count code points; one outside the text is unknown. */
function indexOf (text: string, part: string, from = 0): number {
  const points = [...text]
  if (!Number.isInteger(from) || from < 0 || from > points.length) return Number.NaN
  const start = points.slice(0, from).join('').length
  const at = text.indexOf(part, start)
  return at < 0 ? -1 : textSize(text.slice(0, at))
}

function substring (text: string, from: number, to = Number.POSITIVE_INFINITY): string | null {
  const points = [...text]
  const end = to === Number.POSITIVE_INFINITY ? points.length : to
  const valid = Number.isInteger(from) && Number.isInteger(end) && from >= 0 && from <= end && end <= points.length
  return valid ? points.slice(from, end).join('') : null
}

/** The result's length is known before it is made. Nothing to look for: unknown. */
function replace (text: string, part: string, by: string): string | null {
  if (part === '') return null
  const pieces = text.split(part)
  return text.length + (pieces.length - 1) * (by.length - part.length) > textLengthMax ? null : pieces.join(by)
}

const whiteSpace = /^\p{White_Space}$/u

/** White space as Unicode has it; by hand, since a pattern for the end would look at every run of spaces again and again. */
function trim (text: string): string {
  let from = 0
  let to = text.length
  while (from < to && whiteSpace.test(text[from]!)) from += 1
  while (to > from && whiteSpace.test(text[to - 1]!)) to -= 1
  return text.slice(from, to)
}

export const textFunctions: readonly FunctionEntry[] = [
  either([1, 1], 'text.size() -> number', 'Number of characters (code points).', strict('size', 'number', ['text'], textSize as never)),
  method([2, 2], 'text.startsWith(text) -> bool', 'Whether it begins so.', test('startsWith', (text, part) => text.startsWith(part))),
  method([2, 2], 'text.endsWith(text) -> bool', 'Whether it ends so.', test('endsWith', (text, part) => text.endsWith(part))),
  method([2, 2], 'text.contains(text) -> bool', 'Whether it holds this part.', test('contains', (text, part) => text.includes(part))),
  either([2, 2], "text.matches('pattern') -> bool", 'Whether a part of it matches an RE2 pattern; in time linear in the text.', matches),
  method([1, 1], 'text.lowerAscii() -> text', 'A to Z in lower case.', change('lowerAscii', lowerAscii)),
  method([1, 1], 'text.upperAscii() -> text', 'a to z in upper case.', change('upperAscii', upperAscii)),
  method([1, 1], 'text.trim() -> text', 'Without white space at both ends.', change('trim', trim)),
  method([3, 3], 'text.replace(text, text) -> text', 'Every occurrence of the first by the second; unknown when the first is empty.', strict('replace', 'text', ['text', 'text', 'text'], replace as never)),
  method([2, 3], 'text.indexOf(text) -> number', 'Where the first occurrence begins, counted in characters from 0; -1 when there is none.', strict('indexOf', 'number', ['text', 'text', 'number'], indexOf as never)),
  method([2, 3], 'text.substring(from, to) -> text', 'The characters from..to-1; unknown when outside the text.', strict('substring', 'text', ['text', 'number', 'number'], substring as never)),
  plain([1, 1], 'string(x) -> text', 'A number or boolean as text.', toText),
  plain([1, 1], 'bool(x) -> bool', 'The truth that a text says: true, t, 1, false, f, 0; unknown otherwise.', toBool),
]
