import { conversion, parseUnit, sameDimension, unitProduct } from '../core/unit.ts'
import { dayOfWeekOf, hourOf, minuteOf, Zone } from './calendar.ts'
import type { Call } from './check-call.ts'
import { dottedName } from './check.ts'
import { distance, insideOf } from './geo.ts'
import { call, type Kind, type Node, type Pure, type SlotNode } from './node.ts'
import { compilePattern } from './pattern.ts'
import { knownBool, knownNumber, knownText } from './pure.ts'
import { lowerAscii, textSize, upperAscii } from './text.ts'

interface FunctionEntry {
  readonly signature: string
  readonly says: string
  /** plain: f(x); method: x.f(y); either. */
  readonly style: 'plain' | 'method' | 'either'
  readonly arity: readonly [number, number]
  readonly check: (call: Call) => Node
}

const pure = (name: string, apply: (...values: never[]) => number | string | null, code?: (...names: string[]) => string): Pure => code === undefined ? { name, apply } : { name, apply, code }

/** A function of numbers, NaN in, NaN out. `unit` null: the arguments' shared one. */
function ofNumbers (name: string, apply: (...values: number[]) => number, code: (...names: string[]) => string): (given: Call) => Node {
  return given => {
    const args = given.args.map((_, index) => given.of(index, 'number'))
    const unit = args.reduce((shared, arg) => ({ ...arg, unit: given.checker.sharedUnit(shared, arg, given.at, 'compare') }))
    return call('number', unit.unit, pure(name, apply as never, code), ...args)
  }
}

/** min(a, b, c) as a chain of pairs. */
function extreme (name: 'min' | 'max'): (given: Call) => Node {
  const apply = Math[name] as (a: number, b: number) => number
  return given => given.args.map((_, index) => given.of(index, 'number')).reduce((left, right) =>
    call('number', given.checker.sharedUnit(left, right, given.at, 'compare'), pure(name, apply as never, (a, b) => `Math.${name}(${a}, ${b})`), left, right))
}

/** text.f(argument) -> bool */
function textTest (name: string, apply: (text: string, part: string) => boolean): (given: Call) => Node {
  const strict = (text: string | null, part: string | null) => text === null || part === null ? 2 : apply(text, part) ? 1 : 0
  return given => call('bool', null, pure(name, strict as never), given.of(0, 'text'), given.of(1, 'text'))
}

function ofText (name: string, kind: Kind, apply: (text: string) => number | string): (given: Call) => Node {
  const strict = (text: string | null) => text === null ? kind === 'number' ? Number.NaN : null : apply(text)
  return given => call(kind, null, pure(name, strict as never), given.of(0, 'text'))
}

function matches (given: Call): Node {
  const text = given.of(0, 'text')
  const pattern = compilePattern(given.text(1, 'the pattern'), problem => given.fail(1, problem))
  given.checker.spend(given.at, Math.ceil(pattern.size / 8), 1)
  return call('bool', null, pure('matches', ((value: string | null) => value === null ? 2 : pattern.test(value) ? 1 : 0) as never), text)
}

function known (given: Call): Node {
  const name = dottedName(given.args[0]!)
  const found = name === null ? null : given.checker.field(name)
  if (found?.field.kind === 'value') return { op: 'present', kind: 'bool', unit: null, index: found.index, name: found.field.name }
  const value = given.any(0)
  return call('bool', null, value.kind === 'number' ? knownNumber : value.kind === 'bool' ? knownBool : knownText, value)
}

function remembered (remember: SlotNode['remember'], given: Call): Node {
  const arg = remember === 'prev' ? given.any(0) : given.of(0, 'number')
  const unit = remember !== 'rate' || arg.unit === null ? arg.unit : unitProduct(arg.unit, 's', -1)
  given.checker.spend(given.at, 4, 1)
  given.checker.slots.push({ remember, kind: arg.kind, arg })
  return { op: 'state', kind: arg.kind, unit, slot: given.checker.slots.length - 1 }
}

