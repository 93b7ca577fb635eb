import type { Column, ValueColumn } from '../../pipelines/core/batch.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'
import { type LongTexts, stringBytes, TextCells } from './cells.ts'
import type { CellType } from './tables.ts'

/** A column of a block: its cells begin at byte `cells` of the buffer, its validity bits at `validity` (-1: all valid). */
export interface BlockColumn { readonly type: CellType, readonly cells: number, readonly validity: number, readonly cache: number }
/** Rows of one table in DuckDB's own form, in one buffer that both threads see: its owner is who has the block. */
export interface Block { /** Text caches of this block alone. */ readonly once: readonly number[], readonly rows: number, readonly buffer: SharedArrayBuffer, readonly columns: readonly BlockColumn[], readonly long: readonly LongTexts[] }

export const cellBytes = { text: stringBytes, blob: stringBytes, double: 8, stamp: 8, moment: 8, integer: 4, bigint: 8, bool: 1 } as const satisfies Record<CellType, number>

const caches = new WeakMap<KeyTable, TextCells>()
/** Names of sources. */
const constants = new Map<string, KeyTable>()

function cellsOf (table: KeyTable): TextCells {
  let cells = caches.get(table)
  if (cells === undefined) caches.set(table, cells = new TextCells(table))
  return cells
}

/**
 * Buffers that came back from the database's thread, to be filled again: a third of a megabyte a batch, allocated anew each time, kept
 * the garbage collector busier than the rows. They are shared because each transfer of a buffer counts as an allocation to the
 * collector, which then marks the whole heap every few dozen batches.
 *
 * Limits: `buffersMax` buffers
 */
export class BufferPool {
  readonly #free: SharedArrayBuffer[] = []
  readonly #buffersMax: number

