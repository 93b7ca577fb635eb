import type { ColumnKind, ColumnSpec } from '../core/batch.ts'
import type { FieldSpec, SignalSpec, WindowSpec } from '../core/spec.ts'

/** What the checks of a definition ask of the stage rooms. `compile.ts` alone may import those, so it hands this in. */
export interface Tools {
  contractFields (avro: string): readonly ContractField[]
  compileExpression (text: string, options: { readonly fields: readonly ExpressionField[], readonly expect: Expected, readonly codegen: boolean }): Checked
  windowColumns (spec: WindowSpec, signals: readonly SignalSpec[]): readonly ColumnSpec[]
  checkSummary (text: string, options: { readonly rule: string, readonly columns: readonly string[], readonly labels: readonly string[] }): { readonly columns: readonly string[] }
}
export interface ContractField extends FieldSpec { readonly logical: string | null, readonly type: string, readonly symbols: readonly string[] | null }
export interface ExpressionField { readonly name: string, readonly kind: ColumnKind, readonly unit: string | null, readonly nullable: boolean }
export type Expected = 'bool' | 'number' | 'text' | 'any'
export interface Checked { readonly kind: 'bool' | 'number' | 'text', readonly unit: string | null, readonly fields: readonly string[] }
