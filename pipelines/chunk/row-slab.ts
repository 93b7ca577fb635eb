import { type Batch, type ColumnKind, type ColumnSpec, createColumn } from '../core/batch.ts'
import type { ClosedChunk } from '../core/chunk/block.ts'
import { grown } from '../core/keys.ts'
import type { SignalSpec } from '../core/spec.ts'
import type { StateTree, TypedArray } from '../core/state.ts'
import type { TextStore } from './text-store.ts'

/** Rows of one device that lie side by side: a line of the processor's cache, where a number has eight bytes. */
export const segmentRows = 8
const segmentsInitial = 64
const sparseSegmentsMin = 512
const none = -1

type Values = Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>
interface SlabColumn { readonly name: string, readonly kind: ColumnKind, values: Values, known: Uint8Array<ArrayBuffer> }
export type Block = { -readonly [Name in keyof ClosedChunk]: ClosedChunk[Name] }

/**
 * Readings in chains of segments of eight rows, each chain one device's.
 *
 * State:  columns of all segments, the next segment of each, the free ones
 * Limits: 24 bytes a row, and 9 a number, 2 a bool, 5 a text; the caller bounds the segments it takes
 */
export class RowSlab {
  readonly #columns: readonly SlabColumn[]
  readonly #texts: TextStore
  #capacity = segmentsInitial
  next: Int32Array<ArrayBuffer> = new Int32Array(segmentsInitial)
  #at = new Float64Array(segmentsInitial * segmentRows)
  #arrival = new Float64Array(segmentsInitial * segmentRows)
  #offset = new Float64Array(segmentsInitial * segmentRows)
  /** Segments from here on were never taken. */
  #end = 0
  #free = new Int32Array(segmentsInitial)
  #freeCount = 0
  #block: Block

  constructor (signals: readonly SignalSpec[], texts: TextStore) {
    this.#texts = texts
    this.#columns = signals.map(({ name, kind }) => ({ name, kind, values: valuesOf(kind, segmentsInitial * segmentRows), known: new Uint8Array(segmentsInitial * segmentRows) }))
    this.#block = this.#blockOf(64)
  }

