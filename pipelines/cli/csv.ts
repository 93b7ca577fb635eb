import { lakeWords, snakeCase } from '../core/lake-names.ts'

/** What `init` and `replay` both believe of a CSV file; docs/replay.md says it to people. */
export const csvOptions = { bom: true, relax_column_count: true, relax_quotes: true, skip_empty_lines: true, max_record_size: 1 << 20 } as const

/** The separator that the first line has most of. */
export function delimiterOf (text: string): ',' | ';' | '\t' {
  const end = /\r|\n/.exec(text)?.index ?? text.length
  const first = text.slice(0, end).replace(/"[^"]*"/g, '')
  const many = (delimiter: string) => first.split(delimiter).length
  return many('\t') > Math.max(many(','), many(';')) ? '\t' : many(';') > many(',') ? ';' : ','
}

/** Words of CEL. */
const taken = ['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while', 'constructor', 'prototype', '__proto__']
const fieldLengthMax = 80

/**
 * The columns of a header as fields of a contract: letters, digits and underscores, no two that differ by case alone, no word of an expression or of the lake.
 * The same header gives the same names, so that a file fits the contract that was guessed from it.
 */
export function fieldNames (header: readonly string[]): readonly string[] {
  const used = new Set<string>([...taken, ...lakeWords.readings])
  return header.map((name, i) => {
    const plain = name.trim().normalize('NFKD').replace(/\p{M}+/gu, '').replace(/[^A-Za-z0-9_]+/g, '_')
    const base = plain.replace(/^_+|_+$/g, '').slice(0, fieldLengthMax).replace(/^(\d)/, '_$1') || `column_${i + 1}`
    let field = base
    for (let n = 1; sightings(field).some(name => used.has(name)); n += 1) field = `${base}_${n}`
    for (const name of sightings(field)) used.add(name)
    return field
  })
}

/** What a field may not share with another: its name, its column in the lake, and the name as those read it who do not see case. */
const sightings = (field: string): readonly string[] => [field, snakeCase(field), field.toLowerCase()]

/** Cells that hold no value, whatever the kind of their column. Texts are missing only when they are empty. */
export const isMissing = (cell: string): boolean => /^\s*(|-|na|n\/a|nan|null|none)\s*$/i.test(cell)

/** A date and time as text, UTC where it names no zone, to milliseconds; NaN where it is none. */
export function timeMs (text: string): number {
  const trimmed = text.trim()
  if (!/^\d{4}-\d\d-\d\d/.test(trimmed)) return Number.NaN
  if (trimmed.length === 10) return Date.parse(`${trimmed}T00:00:00Z`)
  const iso = trimmed.replace(' ', 'T')
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(iso) ? iso : `${iso}Z`)
}
