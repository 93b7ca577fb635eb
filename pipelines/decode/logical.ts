import type { Logical } from './schema.ts'

const dayMs = 86_400_000

/** How a logical type of time becomes milliseconds: value * scale, or value / divisor. Nanoseconds need more than a double. */
export interface TimeUnit { readonly scale: number, readonly divisor: number }
const timeUnits: Readonly<Record<string, TimeUnit>> = {
  'timestamp-millis': { scale: 1, divisor: 1 }, 'local-timestamp-millis': { scale: 1, divisor: 1 }, 'time-millis': { scale: 1, divisor: 1 },
  'timestamp-micros': { scale: 1, divisor: 1e3 }, 'local-timestamp-micros': { scale: 1, divisor: 1e3 }, 'time-micros': { scale: 1, divisor: 1e3 },
  'timestamp-nanos': { scale: 1, divisor: 1e6 }, 'local-timestamp-nanos': { scale: 1, divisor: 1e6 },
  'date': { scale: dayMs, divisor: 1 },
}

/** Milliseconds: of the day for times, since the epoch for the rest (a local timestamp as if its zone were UTC). */
export function timeUnit (logical: Logical | null): TimeUnit | null {
  return logical === null ? null : timeUnits[logical.name] ?? null
}

/** ISO text to the whole number a logical type stores; null when it is no such text. Without a zone it is UTC. */
export function civilText (logical: string, text: string): bigint | null {
  if (logical === 'date') {
    const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
    return Number.isNaN(ms) ? null : BigInt(ms / dayMs)
  }
  const ofDay = logical.startsWith('time-')
  const pattern = ofDay ? /^()(\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?()$/ : /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?)?$/i
  const match = pattern.exec(text)
  if (match === null) return null
  const [, date, time = '00:00:00', fraction = '', zone] = match
  const ms = Date.parse(`${ofDay ? '1970-01-01' : date}T${time}${(zone || 'Z').toUpperCase()}`)
  if (Number.isNaN(ms)) return null
  const nanos = BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
  return logical.endsWith('millis') ? floorDiv(nanos, 1_000_000n) : logical.endsWith('micros') ? floorDiv(nanos, 1_000n) : nanos
}

const floorDiv = (a: bigint, b: bigint) => a / b - (a % b < 0n ? 1n : 0n)

/** A decimal in text to big-endian two's complement, `size` bytes (null: as few as needed); null when it does not fit. */
export function decimalBytes (text: string, { scale, precision }: Logical, size: number | null): Uint8Array | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/i.exec(text)
  if (match === null) return null
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const shift = scale - fraction.length + Number(exponent)
  const digits = BigInt(whole + fraction)
  const factor = 10n ** BigInt(Math.abs(shift))
  if (shift < 0 && digits % factor !== 0n) return null
  const magnitude = shift < 0 ? digits / factor : digits * factor
  if (magnitude >= 10n ** BigInt(precision)) return null
  const unscaled = sign === '-' ? -magnitude : magnitude
  let bytes = size ?? 1
  while (size === null && BigInt.asIntN(bytes * 8, unscaled) !== unscaled) bytes += 1
  if (BigInt.asIntN(bytes * 8, unscaled) !== unscaled) return null
  const result = new Uint8Array(bytes)
  for (let i = bytes - 1, rest = unscaled; i >= 0; i -= 1, rest >>= 8n) result[i] = Number(rest & 255n)
  return result
}

/** Big-endian two's complement. By way of hexadecimal digits, which stays linear for long ones. */
export function unscaledOf (bytes: Uint8Array, from: number, length: number): bigint {
  return length === 0 ? 0n : BigInt.asIntN(length * 8, BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString('hex')}`))
}

/** `12345n` of scale 2 to `'123.45'`. */
export function decimalText (unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

const digits = Uint8Array.from('0123456789abcdef', digit => digit.charCodeAt(0))
/** Bytes of a uuid's text. */
export const uuidTextBytes = 36

/** Sixteen bytes as the ASCII of `8-4-4-4-12` hexadecimal digits, at the start of `out`. */
export function writeUuid (bytes: Uint8Array, from: number, out: Uint8Array): void {
  for (let i = 0, at = 0; i < 16; i += 1) {
    if (i === 4 || i === 6 || i === 8 || i === 10) out[at++] = 45
    const byte = bytes[from + i]!
    out[at++] = digits[byte >>> 4]!
    out[at++] = digits[byte & 15]!
  }
}

export function uuidText (bytes: Uint8Array, from: number): string {
  const text = new Uint8Array(uuidTextBytes)
  writeUuid(bytes, from, text)
  return String.fromCharCode(...text)
}

/** The shortest decimal text of a number at the start of `out`; gives its length. */
export function writeNumber (value: number, out: Uint8Array): number {
  if (!Number.isSafeInteger(value)) {
    const text = String(value)
    for (let i = 0; i < text.length; i += 1) out[i] = text.charCodeAt(i)
    return text.length
  }
  let rest = value < 0 ? -value : value
  let length = value < 0 ? 2 : 1
  for (let power = 10; power <= rest; power *= 10) length += 1
  for (let at = length - 1; ; at -= 1) {
    const next = Math.floor(rest / 10)
    out[at] = 48 + (rest - next * 10)
    rest = next
    if (rest === 0) break
  }
  if (value < 0) out[0] = 45
  return length
}

export interface CalendarDuration { readonly months: number, readonly days: number, readonly millis: number }

/** Avro's duration: three unsigned little-endian numbers, which no number of milliseconds can stand for. */
export function durationOf (bytes: Uint8Array, from: number): CalendarDuration {
  const part = (at: number) => (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) >>> 0
  return { months: part(from), days: part(from + 4), millis: part(from + 8) }
}
