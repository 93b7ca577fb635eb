import { grown } from '../../pipelines/core/keys.ts'
import { CellWriter } from './cells.ts'

/** A prepared statement. Of its values the partition key's come behind the first `leadBytes`. */
export interface Statement { readonly id: Uint8Array, readonly values: number, readonly leadBytes: number }
/** Where a row came from: for the dead letter that it becomes when it cannot be stored. */
export interface Origin { readonly topic: string, readonly partition: number }

const gone = 255

/**
 * Rows of one table that wait to be sent, by partition of the table.
 *
 * Shape:  a row is the cells of its statement without those of the partition key, which stand once for each group of rows
 * State:  cells in one buffer; per row and per group some numbers; everything until `clear`
 * Limits: 255 statements; the caller counts rows and bytes
 */
export class StagedRows {
  readonly table: string
  readonly statements: readonly Statement[]
  /** Of the row that `add` makes of them. */
  readonly cells = new CellWriter(1 << 16)
  /** Of the group that is being made. */
  readonly partitions = new CellWriter()
  count = 0
  groups = 0
  #start = new Int32Array(256)
  #next = new Int32Array(256)
  #statement = new Uint8Array(256)
  #origin = new Int32Array(256)
  #position = new Float64Array(256)
  #arrival = new Float64Array(256)
  readonly #origins: Origin[] = []
  #head = new Int32Array(64)
  #tail = new Int32Array(64)
  #partitionStart = new Int32Array(64)

  constructor (table: string, statements: readonly Statement[]) {
    this.table = table
    this.statements = statements
  }

  get bytes (): number { return this.cells.used }

  /** A group of what was written to `partitions` since the last. */
  addGroup (): number {
    const group = this.groups++
    if (group + 1 >= this.#head.length) {
      this.#head = grown(this.#head, group + 2)
      this.#tail = grown(this.#tail, group + 2)
      this.#partitionStart = grown(this.#partitionStart, group + 2)
    }
    this.#head[group] = this.#tail[group] = -1
    this.#partitionStart[group + 1] = this.partitions.used
    return group
  }

  addOrigin (origin: Origin): number {
    const last = this.#origins.at(-1)
    if (last?.topic === origin.topic && last.partition === origin.partition) return this.#origins.length - 1
    return this.#origins.push(origin) - 1
  }

  /** The cells written since the last row are a row's. Gives its number. (No object for it: there are many.) */
  add (group: number, statement: number, origin: number, position: number, arrival: number): number {
    const row = this.count++
    if (row + 1 >= this.#start.length) this.#grow()
    this.#start[row + 1] = this.cells.used
    this.#next[row] = -1
    this.#statement[row] = statement
    this.#origin[row] = origin
    this.#position[row] = position
    this.#arrival[row] = arrival
    const tail = this.#tail[group]!
    if (tail < 0) this.#head[group] = row
    else this.#next[tail] = row
    this.#tail[group] = row
    return row
  }

  /** It is not sent: a later one takes its place. */
  drop (row: number): void { this.#statement[row] = gone }
  isGone (row: number): boolean { return this.#statement[row] === gone }

  /** First row of a group, or the one behind another; -1: there is none. */
  first (group: number): number { return this.#head[group]! }
  next (row: number): number { return this.#next[row]! }

  statementOf (row: number): Statement { return this.statements[this.#statement[row]!]! }
  startOf (row: number): number { return this.#start[row]! }
  bytesOf (row: number): number { return this.#start[row + 1]! - this.#start[row]! }
  partitionOf (group: number): Uint8Array { return this.partitions.bytes.subarray(this.#partitionStart[group], this.#partitionStart[group + 1]) }
  originOf (row: number): Origin & { readonly offset: number, readonly arrival: number } { return { ...this.#origins[this.#origin[row]!]!, offset: this.#position[row]!, arrival: this.#arrival[row]! } }

  clear (): void {
    this.count = 0
    this.groups = 0
    this.#origins.length = 0
    this.cells.clear()
    this.partitions.clear()
  }

  #grow (): void {
    const size = this.count * 2
    this.#start = grown(this.#start, size)
    this.#next = grown(this.#next, size)
    this.#statement = grown(this.#statement, size)
    this.#origin = grown(this.#origin, size)
    this.#position = grown(this.#position, size)
    this.#arrival = grown(this.#arrival, size)
  }
}