/** hour(at, 'Europe/Oslo'): a part of the wall-clock time; UTC without a zone. */
function clockPart (name: string, part: (local: number) => number): (given: Call) => Node {
  return given => {
    const at = given.of(0, 'number')
    given.checker.demandUnit(at, 'ms', given.args[0]!, `${name}()`)
    const zoneName = given.args.length > 1 ? given.text(1, 'the time zone') : 'UTC'
    if (zoneName === 'UTC') return call('number', null, pure(name, part as never), at)
    const zone = zoneNamed(zoneName, given)
    given.checker.spend(given.at, 4, 1)
    return call('number', null, pure(name, ((ms: number) => part(zone.local(ms))) as never), at)
  }
}

function zoneNamed (name: string, given: Call): Zone {
  try {
    return new Zone(name)
  } catch {
    return given.checker.unknownName(name, given.args[1]!, Intl.supportedValuesOf('timeZone'))
  }
}

function degrees (given: Call, index: number): Node {
  const node = given.of(index, 'number')
  given.checker.demandUnit(node, 'deg', given.args[index]!, 'a coordinate')
  return node
}

function geoInside (given: Call): Node {
  const area = given.args[2]!
  if (area.op !== 'list' || area.args.length < 3) given.fail(2, 'an area is a list of at least three [latitude, longitude] corners')
  const corners = area.args.map(corner => {
    if (corner.op !== 'list' || corner.args.length !== 2) given.checker.fail('EXPRESSION_TYPE', corner, { problem: 'a corner is [latitude, longitude]' })
    return corner.args.map(at => cornerPart(given, at)) as [number, number]
  })
  given.checker.spend(given.at, corners.length, 1)
  return call('bool', null, pure('geo.inside', insideOf(corners) as never), degrees(given, 0), degrees(given, 1))
}

/** A number written out, maybe with a minus. */
function cornerPart (given: Call, at: Call['at']): number {
  const sign = at.op === '-_' ? -1 : 1
  const inner = at.op === '-_' ? at.args : at
  const value = inner.op === 'value' && (typeof inner.args === 'number' || typeof inner.args === 'bigint') ? Number(inner.args) * sign : Number.NaN
  if (!(Math.abs(value) <= 360)) given.checker.fail('EXPRESSION_TYPE', at, { problem: 'a corner is [latitude, longitude] in degrees, written out' })
  return value
}

/** convert(x, 'Cel'): the same quantity in another unit. unit(x, 'Cel'): the same number, said to be in that unit. */
function convert (given: Call): Node {
  const value = given.of(0, 'number')
  const unit = unitNamed(given)
  if (value.unit === null) given.checker.fail('EXPRESSION_UNIT', given.args[0]!, { problem: 'this number has no unit yet', advice: `say with unit(x, '…') what it is in` })
  if (!sameDimension(value.unit, unit)) given.checker.fail('EXPRESSION_UNIT', given.at, { problem: `cannot convert ${value.unit} to ${unit}`, left: value.unit, right: unit })
  const { scale, offset } = conversion(value.unit, unit)
  if (scale === 1 && offset === 0) return { ...value, unit }
  return call('number', unit, pure('convert', ((x: number) => x * scale + offset) as never, x => `(${x} * ${numberCode(scale)} + ${numberCode(offset)})`), value)
}

function unitNamed (given: Call): string {
  const unit = given.text(1, 'the unit')
  try {
    return parseUnit(unit).code
  } catch (error) {
    const { nearest } = (error as { details?: { nearest?: string } }).details ?? {}
    return given.checker.fail('EXPRESSION_UNIT', given.args[1]!, { problem: 'not a unit', unit, ...(nearest !== undefined && { nearest }) })
  }
}

/** A number as JavaScript text that reads back as the same number. */
export function numberCode (value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (value - value !== 0) return value > 0 ? 'Infinity' : '(-Infinity)'
  return value < 0 || Object.is(value, -0) ? `(-${-value})` : String(value)
}

