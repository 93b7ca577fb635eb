import type { Batch } from '../core/batch.ts'
import { grown, KeyTable } from '../core/keys.ts'
import type { StateTree } from '../core/state.ts'

const textsMin = 1 << 16

/**
 * The last known text of some columns for each key: the labels of an alert that no reading raises.
 *
 * State:  one id per key and column, and the texts; unused texts are dropped when they outnumber the keys in use
 */
export class LastTexts {
  readonly #columns: readonly { readonly name: string, readonly index: number }[]
  readonly #last: Int32Array[]
  /** By id of the batch's dictionary: our id, valid where the stamp is this batch's. */
  readonly #own: Int32Array[]
  readonly #stamps: Int32Array[]
  #stamp = 0
  #texts = new KeyTable(0x7fffffff)

  constructor (columns: readonly { readonly name: string, readonly index: number }[]) {
    this.#columns = columns
    this.#last = columns.map(() => new Int32Array(0))
    this.#own = columns.map(() => new Int32Array(0))
    this.#stamps = columns.map(() => new Int32Array(0))
  }

  get some (): boolean { return this.#columns.length > 0 }

  ensure (keyCount: number): void {
    for (const [i, last] of this.#last.entries()) if (keyCount > last.length) this.#last[i] = grown(last, keyCount)
  }

  /** Before the rows of a batch: ids of its dictionaries mean nothing yet. */
  begin (batch: Batch): void {
    this.#stamp += 1
    for (const [i, { index }] of this.#columns.entries()) {
      const column = batch.columns[index]!
      if (column.kind !== 'text' || column.dictionary.size <= this.#own[i]!.length) continue
      this.#own[i] = grown(this.#own[i]!, column.dictionary.size)
      this.#stamps[i] = grown(this.#stamps[i]!, column.dictionary.size)
    }
    if (this.#texts.size > Math.max(textsMin, 4 * this.#columns.length * (this.#last[0]?.length ?? 0))) this.#compact()
  }

  store (batch: Batch, row: number): void {
    const key = batch.key[row]!
    for (let i = 0; i < this.#columns.length; i += 1) {
      const column = batch.columns[this.#columns[i]!.index]!
      if (column.kind !== 'text' || column.known[row] === 0) continue
      const id = column.values[row]!
      const own = this.#own[i]!
      if (this.#stamps[i]![id] !== this.#stamp) {
        const bytes = column.dictionary.bytes(id)
        own[id] = this.#texts.intern(bytes, 0, bytes.length) + 1
        this.#stamps[i]![id] = this.#stamp
      }
      this.#last[i]![key] = own[id]!
    }
  }

  textsOf (key: number): Record<string, string> {
    const found: Record<string, string> = {}
    for (const [i, { name }] of this.#columns.entries()) {
      const id = this.#last[i]![key]!
      if (id > 0) found[name] = this.#texts.text(id - 1)
    }
    return found
  }

  snapshot (keyCount: number): StateTree {
    return { texts: this.#texts.snapshot(), last: Object.fromEntries(this.#columns.map(({ name }, i) => [name, this.#last[i]!.slice(0, keyCount)])) }
  }

  restore (state: StateTree): void {
    this.#texts.restore(state.texts as StateTree)
    const last = state.last as Readonly<Record<string, Int32Array>>
    for (const [i, { name }] of this.#columns.entries()) this.#last[i] = last[name]?.slice() ?? new Int32Array(0)
  }

  #compact (): void {
    const before = this.#texts
    this.#texts = new KeyTable(0x7fffffff)
    for (const last of this.#last) {
      for (const [key, id] of last.entries()) if (id > 0) last[key] = this.#texts.internText(before.text(id - 1)) + 1
    }
  }
}
