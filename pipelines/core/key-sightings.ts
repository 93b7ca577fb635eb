import type { TextColumn } from './batch.ts'
import { grown, KeyTable } from './keys.ts'
import type { LakeReadings } from './lake-ports.ts'

/** The last known value of a text signal. `ids` by key id: its number in `texts`, -1 where none came. */
export interface SeenLabel { readonly name: string, readonly texts: KeyTable, readonly ids: Int32Array }

/**
 * Keys of one task that came since the last commit.
 *
 * Shape: `ids` are the keys' numbers in `keys`, in order of first sight; `first`, `last` and each label's `ids` are read at those numbers
 * Units: arrivals in milliseconds since the epoch
 */
export interface SeenKeys { readonly source: string, readonly keys: KeyTable, readonly ids: Int32Array, readonly first: Float64Array, readonly last: Float64Array, readonly labels: readonly SeenLabel[] }

/** Texts of a label are forgotten between commits once there are so many. */
const textsMax = 1 << 12

/**
 * First and last arrival of every key since the last commit, and the last value of each of its text signals: of several, the one that arrived last.
 *
 * State: two numbers per key id of each task's key table and one a text signal, the ids seen, and texts once each; nothing is allocated per reading
 */
export class KeySightings {
  readonly #tasks = new Map<KeyTable, TaskSightings>()

  see ({ source, batch, keys }: LakeReadings): void {
    let task = this.#tasks.get(keys)
    if (task === undefined) this.#tasks.set(keys, task = new TaskSightings(source, keys, batch))
    task.see(batch)
  }

  /** What `use` makes of each task that saw keys; forgets what they hold. */
  take<T> (use: (seen: SeenKeys) => T): T[] {
    const taken: T[] = []
    for (const task of this.#tasks.values()) {
      if (task.count === 0) continue
      taken.push(use(task.seen()))
      task.forget()
    }
    return taken
  }

  /** Tasks begin anew, with key tables of their own. */
  clear (): void { this.#tasks.clear() }
}

class TaskSightings {
  count = 0
  readonly #source: string
  readonly #keys: KeyTable
  readonly #labels: readonly LabelSightings[]
  #known = new Uint8Array(64)
  #ids = new Int32Array(64)
  #first = new Float64Array(64)
  #last = new Float64Array(64)

  constructor (source: string, keys: KeyTable, { columns }: LakeReadings['batch']) {
    this.#source = source
    this.#keys = keys
    this.#labels = columns.flatMap(({ kind, name }, place) => kind === 'text' ? [new LabelSightings(name, place)] : [])
  }

  see (batch: LakeReadings['batch']): void {
    const { size } = this.#keys
    if (size > this.#known.length) this.#grow(size)
    const known = this.#known
    const first = this.#first
    const last = this.#last
    const { key, arrival, count } = batch
    for (let row = 0; row < count; row += 1) {
      const id = key[row]!
      const at = arrival[row]!
      if (known[id] === 0) {
        known[id] = 1
        this.#ids[this.count] = id
        this.count += 1
        first[id] = last[id] = at
      } else if (at > last[id]!) last[id] = at
      else if (at < first[id]!) first[id] = at
    }
    for (const label of this.#labels) label.see(batch, size)
  }

  seen (): SeenKeys { return { source: this.#source, keys: this.#keys, ids: this.#ids.subarray(0, this.count), first: this.#first, last: this.#last, labels: this.#labels } }

  forget (): void {
    const ids = this.#ids.subarray(0, this.count)
    for (const id of ids) this.#known[id] = 0
    for (const label of this.#labels) label.forget(ids)
    this.count = 0
  }

  #grow (size: number): void {
    this.#first = grown(this.#first, size)
    this.#last = grown(this.#last, size)
    this.#ids = grown(this.#ids, size)
    this.#known = grown(this.#known, size)
  }
}

class LabelSightings implements SeenLabel {
  readonly name: string
  readonly texts = new KeyTable(Number.POSITIVE_INFINITY)
  ids = new Int32Array(64).fill(-1)
  readonly #place: number
  /** By id in the column's dictionary: one more than the id in `texts`, 0 where the text was not met yet. */
  #own = new Int32Array(64)
  #dictionary: KeyTable | null = null
  #generation = 0

  constructor (name: string, place: number) {
    this.name = name
    this.#place = place
  }

  see ({ columns, key, count }: LakeReadings['batch'], size: number): void {
    const { values, known, dictionary } = columns[this.#place] as TextColumn
    this.#follow(dictionary)
    if (size > this.ids.length) this.ids = grown(this.ids, size).fill(-1, this.ids.length)
    const own = this.#own
    const ids = this.ids
    for (let row = 0; row < count; row += 1) {
      if (known[row] === 0) continue
      const text = values[row]!
      if (own[text] === 0) own[text] = this.#meet(dictionary, text)
      ids[key[row]!] = own[text]! - 1
    }
  }

  forget (keys: Int32Array): void {
    for (const key of keys) this.ids[key] = -1
    if (this.texts.size <= textsMax) return
    this.texts.clear()
    this.#own.fill(0)
  }

  /** Ids of a dictionary mean something else once it began anew. */
  #follow (dictionary: KeyTable): void {
    if (dictionary !== this.#dictionary || dictionary.generation !== this.#generation) {
      this.#dictionary = dictionary
      this.#generation = dictionary.generation
      this.#own.fill(0)
    }
    if (dictionary.size > this.#own.length) this.#own = grown(this.#own, dictionary.size)
  }

  #meet (dictionary: KeyTable, text: number): number {
    const bytes = dictionary.bytes(text)
    return this.texts.intern(bytes, 0, bytes.length) + 1
  }
}
