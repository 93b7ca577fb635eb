import type { LakeRollups } from '../../pipelines/core/lake-ports.ts'
import type { BucketNames } from './buckets.ts'
import type { CellWriter } from './cells.ts'
import { KeyGroups } from './groups.ts'
import { columnCell, rowBytesMax, timeMax } from './reading-rows.ts'
import type { Refusal } from './refusal.ts'
import { type Statement, StagedRows } from './staged.ts'
import { deleteOf, insertOf, type StatementText } from './statements.ts'
import type { RollupTable } from './tables.ts'

/** Revisions of one pane within a millisecond of arrival. */
const revisionsMax = 1_000
const insert = 0
const remove = 1

export function rollupStatements (keyspace: string, table: RollupTable): readonly [StatementText, StatementText] {
  const { key, bucket, start, end, source, partition, expected, received, revision, final } = table.column
  return [insertOf(keyspace, table, [key, bucket, start, end, source, partition, expected, received, revision, final, ...table.keep, ...table.parts]), deleteOf(keyspace, table, [key, bucket, start])]
}

/**
 * Rollups as rows. A first result leaves out what is not known; a later one takes it away. Of several results of a pane in one commit the last is sent.
 *
 * Units: written as of the task's highest arrival at the result, and its revision: a later truth wins in whatever order they come
 * State: the last row of each pane, until `clear`
 */
export class RollupRows {
  readonly rows: StagedRows
  readonly #groups: KeyGroups
  /** By start, then by group: many panes begin together. */
  readonly #last = new Map<number, Map<number, number>>()

  constructor (table: string, statements: readonly [Statement, Statement]) {
    this.rows = new StagedRows(table, statements)
    this.#groups = new KeyGroups(this.rows)
  }

  add ({ source, topic, partition, rows: given, keys }: LakeRollups & { readonly topic: string }, buckets: BucketNames, refused: (refusal: Refusal) => void): void {
    const { rows } = this
    const { cells } = rows
    const origin = rows.addOrigin({ topic, partition })
    const sourceBytes = Buffer.from(source)
    for (let row = 0; row < given.count; row += 1) {
      const [id, start, from] = [given.key[row]!, given.start[row]!, cells.used]
      const group = Math.abs(start) <= timeMax ? this.#groups.of(keys, id, buckets.of(start)) : -1
      const isRemoved = given.retraction[row] === 1
      if (group >= 0) {
        const stamp = () => { cells.stamp(given.arrivalClock[row]!, given.revision[row]! % revisionsMax) }
        if (isRemoved) stamp()
        cells.whole(start)
        if (!isRemoved) {
          this.#values(given, row, { sourceBytes, partition })
          stamp()
        }
      }
      if (group < 0 || cells.used - from > rowBytesMax) {
        cells.used = from
        refused({ table: rows.table, key: keys.bytes(id), why: group < 0 ? 'the key is too long' : `the row has more than ${rowBytesMax} bytes`, arrival: given.arrival[row]!, source: { topic, partition, offset: given.position[row]! } })
      } else {
        this.#replace(group, start, rows.add(group, isRemoved ? remove : insert, origin, given.position[row]!, given.arrival[row]!))
      }
    }
  }

  clear (): void {
    this.rows.clear()
    this.#groups.clear()
    this.#last.clear()
  }

  #values (given: LakeRollups['rows'], row: number, { sourceBytes, partition }: { readonly sourceBytes: Uint8Array, readonly partition: number }): void {
    const { cells } = this.rows
    const isFirst = given.revision[row] === 0
    cells.whole(given.end[row]!)
    cells.blob(sourceBytes)
    cells.int(partition)
    known(cells, given.expected[row]!, isFirst)
    known(cells, given.received[row]!, isFirst)
    cells.int(given.revision[row]!)
    cells.bool(given.final[row] === 1)
    for (const column of given.columns) {
      if (!isFirst && column.known[row] === 0) cells.null()
      else columnCell(cells, column, row)
    }
  }

  #replace (group: number, start: number, row: number): void {
    let panes = this.#last.get(start)
    if (panes === undefined) this.#last.set(start, panes = new Map())
    const before = panes.get(group)
    if (before !== undefined) this.rows.drop(before)
    panes.set(group, row)
  }
}

/** NaN: not known. */
function known (cells: CellWriter, value: number, isFirst: boolean): void {
  if (!Number.isNaN(value)) cells.double(value)
  else if (isFirst) cells.unset()
  else cells.null()
}
