import type { Cell, Head, Sheet } from './sheet.ts'
import { tableLines } from './table.ts'
import { jsonOf, plainCell } from './texts.ts'

export const textFormats = ['table', 'csv', 'json', 'ndjson'] as const
export type TextFormat = typeof textFormats[number]

/** A sheet as text, in pieces as they come. */
export function written (sheet: Sheet, format: TextFormat): AsyncIterable<string> {
  switch (format) {
    case 'table': return tableLines(sheet)
    case 'csv': return csvText(sheet)
    case 'json': return jsonText(sheet)
    case 'ndjson': return ndjsonText(sheet)
  }
}

/**
 * Comma-separated values. Texts stand in quotes where they need them, and an empty text is `""`: nothing between two commas is no value.
 * Texts are given as they are, also those that a spreadsheet would take for a formula.
 *
 * Source: RFC 4180
 */
async function * csvText ({ heads, pieces }: Sheet): AsyncGenerator<string> {
  yield `${heads.map(({ name }) => csvCell(name)).join(',')}\r\n`
  for await (const { count, cell } of pieces) {
    const lines: string[] = []
    for (let row = 0; row < count; row += 1) lines.push(heads.map((head, column) => csvCell(plainCell(head, cell(column, row)))).join(','))
    if (count > 0) yield `${lines.join('\r\n')}\r\n`
  }
}

function csvCell (cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return typeof cell === 'object' ? csvCell(jsonOf(cell)) : String(cell)
  return cell === '' || /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

/** One array of objects. */
async function * jsonText (sheet: Sheet): AsyncGenerator<string> {
  let before = '['
  for await (const lines of objects(sheet)) {
    if (lines.length === 0) continue
    yield `${before}\n${lines.join(',\n')}`
    before = ','
  }
  yield before === '[' ? '[]\n' : '\n]\n'
}

/** One object a line. */
async function * ndjsonText (sheet: Sheet): AsyncGenerator<string> {
  for await (const lines of objects(sheet)) if (lines.length > 0) yield `${lines.join('\n')}\n`
}

async function * objects ({ heads, pieces }: Sheet): AsyncGenerator<string[]> {
  const names = heads.map(({ name }) => JSON.stringify(name))
  for await (const { count, cell } of pieces) {
    const lines: string[] = []
    for (let row = 0; row < count; row += 1) lines.push(`{${heads.map((head: Head, column) => `${names[column]}:${jsonOf(plainCell(head, cell(column, row)))}`).join(',')}}`)
    yield lines
  }
}
