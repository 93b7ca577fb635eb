import type { DecodeLimits } from '../core/spec.ts'
import { GuidTable } from './guids.ts'
import { poison, refuse } from './poison.ts'

const empty = new Uint8Array(0)
/** 2^27: a long is kept in two limbs, `high * 2^27 + low`, so that what is beyond 2^53 can still be divided exactly. */
export const limb = 134_217_728

/**
 * Where decoding stands: the loop over one record batch, and the value inside it.
 *
 * Shape:  `at` moves; a value ends at `end`; reads past `end` are refused before what they gave is used
 * Limits: elementsMax per record over all its arrays and maps, depthMax for types within themselves
 */
export class Cursor {
  readonly limits: DecodeLimits
  bytes: Uint8Array = empty
  view: DataView = new DataView(empty.buffer)
  at = 0
  end = 0
  elements = 0
  depth = 0
  /** Limbs of the last long: its magnitude, and whether it is negative (then the value is -(magnitude) - 1). */
  high = 0
  low = 0
  negative = false
  overlong = false
  /** Text of the record's key; -1: none yet. */
  keyBytes: Uint8Array = empty
  keyView: DataView = new DataView(empty.buffer)
  keyStart = 0
  keyLength = -1
  time = Number.NaN
  /** Index of the field at hand, for the message when it is poison. */
  name = 0
  /** The loop over a record batch: records left, where they end, rows made so far. */
  left = 0
  batchEnd = 0
  row = 0
  baseOffset = 0
  baseTimestamp = 0
  /** Arrival of every record of the batch under LogAppendTime, else NaN. */
  appendTime = Number.NaN
  from = 0
  to = 0
  /** Poison code | name << 8, a pause, or 0. */
  fail = 0
  /** Set with `pause.elsewhere`: the schema id of a record that is sound but for being another's; 0: not known. */
  schemaId = 0
  /** GUIDs met in headers; their handles stand where ids do. */
  readonly guids = new GuidTable()

  constructor (limits: DecodeLimits) { this.limits = limits }
}

/** A zigzag varint of up to ten bytes at `from`: moves `at`, fills the limbs; beyond 2^53 the result is rounded. */
export function longAt (c: Cursor, bytes: Uint8Array, from: number): number {
  let at = from
  let byte = bytes[at++]!
  const low7 = byte & 127
  let low = low7 >>> 1
  let high = 0
  for (let shift = 6; byte > 127 && shift < 27; shift += 7) {
    byte = bytes[at++]!
    low |= (byte & 127) << shift
  }
  let scale = 1
  for (let count = 4; byte > 127 && count < 10; count += 1) {
    byte = bytes[at++]!
    high += (byte & 127) * scale
    scale *= 128
  }
  c.at = at
  c.overlong = byte > 127 || (at - from === 10 && byte > 1)
  c.high = high
  c.low = low
  c.negative = (low7 & 1) === 1
  const magnitude = high * limb + low
  return c.negative ? -magnitude - 1 : magnitude
}

/** As `longAt`, held within 32 bits. */
export function int32At (c: Cursor, bytes: Uint8Array, from: number): number {
  const value = longAt(c, bytes, from)
  return value > 2_147_483_647 ? 2_147_483_647 : value < -2_147_483_648 ? -2_147_483_648 : value | 0
}

/** `value`, the last long, divided: exactly where the quotient is a whole number, although nanoseconds since the epoch are beyond 2^53. */
export function divided (c: Cursor, value: number, divisor: number): number {
  if (Number.isSafeInteger(value)) return value / divisor
  const low = c.low + (c.negative ? 1 : 0)
  const whole = Math.floor(c.high / divisor)
  const rest = c.high - whole * divisor
  const quotient = whole * limb + (rest * limb + low) / divisor
  return c.negative ? -quotient : quotient
}

export function readLong (c: Cursor): number {
  const value = longAt(c, c.bytes, c.at)
  if (c.at > c.end) refuse(poison.truncated)
  if (c.overlong) refuse(poison.varint)
  return value
}

export function readInt (c: Cursor): number {
  const from = c.at
  const value = longAt(c, c.bytes, from)
  if (c.at > c.end) refuse(poison.truncated)
  if (c.at - from > 5 || value > 2_147_483_647 || value < -2_147_483_648) refuse(poison.varint)
  return value
}

/** Index of one of `count` branches or symbols. */
export function readIndex (c: Cursor, count: number): number {
  if (count > 64) {
    const index = readLong(c)
    if (index < 0 || index >= count) refuse(poison.index)
    return index
  }
  const byte = c.bytes[c.at]!
  c.at += 1
  if (c.at > c.end) refuse(poison.truncated)
  if ((byte & 129) !== 0 || byte >>> 1 >= count) refuse(poison.index)
  return byte >>> 1
}

/** Length of bytes or text that lies within the record. */
export function readLength (c: Cursor, text: boolean): number {
  const length = readLong(c)
  if (length < 0) refuse(poison.length)
  if (text && length > c.limits.textBytesMax) refuse(poison.textBytes)
  if (length > c.end - c.at) refuse(poison.truncated)
  return length
}

/** Move over bytes that must be there; returns where they began. */
export function pass (c: Cursor, bytes: number): number {
  const from = c.at
  c.at += bytes
  if (c.at > c.end) refuse(poison.truncated)
  return from
}

/**
 * Items in the next block of an array or map, 0 at its end; counted against the budget before anything is made of them.
 * A negative count announces the block's bytes; they are read and not used, as the items tell their own end.
 */
export function readBlock (c: Cursor): number {
  const count = readLong(c)
  if (count >= 0) {
    spend(c, count)
    return count
  }
  spend(c, -count)
  const bytes = readLong(c)
  if (bytes < 0) refuse(poison.length)
  if (bytes > c.end - c.at) refuse(poison.truncated)
  return -count
}

function spend (c: Cursor, count: number): void {
  c.elements += count
  if (c.elements > c.limits.elementsMax) refuse(poison.elements)
}
