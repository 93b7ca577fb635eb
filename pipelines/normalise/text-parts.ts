import type { Column, TextColumn } from '../core/batch.ts'
import { KeyTable } from '../core/keys.ts'
import type { StateTree } from '../core/state.ts'

const slack = 4096
const absent = -1

/**
 * Ids for the texts of one `dedupe.by` field that, unlike a column's, stay the same from batch to batch.
 *
 * State:  the texts of remembered readings and at most as many again, plus a slack
 */
export class TextParts {
  readonly #entriesMax: number
  #table: KeyTable
  /** Id by the column's own id, valid for this batch alone. */
  #seen = new Int32Array(256)
  #seenIn = new Int32Array(256)
  #batch = 0

  constructor (entriesMax: number) {
    this.#entriesMax = entriesMax
    this.#table = this.#empty()
  }

  /** The ids of a batch's texts, as doubles beside the other parts; 1 in `lacks` where there is none. */
  gather (column: Column, to: Float64Array, lacks: Uint8Array, count: number): void {
    this.#batch += 1
    for (let row = 0; row < count; row += 1) {
      const id = column.known[row] === 0 ? absent : column.kind === 'text' ? this.#id(column, column.values[row]!) : this.#table.internText(valueText(column.values[row]))
      to[row] = id
      // Also a text for which the table has no room: rather a duplicate too many than a reading lost.
      if (id === absent) lacks[row] = 1
    }
  }

  wasteful (entries: number): boolean { return this.#table.size > 2 * entries + slack }

  /** Begin anew with the texts that `visit` hands to `keep`, which gives their new ids. */
  rebuild (visit: (keep: (id: number) => number) => void): void {
    const before = this.#table
    const table = this.#empty()
    visit(id => {
      const bytes = before.bytes(id)
      return table.intern(bytes, 0, bytes.length)
    })
    this.#table = table
  }

  snapshot (): StateTree { return this.#table.snapshot() }

  restore (state: StateTree): void {
    this.#table.restore(state)
  }

  #id ({ dictionary }: TextColumn, from: number): number {
    if (from >= this.#seen.length) {
      this.#seen = longer(this.#seen, from + 1)
      this.#seenIn = longer(this.#seenIn, from + 1)
    }
    if (this.#seenIn[from] === this.#batch) return this.#seen[from]!
    const bytes = dictionary.bytes(from)
    this.#seenIn[from] = this.#batch
    return this.#seen[from] = this.#table.intern(bytes, 0, bytes.length)
  }

  /** Wide enough that it never fills between two rebuilds, which happen at the start of a batch. */
  #empty (): KeyTable { return new KeyTable(this.#entriesMax * 2 + (1 << 24)) }
}

const longer = (array: Int32Array, lengthMin: number) => {
  const bigger = new Int32Array(Math.max(array.length * 2, lengthMin))
  bigger.set(array)
  return bigger
}

/** A text that is the same for equal values: bytes, decimals, lists, records. */
function valueText (value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => typeof part === 'bigint' ? `${part}n` : part) ?? 'null'
}
