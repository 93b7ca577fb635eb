import { type ByteReader, damaged } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import { type IntegerCost, integerCost, integerMax, readIntegers, writeIntegers } from './integers.ts'

const [quotients, dictionary, singles, halves, nearQuotients] = [0, 1, 2, 3, 4]
/** How a number is a quotient: as it is, rounded to single precision, or some steps from it, as arithmetic leaves it. */
type Fit = 'exact' | 'single' | 'near'
const singleFlag = 32
/**
 * Whole numbers divided by one of these: powers of ten, for what a sensor sends; 18 times and 9 times powers of ten, for what was turned from degrees Fahrenheit into
 * Celsius, or from km/h into m/s.
 */
const divisors = Float64Array.from([...Array.from({ length: 16 }, (_, exponent) => Number(`1e${exponent}`)), ...[18, 9].flatMap(times => Array.from({ length: 8 }, (_, exponent) => times * Number(`1e${exponent}`)))])
const families = [[0, 15], [16, 23], [24, 31]] as const
/** A decimal of more digits behind the point may be a shorter one that arithmetic has touched. */
const shortMax = 9
const nearFamilies = [[0, 6], [16, 20]] as const
const samples = 24
/** Steps from one double to the next. */
const stepsMax = 7
const nearMax = 2 ** 40
/** So many of them that are none, one after the other from the first, settle it. */
const samplesMin = 6
/** A few values with many bits each: a dictionary costs less than packing them. */
const dictionaryBitsMin = 8
const smallDictionary = 64
const dictionaryMax = 1024

/** Room that every column uses in turn. */
class Scratch {
  whole = new Float64Array(0)
  other = new Float64Array(0)
  exceptions = new Int32Array(0)
  readonly cost: IntegerCost = { plain: 0, delta: 0, isLinear: false }
  readonly otherCost: IntegerCost = { plain: 0, delta: 0, isLinear: false }
  readonly slots = new Int32Array(dictionaryMax * 4)
  readonly distinct = new Float64Array(dictionaryMax)

  hold (count: number): void {
    if (this.whole.length >= count) return
    this.whole = new Float64Array(count)
    this.other = new Float64Array(count)
    this.exceptions = new Int32Array(count)
  }
}
const scratch = new Scratch()
const double = new Float64Array(1)
const doubleBits = new Uint32Array(double.buffer)
const single = new Float32Array(1)
const singleBits = new Uint32Array(single.buffer)

/**
 * Doubles, each as it is; NaN as one NaN.
 *
 * Shape:  a byte says how. 0 quotients: divisor (byte: its number among `divisors`; with 32: as single-precision floats), exceptions (count, then rows skipped and the
 *         double), then whole numbers: value = whole / divisor, rounded to single precision where said. 1 dictionary: size (count), doubles, then which one.
 *         2 single-precision floats: their bits in order of size. 3 doubles: the high half's bits in order of size, then the low half's.
 *         4 near quotients: as 0, then for each how many doubles it lies above the quotient (whole numbers, -7 to 7)
 * Limits: one row at least
 * Source: decimals as in ALP (Afroozeh, Kuffo, Boncz 2023), checked value by value
 */
export function writeNumbers (writer: ByteWriter, values: Float64Array, count: number): void {
  scratch.hold(count)
  let long = -1
  for (const family of families) {
    const divisor = divisorOf(values, count, family, 'exact')
    if (divisor > shortMax && divisor <= families[0][1]) long = divisor
    else if (divisor >= 0 && writeQuotients(writer, values, count, divisor)) return
  }
  const divisor = divisorOf(values, count, families[0], 'single')
  if (divisor >= 0 && writeQuotients(writer, values, count, divisor | singleFlag)) return
  for (const family of nearFamilies) {
    const near = divisorOf(values, count, family, 'near')
    if (near >= 0 && writeNear(writer, values, count, near)) return
  }
  if (long >= 0 && writeQuotients(writer, values, count, long)) return
  if (writeDictionary(writer, values, count, Math.min(dictionaryMax, count >> 2))) return
  if (writeSingles(writer, values, count)) return
  writeHalves(writer, values, count)
}

