import { type Batch, type Column, createBatch, createColumn } from '../core/batch.ts'
import { grown, KeyTable } from '../core/keys.ts'
import type { StateTree, StateValue } from '../core/state.ts'
import { growColumn } from '../core/window-batch.ts'
import type { ExpressionField } from '../expression/compile.ts'

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

const textsMin = 1 << 16

/**
 * Readings kept beyond their batch, in columns that grow. Columns that are not wanted stay unknown.
 *
 * State:  texts live in a dictionary per column, made anew by `compact` when most of them are no longer in use
 */
export class RowStore {
  readonly batch: Batch
  readonly #wanted: readonly number[]

  constructor (fields: readonly ExpressionField[], wanted: ReadonlySet<string>, capacity = 256) {
    this.batch = { ...createBatch([], capacity), columns: fields.map(field => createColumn(field, wanted.has(field.name) ? capacity : 1)) }
    this.#wanted = fields.flatMap((field, i) => wanted.has(field.name) ? [i] : [])
    for (const i of this.#wanted) this.#renew(this.batch.columns[i]!)
  }

  ensure (rowCount: number): void {
    if (rowCount <= this.batch.capacity) return
    const batch = this.batch as Mutable<Batch>
    const capacity = Math.max(rowCount, batch.capacity * 2)
    for (const name of ['at', 'arrival', 'position', 'watermark', 'arrivalClock'] as const) batch[name] = grown(batch[name], capacity)
    batch.key = grown(batch.key, capacity)
    for (const column of batch.columns) growColumn(column, capacity)
    batch.capacity = capacity
  }

  /** Put row `row` of `from` at `slot`. */
  copy (from: Batch, row: number, slot: number): void {
    const { batch } = this
    batch.key[slot] = from.key[row]!
    batch.at[slot] = from.at[row]!
    batch.arrival[slot] = from.arrival[row]!
    batch.position[slot] = from.position[row]!
    for (const i of this.#wanted) {
      const source = from.columns[i]!
      const target = batch.columns[i]!
      target.known[slot] = source.known[row]!
      if (source.known[row] === 0) continue
      if (source.kind !== 'text' || target.kind !== 'text' || source.dictionary === target.dictionary) target.values[slot] = source.values[row]!
      else {
        const bytes = source.dictionary.bytes(source.values[row]!)
        target.values[slot] = target.dictionary.intern(bytes, 0, bytes.length)
      }
    }
  }

  /** Let the texts go that no used slot holds; `other` holds ids of the same dictionaries and is empty now. */
  compact (used: { readonly size: number, entries (): readonly number[] }, other: RowStore): void {
    for (const i of this.#wanted) {
      const column = this.batch.columns[i]!
      if (column.kind !== 'text' || column.dictionary.size < Math.max(textsMin, used.size * 4)) continue
      const before = column.dictionary
      this.#renew(column)
      for (const slot of used.entries()) if (column.known[slot] === 1) column.values[slot] = column.dictionary.internText(before.text(column.values[slot]!))
      other.share(this)
    }
  }

  /** Use the dictionaries of another store. */
  share (other: RowStore): void {
    for (const i of this.#wanted) {
      const column = this.batch.columns[i]!
      const theirs = other.batch.columns[i]!
      if (column.kind === 'text' && theirs.kind === 'text') (column as { dictionary: KeyTable }).dictionary = theirs.dictionary
    }
  }

  snapshot (slots: readonly number[]): StateTree {
    const { key, at, arrival, position, columns } = this.batch
    const pick = (cells: Float64Array | Int32Array) => Float64Array.from(slots, slot => cells[slot]!)
    return {
      key: pick(key), at: pick(at), arrival: pick(arrival), position: pick(position),
      columns: Object.fromEntries(this.#wanted.map(i => [`${columns[i]!.kind} ${columns[i]!.name}`, cellsOf(columns[i]!, slots)])),
    }
  }

  /** Fill slots 0.. from a snapshot; gives their number. */
  restore (state: StateTree): number {
    const { length } = state.key as Float64Array
    this.ensure(length)
    for (const name of ['key', 'at', 'arrival', 'position'] as const) this.batch[name].set(state[name] as Float64Array)
    const columns = state.columns as Readonly<Record<string, { known: Uint8Array, values: readonly StateValue[] | Float64Array }>>
    for (const i of this.#wanted) {
      const column = this.batch.columns[i]!
      this.#renew(column)
      column.known.fill(0)
      const cells = columns[`${column.kind} ${column.name}`]
      if (cells === undefined) continue
      const { known, values } = cells
      column.known.set(known)
      for (let row = 0; row < length; row += 1) {
        if (known[row] === 0) continue
        if (column.kind === 'text') column.values[row] = column.dictionary.internText(values[row] as string)
        else column.values[row] = values[row] as number
      }
    }
    return length
  }

  #renew (column: Column): void {
    if (column.kind === 'text') (column as { dictionary: KeyTable }).dictionary = new KeyTable(0x7fffffff)
  }
}

function cellsOf (column: Column, slots: readonly number[]): StateTree {
  const known = Uint8Array.from(slots, slot => column.known[slot]!)
  switch (column.kind) {
    case 'text': return { known, values: slots.map((slot, i) => known[i] === 1 ? column.dictionary.text(column.values[slot]!) : null) }
    case 'value': return { known, values: slots.map((slot, i) => known[i] === 1 ? column.values[slot] as StateValue : null) }
    default: return { known, values: Float64Array.from(slots, slot => column.values[slot]!) }
  }
}
