import { StreamError } from '../core/errors.ts'

/** Text with `{{name}}` in it: a value the conditions read, any other column, a label, or `key`. */
export interface Summary {
  /** Names in the template that are columns; their values join the event's. */
  readonly columns: readonly string[]
  render (parts: SummaryParts): string
}
export interface SummaryParts {
  readonly key: string
  readonly values: Readonly<Record<string, null | boolean | number | string>>
  readonly labels: Readonly<Record<string, string>>
}
export interface SummaryOptions { readonly rule: string, readonly columns: readonly string[], readonly labels: readonly string[] }

/**
 * Read a summary template: text with `{{name}}`, blanks inside the braces allowed. Numbers are written with at most six
 * significant digits, what is not known as `unknown`.
 *
 * Errors: RULE_SUMMARY for a name that is neither a column, a label nor `key`, or braces left open
 */
export function parseSummary (text: string, { rule, columns, labels }: SummaryOptions): Summary {
  const parts: (string | { readonly name: string })[] = []
  const used = new Set<string>()
  let from = 0
  while (from < text.length) {
    const open = text.indexOf('{{', from)
    if (open < 0) break
    const close = text.indexOf('}}', open)
    const name = close < 0 ? text.slice(open + 2) : text.slice(open + 2, close).trim()
    if (close < 0 || !(name === 'key' || columns.includes(name) || labels.includes(name))) {
      throw new StreamError('RULE_SUMMARY', { rule, name, column: open + 1, known: ['key', ...labels, ...columns] })
    }
    if (columns.includes(name) && !labels.includes(name)) used.add(name)
    parts.push(text.slice(from, open), { name })
    from = close + 2
  }
  parts.push(text.slice(from))
  return {
    columns: [...used],
    render: ({ key, values, labels: given }) => parts.map(part => typeof part === 'string' ? part : textOf(given[part.name] ?? values[part.name] ?? (part.name === 'key' ? key : null))).join(''),
  }
}

function textOf (value: null | boolean | number | string): string {
  if (value === null) return 'unknown'
  return typeof value === 'number' ? `${Number(value.toPrecision(6))}` : `${value}`
}
