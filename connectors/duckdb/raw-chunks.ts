import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { type Column, type ColumnKind, type ColumnSpec, createColumn } from '../../pipelines/core/batch.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'

/** What the columns of a query are, in order: doubles, 32-bit integers, booleans, texts, JSON texts, bytes. */
export type RawType = 'double' | 'integer' | 'bool' | 'text' | 'json' | 'blob'
const stringBytes = 16
const inlineBytesMax = 12
/** A dictionary with more texts is left to those who hold it, and a new one begun. */
const dictionaryMax = 1 << 16

/** One column of up to 2,048 rows; `known[row]` 0 is NULL. `bytes` of a text or blob at `starts[row]`, `lengths[row]` long. */
export interface RawColumn { readonly known: Uint8Array, readonly doubles: Float64Array | null, readonly integers: Int32Array | null, readonly bools: Uint8Array | null, readonly bytes: Uint8Array | null, readonly starts: Int32Array | null, readonly lengths: Int32Array | null }
export interface RawChunk { readonly rows: number, readonly columns: readonly RawColumn[] }

/**
 * A query's result in plain arrays, one copy a column and no JavaScript value a cell. A query is under way as long as its chunks are taken.
 *
 * Source: DuckDB's C API, vectors and string_t
 */
export async function * rawChunks (connection: DuckDBConnection, sql: string, values: readonly DuckDBValue[], types: readonly RawType[]): AsyncGenerator<RawChunk> {
  const result = await connection.stream(sql, [...values])
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    const rows = chunk.rowCount
    yield { rows, columns: types.map((type, index) => columnOf(duckdb.data_chunk_get_vector(chunk.chunk, index), type, rows)) }
  }
}

function columnOf (vector: duckdb.Vector, type: RawType, rows: number): RawColumn {
  const none = { doubles: null, integers: null, bools: null, bytes: null, starts: null, lengths: null }
  const known = knownOf(vector, rows)
  const copy = (cellBytes: number) => duckdb.vector_get_data(vector, rows * cellBytes).slice()
  switch (type) {
    case 'double': return { ...none, known, doubles: new Float64Array(copy(8).buffer) }
    case 'integer': return { ...none, known, integers: new Int32Array(copy(4).buffer) }
    case 'bool': return { ...none, known, bools: copy(1) }
    case 'text': case 'json': case 'blob': return { ...none, known, ...stringsOf(vector, known, rows) }
  }
}

function knownOf (vector: duckdb.Vector, rows: number): Uint8Array {
  const known = new Uint8Array(rows)
  const bits = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8) as Uint8Array | null
  if (bits === null) return known.fill(1)
  for (let row = 0; row < rows; row += 1) known[row] = bits[row >> 3]! >> (row & 7) & 1
  return known
}

/** A text of up to 12 bytes stands in place; a longer one's second half is a pointer. */
function stringsOf (vector: duckdb.Vector, known: Uint8Array, rows: number): { readonly bytes: Uint8Array, readonly starts: Int32Array, readonly lengths: Int32Array } {
  const cells = duckdb.vector_get_data(vector, rows * stringBytes)
  const view = new DataView(cells.buffer, cells.byteOffset, cells.byteLength)
  const [starts, lengths] = [new Int32Array(rows), new Int32Array(rows)]
  let total = 0
  for (let row = 0; row < rows; row += 1) {
    if (known[row] === 0) continue
    starts[row] = total
    total += lengths[row] = view.getUint32(row * stringBytes, true)
  }
  const bytes = new Uint8Array(total)
  for (let row = 0; row < rows; row += 1) {
    const length = lengths[row]!
    if (length === 0) continue
    const at = row * stringBytes
    if (length > inlineBytesMax) bytes.set(duckdb.get_data_from_pointer(cells.buffer as ArrayBuffer, cells.byteOffset + at + 8, length), starts[row]!)
    else for (let i = 0, from = at + 4, to = starts[row]!; i < length; i += 1) bytes[to + i] = cells[from + i]!
  }
  return { bytes, starts, lengths }
}

const decoder = new TextDecoder()
const rawTypes = { number: 'double', bool: 'bool', text: 'text', value: 'json' } as const satisfies Record<ColumnKind, RawType>

export function textOf ({ bytes, starts, lengths }: RawColumn, row: number): string { return decoder.decode(bytesOf(bytes!, starts!, lengths!, row)) }

const bytesOf = (bytes: Uint8Array, starts: Int32Array, lengths: Int32Array, row: number) => bytes.subarray(starts[row]!, starts[row]! + lengths[row]!)

/** Whether two rows of a text column are the same. */
export function sameText ({ bytes, starts, lengths }: RawColumn, one: number, other: number): boolean {
  const length = lengths![one]!
  if (length !== lengths![other]!) return false
  for (let i = 0, a = starts![one]!, b = starts![other]!; i < length; i += 1) if (bytes![a + i] !== bytes![b + i]) return false
  return true
}

/** Makes columns of the pipeline's kinds out of those of a query; texts of all chunks share a dictionary as long as it stays small. */
export class ColumnMaker {
  readonly #spec: ColumnSpec
  readonly #isBytes: boolean
  #dictionary = new KeyTable(Number.POSITIVE_INFINITY)

  constructor (spec: ColumnSpec, isBytes = false) {
    this.#spec = spec
    this.#isBytes = isBytes
  }

  get type (): RawType { return this.#spec.kind === 'value' && this.#isBytes ? 'blob' : rawTypes[this.#spec.kind] }

  of (raw: RawColumn, rows: number): Column {
    const { name, kind, unit = null } = this.#spec
    const { known } = raw
    switch (kind) {
      case 'number': {
        const values = raw.doubles!
        for (let row = 0; row < rows; row += 1) if (known[row] === 0) values[row] = Number.NaN
        return { kind, name, unit, known, values }
      }
      case 'bool': return { kind, name, known, values: raw.bools! }
      case 'text': return this.#texts(raw, rows)
      case 'value': {
        const column = createColumn(this.#spec, rows)
        for (let row = 0; row < rows; row += 1) if (known[row] === 1) (column.values as unknown[])[row] = this.#isBytes ? bytesOf(raw.bytes!, raw.starts!, raw.lengths!, row).slice() : JSON.parse(textOf(raw, row))
        column.known = known
        return column
      }
    }
  }

  #texts (raw: RawColumn, rows: number): Column {
    if (this.#dictionary.size > dictionaryMax) this.#dictionary = new KeyTable(Number.POSITIVE_INFINITY)
    const dictionary = this.#dictionary
    const { bytes, starts, lengths, known } = raw
    const values = new Int32Array(rows)
    for (let row = 0, before = -1; row < rows; row += 1) {
      if (known[row] === 0) continue
      values[row] = before >= 0 && sameText(raw, row, before) ? values[before]! : dictionary.intern(bytes!, starts![row]!, lengths![row]!)
      before = row
    }
    return { kind: 'text', name: this.#spec.name, known, values, dictionary }
  }
}
