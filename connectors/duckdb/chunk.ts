import { DuckDBDataChunk, type DuckDBAppender, type DuckDBType, BIGINT, BLOB, BOOLEAN, DOUBLE, INTEGER, TIMESTAMP, TIMESTAMP_MS, VARCHAR } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { grown } from '../../pipelines/core/keys.ts'
import { type Block, type BlockColumn, cellBytes } from './block.ts'
import { type LongTexts, stringBytes } from './cells.ts'
import type { CellType, TableColumn } from './tables.ts'

const types = { text: VARCHAR, blob: BLOB, double: DOUBLE, stamp: TIMESTAMP_MS, moment: TIMESTAMP, integer: INTEGER, bigint: BIGINT, bool: BOOLEAN } as const satisfies Record<CellType, DuckDBType>
const inlineBytesMax = 12

interface LongCache { readonly anchor: duckdb.Vector, words: Int32Array }

/**
 * Long texts of all blocks so far as DuckDB strings, by the number of their cache. A cache whose table began anew is dropped when its
 * successor comes.
 *
 * State:  per cache a vector that keeps the bytes (of type BLOB: one of texts takes none that are not UTF-8), and four words a text that point into it. The texts of a block go in as one string,
 *         so that a new text costs no call of its own; pointers stay good as long as the vector is kept
 */
export class LongTextStore {
  readonly #caches = new Map<number, LongCache>()

  add ({ cache, from, bytes, lengths, instead }: LongTexts): void {
    this.#caches.delete(instead)
    let known = this.#caches.get(cache)
    if (known === undefined) this.#caches.set(cache, known = { anchor: duckdb.create_vector(duckdb.create_logical_type(duckdb.Type.BLOB), 1), words: new Int32Array(0) })
    duckdb.vector_assign_string_element_len(known.anchor, 0, bytes)
    const made = duckdb.vector_get_data(known.anchor, stringBytes)
    let pointer = new DataView(made.buffer, made.byteOffset).getBigUint64(8, true)
    const sizeMin = (from + lengths.length) * 4
    if (sizeMin > known.words.length) known.words = grown(known.words, sizeMin)
    const view = new DataView(known.words.buffer)
    const text = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let at = from * stringBytes
    let begin = 0
    for (const length of lengths) {
      view.setUint32(at, length, true)
      view.setUint32(at + 4, text.getUint32(begin, true), true)
      view.setBigUint64(at + 8, pointer, true)
      at += stringBytes
      begin += length
      pointer += BigInt(length)
    }
  }

  words (cache: number): Int32Array { return this.#caches.get(cache)?.words ?? new Int32Array(0) }
  drop (caches: readonly number[]): void { for (const cache of caches) this.#caches.delete(cache) }
}

/** What a table has: the types of its columns, and where each column of a block belongs. What no block has stays null. */
export interface ChunkShape { readonly types: readonly DuckDBType[], readonly places: readonly number[] }

/** A table that has just the columns of its blocks. */
export function plainShape (columns: readonly TableColumn[]): ChunkShape { return { types: columns.map(({ type }) => types[type]), places: columns.map((_, place) => place) } }

/**
 * Copies blocks into one table through an appender, 2,048 rows at a time, without a JavaScript value per cell.
 *
 * Source: DuckDB's C API, data chunks and string_t. Measured on 10 columns: 22 ns a row for the copy, 180-300 for the append (bench/embedded.ts)
 */
export class ChunkFiller {
  readonly #chunk: DuckDBDataChunk
  readonly #places: readonly number[]
  readonly #absent: readonly number[]
  readonly #rowsMax = duckdb.vector_size()
  readonly #words = new Int32Array(duckdb.vector_size() * 4)
  readonly #nothing = new ArrayBuffer(duckdb.vector_size() / 8)
  readonly #long: LongTextStore

  constructor ({ types, places }: ChunkShape, long: LongTextStore) {
    this.#chunk = DuckDBDataChunk.create([...types])
    this.#places = places
    this.#absent = types.map((_, place) => place).filter(place => !places.includes(place))
    this.#long = long
  }

  append (appender: DuckDBAppender, block: Block): void {
    for (const long of block.long) this.#long.add(long)
    for (let from = 0; from < block.rows; from += this.#rowsMax) {
      const rows = Math.min(this.#rowsMax, block.rows - from)
      this.#chunk.reset()
      this.#chunk.rowCount = rows
      block.columns.forEach((column, index) => { this.#fill(this.#places[index]!, column, block.buffer, from, rows) })
      for (const place of this.#absent) this.#leaveOut(place, rows)
      appender.appendDataChunk(this.#chunk)
    }
    this.#long.drop(block.once)
  }

  #leaveOut (place: number, rows: number): void {
    const vector = duckdb.data_chunk_get_vector(this.#chunk.chunk, place)
    duckdb.vector_ensure_validity_writable(vector)
    duckdb.copy_data_to_vector_validity(vector, 0, this.#nothing, 0, Math.ceil(rows / 8))
  }

  #fill (index: number, { type, cells, validity, cache }: BlockColumn, shared: SharedArrayBuffer, from: number, rows: number): void {
    const vector = duckdb.data_chunk_get_vector(this.#chunk.chunk, index)
    // The binding copies from either kind, whatever its types say.
    const buffer = shared as unknown as ArrayBuffer
    const bytes = cellBytes[type]
    if (cache === 0) duckdb.copy_data_to_vector(vector, 0, buffer, cells + from * bytes, rows * bytes)
    else this.#fillTexts(vector, this.#long.words(cache), new Int32Array(buffer, cells + from * bytes, rows * 4))
    if (validity < 0) return
    duckdb.vector_ensure_validity_writable(vector)
    duckdb.copy_data_to_vector_validity(vector, 0, buffer, validity + from / 8, Math.ceil(rows / 8))
  }

  /** Short texts stand in place; a long one's third word says where its string is. */
  #fillTexts (vector: duckdb.Vector, long: Int32Array, source: Int32Array): void {
    const target = this.#words
    for (let at = 0; at < source.length; at += 4) {
      const isLong = source[at]! > inlineBytesMax
      const words = isLong ? long : source
      const from = isLong ? source[at + 2]! * 4 : at
      target[at] = words[from]!
      target[at + 1] = words[from + 1]!
      target[at + 2] = words[from + 2]!
      target[at + 3] = words[from + 3]!
    }
    duckdb.copy_data_to_vector(vector, 0, target.buffer, 0, source.length * 4)
  }
}
