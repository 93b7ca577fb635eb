import type { ErrorCode } from '../core/errors.ts'

interface Letter { readonly reason: ErrorCode, readonly details: Readonly<Record<string, unknown>> }

/**
 * What becomes of the rows of one batch: kept, dropped, or dropped with a dead letter. A row has one fate; the first wins.
 *
 * State:  none between batches; the arrays are reused
 */
export class Fates {
  /** 1 where a row is dropped. */
  skip: Uint8Array = new Uint8Array(0)
  dropped = 0
  readonly #letters = new Map<number, Letter>()

  begin (capacity: number): void {
    if (this.skip.length < capacity) this.skip = new Uint8Array(capacity)
    else if (this.dropped > 0) this.skip.fill(0)
    this.dropped = 0
    this.#letters.clear()
  }

  drop (row: number): void {
    if (this.skip[row] === 1) return
    this.skip[row] = 1
    this.dropped += 1
  }

  deadLetter (row: number, reason: ErrorCode, details: Readonly<Record<string, unknown>>): void {
    if (this.skip[row] === 1) return
    this.drop(row)
    this.#letters.set(row, { reason, details })
  }

  /** Dead letters in the order of rows. */
  letters (): readonly (readonly [row: number, letter: Letter])[] {
    return this.#letters.size === 0 ? [] : [...this.#letters].sort(([left], [right]) => left - right)
  }

  /** Rows that stay, in order. Fills `rows` and returns how many. */
  kept (rows: Int32Array, count: number): number {
    const { skip } = this
    let kept = 0
    for (let row = 0; row < count; row += 1) {
      rows[kept] = row
      kept += 1 - skip[row]!
    }
    return kept
  }
}
