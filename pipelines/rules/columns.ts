import type { ControlEvent } from '../../schemas/control-event.ts'
import { type Batch, type Column, cell } from '../core/batch.ts'
import { StreamError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { RuleSpec } from '../core/spec.ts'
import type { ExpressionField } from '../expression/compile.ts'
import { parseSummary, type Summary } from './summary.ts'

/** Which columns an event takes its values, units and labels from. Used for events only, never per reading. */
export interface EventColumns {
  /** Columns of `values`: what the conditions read, then what only the summary names. */
  readonly values: readonly { readonly name: string, readonly index: number }[]
  readonly labels: readonly { readonly name: string, readonly index: number }[]
  readonly units: ControlEvent['units']
  readonly summary: Summary | null
}

/**
 * Find the columns of a rule's events.
 *
 * Errors: RULE_NAME for a label that is no text column; RULE_SUMMARY
 */
export function eventColumns (spec: RuleSpec, fields: readonly ExpressionField[], read: readonly string[]): EventColumns {
  const columns = fields.map(field => field.name)
  const summary = spec.summary === null ? null : parseSummary(spec.summary, { rule: spec.name, columns: spec.absentMs === null ? columns : [], labels: spec.labels })
  const names = [...new Set([...read, ...summary?.columns ?? []])]
  const texts = fields.filter(field => field.kind === 'text').map(field => field.name)
  for (const name of spec.labels) {
    if (!texts.includes(name)) throw new StreamError('RULE_NAME', { rule: spec.name, label: name, nearest: nearest(name, texts), known: texts })
  }
  const indexed = (list: readonly string[]) => list.map(name => ({ name, index: columns.indexOf(name) }))
  const units: Record<string, string> = {}
  for (const { name, index } of indexed(names)) {
    const { unit } = fields[index]!
    if (unit !== null) units[name] = unit
  }
  return { values: indexed(names), labels: indexed(spec.labels), units, summary }
}

export function valuesAt ({ columns }: Batch, row: number, { values }: EventColumns): ControlEvent['values'] {
  const found: Record<string, null | boolean | number | string> = {}
  for (const { name, index } of values) found[name] = plain(columns[index]!, row)
  return found
}

/** Labels that are unknown on the row are left out. */
export function labelsAt ({ columns }: Batch, row: number, { labels }: EventColumns): ControlEvent['labels'] {
  const found: Record<string, string> = {}
  for (const { name, index } of labels) {
    const text = plain(columns[index]!, row)
    if (typeof text === 'string') found[name] = text
  }
  return found
}

function plain (column: Column, row: number): null | boolean | number | string {
  const value = cell(column, row)
  switch (typeof value) {
    case 'boolean': case 'number': case 'string': return value
    case 'bigint': return `${value}`
    case 'object': return value === null ? null : JSON.stringify(value)
    default: return null
  }
}
