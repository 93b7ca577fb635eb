import { grown, type KeyTable } from '../core/keys.ts'
import type { Kind, Value } from './node.ts'

/**
 * A pure function of one text, computed once per entry of the column's dictionary.
 *
 * Shape:  `values[id + 1]`; `values[0]` is the result for an unknown text
 * State:  a cache, rebuilt when the dictionary is cleared or is another; never in a snapshot
 */
export class Memo {
  readonly kind: Kind
  values: Float64Array | Uint8Array | (string | null)[]
  readonly #compute: (text: string | null) => Value
  #dictionary: KeyTable | null = null
  #generation = -1
  #filled = 0

  constructor (kind: Kind, compute: (text: string | null) => Value) {
    this.kind = kind
    this.#compute = compute
    this.values = kind === 'number' ? new Float64Array(64) : kind === 'bool' ? new Uint8Array(64) : []
    this.#put(0, compute(null))
  }

  /** Compute what the dictionary gained since the last batch. */
  prepare (dictionary: KeyTable): void {
    if (dictionary !== this.#dictionary || dictionary.generation !== this.#generation) {
      this.#dictionary = dictionary
      this.#generation = dictionary.generation
      this.#filled = 0
    }
    const { size } = dictionary
    if (this.#filled === size) return
    if (!Array.isArray(this.values) && size >= this.values.length) this.values = grown(this.values, size + 1)
    for (let id = this.#filled; id < size; id += 1) this.#put(id + 1, this.#compute(dictionary.text(id)))
    this.#filled = size
  }

  #put (index: number, value: Value): void { (this.values as Value[])[index] = value }
}

/** The id of a constant text in a column's dictionary, -1 where it has none; looked up once per batch. */
export class LiteralId {
  readonly index: number
  readonly text: string
  id = -1
  #dictionary: KeyTable | null = null
  #generation = -1
  #size = -1

  constructor (index: number, text: string) {
    this.index = index
    this.text = text
  }

  resolve (dictionary: KeyTable): void {
    const same = dictionary === this.#dictionary && dictionary.generation === this.#generation
    if (same && (this.id >= 0 || dictionary.size === this.#size)) return
    this.#dictionary = dictionary
    this.#generation = dictionary.generation
    this.#size = dictionary.size
    this.id = dictionary.find(this.text)
  }
}

const textsCachedMax = 1 << 14
/** Beyond this many entries the result column's dictionary starts anew, at the start of a batch. */
const resultEntriesMax = 1 << 17

/** Ids of result texts in the result column's dictionary: by id of the source where the text comes from one, else by text. */
export class TextResult {
  #dictionary: KeyTable | null = null
  #generation = -1
  #source: KeyTable | null = null
  #sourceGeneration = -1
  #byId = new Int32Array(64).fill(-2)
  readonly #byText = new Map<string, number>()

  prepare (dictionary: KeyTable, source: KeyTable | null): void {
    if (dictionary.size > resultEntriesMax && dictionary !== source) dictionary.clear()
    const same = dictionary === this.#dictionary && dictionary.generation === this.#generation
    if (!same) this.#byText.clear()
    if (!same || source !== this.#source || (source?.generation ?? -1) !== this.#sourceGeneration) this.#byId.fill(-2)
    this.#dictionary = dictionary
    this.#generation = dictionary.generation
    this.#source = source
    this.#sourceGeneration = source?.generation ?? -1
    if (source !== null && source.size > this.#byId.length) {
      const before = this.#byId.length
      this.#byId = grown(this.#byId, source.size)
      this.#byId.fill(-2, before)
    }
  }

  /** -1 where the text is unknown. */
  ofText (text: string | null): number {
    if (text === null) return -1
    let id = this.#byText.get(text)
    if (id === undefined) {
      if (this.#byText.size >= textsCachedMax) this.#byText.clear()
      this.#byText.set(text, id = this.#dictionary!.internText(text))
    }
    return id
  }

  /** For the entry `source` of the prepared source dictionary. */
  ofId (source: number, text: string | null): number {
    const id = this.#byId[source]!
    return id === -2 ? this.#byId[source] = text === null ? -1 : this.#dictionary!.internText(text) : id
  }
}
