import { type Batch, type Column, cell, createBatch, createColumn } from '../../../pipelines/core/batch.ts'
import { KeyTable } from '../../../pipelines/core/keys.ts'
import { compileExpression, type Expression, type ExpressionField } from '../../../pipelines/expression/compile.ts'

/** Readings as a test writes them: null is unknown; `$key`, `$at`, `$arrival` stand for the reading's own. */
export type Row = Readonly<Record<string, unknown>>

export const keys = new KeyTable(1 << 16)

export const fields: readonly ExpressionField[] = [
  { name: 'celsius', kind: 'number', unit: 'Cel', nullable: true },
  { name: 'limit', kind: 'number', unit: 'Cel', nullable: true },
  { name: 'fahrenheit', kind: 'number', unit: '[degF]', nullable: true },
  { name: 'metres', kind: 'number', unit: 'm', nullable: true },
  { name: 'seconds', kind: 'number', unit: 's', nullable: true },
  { name: 'n', kind: 'number', unit: null, nullable: true },
  { name: 'doorOpen', kind: 'bool', unit: null, nullable: true },
  { name: 'alarm', kind: 'bool', unit: null, nullable: true },
  { name: 'site', kind: 'text', unit: null, nullable: true },
  { name: 'model', kind: 'text', unit: null, nullable: true },
  { name: 'tags', kind: 'value', unit: null, nullable: true },
  { name: 'gps.lat', kind: 'number', unit: 'deg', nullable: true },
  { name: 'gps.lon', kind: 'number', unit: 'deg', nullable: true },
]

/** Fill `batch` with rows; columns that a row does not name are unknown. */
export function fill (batch: Batch, rows: readonly Row[], from = 0): Batch {
  rows.forEach((row, index) => {
    batch.key[index] = keys.internText(String(row.$key ?? 'a'))
    batch.at[index] = Number(row.$at ?? (from + index) * 1000)
    batch.arrival[index] = Number(row.$arrival ?? batch.at[index])
    batch.position[index] = from + index
    for (const column of batch.columns) put(column, index, row[column.name] ?? null)
  })
  batch.count = rows.length
  return batch
}

function put (column: Column, row: number, value: unknown): void {
  column.known[row] = value === null ? 0 : 1
  if (column.kind === 'text') column.values[row] = value === null ? 12345 : column.dictionary.internText(value as string)
  else if (column.kind === 'value') column.values[row] = value
  else column.values[row] = value === null ? 77 : Number(value)
}

export function batchOf (rows: readonly Row[], columns = fields): Batch {
  return fill(createBatch(columns, Math.max(rows.length, 1)), rows)
}

export function compiled (text: string, codegen = true, columns = fields): Expression {
  return compileExpression(text, { fields: columns, expect: 'any', codegen, keys })
}

/** Results as plain values, null where unknown. */
export function results (expression: Expression, batch: Batch, skip: Uint8Array | null = null): unknown[] {
  const out = createColumn({ name: 'result', kind: expression.kind, unit: expression.unit }, Math.max(batch.count, 1))
  expression.evaluate(batch, out, skip)
  return Array.from({ length: batch.count }, (_, row) => cell(out, row))
}

/** What an expression gives for these rows; the same with and without code generation, or the test fails. */
export function valuesOf (text: string, rows: readonly Row[]): unknown[] {
  const generated = results(compiled(text), batchOf(rows))
  const closures = results(compiled(text, false), batchOf(rows))
  if (JSON.stringify(generated) !== JSON.stringify(closures)) throw new Error(`${text}: generated ${JSON.stringify(generated)}, closures ${JSON.stringify(closures)}`)
  return generated
}

export const resultOf = (text: string, row: Row = {}): unknown => valuesOf(text, [row])[0]
