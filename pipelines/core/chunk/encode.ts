import assert from 'node:assert/strict'
import type { Column, ColumnKind, TextColumn } from '../batch.ts'
import { crc32c } from '../crc32c.ts'
import type { ReadingBlock } from './block.ts'
import { ByteWriter } from './byte-writer.ts'
import { type IntegerCost, integerCost, writeIntegers } from './integers.ts'
import { writeArrivals, writeNumbers } from './numbers.ts'

/** First byte of a chunk. */
export const chunkVersion = 1
export const chunkHeaderBytes = 5
/** Bounds of what is written, and of what is believed when it is read. */
export const chunkLimits = { rowsMax: 1 << 16, columnsMax: 1 << 12, cellsMax: 1 << 22 } as const
export const columnKinds = ['number', 'bool', 'text'] as const
/** None, all or some of a column's values are known. */
export const [noneKnown, allKnown, someKnown] = [0, 1, 2]

const encoder = new TextEncoder()
const writer = new ByteWriter()
const cost: IntegerCost = { plain: 0, delta: 0, isLinear: false }
let numbers = new Float64Array(0)
let indexes = new Int32Array(0)

/**
 * Readings of one device as the bytes of a chunk. Nothing is lost but which NaN a NaN was.
 *
 * Shape:  version (byte), CRC-32C of all that follows (word); rows, partition (counts); at, offset (numbers), arrival (arrivals), in this order; columns (count), each:
 *         kind 0 number 1 bool 2 text (byte), name (count of bytes, bytes), length of what follows (word); known 0 none 1 all 2 some (byte), of some 0 or 1 a row
 *         (integers); then of the known rows: numbers; 0 or 1 each (integers); texts: how many (count), each as its bytes (count, bytes), and which one (integers).
 *         `byte-writer.ts` says what a byte, word and count are, `integers.ts` and `numbers.ts` the rest
 * Units:  little endian
 * Limits: `chunkLimits`; 1 row at least
 */
export function encodeChunk (block: ReadingBlock, partition: number): Uint8Array<ArrayBuffer> {
  const { count, at, arrival, offset, columns } = block
  assert(count >= 1 && count <= chunkLimits.rowsMax && columns.length <= chunkLimits.columnsMax && count * columns.length <= chunkLimits.cellsMax, 'a chunk is within its limits')
  if (numbers.length < count) {
    numbers = new Float64Array(count)
    indexes = new Int32Array(count)
  }
  writer.at = chunkHeaderBytes
  writer.count(count)
  writer.count(partition)
  writeNumbers(writer, at, count)
  writeNumbers(writer, offset, count)
  writeArrivals(writer, arrival, at, count)
  writer.count(columns.length)
  for (const column of columns) writeColumn(column, count)
  const bytes = writer.bytes.slice(0, writer.at)
  bytes[0] = chunkVersion
  new DataView(bytes.buffer).setUint32(1, crc32c(bytes.subarray(chunkHeaderBytes)), true)
  return bytes
}

function writeColumn (column: Column, count: number): void {
  const kind = (columnKinds as readonly ColumnKind[]).indexOf(column.kind)
  assert(kind >= 0, 'signals are numbers, bools and texts')
  const name = encoder.encode(column.name)
  writer.byte(kind)
  writer.count(name.length)
  writer.copy(name)
  const from = writer.at
  writer.word(0)
  writeKnown(column, count)
  writer.view.setUint32(from, writer.at - from - 4, true)
}

function writeKnown (column: Column, count: number): void {
  const { known } = column
  let rows = 0
  for (let row = 0; row < count; row += 1) rows += known[row]!
  writer.byte(rows === 0 ? noneKnown : rows === count ? allKnown : someKnown)
  if (rows === 0) return
  if (rows < count) {
    for (let row = 0; row < count; row += 1) numbers[row] = known[row]!
    writeIntegers(writer, numbers, count, integerCost(numbers, count, cost))
  }
  switch (column.kind) {
    case 'number':
      writeNumbers(writer, rows === count ? column.values : knownValues(column.values, known, count), rows)
      break
    case 'bool':
      knownValues(column.values, known, count)
      writeIntegers(writer, numbers, rows, integerCost(numbers, rows, cost))
      break
    case 'text': writeTexts(column, count, rows)
  }
}

/** The known ones, one behind the other. */
function knownValues (values: Float64Array | Uint8Array | Int32Array, known: Uint8Array, count: number): Float64Array {
  let rows = 0
  for (let row = 0; row < count; row += 1) {
    if (known[row] === 0) continue
    numbers[rows] = values[row]!
    rows += 1
  }
  return numbers
}

/** Texts in the order in which they first come. */
function writeTexts ({ values, known, dictionary }: TextColumn, count: number, rows: number): void {
  knownValues(values, known, count)
  const places = new Map<number, number>()
  let last = -1
  let place = -1
  for (let row = 0; row < rows; row += 1) {
    const id = numbers[row]!
    if (id !== last) {
      last = id
      const found = places.get(id)
      place = found ?? places.size
      if (found === undefined) {
        indexes[place] = id
        places.set(id, place)
      }
    }
    numbers[row] = place
  }
  writer.count(places.size)
  for (let index = 0; index < places.size; index += 1) {
    const text = dictionary.bytes(indexes[index]!)
    writer.count(text.length)
    writer.copy(text)
  }
  writeIntegers(writer, numbers, rows, integerCost(numbers, rows, cost))
}
