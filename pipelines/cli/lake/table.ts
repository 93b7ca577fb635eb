import type { Cell, Head, Sheet, SheetPiece } from './sheet.ts'
import { decimalsOf, harmless, jsonOf, lengthText, momentText, numberText, padded, widthOf } from './texts.ts'

/** Rows that are looked at for the width of columns, before the first is printed. */
const lookRows = 500

/**
 * A table for people: units in its head, numbers to the right with their points one below the other.
 *
 * Shape:  widths are those of the first 500 rows; a longer cell further down pushes its line aside
 */
export async function * tableLines ({ heads, pieces }: Sheet): AsyncGenerator<string> {
  const looked: Cell[][] = []
  let columns: readonly Column[] | null = null
  for await (const piece of pieces) {
    if (columns !== null) { yield linesOf(columns, piece); continue }
    for (let row = 0; row < piece.count; row += 1) looked.push(heads.map((_, column) => piece.cell(column, row)))
    if (looked.length < lookRows) continue
    columns = columnsOf(heads, looked)
    yield headLine(columns) + linesOf(columns, { count: looked.length, cell: (column, row) => looked[row]![column]! })
  }
  if (columns === null) yield headLine(columns = columnsOf(heads, looked)) + linesOf(columns, { count: looked.length, cell: (column, row) => looked[row]![column]! })
}

interface Column { readonly head: string, readonly side: 'left' | 'right', readonly width: number, readonly text: (cell: Cell) => string }

function columnsOf (heads: readonly Head[], rows: readonly (readonly Cell[])[]): readonly Column[] {
  return heads.map((head, column) => {
    const text = textOf(head, rows.map(row => row[column]!))
    const title = titleOf(head)
    const side = head.kind === 'number' || head.kind === 'count' || head.kind === 'duration' ? 'right' : 'left'
    return { head: title, side, text, width: Math.max(widthOf(title), ...rows.map(row => widthOf(text(row[column]!)))) }
  })
}

export const titleOf = ({ name, kind, unit = null }: Head): string => {
  const title = kind === 'duration' ? name.replace(/Ms$/, '') : name
  return harmless(unit === null || unit === '' ? title : `${title} [${unit}]`)
}

/** How the cells of a column are written: all numbers with as many decimals as one of them needs. */
function textOf ({ kind }: Head, cells: readonly Cell[]): (cell: Cell) => string {
  const numbers = kind === 'number' ? cells.filter((cell): cell is number => typeof cell === 'number' && Number.isFinite(cell)) : []
  const decimals = Math.max(0, ...numbers.map(value => decimalsOf(value) ?? 0))
  return cell => {
    if (cell === null) return '-'
    if (kind === 'time') return momentText(cell as number)
    if (kind === 'duration') return lengthText(cell as number)
    if (typeof cell === 'number') return numberText(cell, kind === 'number' ? decimals : 0)
    return harmless(typeof cell === 'object' ? mapText(cell) : String(cell))
  }
}

const mapText = (map: Readonly<Record<string, unknown>>): string => Object.entries(map).map(([name, value]) => `${name}=${typeof value === 'string' ? value : jsonOf(value as Cell)}`).join(' ')

const headLine = (columns: readonly Column[]): string => `${columns.map(({ head, width, side }) => padded(head, width, side)).join('  ').trimEnd()}\n`

function linesOf (columns: readonly Column[], { count, cell }: SheetPiece): string {
  let lines = ''
  for (let row = 0; row < count; row += 1) lines += `${columns.map(({ text, width, side }, column) => padded(text(cell(column, row)), width, side)).join('  ').trimEnd()}\n`
  return lines
}
