import { type Column, type ColumnSpec, createColumn, type TextColumn } from '../core/batch.ts'
import type { KeyTable } from '../core/keys.ts'

export type Writable<T> = { -readonly [Name in keyof T]: T[Name] }

/**
 * The column of one signal as the stages behind see it. Its arrays are either those of a contract field (nothing is
 * copied) or its own.
 *
 * Shape:  `column` is one object for the life of the stage; its arrays are reassigned per batch
 */
export class Slot {
  readonly column: Column
  readonly #spec: ColumnSpec
  #own: Column

  constructor (spec: ColumnSpec) {
    this.#spec = spec
    this.column = createColumn(spec, 0)
    this.#own = createColumn(spec, 0)
  }

  /** Show the arrays of another column of the same kind. */
  share (source: Column): void {
    const column = this.column as Writable<TextColumn>
    column.values = source.values as Int32Array
    column.known = source.known
    if (source.kind === 'text') column.dictionary = source.dictionary
  }

  /** Show own arrays with room for `capacity` rows; `dictionary` is what the ids of a text will mean. */
  own (capacity: number, dictionary: KeyTable | null = null): Column {
    if (this.#own.known.length < capacity) this.#own = createColumn(this.#spec, capacity)
    const column = this.column as Writable<TextColumn>
    column.values = this.#own.values as Int32Array
    column.known = this.#own.known
    if (dictionary !== null) column.dictionary = dictionary
    return this.column
  }

  /** Own arrays with what is shown now, so that single cells can be changed. */
  copy (count: number, capacity: number): void {
    const { values, known } = this.column
    this.own(capacity)
    if (this.column.values === values) return
    ;(this.column.values as Float64Array).set((values as Float64Array).subarray(0, count))
    this.column.known.set(known.subarray(0, count))
  }

  /** Keep only `rows[0..count)`. */
  pick (rows: Int32Array, count: number, capacity: number): void {
    const { values, known } = this.column
    this.own(capacity)
    pickBytes(known, this.column.known, rows, count)
    switch (this.#spec.kind) {
      case 'number': pickDoubles(values as Float64Array, this.column.values as Float64Array, rows, count); break
      case 'bool': pickBytes(values as Uint8Array, this.column.values as Uint8Array, rows, count); break
      case 'text': pickInts(values as Int32Array, this.column.values as Int32Array, rows, count); break
      case 'value': break
    }
  }
}

/** `to[i] = from[rows[i]]`; `from` may be `to`, since rows only move forward. One function per array type keeps each loop monomorphic. */
export function pickDoubles (from: Float64Array, to: Float64Array, rows: Int32Array, count: number): void {
  for (let i = 0; i < count; i += 1) to[i] = from[rows[i]!]!
}

export function pickInts (from: Int32Array, to: Int32Array, rows: Int32Array, count: number): void {
  for (let i = 0; i < count; i += 1) to[i] = from[rows[i]!]!
}

export function pickBytes (from: Uint8Array, to: Uint8Array, rows: Int32Array, count: number): void {
  for (let i = 0; i < count; i += 1) to[i] = from[rows[i]!]!
}