/** Arrivals follow event times: their distance may cost less than they themselves. A byte says which it is: 0 as `writeNumbers`, 1 whole distances. */
export function writeArrivals (writer: ByteWriter, arrival: Float64Array, at: Float64Array, count: number): void {
  scratch.hold(count)
  const { whole, other, cost, otherCost } = scratch
  let isWhole = true
  for (let row = 0; row < count; row += 1) {
    const arrivedAt = arrival[row]!
    const distance = arrivedAt - at[row]!
    other[row] = distance
    if (!isExact(distance) || at[row]! + distance !== arrivedAt || Object.is(arrivedAt, -0)) { isWhole = false; break }
  }
  if (isWhole) {
    integerCost(other, count, otherCost)
    let plain = 0
    for (let row = 0; row < count; row += 1) {
      const arrivedAt = arrival[row]!
      if (!isExact(arrivedAt)) { plain = Number.POSITIVE_INFINITY; break }
      whole[row] = arrivedAt
    }
    if (plain === 0) plain = leastOf(integerCost(whole, count, cost))
    if (leastOf(otherCost) < plain) {
      writer.byte(1)
      writeIntegers(writer, other, count, otherCost)
      return
    }
  }
  writer.byte(0)
  writeNumbers(writer, arrival, count)
}

const isExact = (value: number) => Math.floor(value) === value && value <= integerMax && value >= -integerMax
const leastOf = ({ plain, delta, isLinear }: IntegerCost) => isLinear ? 0 : Math.min(plain, delta)

/** The first divisor of a family that does for most of some values; -1: there is none. */
function divisorOf (values: Float64Array, count: number, [first, last]: readonly [number, number], fit: Fit): number {
  // Odd: what comes in turn is mostly in pairs, tens and the like.
  const step = Math.floor(count / samples) | 1
  let divisor: number = first
  let none = 0
  let taken = 0
  for (let row = 0; row < count; row += step) {
    const value = values[row]!
    if (value - value !== 0) continue
    taken += 1
    let needed = divisor
    while (needed <= last && !isQuotient(value, divisors[needed]!, fit)) needed += 1
    if (needed <= last) divisor = needed
    else if ((none += 1) === taken && none === samplesMin) return -1
  }
  return none * 4 > taken ? -1 : divisor
}

function isQuotient (value: number, divisor: number, fit: Fit): boolean {
  const whole = Math.round(value * divisor)
  if (whole > integerMax || whole < -integerMax) return false
  const back = whole / divisor
  switch (fit) {
    case 'exact': return back === value
    case 'single': return Math.fround(back) === value
    case 'near': return Math.abs(whole) <= nearMax && Math.abs(steps(back, value)) <= stepsMax
  }
}

/** False: too many are none. */
function writeQuotients (writer: ByteWriter, values: Float64Array, count: number, how: number): boolean {
  const { whole, exceptions, cost } = scratch
  const isSingle = (how & singleFlag) !== 0
  const divisor = divisors[how & ~singleFlag]!
  const exceptionsMax = count >> 3
  let found = 0
  let before = 0
  for (let row = 0; row < count; row += 1) {
    const value = values[row]!
    const near = Math.round(value * divisor)
    const back = isSingle ? Math.fround(near / divisor) : near / divisor
    // -0 and 0 are equal, and must not be mixed; NaN is not equal to itself.
    if (back === value && near <= integerMax && near >= -integerMax && (value !== 0 || 1 / value > 0)) before = near
    else {
      if (found === exceptionsMax) return false
      exceptions[found] = row
      found += 1
    }
    whole[row] = before
  }
  integerCost(whole, count, cost)
  if (found === 0 && count >= smallDictionary && leastOf(cost) > dictionaryBitsMin * count && writeDictionary(writer, values, count, smallDictionary)) return true
  writer.byte(quotients)
  writer.byte(how)
  writeExceptions(writer, values, found)
  // The dictionary's try has left them as they were.
  writeIntegers(writer, whole, count, cost)
  return true
}

/** Doubles from one to the other, of the same sign. */
function steps (from: number, to: number): number {
  double[0] = from
  const [low, high] = [doubleBits[0]!, doubleBits[1]!]
  double[0] = to
  return (doubleBits[1]! - high) * 2 ** 32 + doubleBits[0]! - low
}

