import type { KeyTable } from '../core/keys.ts'
import type { SignalSpec } from '../core/spec.ts'
import type { JournalSink } from '../core/stage.ts'
import type { Stateful, StateTree } from '../core/state.ts'
import type { TableCell, TableRow, TableView } from '../core/table.ts'
import { LookupColumn } from './lookup-column.ts'

export interface LookupWish { readonly signal: SignalSpec, readonly column: string, readonly otherwise: TableCell }

/**
 * The rows of one table as this task last used them. The live table is asked only when it has changed since the key was
 * last checked; a row that differs from the one in use is journaled once and used from that record on.
 *
 * State:  per key and used column one cell, and nothing for keys without a row; at most as many keys as the task has
 * Limits: bound by the key table
 */
export class Lookup implements Stateful {
  readonly table: string
  readonly columns: readonly LookupColumn[]
  readonly #view: TableView | null
  readonly #keys: KeyTable
  readonly #used: readonly string[]
  /** Version of the live table at which a key was last checked; NaN: never. Not state: checking again changes nothing. */
  #checked = new Float64Array(0)

  constructor (table: string, wishes: readonly LookupWish[], { keys, view }: { readonly keys: KeyTable, readonly view: TableView | null }) {
    this.table = table
    this.#view = view
    this.#keys = keys
    this.columns = wishes.map(wish => new LookupColumn(wish, keys.entriesMax))
    this.#used = [...new Set(wishes.map(({ column }) => column))]
  }

  /** Make room for every key of the task; call before rows are read. */
  reserve (): void {
    const { size } = this.#keys
    for (const column of this.columns) column.reserve(size)
    if (this.#checked.length >= size) return
    const checked = new Float64Array(Math.max(size, this.#checked.length * 2)).fill(Number.NaN)
    checked.set(this.#checked)
    this.#checked = checked
  }

  /** Ask the live table for every row's key, and journal what is new. */
  read ({ key, position, count }: { readonly key: Int32Array, readonly position: Float64Array, readonly count: number }, skip: Uint8Array, journal: JournalSink): void {
    if (this.#view === null) return
    const version = this.#view.version
    const checked = this.#checked
    for (let row = 0; row < count; row += 1) {
      const id = key[row]!
      if (checked[id] === version || skip[row] === 1) continue
      checked[id] = version
      this.#refresh(id, position[row]!, journal)
    }
  }

  /** From here on `key` has this row. */
  set (key: string, row: TableRow | null): void {
    const id = this.#keys.internText(key)
    if (id < 0) return
    this.reserve()
    for (const column of this.columns) column.set(id, row === null ? null : row[column.name] ?? null)
  }

  snapshot (): StateTree { return Object.fromEntries(this.columns.map((column, index) => [String(index), column.snapshot()])) }

  restore (state: StateTree): void {
    this.reserve()
    this.#checked.fill(Number.NaN)
    this.columns.forEach((column, index) => { column.restore(state[String(index)] as StateTree) })
  }

  #refresh (id: number, position: number, journal: JournalSink): void {
    const key = this.#keys.text(id)
    const row = this.#view!.get(key) ?? null
    if (this.columns.every(column => column.holds(id, row === null ? null : row[column.name] ?? null))) return
    for (const column of this.columns) column.set(id, row === null ? null : row[column.name] ?? null)
    journal(position, { kind: 'lookup', table: this.table, key, row: row && Object.fromEntries(this.#used.map(name => [name, row[name] ?? null])) })
  }
}
