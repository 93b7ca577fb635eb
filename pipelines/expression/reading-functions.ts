import { conversion, parseUnit, sameDimension, unitProduct } from '../core/unit.ts'
import { dayOfWeekOf, hourOf, minuteOf, Zone } from './calendar.ts'
import type { Call } from './check-call.ts'
import { dottedName } from './check.ts'
import { stated } from './checker.ts'
import { type FunctionEntry, numberCode, plain, pure } from './function-entry.ts'
import { distance, insideOf } from './geo.ts'
import { call, type Node, type SlotNode } from './node.ts'
import { knownBool, knownNumber, knownText } from './pure.ts'

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
  if (scale === 1 && offset === 0) return { ...value, unit: stated(unit) }
  return call('number', stated(unit), pure('convert', ((x: number) => x * scale + offset) as never, x => `(${x} * ${numberCode(scale)} + ${numberCode(offset)})`), value)
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

/** Functions of readings over time, of time, place and unit. */
export const readingFunctions: readonly FunctionEntry[] = [
  plain([1, 1], 'known(x) -> bool', 'Whether x has a value. Never unknown itself.', known),
  plain([1, 1], 'prev(x) -> as x', 'The last known value of x before this reading of the key.', given => remembered('prev', given)),
  plain([1, 1], 'rate(number) -> number', 'Change per second of event time since the last known value of the key; unknown at the first one and for readings not newer.', given => remembered('rate', given)),
  plain([1, 1], 'interpolate(number) -> number', 'x where known; else the line through its last two known values, carried on no further than they are apart.', given => remembered('interpolate', given)),
  plain([1, 2], "hour(at, 'Europe/Oslo') -> number", 'Hour of the day, 0 to 23, on the wall clock of a time zone, daylight saving included; UTC without one.', clockPart('hour', hourOf)),
  plain([1, 2], "minute(at, 'Europe/Oslo') -> number", 'Minute of the hour, 0 to 59.', clockPart('minute', minuteOf)),
  plain([1, 2], "dayOfWeek(at, 'Europe/Oslo') -> number", 'Day of the week, 0 is Sunday.', clockPart('dayOfWeek', dayOfWeekOf)),
  plain([4, 4], 'geo.distance(lat1, lon1, lat2, lon2) -> number in m', 'Great-circle distance in metres.', given => call('number', 'm', pure('geo.distance', distance as never), degrees(given, 0), degrees(given, 1), degrees(given, 2), degrees(given, 3))),
  plain([3, 3], 'geo.inside(lat, lon, [[lat, lon], ...]) -> bool', 'Whether a point lies in a polygon.', geoInside),
  plain([2, 2], "convert(number, 'Cel') -> number in Cel", 'The same quantity in another unit.', convert),
  plain([2, 2], "unit(number, 'Cel') -> number in Cel", 'The same number, said to be in this unit.', given => ({ ...given.of(0, 'number'), unit: stated(unitNamed(given)) })),
]
