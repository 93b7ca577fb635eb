/** Text in columns under a head; the last one is cut where `width` ends. Numbers stand to the right. */
export function columns (head: readonly string[], rows: readonly (readonly (string | number)[])[], width = Number.POSITIVE_INFINITY): string {
  const shown = rows.map(row => row.map(cell => String(cell)))
  const widths = head.map((name, at) => Math.max(name.length, ...shown.map(row => row[at]!.length)))
  const isNumber = head.map((_, at) => rows.every(row => typeof row[at] === 'number' || row[at] === '-') && rows.length > 0)
  const line = (cells: readonly string[]) => cells.map((cell, at) => isNumber[at] ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)).join('  ').trimEnd().slice(0, width)
  return [head, ...shown].map(cells => `${line(cells)}\n`).join('')
}
