import type { Batch, Column } from '../../pipelines/core/batch.ts'
import type { ClosedChunk } from '../../pipelines/core/chunk/block.ts'
import { grown, type KeyTable } from '../../pipelines/core/keys.ts'
import type { LakeChunks, LakeReadings } from '../../pipelines/core/lake-ports.ts'
import { TextGroups } from './groups.ts'
import { type Statement, StagedRows } from './staged.ts'
import { insertOf, type StatementText } from './statements.ts'
import { keyShards, type KeysTable, shardOf } from './tables.ts'

/** Microseconds from which the time of a first arrival is counted back: the earlier one was written "later". */
const firstStamp = 2 ** 52
const firstStatement = 0
const lastStatement = 1
const labelsStatement = 2

interface Seen {
  readonly source: string
  /** Of ids since the last commit. */
  known: Uint8Array, ids: Int32Array, count: number, first: Float64Array, last: Float64Array, clock: Float64Array
  /** By label: the last text of each id. */
  readonly labels: (string | undefined)[][]
  /** As handed on: what has not changed since is not written again. */
  readonly written: { earliest: Float64Array, readonly labels: (string | undefined)[][] }
  readonly shards: (number | undefined)[]
}

/** First arrival; last arrival with the source; labels. Each has a write timestamp of its own. */
export function keyStatements (keyspace: string, table: KeysTable): readonly StatementText[] {
  const { shard, key, source, first_arrival: first, last_arrival: last } = table.column
  return [[first], [source, last], table.labels.map(({ column }) => column)].map(columns => insertOf(keyspace, table, [shard, key, ...columns]))
}

/** Rows of the keys table in a commit. */
export class KeyRows {
  readonly rows: StagedRows
  readonly groups: TextGroups

  constructor (table: string, statements: readonly Statement[]) {
    this.rows = new StagedRows(table, statements)
    this.groups = new TextGroups(this.rows)
  }

  clear (): void {
    this.rows.clear()
    this.groups.clear()
  }
}

/**
 * First and last arrival of every key since the last commit, and the last of each of its labels.
 *
 * Units: a first arrival is written as of 2^52 us less itself, so that the earliest wins; a last one as of itself; labels as of the task's highest arrival
 *        at the key's last reading
 * State: some numbers and texts per key of each task's key table, until `forget`
 */
export class KeySightings {
  readonly #labels: readonly number[]
  readonly #tables = new Map<KeyTable, Seen>()

  /** `labels`: which columns of a batch of readings they are. */
  constructor (labels: readonly number[]) { this.#labels = labels }

  see ({ source, batch, keys }: LakeReadings): void {
    const { key, arrival, arrivalClock, count, columns } = batch
    const seen = this.#seen(source, keys)
    for (let row = 0; row < count; row += 1) note(seen, key[row]!, arrival[row]!, arrivalClock[row]!)
    this.#seeLabels(seen, columns, { key, id: -1, count })
  }

  /** What sees each of the chunks. */
  chunkSight ({ source, chunks }: LakeChunks): (chunk: ClosedChunk) => void {
    const seen = this.#seen(source, chunks.keys)
    return ({ key, arrival, arrivalClock, count, columns }) => {
      for (let row = 0; row < count; row += 1) note(seen, key, arrival[row]!, arrivalClock)
      this.#seeLabels(seen, columns, { key: null, id: key, count })
    }
  }

  /** What was seen becomes rows; forgets it. */
  stage (into: KeyRows): void {
    for (const [keys, seen] of this.#tables) {
      for (const id of seen.ids.subarray(0, seen.count)) this.#row(into, keys, seen, id)
      seen.count = 0
    }
  }

  /** Tasks begin anew, with key tables of their own. */
  forget (): void { this.#tables.clear() }

  #seeLabels (seen: Seen, columns: readonly Column[], { key, id, count }: { readonly key: Batch['key'] | null, readonly id: number, readonly count: number }): void {
    this.#labels.forEach((index, label) => {
      const column = columns[index]!
      if (column.kind !== 'text') return
      const texts = seen.labels[label]!
      for (let row = 0; row < count; row += 1) if (column.known[row] === 1) texts[key === null ? id : key[row]!] = column.dictionary.text(column.values[row]!)
    })
  }

  #row ({ rows, groups }: KeyRows, keys: KeyTable, seen: Seen, id: number): void {
    const key = keys.bytes(id)
    seen.known[id] = 0
    // Of one that is longer no reading is stored either.
    if (key.length > 65_535 - 16) return
    const shard = seen.shards[id] ??= shardOf(keys.text(id), keyShards)
    const group = groups.of(String(shard), cells => { cells.int(shard) })
    const [first, last] = [seen.first[id]!, seen.last[id]!]
    const add = (statement: number, write: () => void) => {
      rows.cells.blob(key)
      write()
      rows.add(group, statement, 0, -1, last)
    }
    if (first < seen.written.earliest[id]!) {
      seen.written.earliest[id] = first
      add(firstStatement, () => { rows.cells.whole(first); rows.cells.whole(firstStamp - Math.floor(first) * 1_000) })
    }
    add(lastStatement, () => { rows.cells.text(seen.source); rows.cells.whole(last); rows.cells.stamp(last) })
    const { written } = seen
    if (seen.labels.every((texts, label) => texts[id] === written.labels[label]![id])) return
    add(labelsStatement, () => {
      seen.labels.forEach((texts, label) => {
        if (texts[id] === written.labels[label]![id]) rows.cells.unset()
        else rows.cells.text(written.labels[label]![id] = texts[id]!)
      })
      rows.cells.stamp(seen.clock[id]!)
    })
  }

  #seen (source: string, keys: KeyTable): Seen {
    let seen = this.#tables.get(keys)
    const numbers = () => new Float64Array(64)
    if (seen === undefined) this.#tables.set(keys, seen = { source, known: new Uint8Array(64), ids: new Int32Array(64), count: 0, first: numbers(), last: numbers(), clock: numbers(), labels: this.#labels.map(() => []), written: { earliest: numbers().fill(Number.POSITIVE_INFINITY), labels: this.#labels.map(() => []) }, shards: [] })
    const size = seen.known.length
    if (keys.size > size) {
      for (const name of ['first', 'last', 'clock'] as const) seen[name] = grown(seen[name], keys.size)
      seen.written.earliest = grown(seen.written.earliest, keys.size)
      seen.written.earliest.fill(Number.POSITIVE_INFINITY, size)
      seen.ids = grown(seen.ids, keys.size)
      seen.known = grown(seen.known, keys.size)
    }
    return seen
  }
}

function note (seen: Seen, id: number, arrival: number, clock: number): void {
  const { first, last, known } = seen
  seen.clock[id] = clock
  if (known[id] === 0) {
    known[id] = 1
    seen.ids[seen.count] = id
    seen.count += 1
    first[id] = last[id] = arrival
  } else if (arrival > last[id]!) last[id] = arrival
  else if (arrival < first[id]!) first[id] = arrival
}
