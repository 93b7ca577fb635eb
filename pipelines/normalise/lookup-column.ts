import { grown, KeyTable } from '../core/keys.ts'
import type { SignalSpec } from '../core/spec.ts'
import type { Stateful, StateTree } from '../core/state.ts'
import type { TableCell } from '../core/table.ts'

const dictionarySlack = 1024
const noText = -1

/**
 * One table column by key id, in the form its signal wants. A key without a cell has `otherwise`.
 *
 * State:  the cells of keys that have one; texts as ids of `dictionary`
 * Limits: `keysMax` keys; the dictionary is rebuilt when texts no longer used outnumber those in use
 */
export class LookupColumn implements Stateful {
  readonly name: string
  readonly #kind: SignalSpec['kind']
  readonly #otherwise: TableCell
  /** What the ids of a text column mean. */
  readonly dictionary: KeyTable
  /** Number, 0 or 1, or text id by key id; `otherwise` where the key has no cell. */
  values = new Float64Array(0)
  known = new Uint8Array(0)
  #present = new Uint8Array(0)
  #presentCount = 0

  constructor ({ signal, column, otherwise }: { readonly signal: SignalSpec, readonly column: string, readonly otherwise: TableCell }, keysMax: number) {
    this.name = column
    this.#kind = signal.kind
    this.#otherwise = otherwise
    this.dictionary = new KeyTable(keysMax * 2 + 2 * dictionarySlack)
  }

  reserve (size: number): void {
    const before = this.values.length
    if (before >= size) return
    this.values = grown(this.values, size)
    this.known = grown(this.known, size)
    this.#present = grown(this.#present, size)
    this.#fill(before)
  }

  /** Whether `id` already has this cell. */
  holds (id: number, cell: TableCell): boolean {
    if (!this.#fits(cell)) return this.#present[id] === 0
    return this.#present[id] === 1 && (this.#kind === 'text' ? this.dictionary.text(this.values[id]!) === cell : Object.is(this.values[id], Number(cell)))
  }

  set (id: number, cell: TableCell): void {
    const present = this.#fits(cell) ? 1 : 0
    this.#presentCount += present - this.#present[id]!
    this.#present[id] = present
    this.#put(id, present === 1 ? cell : this.#otherwise)
    if (this.#kind === 'text' && this.dictionary.size > 2 * this.#presentCount + dictionarySlack) this.#rebuild()
  }

  snapshot (): StateTree {
    const ids = this.#ids()
    if (this.#kind !== 'text') return { ids, cells: Float64Array.from(ids, id => this.values[id]!) }
    const texts = new KeyTable(this.dictionary.entriesMax)
    const cells = Int32Array.from(ids, id => texts.internText(this.dictionary.text(this.values[id]!)))
    return { ids, cells, texts: texts.snapshot() }
  }

  restore (state: StateTree): void {
    const ids = state.ids as Int32Array
    const cells = state.cells as Float64Array | Int32Array
    this.#present.fill(0)
    this.#presentCount = ids.length
    this.dictionary.clear()
    this.reserve(ids.reduce((high, id) => Math.max(high, id + 1), 0))
    if (this.#kind === 'text') this.dictionary.restore(state.texts as StateTree)
    this.#fill(0)
    ids.forEach((id, index) => {
      this.#present[id] = 1
      this.known[id] = 1
      this.values[id] = cells[index]!
    })
  }

  #ids (): Int32Array {
    const ids = new Int32Array(this.#presentCount)
    let count = 0
    for (let id = 0; id < this.#present.length; id += 1) if (this.#present[id] === 1) ids[count++] = id
    return ids
  }

  /** A cell of another kind counts as absent. */
  #fits (cell: TableCell): boolean {
    switch (this.#kind) {
      case 'text': return typeof cell === 'string'
      case 'number': return typeof cell === 'number' || typeof cell === 'boolean'
      case 'bool': return typeof cell === 'boolean' || cell === 0 || cell === 1
    }
  }

  #put (id: number, cell: TableCell): void {
    const value = !this.#fits(cell) ? noText : this.#kind === 'text' ? this.dictionary.internText(cell as string) : Number(cell)
    this.known[id] = !this.#fits(cell) || (this.#kind === 'text' && value === noText) ? 0 : 1
    this.values[id] = this.known[id] === 0 && this.#kind === 'number' ? Number.NaN : value
  }

  #fill (from: number): void {
    if (from >= this.values.length) return
    this.#put(from, this.#otherwise)
    this.values.fill(this.values[from]!, from)
    this.known.fill(this.known[from]!, from)
  }

  #rebuild (): void {
    const texts = Array.from(this.#ids(), id => [id, this.dictionary.text(this.values[id]!)] as const)
    this.dictionary.clear()
    this.#fill(0)
    for (const [id, text] of texts) {
      this.values[id] = this.dictionary.internText(text)
      this.known[id] = 1
    }
  }
}