const wholeMax = 2 ** 63
/** Towards zero; beyond 64 bits unknown. */
const whole = (x: number) => x > -wholeMax && x < wholeMax ? Math.trunc(x) : Number.NaN
const numberPattern = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

function toNumber (given: Call): Node {
  const value = given.any(0)
  if (value.kind === 'number') return value
  if (value.kind === 'bool') given.fail(0, 'a boolean is no number; write x ? 1.0 : 0.0')
  return call('number', null, pure('double', ((text: string | null) => text !== null && numberPattern.test(text) ? finite(Number(text)) : Number.NaN) as never), value)
}

const finite = (x: number) => x - x === 0 ? x : Number.NaN

function toText (given: Call): Node {
  const value = given.any(0)
  if (value.kind === 'text') return value
  const apply = value.kind === 'bool' ? (x: number) => x === 2 ? null : x === 1 ? 'true' : 'false' : (x: number) => Number.isNaN(x) ? null : String(x)
  return call('text', null, pure('string', apply as never), value)
}

const plain = (arity: readonly [number, number], signature: string, says: string, check: (given: Call) => Node): FunctionEntry => ({ signature, says, style: 'plain', arity, check })
const either = (arity: readonly [number, number], signature: string, says: string, check: (given: Call) => Node): FunctionEntry => ({ signature, says, style: 'either', arity, check })
const method = (arity: readonly [number, number], signature: string, says: string, check: (given: Call) => Node): FunctionEntry => ({ signature, says, style: 'method', arity, check })
const rounding = (name: 'floor' | 'ceil' | 'trunc' | 'sqrt' | 'sign' | 'abs') => ofNumbers(name, Math[name], a => `Math.${name}(${a})`)
/** Half away from zero, as CEL's math.round. */
const round = ofNumbers('round', x => x < 0 ? -Math.round(-x) : Math.round(x), a => `(${a} < 0 ? -Math.round(-${a}) : Math.round(${a}))`)

