import { type Column, type ColumnSpec, createColumn } from '../../pipelines/core/batch.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'
import type { RawRows } from './raw-rows.ts'
import type { CqlType } from './table.ts'

/** One column of a page. Bytes of a text, blob or map at `starts[row]` of `bytes`, `lengths[row]` long. */
export interface PageColumn { readonly known: Uint8Array, readonly doubles: Float64Array, readonly integers: Int32Array, readonly bools: Uint8Array, readonly bytes: Buffer, readonly starts: Int32Array, readonly lengths: Int32Array }
export interface Page { readonly count: number, readonly columns: readonly PageColumn[] }

const none = { doubles: new Float64Array(0), integers: new Int32Array(0), bools: new Uint8Array(0), starts: new Int32Array(0), lengths: new Int32Array(0) }
/** How a cell is read: as a double, a whole number of 64 bits, of 32 bits, a boolean, or left where it is. */
const [asDouble, asLong, asInteger, asBool, asBytes] = [0, 1, 2, 3, 4] as const

function readAs (type: CqlType): number {
  switch (type) {
    case 'double': return asDouble
    case 'timestamp': case 'bigint': return asLong
    case 'int': return asInteger
    case 'boolean': return asBool
    default: return asBytes
  }
}

/** Whole numbers beyond 2^53 lose their last digits: none of ours are that large. */
export function decodePage ({ bytes, offset, count }: RawRows, types: readonly CqlType[]): Page {
  const how = Uint8Array.from(types, readAs)
  const columns = types.map((_, index): PageColumn => {
    const known = new Uint8Array(count)
    switch (how[index]) {
      case asDouble: case asLong: return { ...none, bytes, known, doubles: new Float64Array(count).fill(Number.NaN) }
      case asInteger: return { ...none, bytes, known, integers: new Int32Array(count) }
      case asBool: return { ...none, bytes, known, bools: new Uint8Array(count) }
      default: return { ...none, bytes, known, starts: new Int32Array(count), lengths: new Int32Array(count) }
    }
  })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = offset
  for (let row = 0; row < count; row += 1) {
    for (let index = 0; index < columns.length; index += 1) {
      const length = view.getInt32(at)
      at += 4
      if (length < 0) continue
      const column = columns[index]!
      const kind = how[index]!
      if (kind === asBytes) {
        column.starts[row] = at
        column.lengths[row] = length
      } else if (length === 0) continue
      else if (kind === asDouble) column.doubles[row] = view.getFloat64(at)
      else if (kind === asLong) column.doubles[row] = view.getInt32(at) * 4294967296 + view.getUint32(at + 4)
      else if (kind === asInteger) column.integers[row] = view.getInt32(at)
      else column.bools[row] = bytes[at]!
      column.known[row] = 1
      at += length
    }
  }
  return { count, columns }
}

export function textOf ({ known, bytes, starts, lengths }: PageColumn, row: number): string | null {
  return known[row] === 0 ? null : bytes.toString('utf8', starts[row]!, starts[row]! + lengths[row]!)
}

export function sameText ({ bytes, starts, lengths }: PageColumn, one: number, other: number): boolean {
  const length = lengths[one]!
  if (length !== lengths[other]!) return false
  for (let i = 0, a = starts[one]!, b = starts[other]!; i < length; i += 1) if (bytes[a + i] !== bytes[b + i]) return false
  return true
}

/** A map of texts: how many, then each key and value as length and bytes. */
export function mapOf ({ known, bytes, starts }: PageColumn, row: number): Readonly<Record<string, string>> {
  if (known[row] === 0) return {}
  let at = starts[row]!
  const next = () => {
    const length = bytes.readInt32BE(at)
    at += 4 + length
    return bytes.toString('utf8', at - length, at)
  }
  const count = bytes.readInt32BE(at)
  at += 4
  return Object.fromEntries(Array.from({ length: count }, () => [next(), next()]))
}

/** A dictionary with more texts is left to those who hold it, and a new one begun. */
const dictionaryMax = 1 << 16

/** Makes columns of the pipeline's kinds out of those of a page; texts of all pages share a dictionary as long as it stays small. */
export class ColumnMaker {
  readonly #spec: ColumnSpec
  readonly #isBytes: boolean
  #dictionary = new KeyTable(Number.POSITIVE_INFINITY)

  /** `isBytes`: a column of kind `value` whose values are the bytes themselves, not JSON. */
  constructor (spec: ColumnSpec, isBytes: boolean) {
    this.#spec = spec
    this.#isBytes = isBytes
  }

  of (from: PageColumn, count: number): Column {
    const { name, kind, unit = null } = this.#spec
    const { known } = from
    switch (kind) {
      case 'number': return { kind, name, unit, known, values: from.doubles }
      case 'bool': return { kind, name, known, values: from.bools }
      case 'text': return this.#texts(from, count)
      case 'value': {
        const column = createColumn(this.#spec, count)
        const values = column.values as unknown[]
        for (let row = 0; row < count; row += 1) if (known[row] === 1) values[row] = this.#isBytes ? from.bytes.subarray(from.starts[row]!, from.starts[row]! + from.lengths[row]!) : JSON.parse(textOf(from, row)!)
        column.known = known
        return column
      }
    }
  }

  #texts (from: PageColumn, count: number): Column {
    if (this.#dictionary.size > dictionaryMax) this.#dictionary = new KeyTable(Number.POSITIVE_INFINITY)
    const dictionary = this.#dictionary
    const { bytes, starts, lengths, known } = from
    const values = new Int32Array(count)
    for (let row = 0, before = -1; row < count; row += 1) {
      if (known[row] === 0) continue
      values[row] = before >= 0 && sameText(from, row, before) ? values[before]! : dictionary.intern(bytes, starts[row]!, lengths[row]!)
      before = row
    }
    return { kind: 'text', name: this.#spec.name, known, values, dictionary }
  }
}
