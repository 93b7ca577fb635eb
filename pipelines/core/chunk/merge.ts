import { type Column, type ColumnSpec, createColumn, type TextColumn } from '../batch.ts'
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
    const stretches: Stretch[] = []
    for (const run of this.#runs) {
      const from = run.next
      while (run.next < run.order.length && run.chunk.at[run.order[run.next]!]! < bound) run.next += 1
      if (run.next > from) stretches.push({ run, rows: run.order.subarray(from, run.next) })
      this.#rows -= run.next - from
    }
    this.#runs = this.#runs.filter(run => run.next < run.order.length)
    for (const piece of piecesOf(inOrder(stretches), this.#options.rowsMax)) yield this.#piece(piece)
  }

  #piece (stretches: readonly Stretch[]): LakeReadingRows {
    const { key, columns } = this.#options
    const count = rowsOf(stretches)
    const numbers = () => new Float64Array(count)
    const [at, arrival, offset, partition] = [numbers(), numbers(), numbers(), new Int32Array(count)]
    let to = 0
    for (const { run: { chunk }, rows } of stretches) {
      for (let index = 0; index < rows.length; index += 1, to += 1) {
        const row = rows[index]!
        at[to] = chunk.at[row]!
        arrival[to] = chunk.arrival[row]!
        offset[to] = chunk.offset[row]!
        partition[to] = chunk.partition
      }
    }
    return { key, source: stretches[0]!.run.source, count, at, arrival, partition, offset, columns: columns.map((spec, column) => columnOf(spec, stretches, column)) }
  }
}

/** Rows of one run that follow one another. */
interface Stretch { readonly run: Run, readonly rows: Int32Array }
const rowsOf = (stretches: readonly Stretch[]) => stretches.reduce((sum, { rows }) => sum + rows.length, 0)

/** Rows with from <= at < to by (at, offset). */
function ordered ({ at, offset, count }: DecodedChunk, from: number, to: number): Int32Array {
  const all = new Int32Array(count)
  let found = 0
  let isOrdered = true
  for (let row = 0; row < count; row += 1) {
    const time = at[row]!
    if (!(time >= from && time < to)) continue
    if (found > 0) {
      const before = all[found - 1]!
      if (!(at[before]! < time || (at[before] === time && offset[before]! < offset[row]!))) isOrdered = false
    }
    all[found] = row
    found += 1
  }
  const rows = all.subarray(0, found)
  return isOrdered ? rows : rows.sort((a, b) => at[a]! - at[b]! || offset[a]! - offset[b]!)
}

/** By (at, partition, offset); negative: the first comes first. */
function compare (one: Run, row: number, other: Run, otherRow: number): number {
  return one.chunk.at[row]! - other.chunk.at[otherRow]! || one.chunk.partition - other.chunk.partition || one.chunk.offset[row]! - other.chunk.offset[otherRow]!
}

/** All rows in order, of equal ones that of the chunk written as of later. Mostly one run ends before the next begins. */
function inOrder (stretches: readonly Stretch[]): readonly Stretch[] {
  const isApart = stretches.every(({ run, rows }, index) => index === 0 || compare(stretches[index - 1]!.run, stretches[index - 1]!.rows.at(-1)!, run, rows[0]!) < 0)
  if (isApart) return stretches
  const all = stretches.flatMap(({ run, rows }, place) => Array.from(rows, row => ({ run, row, place })))
  all.sort((a, b) => compare(a.run, a.row, b.run, b.row) || b.run.writtenAs - a.run.writtenAs || b.place - a.place)
  const kept = all.filter(({ run, row }, index) => index === 0 || compare(all[index - 1]!.run, all[index - 1]!.row, run, row) !== 0)
  const found: Stretch[] = []
  for (let first = 0, last = 0; first < kept.length; first = last) {
    const { run } = kept[first]!
    for (last = first + 1; last < kept.length && kept[last]!.run === run;) last += 1
    found.push({ run, rows: Int32Array.from(kept.slice(first, last), ({ row }) => row) })
  }
  return found
}

/** At most `rowsMax` rows of one source each. */
function * piecesOf (stretches: readonly Stretch[], rowsMax: number): Generator<readonly Stretch[]> {
  let piece: Stretch[] = []
  let room = rowsMax
  for (const { run, rows } of stretches) {
    for (let from = 0; from < rows.length;) {
      if (piece.length > 0 && (room === 0 || piece[0]!.run.source !== run.source)) {
        yield piece
        piece = []
        room = rowsMax
      }
      const some = rows.subarray(from, from + room)
      piece.push({ run, rows: some })
      room -= some.length
      from += some.length
    }
  }
  if (piece.length > 0) yield piece
}

function columnOf (spec: ColumnSpec, stretches: readonly Stretch[], place: number): Column {
  const to = createColumn(spec, rowsOf(stretches))
  let at = 0
  for (const { run, rows } of stretches) {
    const from = run.chunk.columns[place]!
    if (to.kind === 'text' && from.kind === 'text') copyTexts(from, to, rows, at)
    else copyValues(from.values as Float64Array, to.values as Float64Array, rows, at)
    for (let index = 0; index < rows.length; index += 1) to.known[at + index] = from.known[rows[index]!]!
    at += rows.length
  }
  return to
}

function copyValues (from: Float64Array | Uint8Array, to: Float64Array | Uint8Array, rows: Int32Array, at: number): void {
  for (let index = 0; index < rows.length; index += 1) to[at + index] = from[rows[index]!]!
}

/** A text is looked up once for each run. */
function copyTexts (from: TextColumn, to: TextColumn, rows: Int32Array, at: number): void {
  const ids = new Int32Array(from.dictionary.size).fill(-1)
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index]!
    if (from.known[row] === 0) continue
    const id = from.values[row]!
    if (ids[id]! < 0) {
      const text = from.dictionary.bytes(id)
      ids[id] = to.dictionary.intern(text, 0, text.length)
    }
    to.values[at + index] = ids[id]!
  }
}
