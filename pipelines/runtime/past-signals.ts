import { type Batch, type Column, createBatch, part } from '../core/batch.ts'
import type { PastInput } from './past.ts'

/**
 * Stored readings of one task in the order of the log.
 *
 * Shape: rows 0..count-1 by offset; `key[row]` is the key's text; `columns` are the pipeline's signals in their order
 */
export interface StoredReadings { readonly count: number, readonly key: readonly string[], readonly at: Float64Array, readonly arrival: Float64Array, readonly offset: Float64Array, readonly columns: readonly Column[] }

const rowsMax = 4096

/**
 * Readings as a lake keeps them, in place of the records that they were made from: what was no reading is not there, and needs not be.
 *
 * Limits: 4,096 rows a piece
 */
export class StoredInput implements PastInput {
  readonly #rows: AsyncIterator<StoredReadings>
  #piece: StoredReadings | null = null
  #row = 0

  constructor (rows: AsyncIterable<StoredReadings>) { this.#rows = rows[Symbol.asyncIterator]() }

  async next (at: number, until: number): ReturnType<PastInput['next']> {
    for (;;) {
      const piece = await this.#current()
      if (piece === null || piece.offset[this.#row]! >= until) return null
      const from = this.#row
      let to = from
      let arrival = Number.NEGATIVE_INFINITY
      while (to < piece.count && to - from < rowsMax && piece.offset[to]! < until) {
        arrival = Math.max(arrival, piece.arrival[to]!)
        to += 1
      }
      this.#row = to
      const next = piece.offset[to - 1]! + 1
      // Before `at`: asked for by nobody.
      if (next <= at) continue
      return {
        to: next, arrival, records: to - from,
        play: async (task, out, { taken }) => {
          task.readings(batchOf(piece, from, to, key => task.keys.internText(key)), next, out)
          taken()
          out.clear()
        },
      }
    }
  }

  async #current (): Promise<StoredReadings | null> {
    while (this.#piece === null || this.#row >= this.#piece.count) {
      const { value, done } = await this.#rows.next()
      if (done === true) return null
      this.#piece = value
      this.#row = 0
    }
    return this.#piece
  }
}

/** Rows [from, to) as a batch of signals whose keys are ids of a task. */
function batchOf ({ key, at, arrival, offset, columns }: StoredReadings, from: number, to: number, idOf: (key: string) => number): Batch {
  const count = to - from
  const batch: Batch = { ...createBatch([], count), columns: columns.map(column => part(column, from, to)) }
  batch.count = count
  for (let row = 0; row < count; row += 1) batch.key[row] = idOf(key[from + row]!)
  batch.at.set(at.subarray(from, to))
  batch.arrival.set(arrival.subarray(from, to))
  batch.position.set(offset.subarray(from, to))
  return batch
}
