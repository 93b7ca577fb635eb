import { isUtf8 } from 'node:buffer'
import { type Column, type ColumnSpec, createColumn } from '../batch.ts'
import { crc32c } from '../crc32c.ts'
import { KeyTable } from '../keys.ts'
import type { ReadingBlock } from './block.ts'
import { ByteReader, damaged } from './byte-reader.ts'
import { allKnown, chunkHeaderBytes, chunkLimits, chunkVersion, columnKinds, noneKnown, someKnown } from './encode.ts'
import { readIntegers } from './integers.ts'
import { readArrivals, readNumbers } from './numbers.ts'

export interface DecodedChunk extends ReadingBlock { readonly partition: number }
type Kind = typeof columnKinds[number]

const decoder = new TextDecoder()

/**
 * The bytes of `encodeChunk` as columns: those of `wanted`, in its order, unknown in every row where the chunk has no column of the name and kind;
 * absent: all there are.
 *
 * Limits: `chunkLimits`, looked at before memory is taken; texts are as long as their bytes
 * Errors: LAKE_CHUNK for bytes that are no chunk, or one of a later version
 */
export function decodeChunk (bytes: Uint8Array, wanted?: readonly ColumnSpec[]): DecodedChunk { return decoded(bytes, wanted, everything)! }

/** The same; null when no reading has from <= at < to: then little of it was decoded. */
export function decodeChunkWithin (bytes: Uint8Array, wanted: readonly ColumnSpec[], range: TimeRange): DecodedChunk | null { return decoded(bytes, wanted, range) }

interface TimeRange { readonly from: number, readonly to: number }
const everything: TimeRange = { from: Number.NaN, to: Number.NaN }

function decoded (bytes: Uint8Array, wanted: readonly ColumnSpec[] | undefined, range: TimeRange): DecodedChunk | null {
  const reader = openChunk(bytes)
  const count = reader.count(chunkLimits.rowsMax)
  if (count === 0) throw damaged('it has no rows')
  const partition = reader.count(2 ** 31 - 1)
  const [at, arrival, offset] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)]
  readNumbers(reader, at, count)
  if (range !== everything && !at.some(time => time >= range.from && time < range.to)) return null
  readNumbers(reader, offset, count)
  readArrivals(reader, arrival, at, count)
  const columnCount = reader.count(chunkLimits.columnsMax)
  if (columnCount * count > chunkLimits.cellsMax) throw damaged('it has too many cells', { rows: count, columns: columnCount })
  const found = new Map<string, Column>()
  for (let index = 0; index < columnCount; index += 1) {
    const column = readColumn(reader, count, wanted)
    if (column === null) continue
    if (found.has(column.name)) throw damaged('a column stands there twice', { column: column.name })
    found.set(column.name, column)
  }
  if (reader.at !== reader.end) throw damaged('something follows it', { at: reader.at, bytes: reader.end })
  const columns = wanted === undefined ? [...found.values()] : wanted.map(spec => found.get(spec.name) ?? unknownColumn(spec, count))
  return { count, partition, at, arrival, offset, columns }
}

function openChunk (bytes: Uint8Array): ByteReader {
  const reader = new ByteReader(bytes)
  const version = reader.byte()
  if (version !== chunkVersion) throw damaged('it is of another version', { version, known: chunkVersion })
  if (reader.word() !== crc32c(bytes.subarray(chunkHeaderBytes))) throw damaged('its checksum is wrong', { bytes: bytes.length })
  return reader
}

/** Null: nobody wants it. */
function readColumn (reader: ByteReader, count: number, wanted: readonly ColumnSpec[] | undefined): Column | null {
  const kind = columnKinds[reader.byte()]
  if (kind === undefined) throw damaged('a column is of an unknown kind')
  const nameBytes = reader.count(reader.end)
  const from = reader.skip(nameBytes)
  const name = decoder.decode(reader.bytes.subarray(from, from + nameBytes))
  const length = reader.word()
  const end = reader.at + length
  if (wanted !== undefined && !wanted.some(spec => spec.name === name && spec.kind === kind)) {
    reader.skip(length)
    return null
  }
  const column = readKnown(reader, { name, kind }, count)
  if (reader.at !== end) throw damaged('a column is not as long as it says', { column: name })
  return column
}

function readKnown (reader: ByteReader, { name, kind }: { readonly name: string, readonly kind: Kind }, count: number): Column {
  const column = unknownColumn({ name, kind }, count)
  const { known } = column
  const how = reader.byte()
  if (how === noneKnown) return column
  if (how !== allKnown && how !== someKnown) throw damaged('what is known of a column is said in an unknown way', { column: name })
  const values = new Float64Array(count)
  if (how === allKnown) known.fill(1)
  else {
    readIntegers(reader, values, count)
    for (let row = 0; row < count; row += 1) known[row] = bit(values[row]!)
  }
  let rows = 0
  for (let row = 0; row < count; row += 1) rows += known[row]!
  if (rows === 0) throw damaged('a column knows nothing, and does not say so', { column: name })
  switch (column.kind) {
    case 'number':
      readNumbers(reader, values, rows)
      spread(values, column.values, known, count)
      break
    case 'bool':
      readIntegers(reader, values, rows)
      for (let row = 0; row < rows; row += 1) bit(values[row]!)
      spread(values, column.values, known, count)
      break
    case 'text': {
      const dictionary = readTexts(reader, rows)
      readIntegers(reader, values, rows)
      for (let row = 0; row < rows; row += 1) if (!(values[row]! >= 0 && values[row]! < dictionary.size)) throw damaged('a text is not in its dictionary', { column: name })
      spread(values, column.values, known, count)
      return { ...column, dictionary }
    }
  }
  return column
}

function unknownColumn (spec: ColumnSpec, count: number): Column {
  const column = createColumn(spec, count)
  if (column.kind === 'number') column.values.fill(Number.NaN)
  return column
}

function bit (value: number): number {
  if (value !== 0 && value !== 1) throw damaged('a bit is neither 0 nor 1', { value })
  return value
}

function spread (values: Float64Array, to: Float64Array | Uint8Array | Int32Array, known: Uint8Array, count: number): void {
  for (let row = 0, next = 0; row < count; row += 1) {
    if (known[row] === 0) continue
    to[row] = values[next]!
    next += 1
  }
}

function readTexts (reader: ByteReader, rows: number): KeyTable {
  const size = reader.count(rows)
  const dictionary = new KeyTable(Number.POSITIVE_INFINITY)
  for (let index = 0; index < size; index += 1) {
    const length = reader.count(reader.end)
    const from = reader.skip(length)
    if (!isUtf8(reader.bytes.subarray(from, from + length))) throw damaged('a text is not UTF-8')
    if (dictionary.intern(reader.bytes, from, length) !== index) throw damaged('a text stands there twice')
  }
  return dictionary
}
