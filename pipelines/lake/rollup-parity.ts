import { type Column, cell } from '../core/batch.ts'
import { canonicalJson } from '../core/hash.ts'
import type { KeyTable } from '../core/keys.ts'
import type { LakeRollupRows, LakeWindow } from '../core/lake-ports.ts'
import type { WindowBatch } from '../core/window-batch.ts'
import { tooMany } from './cells.ts'

/** Rows that are held until their window's table has been read. */
export const parityRowsMax = 1 << 20
/** Of numbers that were added up in another order, or whose times lost a fraction of a millisecond. */
const tolerance = 1e-9

interface Expected { readonly end: number, readonly received: number, readonly values: readonly unknown[], /** Not yet closed by what was read: it may be in the lake, or not. */ readonly isOpen: boolean }

/**
 * Rows of one window as its readings make them, against those that the lake has.
 *
 * Shape:  expect... by task, then compare..., then missing
 * State:  every expected row that has not met its other
 * Limits: `parityRowsMax` rows. Errors: LAKE_LIMIT
 */
export class RollupParity {
  /** Names of columns to ask the lake for, in the order of a stage's. */
  readonly columns: readonly string[]
  compared = 0
  readonly #window: LakeWindow
  readonly #from: number
  readonly #to: number
  /** By start and key: of the tasks that had the key, the last row of each. */
  readonly #expected = new Map<string, Map<object, Expected>>()
  #rows = 0

  constructor (window: LakeWindow, { from, to }: { readonly from: number, readonly to: number }) {
    this.#window = window
    this.#from = from
    this.#to = to
    this.columns = [...window.columns, ...window.parts].map(({ name }) => name)
  }

  /** Results of one task, in order: a later one takes the place of an earlier one, a retraction its row away. */
  expect (task: object, rows: WindowBatch, keys: KeyTable, { isOpen }: { readonly isOpen: boolean }): void {
    for (let row = 0; row < rows.count; row += 1) {
      // Of sessions, which begin with a reading: lakes keep whole milliseconds of it.
      const start = Math.floor(rows.start[row]!)
      const end = Math.floor(rows.end[row]!)
      if (start < this.#from || start >= this.#to) continue
      const id = idOf(start, keys.text(rows.key[row]!))
      const found = this.#expected.get(id) ?? new Map<object, Expected>()
      const known = found.get(task)
      if (rows.retraction[row] === 1) {
        if (known?.end === end) this.#forget(id, found, task)
        continue
      }
      if (known === undefined) {
        this.#rows += 1
        if (this.#rows > parityRowsMax) throw tooMany('rows of a window', this.#rows, parityRowsMax)
      }
      this.#expected.set(id, found.set(task, { end, received: rows.received[row]!, values: rows.columns.map(column => plain(column, row)), isOpen: isOpen && known === undefined }))
    }
  }

  /** Rows of the lake whose windows lie whole in the range, against those expected. */
  * compare ({ key, count, start, end, received, columns }: LakeRollupRows): Generator<string> {
    for (let row = 0; row < count; row += 1) {
      if (end[row]! > this.#to) continue
      this.compared += 1
      const id = idOf(start[row]!, key)
      const expected = [...this.#expected.get(id)?.values() ?? []]
      this.#expected.delete(id)
      const named = this.#named(start[row]!, key)
      if (expected.length === 0) {
        yield `${named}: in the lake, but none of its readings`
        continue
      }
      const is = { end: end[row]!, received: received[row]!, values: columns.map(column => plain(column, row)) }
      const found = expected.map(one => this.#differences(is, one))
      const least = found.reduce((a, b) => b.length < a.length ? b : a)
      for (const difference of least) yield `${named}: ${difference}`
    }
  }

  /** What readings make and the lake does not have. */
  * missing (): Generator<string> {
    for (const [id, tasks] of this.#expected) {
      const [start, key] = JSON.parse(id) as [number, string]
      const [expected] = [...tasks.values()].filter(({ end, isOpen }) => end <= this.#to && !isOpen)
      if (expected !== undefined) yield `${this.#named(start, key)}: not in the lake, which has ${expected.received} readings of it`
    }
  }

  #forget (id: string, found: Map<object, Expected>, task: object): void {
    found.delete(task)
    this.#rows -= 1
    if (found.size === 0) this.#expected.delete(id)
  }

  #differences (is: Omit<Expected, 'isOpen'>, wanted: Expected): readonly string[] {
    const differences: string[] = []
    const differ = (name: string, lake: unknown, readings: unknown) => { if (!same(lake, readings)) differences.push(`${name} is ${shown(lake)}, from readings ${shown(readings)}`) }
    differ('end', is.end, wanted.end)
    differ('received', is.received, wanted.received)
    const kept = this.#window.columns.length
    // Rows of before the lake had parts have none of them.
    const count = is.values.slice(kept).every(value => value === null) ? kept : this.columns.length
    for (let place = 0; place < count; place += 1) differ(this.columns[place]!, is.values[place], wanted.values[place])
    return differences
  }

  #named (start: number, key: string): string { return `${this.#window.name} of ${key} at ${new Date(start).toISOString()}` }
}

const idOf = (start: number, key: string) => JSON.stringify([start, key])

/** A cell in the form that both sides have: bytes as hex, lists as JSON. */
function plain (column: Column, row: number): unknown {
  const value = cell(column, row)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (column.kind === 'number') return Number.isNaN(value) ? null : value
  return column.kind === 'value' && value !== null && typeof value !== 'string' ? canonicalJson(value) : value
}

function same (left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left === 'number' && typeof right === 'number') return Math.abs(left - right) <= tolerance * Math.max(Math.abs(left), Math.abs(right))
  return typeof left === 'string' && typeof right === 'string' && jsonOf(left) === jsonOf(right)
}

function jsonOf (text: string): string { try { return canonicalJson(JSON.parse(text)) } catch { return text } }

const shown = (value: unknown) => String(JSON.stringify(value)).slice(0, 80)