  /** A segment that ends its chain. */
  take (): number {
    let segment: number
    if (this.#freeCount > 0) {
      this.#freeCount -= 1
      segment = this.#free[this.#freeCount]!
    } else {
      if (this.#end === this.#capacity) this.#grow(this.#end + 1)
      segment = this.#end
      this.#end += 1
    }
    this.next[segment] = none
    return segment
  }

  /** Give a chain back. */
  free (head: number): void {
    for (let segment = head; segment !== none; segment = this.next[segment]!) {
      if (this.#freeCount === this.#free.length) this.#free = grown(this.#free, this.#freeCount + 1)
      this.#free[this.#freeCount] = segment
      this.#freeCount += 1
    }
  }

  /** Row i of the batch to place[i]; `texts` has the ids of each text column's. */
  fill (batch: Batch, place: Int32Array, texts: readonly Int32Array[]): void {
    const { count, at, arrival, position, columns } = batch
    scatterNumbers(at, this.#at, place, count)
    scatterNumbers(arrival, this.#arrival, place, count)
    scatterNumbers(position, this.#offset, place, count)
    let text = 0
    for (const [index, { kind, values, known }] of this.#columns.entries()) {
      const column = columns[index]!
      scatterBytes(column.known, known, place, count)
      if (kind === 'number') scatterNumbers(column.values as Float64Array, values as Float64Array, place, count)
      else if (kind === 'bool') scatterBytes(column.values as Uint8Array, values as Uint8Array, place, count)
      else {
        scatterIds(texts[text]!, values as Int32Array, place, count)
        text += 1
      }
    }
  }

  /** The first `count` rows of a chain; lasts until the next one is gathered. */
  gather (head: number, count: number): Block {
    if (this.#block.at.length < count) this.#block = this.#blockOf(count)
    const block = this.#block
    block.count = count
    const chain = { next: this.next, head, count }
    gatherNumbers(this.#at, block.at, chain)
    gatherNumbers(this.#arrival, block.arrival, chain)
    gatherNumbers(this.#offset, block.offset, chain)
    for (const [index, { kind, values, known }] of this.#columns.entries()) {
      const column = block.columns[index]!
      gatherBytes(known, column.known, chain)
      if (kind === 'number') gatherNumbers(values as Float64Array, column.values as Float64Array, chain)
      else if (kind === 'bool') gatherBytes(values as Uint8Array, column.values as Uint8Array, chain)
      else gatherIds(values as Int32Array, column.values as Int32Array, chain)
    }
    return block
  }

  /** The texts of a chain under other ids. */
  renameTexts (head: number, count: number, rename: (id: number) => number): void {
    for (const { kind, values, known } of this.#columns) {
      if (kind !== 'text') continue
      for (let segment = head, row = 0; row < count; segment = this.next[segment]!) {
        const last = Math.min(segmentRows, count - row)
        for (let index = segment * segmentRows; index < segment * segmentRows + last; index += 1) if (known[index] === 1) values[index] = rename(values[index]!)
        row += last
      }
    }
  }

  /** Whether a snapshot would mostly hold what nobody needs. */
  get isSparse (): boolean { return this.#end > sparseSegmentsMin && this.#freeCount * 2 > this.#end }

  /** Move chains together; every segment is in one of them or free. Gives where each begins and ends now. */
  compact (heads: Int32Array): { readonly heads: Int32Array, readonly tails: Int32Array } {
    const order: number[] = []
    const [newHeads, tails] = [new Int32Array(heads.length), new Int32Array(heads.length)]
    for (const [index, head] of heads.entries()) {
      newHeads[index] = order.length
      for (let segment = head; segment !== none; segment = this.next[segment]!) order.push(segment)
      tails[index] = order.length - 1
    }
    const capacity = Math.max(segmentsInitial, order.length)
    const moved = <A extends Values>(from: A): A => {
      const to = new (from.constructor as new (length: number) => A)(capacity * segmentRows)
      for (const [place, segment] of order.entries()) for (let row = 0; row < segmentRows; row += 1) to[place * segmentRows + row] = from[segment * segmentRows + row]!
      return to
    }
    this.#at = moved(this.#at)
    this.#arrival = moved(this.#arrival)
    this.#offset = moved(this.#offset)
    for (const column of this.#columns) {
      column.values = moved(column.values)
      column.known = moved(column.known)
    }
    this.next = new Int32Array(capacity)
    for (let place = 0; place < order.length; place += 1) this.next[place] = place + 1
    for (const tail of tails) this.next[tail] = none
    this.#capacity = capacity
    this.#end = order.length
    this.#freeCount = 0
    return { heads: newHeads, tails }
  }

  snapshot (): StateTree {
    const segments = this.#end
    const rows = segments * segmentRows
    return {
      next: this.next.slice(0, segments), at: this.#at.slice(0, rows), arrival: this.#arrival.slice(0, rows), offset: this.#offset.slice(0, rows),
      columns: this.#columns.map(({ name, kind, values, known }) => ({ name, kind, values: values.slice(0, rows), known: known.slice(0, rows) })),
    }
  }

  /** `heads` are the chains that somebody holds; every other segment is free. */
  restore (state: StateTree, heads: Int32Array): void {
    const next = state.next as Int32Array
    const segments = next.length
    this.#end = segments
    this.#freeCount = 0
    if (segments > this.#capacity) this.#grow(segments)
    this.next.set(next)
    this.#at.set(state.at as Float64Array)
    this.#arrival.set(state.arrival as Float64Array)
    this.#offset.set(state.offset as Float64Array)
    for (const [index, { values, known }] of (state.columns as readonly { readonly values: TypedArray, readonly known: Uint8Array }[]).entries()) {
      const column = this.#columns[index]!
      column.values.set(values as Float64Array)
      column.known.set(known)
    }
    const held = new Uint8Array(segments)
    for (const head of heads) for (let segment = head; segment !== none; segment = this.next[segment]!) held[segment] = 1
    for (let segment = segments - 1; segment >= 0; segment -= 1) {
      if (held[segment] === 1) continue
      this.next[segment] = none
      this.free(segment)
    }
  }

  #grow (segmentsMin: number): void {
    this.next = grown(this.next, segmentsMin)
    this.#capacity = this.next.length
    const rows = this.#capacity * segmentRows
    this.#at = grown(this.#at, rows)
    this.#arrival = grown(this.#arrival, rows)
    this.#offset = grown(this.#offset, rows)
    for (const column of this.#columns) {
      column.values = grown(column.values as Float64Array<ArrayBuffer>, rows)
      column.known = grown(column.known, rows)
    }
  }

  #blockOf (rows: number): Block {
    const numbers = () => new Float64Array(rows)
    const columns = this.#columns.map((spec: ColumnSpec) => {
      const column = createColumn(spec, rows)
      return column.kind === 'text' ? { ...column, dictionary: this.#texts.dictionary } : column
    })
    return { count: 0, key: 0, arrivalClock: 0, at: numbers(), arrival: numbers(), offset: numbers(), columns }
  }
}

function valuesOf (kind: ColumnKind, rows: number): Values {
  return kind === 'number' ? new Float64Array(rows) : kind === 'text' ? new Int32Array(rows) : new Uint8Array(rows)
}

interface Chain { readonly next: Int32Array, readonly head: number, readonly count: number }

// One of each for each kind of array, so that each loop sees one.
function scatterNumbers (from: Float64Array, to: Float64Array, place: Int32Array, count: number): void {
  for (let row = 0; row < count; row += 1) to[place[row]!] = from[row]!
}

function scatterBytes (from: Uint8Array, to: Uint8Array, place: Int32Array, count: number): void {
  for (let row = 0; row < count; row += 1) to[place[row]!] = from[row]!
}

function scatterIds (from: Int32Array, to: Int32Array, place: Int32Array, count: number): void {
  for (let row = 0; row < count; row += 1) to[place[row]!] = from[row]!
}

function gatherNumbers (from: Float64Array, to: Float64Array, { next, head, count }: Chain): void {
  for (let segment = head, row = 0; row < count; segment = next[segment]!) {
    const last = Math.min(row + segmentRows, count)
    for (let index = segment * segmentRows; row < last; index += 1, row += 1) to[row] = from[index]!
  }
}

function gatherBytes (from: Uint8Array, to: Uint8Array, { next, head, count }: Chain): void {
  for (let segment = head, row = 0; row < count; segment = next[segment]!) {
    const last = Math.min(row + segmentRows, count)
    for (let index = segment * segmentRows; row < last; index += 1, row += 1) to[row] = from[index]!
  }
}

function gatherIds (from: Int32Array, to: Int32Array, { next, head, count }: Chain): void {
  for (let segment = head, row = 0; row < count; segment = next[segment]!) {
    const last = Math.min(row + segmentRows, count)
    for (let index = segment * segmentRows; row < last; index += 1, row += 1) to[row] = from[index]!
  }
}
