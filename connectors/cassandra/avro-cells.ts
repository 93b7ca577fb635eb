/** Values as CQL has them on the wire, without their length. Source: CQL binary protocol v4, section 6; big-endian */

const durationBytes = 12
const dateZero = 2 ** 31
const dayNanos = 86_400_000_000_000n

export const textCell = (value: string): Uint8Array => Buffer.from(value)
export const boolCell = (value: boolean): Uint8Array => Uint8Array.of(value ? 1 : 0)
export const intCell = (value: number): Uint8Array => view(4, cell => { cell.setInt32(0, value) })
export const floatCell = (value: number): Uint8Array => view(4, cell => { cell.setFloat32(0, value) })
export const doubleCell = (value: number): Uint8Array => view(8, cell => { cell.setFloat64(0, value) })
export const bigintCell = (value: bigint): Uint8Array => view(8, cell => { cell.setBigInt64(0, value) })
/** Days since the epoch. */
export const dateCell = (days: number): Uint8Array => view(4, cell => { cell.setUint32(0, days + dateZero) })

/** Null: no time of a day. */
export function timeCell (nanos: bigint): Uint8Array | null {
  return nanos >= 0n && nanos < dayNanos ? bigintCell(nanos) : null
}

/** Two's complement, as Avro has it too. */
export function decimalCell (unscaled: Uint8Array, scale: number): Uint8Array {
  return Buffer.concat([intCell(scale), unscaled.length === 0 ? Uint8Array.of(0) : unscaled])
}

/** Null: not written as RFC 9562 writes it. */
export function uuidCell (text: string): Uint8Array | null {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : null
}

/** Months, days and milliseconds of Avro, each an unsigned number of four bytes, little-endian. Null: more months or days than CQL counts. */
export function durationCell (bytes: Uint8Array): Uint8Array | null {
  const parts = new DataView(bytes.buffer, bytes.byteOffset, durationBytes)
  const [months, days, millis] = [parts.getUint32(0, true), parts.getUint32(4, true), parts.getUint32(8, true)]
  if (months > 0x7fffffff || days > 0x7fffffff) return null
  return Buffer.concat([vint(BigInt(months)), vint(BigInt(days)), vint(BigInt(millis) * 1_000_000n)])
}

/** Not null, and none of them null. */
export function listCell (items: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([intCell(items.length), ...items.flatMap(sized)])
}

export function mapCell (entries: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  return Buffer.concat([intCell(entries.length), ...entries.flatMap(([key, value]) => [...sized(textCell(key)), ...sized(value)])])
}

const sized = (bytes: Uint8Array) => [intCell(bytes.length), bytes]

/** A number that is not negative, signed: the count of further bytes stands as leading ones in the first. */
function vint (value: bigint): Uint8Array {
  const zigzag = value << 1n
  let size = 1
  while (size < 9 && zigzag >= 1n << BigInt(7 * size)) size += 1
  const bytes = new Uint8Array(size)
  let rest = zigzag
  for (let at = size - 1; at >= 0; at -= 1, rest >>= 8n) bytes[at] = Number(rest & 0xffn)
  bytes[0]! |= 0xff << (9 - size) & 0xff
  return bytes
}

function view (bytes: number, fill: (cell: DataView) => void): Uint8Array {
  const cell = new Uint8Array(bytes)
  fill(new DataView(cell.buffer))
  return cell
}
