import { type Column, type ColumnSpec, createColumn } from '../batch.ts'
import type { LakeReadingRows } from '../lake-ports.ts'
import { type DecodedChunk, decodeChunkWithin } from './decode.ts'

/** A chunk as a table has it. `writtenAs`: its write time; of two chunks that have one reading the later is right. */
export interface StoredChunk { readonly source: string, readonly block: Uint8Array, readonly writtenAs: number }
export interface ChunkMergeOptions {
  readonly key: string
  /** Signals, as the reader wants them. */
  readonly columns: readonly ColumnSpec[]
  /** Event time, half-open. */
  readonly from: number
  readonly to: number
  readonly rowsMax?: number
}

/** A chunk's rows in range, in order; `next` is the first that has not gone out. */
interface Run { readonly chunk: DecodedChunk, readonly order: Int32Array, next: number, readonly source: string, readonly writtenAs: number }

/**
 * Chunks of one device, in order of their earliest event time, to readings by (at, partition, offset), each once.
 *
 * Shape:  add each chunk, and take what `add` gives: all that lies before it; then what `end` gives. Pieces have at most `rowsMax` rows
 * State:  decoded chunks that overlap in event time, and what has not filled a piece
 * Errors: LAKE_CHUNK
 */
export class ChunkMerge {
  readonly #options: Required<ChunkMergeOptions>
  #runs: Run[] = []
  #rows = 0

  constructor (options: ChunkMergeOptions) { this.#options = { rowsMax: 4096, ...options } }

  * add ({ source, block, writtenAs }: StoredChunk): Generator<LakeReadingRows> {
    const { columns, from, to, rowsMax } = this.#options
    const chunk = decodeChunkWithin(block, columns, { from, to })
    if (chunk === null) return
    const order = ordered(chunk, from, to)
    // No later chunk begins before this one, in whole milliseconds; within the range either may.
    if (this.#rows >= rowsMax) yield * this.#before(Math.floor(chunk.at.reduce((first, at) => Math.min(first, at))))
    this.#runs.push({ chunk, order, next: 0, source, writtenAs })
    this.#rows += order.length
  }

  * end (): Generator<LakeReadingRows> { yield * this.#before(Number.POSITIVE_INFINITY) }

  * #before (bound: number): Generator<LakeReadingRows> {
    const { rowsMax } = this.#options
    const picked: Picked = { run: [], row: [] }
    for (const run of this.#runs) {
      for (; run.next < run.order.length && run.chunk.at[run.order[run.next]!]! < bound; run.next += 1) {
        picked.run.push(run)
        picked.row.push(run.order[run.next]!)
      }
    }
    this.#rows -= picked.row.length
    this.#runs = this.#runs.filter(run => run.next < run.order.length)
    const { run, row } = once(picked)
    for (let first = 0, last = 0; first < row.length; first = last) {
      const { source } = run[first]!
      for (last = first + 1; last < row.length && last - first < rowsMax && run[last]!.source === source;) last += 1
      yield this.#piece(run.slice(first, last), row.slice(first, last))
    }
  }

  #piece (runs: readonly Run[], rows: readonly number[]): LakeReadingRows {
    const { key, columns } = this.#options
    const count = rows.length
    const from = (pick: (chunk: DecodedChunk, row: number) => number) => (_: unknown, index: number) => pick(runs[index]!.chunk, rows[index]!)
    const length = { length: count }
    return {
      key, source: runs[0]!.source, count,
      at: Float64Array.from(length, from(({ at }, row) => at[row]!)),
      arrival: Float64Array.from(length, from(({ arrival }, row) => arrival[row]!)),
      partition: Int32Array.from(length, from(({ partition }) => partition)),
      offset: Float64Array.from(length, from(({ offset }, row) => offset[row]!)),
      columns: columns.map((spec, index) => columnOf(spec, runs.map(({ chunk }) => chunk.columns[index]!), rows)),
    }
  }
}

interface Picked { readonly run: Run[], readonly row: number[] }

/** Rows with from <= at < to by (at, offset). */
function ordered ({ at, offset, count }: DecodedChunk, from: number, to: number): Int32Array {
  const rows = Int32Array.from({ length: count }, (_, row) => row).filter(row => at[row]! >= from && at[row]! < to)
  let isOrdered = true
  for (let index = 1; index < rows.length && isOrdered; index += 1) {
    const [before, row] = [rows[index - 1]!, rows[index]!]
    isOrdered = at[before]! < at[row]! || (at[before] === at[row] && offset[before]! < offset[row]!)
  }
  return isOrdered ? rows : rows.sort((a, b) => at[a]! - at[b]! || offset[a]! - offset[b]!)
}

/** By (at, partition, offset), and of equal ones that of the chunk written as of later. */
function once ({ run, row }: Picked): Picked {
  const compare = (a: number, b: number) => {
    const [one, other] = [run[a]!, run[b]!]
    return one.chunk.at[row[a]!]! - other.chunk.at[row[b]!]! || one.chunk.partition - other.chunk.partition || one.chunk.offset[row[a]!]! - other.chunk.offset[row[b]!]!
  }
  let isOrdered = true
  for (let index = 1; index < row.length && isOrdered; index += 1) isOrdered = compare(index - 1, index) < 0
  if (isOrdered) return { run, row }
  const order = Array.from(row, (_, index) => index).sort((a, b) => compare(a, b) || run[b]!.writtenAs - run[a]!.writtenAs || b - a)
  const kept = order.filter((index, place) => place === 0 || compare(order[place - 1]!, index) !== 0)
  return { run: kept.map(index => run[index]!), row: kept.map(index => row[index]!) }
}

function columnOf (spec: ColumnSpec, from: readonly Column[], rows: readonly number[]): Column {
  const to = createColumn(spec, rows.length)
  for (let index = 0; index < rows.length; index += 1) {
    const column = from[index]!
    const row = rows[index]!
    if (to.kind === 'number') to.values[index] = Number.NaN
    if (column.known[row] === 0) continue
    to.known[index] = 1
    if (to.kind === 'text' && column.kind === 'text') {
      const text = column.dictionary.bytes(column.values[row]!)
      to.values[index] = to.dictionary.intern(text, 0, text.length)
    } else if (to.kind === 'number' || to.kind === 'bool') to.values[index] = (column.values as Float64Array | Uint8Array)[row]!
  }
  return to
}