/** False: too many are none. */
function writeNear (writer: ByteWriter, values: Float64Array, count: number, how: number): boolean {
  const { whole, other, exceptions, cost, otherCost } = scratch
  const divisor = divisors[how]!
  const exceptionsMax = count >> 3
  let found = 0
  let before = 0
  for (let row = 0; row < count; row += 1) {
    const value = values[row]!
    const near = Math.round(value * divisor)
    const apart = Number.isFinite(value) ? steps(near / divisor, value) : Number.POSITIVE_INFINITY
    other[row] = 0
    if (Math.abs(apart) <= stepsMax && Math.abs(near) <= nearMax && !Object.is(near, -0)) {
      before = near
      other[row] = apart
    } else {
      if (found === exceptionsMax) return false
      exceptions[found] = row
      found += 1
    }
    whole[row] = before
  }
  writer.byte(nearQuotients)
  writer.byte(how)
  writeExceptions(writer, values, found)
  writeIntegers(writer, whole, count, integerCost(whole, count, cost))
  writeIntegers(writer, other, count, integerCost(other, count, otherCost))
  return true
}

function writeExceptions (writer: ByteWriter, values: Float64Array, found: number): void {
  const { exceptions } = scratch
  writer.count(found)
  for (let index = 0, next = 0; index < found; index += 1) {
    const row = exceptions[index]!
    writer.count(row - next)
    writer.double(values[row]!)
    next = row + 1
  }
}

/** False: there are more than `sizeMax`. Values are the same when their bits are. */
function writeDictionary (writer: ByteWriter, values: Float64Array, count: number, sizeMax: number): boolean {
  const { slots, distinct, other, otherCost } = scratch
  const mask = slots.length - 1
  slots.fill(0)
  let size = 0
  for (let row = 0; row < count; row += 1) {
    const value = values[row]!
    double[0] = value
    if (Number.isNaN(value)) doubleBits[1] = doubleBits[0] = 0xffffffff
    const mixed = Math.imul(doubleBits[0]! ^ Math.imul(doubleBits[1]!, 0x85ebca6b), 0xc2b2ae35)
    let at = (mixed ^ mixed >>> 15) & mask
    while (slots[at] !== 0 && !Object.is(distinct[slots[at]! - 1], value)) at = (at + 1) & mask
    if (slots[at] === 0) {
      if (size === sizeMax) return false
      distinct[size] = value
      size += 1
      slots[at] = size
    }
    other[row] = slots[at]! - 1
  }
  writer.byte(dictionary)
  writer.count(size)
  for (let index = 0; index < size; index += 1) writer.double(distinct[index]!)
  writeIntegers(writer, other, count, integerCost(other, count, otherCost))
  return true
}

/** False: they need more than 24 bits of precision. */
function writeSingles (writer: ByteWriter, values: Float64Array, count: number): boolean {
  const { whole, cost } = scratch
  for (let row = 0; row < count; row += 1) {
    const value = values[row]!
    if (!Object.is(Math.fround(value), value)) return false
    single[0] = value
    whole[row] = ordered(Number.isNaN(value) ? 0x7fc00000 : singleBits[0]!)
  }
  writer.byte(singles)
  writeIntegers(writer, whole, count, integerCost(whole, count, cost))
  return true
}

function writeHalves (writer: ByteWriter, values: Float64Array, count: number): void {
  const { whole, other, cost, otherCost } = scratch
  for (let row = 0; row < count; row += 1) {
    const value = values[row]!
    double[0] = value
    const isNan = Number.isNaN(value)
    whole[row] = ordered(isNan ? 0x7ff80000 : doubleBits[1]!)
    other[row] = isNan ? 0 : doubleBits[0]!
  }
  writer.byte(halves)
  writeIntegers(writer, whole, count, integerCost(whole, count, cost))
  writeIntegers(writer, other, count, integerCost(other, count, otherCost))
}

/** Bits of a float as a number that grows as the float does; its own inverse is `unordered`. */
const ordered = (bits: number) => bits < 2 ** 31 ? bits : 2 ** 31 - 1 - bits
const unordered = (value: number) => (value >= 0 ? value : 2 ** 31 - 1 - value) >>> 0