/** Every function that expressions have. */
export const functionTable: ReadonlyMap<string, FunctionEntry> = new Map<string, FunctionEntry>(Object.entries({
  'known': plain([1, 1], 'known(x) -> bool', 'Whether x has a value. Never unknown itself.', known),
  'prev': plain([1, 1], 'prev(x) -> as x', 'The last known value of x before this reading of the key.', given => remembered('prev', given)),
  'rate': plain([1, 1], 'rate(number) -> number', 'Change per second of event time since the last known value of the key; unknown at the first one and for readings not newer.', given => remembered('rate', given)),
  'interpolate': plain([1, 1], 'interpolate(number) -> number', 'x where known; else the line through its last two known values, carried on no further than they are apart.', given => remembered('interpolate', given)),
  'abs': plain([1, 1], 'abs(number) -> number', 'Without its sign.', rounding('abs')),
  'min': plain([1, 32], 'min(number, ...) -> number', 'The least; unknown when any is.', extreme('min')),
  'max': plain([1, 32], 'max(number, ...) -> number', 'The greatest; unknown when any is.', extreme('max')),
  'floor': plain([1, 1], 'floor(number) -> number', 'Down to a whole number.', rounding('floor')),
  'ceil': plain([1, 1], 'ceil(number) -> number', 'Up to a whole number.', rounding('ceil')),
  'round': plain([1, 1], 'round(number) -> number', 'To the nearest whole number, halves away from zero.', round),
  'sqrt': plain([1, 1], 'sqrt(number) -> number', 'Square root, without a unit; unknown below zero.', given => ({ ...rounding('sqrt')(given), unit: null })),
  'int': plain([1, 1], 'int(number) -> number', 'Towards zero to a whole number.', ofNumbers('int', whole, a => `(${a} > -${wholeMax} && ${a} < ${wholeMax} ? Math.trunc(${a}) : NaN)`)),
  'double': plain([1, 1], 'double(text) -> number', 'The number that a text says; unknown when it says none.', toNumber),
  'string': plain([1, 1], 'string(x) -> text', 'A number or boolean as text.', toText),
  'hour': plain([1, 2], "hour(at, 'Europe/Oslo') -> number", 'Hour of the day, 0 to 23, on the wall clock of a time zone, daylight saving included; UTC without one.', clockPart('hour', hourOf)),
  'minute': plain([1, 2], "minute(at, 'Europe/Oslo') -> number", 'Minute of the hour, 0 to 59.', clockPart('minute', minuteOf)),
  'dayOfWeek': plain([1, 2], "dayOfWeek(at, 'Europe/Oslo') -> number", 'Day of the week, 0 is Sunday.', clockPart('dayOfWeek', dayOfWeekOf)),
  'geo.distance': plain([4, 4], 'geo.distance(lat1, lon1, lat2, lon2) -> number in m', 'Great-circle distance in metres.', given => call('number', 'm', pure('geo.distance', distance as never), degrees(given, 0), degrees(given, 1), degrees(given, 2), degrees(given, 3))),
  'geo.inside': plain([3, 3], 'geo.inside(lat, lon, [[lat, lon], ...]) -> bool', 'Whether a point lies in a polygon.', geoInside),
  'convert': plain([2, 2], "convert(number, 'Cel') -> number in Cel", 'The same quantity in another unit.', convert),
  'unit': plain([2, 2], "unit(number, 'Cel') -> number in Cel", 'The same number, said to be in this unit.', given => ({ ...given.of(0, 'number'), unit: unitNamed(given) })),
  'size': either([1, 1], 'text.size() -> number', 'Number of characters (code points).', ofText('size', 'number', textSize)),
  'startsWith': method([2, 2], 'text.startsWith(text) -> bool', 'Whether it begins so.', textTest('startsWith', (text, part) => text.startsWith(part))),
  'endsWith': method([2, 2], 'text.endsWith(text) -> bool', 'Whether it ends so.', textTest('endsWith', (text, part) => text.endsWith(part))),
  'contains': method([2, 2], 'text.contains(text) -> bool', 'Whether it holds this part.', textTest('contains', (text, part) => text.includes(part))),
  'matches': either([2, 2], "text.matches('pattern') -> bool", 'Whether a part of it matches an RE2 pattern; in time linear in the text.', matches),
  'lowerAscii': method([1, 1], 'text.lowerAscii() -> text', 'A to Z in lower case.', ofText('lowerAscii', 'text', lowerAscii)),
  'upperAscii': method([1, 1], 'text.upperAscii() -> text', 'a to z in upper case.', ofText('upperAscii', 'text', upperAscii)),
  'math.abs': plain([1, 1], 'math.abs(number) -> number', 'As abs.', rounding('abs')),
  'math.least': plain([1, 32], 'math.least(number, ...) -> number', 'As min.', extreme('min')),
  'math.greatest': plain([1, 32], 'math.greatest(number, ...) -> number', 'As max.', extreme('max')),
  'math.floor': plain([1, 1], 'math.floor(number) -> number', 'As floor.', rounding('floor')),
  'math.ceil': plain([1, 1], 'math.ceil(number) -> number', 'As ceil.', rounding('ceil')),
  'math.round': plain([1, 1], 'math.round(number) -> number', 'As round.', round),
  'math.trunc': plain([1, 1], 'math.trunc(number) -> number', 'Towards zero.', rounding('trunc')),
  'math.sign': plain([1, 1], 'math.sign(number) -> number', '-1, 0 or 1, without a unit.', given => ({ ...rounding('sign')(given), unit: null })),
  'math.sqrt': plain([1, 1], 'math.sqrt(number) -> number', 'As sqrt.', given => ({ ...rounding('sqrt')(given), unit: null })),
}))

/** For documentation and completion: every function, its signature and what it says. */
export const expressionFunctions: readonly { readonly name: string, readonly signature: string, readonly says: string }[] =
  [...functionTable].map(([name, { signature, says }]) => ({ name, signature, says }))
