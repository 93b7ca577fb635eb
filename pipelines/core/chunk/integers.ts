import type { ByteReader } from './byte-reader.ts'
import { damaged } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'

/** Whole numbers up to this size are packed. Differences of two of them are exact. */
export const integerMax = 2 ** 52 - 1
const blockRows = 64
const widthMax = 53
const [linear, plain, delta] = [0, 1, 2]

/** What packing would come to, in bits; Infinity: differences are too far apart for it. */
export interface IntegerCost { plain: number, delta: number, isLinear: boolean }

/** Cost of `values[0, count)`, which are whole and at most `integerMax` in size. */
export function integerCost (values: Float64Array, count: number, cost: IntegerCost): IntegerCost {
  let plainBits = 0
  let deltaBits = 0
  let before = values[0]!
  const step = count > 1 ? values[1]! - before : 0
  let isLinear = true
  for (let from = 0; from < count; from += blockRows) {
    const to = Math.min(from + blockRows, count)
    let low = values[from]!
    let high = low
    let lowStep = from === 0 ? step : low - before
    let highStep = lowStep
    for (let row = from; row < to; row += 1) {
      const value = values[row]!
      if (value < low) low = value
      else if (value > high) high = value
      const change = row === 0 ? step : value - before
      if (change < lowStep) lowStep = change
      else if (change > highStep) highStep = change
      before = value
    }
    const rows = to - from
    plainBits += 16 + widthOf(high - low) * rows
    deltaBits += 16 + widthOf(highStep - lowStep) * rows
    if (lowStep !== step || highStep !== step) isLinear = false
  }
  cost.plain = plainBits
  cost.delta = deltaBits
  cost.isLinear = isLinear
  return cost
}

/** Bits of 0..range; Infinity beyond what is packed. */
function widthOf (range: number): number {
  if (range < 2 ** 32) return 32 - Math.clz32(range)
  const width = 64 - Math.clz32(range / 2 ** 32)
  return width > widthMax ? Number.POSITIVE_INFINITY : width
}

const scratch = new Float64Array(blockRows)

/**
 * Whole numbers, packed.
 *
 * Shape:  a byte: 0 first and step (signed each); 1 blocks of the numbers; 2 the first, then blocks of the differences of the others to the one before.
 *         A block of 64, the last one of what is left: its least (signed), bits a number (byte), then the excess over the least in so many bits,
 *         low bits first; of more than 32 bits, first all low halves, then the rest
 * Limits: `integerMax`
 */
export function writeIntegers (writer: ByteWriter, values: Float64Array, count: number, cost: IntegerCost): void {
  if (cost.isLinear) {
    writer.byte(linear)
    writer.signed(values[0]!)
    writer.signed(count > 1 ? values[1]! - values[0]! : 0)
    return
  }
  const isDelta = cost.delta < cost.plain
  writer.byte(isDelta ? delta : plain)
  let before = values[0]!
  if (isDelta) writer.signed(before)
  for (let from = isDelta ? 1 : 0; from < count; from += blockRows) {
    const rows = Math.min(blockRows, count - from)
    let low = Number.POSITIVE_INFINITY
    let high = Number.NEGATIVE_INFINITY
    for (let row = 0; row < rows; row += 1) {
      const value = values[from + row]!
      const kept = isDelta ? value - before : value
      before = value
      scratch[row] = kept
      if (kept < low) low = kept
      if (kept > high) high = kept
    }
    writer.signed(low)
    const width = widthOf(high - low)
    writer.byte(width)
    if (width > 0) packBlock(writer, scratch, { rows, low, width })
  }
}

interface Block { readonly rows: number, readonly low: number, readonly width: number }

function packBlock (writer: ByteWriter, values: Float64Array, { rows, low, width }: Block): void {
  writer.reserve(8 * rows)
  const { view } = writer
  let at = writer.at
  let bits = width
  let least = low
  if (width > 32) {
    for (let row = 0; row < rows; row += 1, at += 4) {
      const excess = values[row]! - low
      const high = Math.floor(excess / 2 ** 32)
      view.setUint32(at, excess - high * 2 ** 32, true)
      values[row] = high
    }
    bits -= 32
    least = 0
  }
  const from = at
  let word = 0
  let used = 0
  for (let row = 0; row < rows; row += 1) {
    const excess = values[row]! - least >>> 0
    word |= excess << used
    used += bits
    if (used < 32) continue
    view.setUint32(at, word, true)
    at += 4
    used -= 32
    word = used === 0 ? 0 : excess >>> bits - used
  }
  view.setUint32(at, word, true)
  writer.at = from + Math.ceil(rows * bits / 8)
}

/** `count` whole numbers into `values`. Errors: LAKE_CHUNK */
export function readIntegers (reader: ByteReader, values: Float64Array, count: number): void {
  const mode = reader.byte()
  if (mode === linear) {
    const first = reader.signed()
    const step = reader.signed()
    for (let row = 0; row < count; row += 1) values[row] = first + step * row
    return
  }
  if (mode !== plain && mode !== delta) throw damaged('its numbers are packed in an unknown way', { mode })
  let before = mode === delta ? reader.signed() : 0
  if (mode === delta) values[0] = before
  for (let from = mode === delta ? 1 : 0; from < count; from += blockRows) {
    const rows = Math.min(blockRows, count - from)
    const low = reader.signed()
    const width = reader.byte()
    if (width > widthMax) throw damaged('a number has too many bits', { width })
    unpackBlock(reader, scratch, { rows, low, width })
    if (mode === plain) for (let row = 0; row < rows; row += 1) values[from + row] = scratch[row]!
    else {
      for (let row = 0; row < rows; row += 1) {
        before += scratch[row]!
        values[from + row] = before
      }
    }
  }
}

function unpackBlock (reader: ByteReader, values: Float64Array, { rows, low, width }: Block): void {
  const { view } = reader
  if (width === 0) {
    values.fill(low, 0, rows)
    return
  }
  let lows = 0
  let bits = width
  if (width > 32) {
    lows = reader.skip(4 * rows)
    bits -= 32
  }
  let at = reader.skip(Math.ceil(rows * bits / 8))
  const mask = bits === 32 ? -1 : (1 << bits) - 1
  let word = 0
  let left = 0
  for (let row = 0; row < rows; row += 1) {
    let value = word & mask
    if (left >= bits) {
      word >>>= bits
      left -= bits
    } else {
      const next = view.getUint32(at, true)
      at += 4
      value = (word | next << left) & mask
      const taken = bits - left
      word = taken === 32 ? 0 : next >>> taken
      left = 32 - taken
    }
    values[row] = low + (width > 32 ? (value >>> 0) * 2 ** 32 + view.getUint32(lows + 4 * row, true) : value >>> 0)
  }
}