/** `count` doubles into `values`. Errors: LAKE_CHUNK */
export function readNumbers (reader: ByteReader, values: Float64Array, count: number): void {
  const kind = reader.byte()
  switch (kind) {
    case quotients: readQuotients(reader, values, count); break
    case nearQuotients: readNear(reader, values, count); break
    case dictionary: readDictionary(reader, values, count); break
    case singles:
      readIntegers(reader, values, count)
      for (let row = 0; row < count; row += 1) {
        singleBits[0] = unordered(values[row]!)
        values[row] = single[0]!
      }
      break
    case halves: readHalves(reader, values, count); break
    default: throw damaged('numbers are written in an unknown way', { kind })
  }
}

export function readArrivals (reader: ByteReader, values: Float64Array, at: Float64Array, count: number): void {
  if (reader.byte() === 0) readNumbers(reader, values, count)
  else {
    readIntegers(reader, values, count)
    for (let row = 0; row < count; row += 1) values[row] = at[row]! + values[row]!
  }
}

function readQuotients (reader: ByteReader, values: Float64Array, count: number): void {
  const how = reader.byte()
  const divisor = divisors[how & ~singleFlag]
  if (divisor === undefined) throw damaged('numbers have an unknown divisor', { how })
  const exceptions = readExceptions(reader, count)
  readIntegers(reader, values, count)
  if ((how & singleFlag) === 0) { if (divisor !== 1) for (let at = 0; at < count; at += 1) values[at] = values[at]! / divisor }
  else for (let at = 0; at < count; at += 1) values[at] = Math.fround(values[at]! / divisor)
  putExceptions(values, exceptions)
}

function readNear (reader: ByteReader, values: Float64Array, count: number): void {
  const divisor = divisors[reader.byte()]
  if (divisor === undefined) throw damaged('numbers have an unknown divisor')
  const exceptions = readExceptions(reader, count)
  readIntegers(reader, values, count)
  const apart = new Float64Array(count)
  readIntegers(reader, apart, count)
  for (let at = 0; at < count; at += 1) {
    if (!(Math.abs(apart[at]!) <= stepsMax)) throw damaged('a number is too far from its quotient', { steps: apart[at] })
    double[0] = values[at]! / divisor
    const low = doubleBits[0]! + apart[at]!
    if (low < 0) doubleBits[1]! -= 1
    else if (low >= 2 ** 32) doubleBits[1]! += 1
    doubleBits[0] = low
    values[at] = double[0]!
  }
  putExceptions(values, exceptions)
}

/** Rows and doubles in turn. */
function readExceptions (reader: ByteReader, count: number): Float64Array {
  const found = reader.count(count)
  const exceptions = new Float64Array(2 * found)
  let row = 0
  for (let index = 0; index < found; index += 1) {
    row += reader.count(count)
    if (row >= count) throw damaged('an exception is of no row', { row, count })
    exceptions[2 * index] = row
    exceptions[2 * index + 1] = reader.double()
    row += 1
  }
  return exceptions
}

function putExceptions (values: Float64Array, exceptions: Float64Array): void {
  for (let index = 0; index < exceptions.length; index += 2) values[exceptions[index]!] = exceptions[index + 1]!
}

function readDictionary (reader: ByteReader, values: Float64Array, count: number): void {
  const size = reader.count(dictionaryMax)
  const distinct = Float64Array.from({ length: size }, () => reader.double())
  readIntegers(reader, values, count)
  for (let row = 0; row < count; row += 1) {
    const value = distinct[values[row]!]
    if (value === undefined) throw damaged('a number is not in its dictionary', { index: values[row], size })
    values[row] = value
  }
}

function readHalves (reader: ByteReader, values: Float64Array, count: number): void {
  readIntegers(reader, values, count)
  const low = new Float64Array(count)
  readIntegers(reader, low, count)
  for (let row = 0; row < count; row += 1) {
    doubleBits[1] = unordered(values[row]!)
    doubleBits[0] = low[row]! >>> 0
    values[row] = double[0]!
  }
}
