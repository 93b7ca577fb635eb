import type { Batch, TextColumn } from '../core/batch.ts'
import { grown, KeyTable } from '../core/keys.ts'
import type { StateTree } from '../core/state.ts'

/** As many texts, and as many bytes of them, as may be of no use any more before it is worth to look. */
const idleTextsMin = 1 << 12
const idleBytesMin = 1 << 24

/**
 * Texts of open chunks under ids that last from batch to batch.
 *
 * State: a dictionary; the ids of the batch at hand, by column
 */
export class TextStore {
  readonly dictionary = new KeyTable(Number.POSITIVE_INFINITY)
  readonly #columns: readonly number[]
  #length = new Int32Array(64)
  #bytes = 0
  /** By column, the row's id here; of a row without a text, anything. */
  ids: readonly Int32Array[] = []
  /** Bytes of all texts of the row. */
  rowBytes = new Int32Array(0)
  /** Ids of the batch's own dictionary that were seen in this call, and what they are here. */
  #seen = new Int32Array(0)
  #mine = new Int32Array(0)
  #call = 0

  /** `columns`: the places of text signals in a batch. */
  constructor (columns: readonly number[]) { this.#columns = columns }

  get isEmpty (): boolean { return this.#columns.length === 0 }

  /** Fill `ids` and `rowBytes`. */
  take (batch: Batch): void {
    const { count, capacity } = batch
    if (this.rowBytes.length < capacity) {
      this.rowBytes = new Int32Array(capacity)
      this.ids = this.#columns.map(() => new Int32Array(capacity))
    }
    this.rowBytes.fill(0, 0, count)
    for (const [index, place] of this.#columns.entries()) this.#takeColumn(batch.columns[place] as TextColumn, this.ids[index]!, count)
  }

  lengthOf (id: number): number { return this.#length[id]! }

  /** Whether most of the texts are of no chunk any more. `cells` and `bytes` are those of open chunks. */
  isWasteful (cells: number, bytes: number): boolean { return this.dictionary.size > 2 * cells + idleTextsMin || this.#bytes > 2 * bytes + idleBytesMin }

  /** Keep the texts that `each` asks for; it is given what turns an id of before into its new one. */
  rebuild (each: (rename: (id: number) => number) => void): void {
    const before = new KeyTable(Number.POSITIVE_INFINITY)
    before.restore(this.dictionary.snapshot())
    const renamed = new Int32Array(before.size).fill(-1)
    this.dictionary.clear()
    this.#bytes = 0
    each(id => renamed[id]! >= 0 ? renamed[id]! : renamed[id] = this.#intern(before.bytes(id)))
  }

  snapshot (): StateTree { return this.dictionary.snapshot() }

  restore (state: StateTree): void {
    this.dictionary.restore(state)
    this.#bytes = 0
    for (let id = 0; id < this.dictionary.size; id += 1) this.#measure(id, this.dictionary.bytes(id).length)
  }

  #takeColumn ({ values, known, dictionary }: TextColumn, ids: Int32Array, count: number): void {
    this.#call += 1
    if (this.#seen.length < dictionary.size) {
      this.#seen = grown(this.#seen, dictionary.size)
      this.#mine = grown(this.#mine, dictionary.size)
    }
    const { rowBytes } = this
    for (let row = 0; row < count; row += 1) {
      if (known[row] === 0) continue
      const id = values[row]!
      if (this.#seen[id] !== this.#call) {
        this.#seen[id] = this.#call
        this.#mine[id] = this.#intern(dictionary.bytes(id))
      }
      const mine = this.#mine[id]!
      ids[row] = mine
      rowBytes[row]! += this.#length[mine]!
    }
  }

  #intern (bytes: Uint8Array): number {
    const { size } = this.dictionary
    const id = this.dictionary.intern(bytes, 0, bytes.length)
    if (id === size) this.#measure(id, bytes.length)
    return id
  }

  #measure (id: number, length: number): void {
    if (id >= this.#length.length) this.#length = grown(this.#length, id + 1)
    this.#length[id] = length
    this.#bytes += length
  }
}
