/** A cell as people and programs get it: times, counts, durations and numbers as numbers, maps as objects; null: there is none. */
export type Cell = null | boolean | number | string | Readonly<Record<string, unknown>>

/** `time`: milliseconds since the epoch, written as UTC. `duration`: milliseconds; its name ends in `Ms`. `map`: an object. */
export type HeadKind = 'time' | 'number' | 'count' | 'duration' | 'text' | 'bool' | 'map'
export interface Head { readonly name: string, readonly kind: HeadKind, readonly unit?: string | null }

/** Rows that came together. `cell` is valid until the next piece is asked for. */
export interface SheetPiece { readonly count: number, readonly cell: (column: number, row: number) => Cell }

/**
 * The answer to any question to a lake: named columns, and rows as they come.
 *
 * Shape: no two heads have the same name; a piece has a bounded number of rows, and no object for each
 */
export interface Sheet { readonly heads: readonly Head[], readonly pieces: AsyncIterable<SheetPiece> }

/** Names for heads of which some may be taken: the later one gets an underscore behind it. */
export function distinctHeads (heads: readonly Head[]): readonly Head[] {
  const taken = new Set<string>()
  return heads.map(head => {
    let { name } = head
    while (taken.has(name)) name += '_'
    taken.add(name)
    return { ...head, name }
  })
}

/** At most so many rows, then the source is let go. */
export function limited (sheet: Sheet, rowsMax: number | null): Sheet {
  if (rowsMax === null) return sheet
  return { heads: sheet.heads, pieces: firstOf(sheet.pieces, rowsMax) }
}

async function * firstOf (pieces: AsyncIterable<SheetPiece>, rowsMax: number): AsyncGenerator<SheetPiece> {
  let left = rowsMax
  if (left === 0) return
  for await (const { count, cell } of pieces) {
    yield { count: Math.min(count, left), cell }
    left -= count
    if (left <= 0) return
  }
}

/** Rows one by one as pieces: `cell` gives a column of a row. */
export async function * gathered<Row> (rows: AsyncIterable<Row>, cell: (row: Row, column: number) => Cell, pieceRows = 256): AsyncGenerator<SheetPiece> {
  let waiting: Row[] = []
  const piece = (): SheetPiece => {
    const held = waiting
    waiting = []
    return { count: held.length, cell: (column, row) => cell(held[row]!, column) }
  }
  for await (const row of rows) {
    if (waiting.push(row) >= pieceRows) yield piece()
  }
  if (waiting.length > 0) yield piece()
}
