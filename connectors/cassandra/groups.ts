import { grown, type KeyTable } from '../../pipelines/core/keys.ts'
import { partitionKeyBytes } from './frames.ts'
import type { StagedRows } from './staged.ts'

/** Of all of a partition key. Source: FBUtilities.MAX_UNSIGNED_SHORT in Cassandra's QueryProcessor */
export const partitionKeyBytesMax = 65_535

interface Known { generation: number, group: Int32Array, bucket: string[], /** Which of the stage's fillings the above is of. */ filling: Int32Array }

/**
 * The group of each (key, bucket) of a stage. A key mostly stays in its bucket, so that finding its group is a look at an array.
 *
 * State: per key table a group, a bucket and a number for each key; the groups of keys that have several
 */
export class KeyGroups {
  readonly #rows: StagedRows
  readonly #known = new WeakMap<KeyTable, Known>()
  readonly #others = new Map<string, number>()
  #filling = 1

  constructor (rows: StagedRows) { this.#rows = rows }

  /** -1: the key is longer than Cassandra takes. */
  of (keys: KeyTable, id: number, bucket: string): number {
    const known = this.#knownOf(keys)
    if (known.filling[id] === this.#filling && known.bucket[id] === bucket) return known.group[id]!
    return this.#find(known, keys, id, bucket)
  }

  /** With the rows. */
  clear (): void {
    this.#filling += 1
    this.#others.clear()
  }

  #find (known: Known, keys: KeyTable, id: number, bucket: string): number {
    const isFirst = known.filling[id] !== this.#filling
    const text = isFirst ? '' : `${bucket} ${keys.text(id)}`
    let group = isFirst ? undefined : this.#others.get(text)
    if (group === undefined) {
      group = this.#make(keys, id, bucket)
      if (!isFirst) {
        this.#others.set(`${known.bucket[id]!} ${keys.text(id)}`, known.group[id]!)
        this.#others.set(text, group)
      }
    }
    known.filling[id] = this.#filling
    known.bucket[id] = bucket
    known.group[id] = group
    return group
  }

  #make (keys: KeyTable, id: number, bucket: string): number {
    const key = keys.bytes(id)
    if (partitionKeyBytes(key.length, bucket.length) > partitionKeyBytesMax) return -1
    const { partitions } = this.#rows
    partitions.blob(key)
    partitions.text(bucket)
    return this.#rows.addGroup()
  }

  #knownOf (keys: KeyTable): Known {
    let known = this.#known.get(keys)
    if (known === undefined || known.generation !== keys.generation) {
      this.#known.set(keys, known = { generation: keys.generation, group: new Int32Array(64), bucket: [], filling: new Int32Array(64) })
    }
    if (keys.size > known.group.length) {
      known.group = grown(known.group, keys.size)
      known.filling = grown(known.filling, keys.size)
    }
    return known
  }
}

/** Groups by a text of the caller's that stands for the partition. */
export class TextGroups {
  readonly #rows: StagedRows
  readonly #groups = new Map<string, number>()

  constructor (rows: StagedRows) { this.#rows = rows }

  /** `make` writes the partition's cells. */
  of (text: string, make: (cells: StagedRows['partitions']) => void): number {
    let group = this.#groups.get(text)
    if (group === undefined) {
      make(this.#rows.partitions)
      this.#groups.set(text, group = this.#rows.addGroup())
    }
    return group
  }

  clear (): void { this.#groups.clear() }
}