  constructor (buffersMax = 64) { this.#buffersMax = buffersMax }

  /** At least `bytes` long; holds anything. */
  take (bytes: number): SharedArrayBuffer {
    const index = this.#free.findIndex(buffer => buffer.byteLength >= bytes)
    return index < 0 ? new SharedArrayBuffer(bytes) : this.#free.splice(index, 1)[0]!
  }

  give (buffer: SharedArrayBuffer): void { if (this.#free.length < this.#buffersMax) this.#free.push(buffer) }
}

/**
 * Builds one block, column by column, in the order of the table.
 *
 * Limits: `rows` rows; every column is added once
 */
export class BlockBuilder {
  readonly rows: number
  readonly #buffer: SharedArrayBuffer
  readonly #columns: BlockColumn[] = []
  readonly #long: LongTexts[] = []
  readonly #once: number[] = []
  #at = 0

  constructor (rows: number, types: readonly CellType[], pool: BufferPool) {
    this.rows = rows
    const bytes = types.reduce((sum, type) => sum + aligned(rows * cellBytes[type]) + aligned(Math.ceil(rows / 8)), 0)
    this.#buffer = pool.take(bytes)
  }

  /** Texts by id in a table. */
  texts (ids: Int32Array, table: KeyTable, known: Uint8Array | null = null, type: 'text' | 'blob' = 'text'): void {
    const cells = cellsOf(table)
    const long = cells.sync()
    if (long !== null) this.#long.push(long)
    const { words } = cells
    const target = new Int32Array(this.#buffer, this.#at, this.rows * 4)
    for (let row = 0, to = 0; row < this.rows; row += 1, to += 4) {
      if (known !== null && known[row] === 0) {
        target.fill(0, to, to + 4)
        continue
      }
      const from = ids[row]! * 4
      target[to] = words[from]!
      target[to + 1] = words[from + 1]!
      target[to + 2] = words[from + 2]!
      target[to + 3] = words[from + 3]!
    }
    this.#done(type, known, cells.hasLong ? cells.cache : 0)
  }

  /** The same text in every row. */
  text (text: string): void {
    let table = constants.get(text)
    if (table === undefined) {
      constants.set(text, table = new KeyTable(1))
      table.internText(text)
    }
    this.texts(new Int32Array(this.rows), table)
  }

  doubles (values: Float64Array, known: Uint8Array | null = null): void {
    new Float64Array(this.#buffer, this.#at, this.rows).set(values.subarray(0, this.rows))
    this.#done('double', known)
  }

  /** Whole numbers below 2^53 in doubles as 64-bit integers: two halves, so that no BigInt is made. */
  wholes (values: Float64Array, type: 'stamp' | 'bigint'): void {
    const target = new Int32Array(this.#buffer, this.#at, this.rows * 2)
    for (let row = 0; row < this.rows; row += 1) {
      const value = Math.floor(values[row]!)
      const high = Math.floor(value / 4294967296)
      target[2 * row] = value - high * 4294967296
      target[2 * row + 1] = high
    }
    this.#done(type, null)
  }

  /** Milliseconds with a fraction as microseconds. None is rounded into the next millisecond, which may be another window. */
  moments (values: Float64Array): void {
    const target = new Int32Array(this.#buffer, this.#at, this.rows * 2)
    for (let row = 0; row < this.rows; row += 1) {
      const value = values[row]!
      const ms = Math.floor(value)
      const high = Math.floor(ms / 4294967296)
      const micros = (ms - high * 4294967296) * 1_000 + Math.min(999, Math.round((value - ms) * 1_000))
      const carry = Math.floor(micros / 4294967296)
      target[2 * row] = micros - carry * 4294967296
      target[2 * row + 1] = high * 1_000 + carry
    }
    this.#done('moment', null)
  }

  integers (values: Int32Array): void {
    new Int32Array(this.#buffer, this.#at, this.rows).set(values.subarray(0, this.rows))
    this.#done('integer', null)
  }

  integer (value: number): void {
    new Int32Array(this.#buffer, this.#at, this.rows).fill(value)
    this.#done('integer', null)
  }

  bools (values: Uint8Array, known: Uint8Array | null = null): void {
    new Uint8Array(this.#buffer, this.#at, this.rows).set(values.subarray(0, this.rows))
    this.#done('bool', known)
  }

  /** Bytes, or unknown. */
  blobs ({ values, known: present }: ValueColumn, nothing: Uint8Array | null = null): void {
    const known = both(present, nothing)
    const table = new KeyTable(this.rows + 1)
    const ids = Int32Array.from({ length: this.rows }, (_, row) => known[row] === 0 ? 0 : table.intern(values[row] as Uint8Array, 0, (values[row] as Uint8Array).length))
    this.texts(ids, table, known, 'blob')
    this.#once.push(cellsOf(table).cache)
  }

  /** Any column of a batch; a `value` column as JSON. */
  column (column: Column, nothing: Uint8Array | null = null): void {
    const known = both(column.known, nothing)
    switch (column.kind) {
      case 'number': this.doubles(column.values, known); break
      case 'bool': this.bools(column.values, known); break
      case 'text': this.texts(column.values, column.dictionary, known); break
      case 'value': this.#json(column.values, known)
    }
  }

  finish (): Block { return { rows: this.rows, buffer: this.#buffer, columns: this.#columns, long: this.#long, once: this.#once } }

  #json (values: readonly unknown[], known: Uint8Array): void {
    const table = new KeyTable(this.rows + 1)
    const ids = Int32Array.from({ length: this.rows }, (_, row) => known[row] === 0 ? 0 : table.internText(JSON.stringify(values[row], plain) ?? 'null'))
    this.texts(ids, table, known)
    this.#once.push(cellsOf(table).cache)
  }

  #done (type: CellType, known: Uint8Array | null, cache = 0): void {
    const cells = this.#at
    this.#at += aligned(this.rows * cellBytes[type])
    const validity = known === null ? -1 : this.#validity(known)
    this.#columns.push({ type, cells, validity, cache })
  }

  /** One bit a row, or -1 when all are known. */
  #validity (known: Uint8Array): number {
    const at = this.#at
    const bits = new Uint8Array(this.#buffer, at, Math.ceil(this.rows / 8)).fill(0)
    let missing = 0
    for (let row = 0; row < this.rows; row += 1) {
      if (known[row] !== 0) bits[row >> 3]! |= 1 << (row & 7)
      else missing += 1
    }
    this.#at += aligned(bits.length)
    return missing === 0 ? -1 : at
  }
}

/** `nothing` is 0 where a whole row has no values. */
const both = (known: Uint8Array, nothing: Uint8Array | null) => nothing === null ? known : known.map((one, row) => one & (nothing[row] ?? 0))

const aligned = (bytes: number) => (bytes + 7) & ~7

function plain (_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}
