import { type Cursor, longAt } from './cursor.ts'

/** Magic byte and schema id before the Avro bytes. */
export const prefixBytes = 5
const schemaHeader = new TextEncoder().encode('__value_schema_id')

/** What `headerSchemaId` says when there is no id to give. Below them are the handles of GUIDs. */
export const noSchema = { none: 0, damaged: -1, tooMany: -2, malformed: -3 } as const

/** Where the parts of a record lie; `keyLength` and `valueLength` are -1 for null. */
export interface Place { start: number, end: number, offset: number, timestamp: number, keyStart: number, keyLength: number, valueStart: number, valueLength: number, headersStart: number }
export const createPlace = (): Place => ({ start: 0, end: 0, offset: 0, timestamp: 0, keyStart: 0, keyLength: 0, valueStart: 0, valueLength: 0, headersStart: 0 })

/**
 * Find the parts of the record at `c.at`, which stays; false when the batch is damaged there.
 *
 * Source: Kafka protocol, "Record" (magic 2)
 */
export function locate (c: Cursor, place: Place): boolean {
  const { bytes, at: start } = c
  const whole = lengthAt(c, bytes, start)
  place.start = start
  place.end = c.at + whole
  const damaged = () => { c.at = start; return false }
  if (c.overlong || whole < 0 || place.end > c.batchEnd) return damaged()
  const delta = lengthAt(c, bytes, c.at + 1)
  place.timestamp = Number.isNaN(c.appendTime) ? c.baseTimestamp + delta : c.appendTime
  place.offset = c.baseOffset + lengthAt(c, bytes, c.at)
  place.keyLength = lengthAt(c, bytes, c.at)
  place.keyStart = c.at
  if (place.keyLength < -1 || c.at > place.end) return damaged()
  place.valueLength = lengthAt(c, bytes, place.keyStart + Math.max(place.keyLength, 0))
  place.valueStart = c.at
  place.headersStart = c.at + Math.max(place.valueLength, 0)
  if (place.valueLength < -1 || place.headersStart >= place.end) return damaged()
  c.at = start
  return true
}

const lengthAt = (c: Cursor, bytes: Uint8Array, at: number) => longAt(c, bytes, at)

/**
 * The schema id in a record's headers, between `from` and `end`, or the handle of a GUID; else one of `noSchema`.
 *
 * Limits: `headersMax` headers
 * Source: Confluent's header form: `__value_schema_id` holds a byte 0 and the id, or a byte 1 and a GUID; four bytes of id are taken too.
 *         The last header of that name counts, as Kafka's `lastHeader` says
 */
export function headerSchemaId (c: Cursor, from: number, end: number, headersMax: number): number {
  const { bytes, at } = c
  const count = longAt(c, bytes, from)
  let found: number = noSchema.none
  let next = c.at
  const damaged = () => { c.at = at; return noSchema.damaged }
  if (count < 0 || count > end - next) return damaged()
  for (let i = 0; i < count; i += 1) {
    const nameLength = longAt(c, bytes, next)
    const name = c.at
    if (nameLength < 0 || nameLength > end - name) return damaged()
    const length = longAt(c, bytes, name + nameLength)
    next = c.at + Math.max(length, 0)
    if (length < -1 || next > end) return damaged()
    if (nameLength === schemaHeader.length && isSchemaHeader(bytes, name)) found = schemaIdIn(c, c.at, length)
  }
  if (next !== end) return damaged()
  c.at = at
  return count > headersMax ? noSchema.tooMany : found
}

function isSchemaHeader (bytes: Uint8Array, name: number): boolean {
  for (let i = 0; i < schemaHeader.length; i += 1) if (bytes[name + i] !== schemaHeader[i]) return false
  return true
}

function schemaIdIn (c: Cursor, at: number, length: number): number {
  const { bytes } = c
  if (length === 17 && bytes[at] === 1) return c.guids.handle(c.view, at + 1)
  const from = length === 5 && bytes[at] === 0 ? at + 1 : length === 4 ? at : -1
  const id = from < 0 ? 0 : int32(bytes, from)
  return id > 0 ? id : noSchema.malformed
}

export const int32 = (bytes: Uint8Array, at: number) => bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!

/** The headers of a record, copied, for its dead letter; none when they are damaged. */
export function copyHeaders (c: Cursor, place: Place): (readonly [string, Uint8Array | null])[] {
  if (headerSchemaId(c, place.headersStart, place.end, 0) === noSchema.damaged) return []
  const { bytes, at } = c
  const headers: (readonly [string, Uint8Array | null])[] = []
  const count = longAt(c, bytes, place.headersStart)
  for (let i = 0; i < count && c.at < place.end; i += 1) {
    const nameLength = longAt(c, bytes, c.at)
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + c.at, nameLength).toString('utf8')
    const length = longAt(c, bytes, c.at + nameLength)
    headers.push([name, length < 0 ? null : bytes.slice(c.at, c.at + length)])
    c.at += Math.max(length, 0)
  }
  c.at = at
  return headers
}
