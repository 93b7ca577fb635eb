import { DuckDBDataChunk, type DuckDBAppender, type DuckDBType, BIGINT, BOOLEAN, DOUBLE, INTEGER, TIMESTAMP_MS, VARCHAR } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import { type Block, type BlockColumn, cellBytes } from './block.ts'
import { type LongTexts, stringBytes } from './cells.ts'
import type { CellType, TableColumn } from './tables.ts'

const types = { text: VARCHAR, double: DOUBLE, stamp: TIMESTAMP_MS, integer: INTEGER, bigint: BIGINT, bool: BOOLEAN } as const satisfies Record<CellType, DuckDBType>
const inlineBytesMax = 12

/** Long texts of all blocks so far, by the number of their cache. A cache whose table began anew is dropped when its successor comes. */
export class LongTextStore {
  readonly #caches = new Map<number, Uint8Array[]>()

  add ({ cache, from, texts, instead }: LongTexts): void {
    this.#caches.delete(instead)
    let known = this.#caches.get(cache)
    if (known === undefined) this.#caches.set(cache, known = [])
    texts.forEach((text, index) => { known[from + index] = text })
  }

  get (cache: number): readonly Uint8Array[] { return this.#caches.get(cache) ?? [] }
  drop (caches: readonly number[]): void { for (const cache of caches) this.#caches.delete(cache) }
}

/**
 * Copies blocks into one table through an appender, 2,048 rows at a time, without a JavaScript value per cell.
 *
 * Source: DuckDB's C API, data chunks and string_t. Measured on 10 columns: 22 ns a row for the copy, 180-300 for the append (bench/embedded.ts)
 */
export class ChunkFiller {
  readonly #chunk: DuckDBDataChunk
  readonly #rowsMax = duckdb.vector_size()
  readonly #words = new Int32Array(duckdb.vector_size() * 4)
  readonly #places = new Map<number, number>()
  readonly #long: LongTextStore

  constructor (columns: readonly TableColumn[], long: LongTextStore) {
    this.#chunk = DuckDBDataChunk.create(columns.map(({ type }) => types[type]))
    this.#long = long
  }

  append (appender: DuckDBAppender, block: Block): void {
    for (const long of block.long) this.#long.add(long)
    for (let from = 0; from < block.rows; from += this.#rowsMax) {
      const rows = Math.min(this.#rowsMax, block.rows - from)
      this.#chunk.reset()
      this.#chunk.rowCount = rows
      block.columns.forEach((column, index) => { this.#fill(index, column, block.buffer, from, rows) })
      appender.appendDataChunk(this.#chunk)
    }
    this.#long.drop(block.once)
  }

  #fill (index: number, { type, cells, validity, cache }: BlockColumn, buffer: ArrayBuffer, from: number, rows: number): void {
    const vector = duckdb.data_chunk_get_vector(this.#chunk.chunk, index)
    const bytes = cellBytes[type]
    if (cache === 0) duckdb.copy_data_to_vector(vector, 0, buffer, cells + from * bytes, rows * bytes)
    else this.#fillTexts(vector, this.#long.get(cache), new Int32Array(buffer, cells + from * bytes, rows * 4))
    if (validity < 0) return
    duckdb.vector_ensure_validity_writable(vector)
    duckdb.copy_data_to_vector_validity(vector, 0, buffer, validity + from / 8, Math.ceil(rows / 8))
  }

  /** A long text is given to the vector once a chunk; the other rows share what the vector made of it. */
  #fillTexts (vector: duckdb.Vector, texts: readonly Uint8Array[], source: Int32Array): void {
    const places = this.#places
    places.clear()
    for (let at = 0; at < source.length; at += 4) {
      const number = source[at + 2]!
      if (source[at]! <= inlineBytesMax || places.has(number)) continue
      duckdb.vector_assign_string_element_len(vector, places.size, texts[number]!)
      places.set(number, places.size)
    }
    const made = duckdb.vector_get_data(vector, Math.max(1, places.size) * stringBytes)
    const pointers = new Int32Array(made.buffer, made.byteOffset, made.length / 4)
    const target = this.#words
    for (let at = 0; at < source.length; at += 4) {
      const isLong = source[at]! > inlineBytesMax
      const from = isLong ? places.get(source[at + 2]!)! * 4 : at
      const words = isLong ? pointers : source
      for (let word = 0; word < 4; word += 1) target[at + word] = words[from + word]!
    }
    duckdb.copy_data_to_vector(vector, 0, target.buffer, 0, source.length * 4)
  }
}
