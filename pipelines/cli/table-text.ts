/** Rows as columns of even width, two spaces apart, with a line of names above. */
export function tableText (names: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = names.map((name, column) => Math.max(name.length, ...rows.map(row => row[column]!.length)))
  return [names, ...rows].map(row => `${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()}\n`).join('')
}
