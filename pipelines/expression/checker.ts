import { nearest } from '../core/nearest.ts'
import { conversion, parseUnit, sameDimension, unitsEqual } from '../core/unit.ts'
import type { ColumnKind } from '../core/batch.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { Kind, Node, SlotNode } from './node.ts'
import { costMax, depthMax, failure, type Syntax } from './source.ts'

/** A column that expressions may name, in the order of the batch's columns. */
export interface ExpressionField { readonly name: string, readonly kind: ColumnKind, readonly unit: string | null, readonly nullable: boolean }

const metaFields: Readonly<Record<string, { readonly kind: Kind, readonly unit: string | null }>> = { at: { kind: 'number', unit: 'ms' }, arrival: { kind: 'number', unit: 'ms' }, key: { kind: 'text', unit: null } }

/** What other languages call our functions. */
const foreignNames: Readonly<Record<string, string>> = {
  has: 'known', exists: 'known', isKnown: 'known', lag: 'prev', previous: 'prev', last: 'prev', derivative: 'rate', delta: 'prev', len: 'size', length: 'size', lower: 'lowerAscii', toLowerCase: 'lowerAscii', upper: 'upperAscii', toUpperCase: 'upperAscii',
  regex: 'matches', match: 'matches', like: 'matches', includes: 'contains', float: 'double', number: 'double', str: 'string', distance: 'geo.distance', inside: 'geo.inside', getHours: 'hour', getMinutes: 'minute', getDayOfWeek: 'dayOfWeek', toUnit: 'convert',
}

/** What a check knows and gathers: names in scope, slots that remember, columns read, the cost so far. */
export class Checker {
  readonly text: string
  readonly slots: SlotNode[] = []
  readonly columns: number[] = []
  readsKey = false
  readonly #fields: readonly ExpressionField[]
  readonly #indexes: ReadonlyMap<string, number>
  #cost = 0

  constructor (text: string, fields: readonly ExpressionField[]) {
    this.text = text
    this.#fields = fields
    this.#indexes = new Map(fields.map(({ name }, index) => [name, index] as const).reverse())
  }

  fail (code: ErrorCode, at: Syntax, details: Readonly<Record<string, unknown>>): never {
    throw failure(code, this.text, at.start, details)
  }

  /** Errors: EXPRESSION_LIMIT when the expression would cost too much per row, or is too deep */
  spend (at: Syntax, cost: number, depth: number): void {
    this.#cost += cost
    if (this.#cost > costMax) this.fail('EXPRESSION_LIMIT', at, { problem: 'too costly for every reading', costMax })
    if (depth > depthMax) this.fail('EXPRESSION_LIMIT', at, { problem: `nested deeper than ${depthMax} levels` })
  }

  /** The field of this name, a value of no dense form included; null when there is none. */
  field (name: string): { readonly index: number, readonly field: ExpressionField } | null {
    const index = this.#indexes.get(name)
    if (index === undefined) return null
    if (!this.columns.includes(index)) this.columns.push(index)
    return { index, field: this.#fields[index]! }
  }

  has (name: string): boolean { return this.#indexes.has(name) }

  /** Errors: EXPRESSION_NAME, EXPRESSION_TYPE for a value of no dense form */
  named (name: string, at: Syntax): Node {
    const found = this.field(name)
    if (found === null) return this.#meta(name, at)
    const { kind, unit } = found.field
    if (kind === 'value') this.fail('EXPRESSION_TYPE', at, { name, problem: 'an array, map, decimal or bytes field can only be asked known(x)' })
    return { op: 'column', kind, unit: kind === 'number' ? stated(unit) : null, index: found.index, name }
  }

  #meta (name: string, at: Syntax): Node {
    if (!Object.hasOwn(metaFields, name)) this.unknownName(name, at, [...this.#indexes.keys(), ...Object.keys(metaFields)])
    if (name === 'key') this.readsKey = true
    return { op: 'meta', ...metaFields[name]!, name: name as 'at' | 'arrival' | 'key' }
  }

  unknownName (name: string, at: Syntax, names: readonly string[]): never {
    const suggestion = Object.hasOwn(foreignNames, name) ? foreignNames[name]! : nearest(name, names)
    this.fail('EXPRESSION_NAME', at, { name, ...(suggestion !== null ? { nearest: suggestion } : at.op === 'id' && { advice: 'a text stands in quotes' }) })
  }

  /**
   * The unit that two values share; a value without a unit takes the other's.
   *
   * Errors: EXPRESSION_UNIT naming both, with a conversion where there is one
   */
  sharedUnit (left: Node, right: Node, at: Syntax, doing: string): string | null {
    if (left.unit === null || right.unit === null) return left.unit ?? right.unit
    if (unitsEqual(left.unit, right.unit)) return left.unit
    this.fail('EXPRESSION_UNIT', at, { problem: `cannot ${doing} ${left.unit} and ${right.unit}`, left: left.unit, right: right.unit, ...advice(right.unit, left.unit) })
  }

  /** Errors: EXPRESSION_UNIT when the value has a unit and it is not this one */
  demandUnit (value: Node, unit: string, at: Syntax, what: string): void {
    if (value.unit !== null && !unitsEqual(value.unit, unit)) this.fail('EXPRESSION_UNIT', at, { problem: `${what} takes ${unit}, this is in ${value.unit}`, left: value.unit, right: unit, ...advice(value.unit, unit) })
  }
}

/** A pure number (`1`, `{readings}`) takes any unit, as one without does. */
export function stated (unit: string | null): string | null {
  return unit === null || parseUnit(unit).terms.size === 0 ? null : unit
}

function advice (from: string, to: string): { readonly advice: string } {
  if (!sameDimension(from, to)) return { advice: 'they measure different things' }
  const { scale, offset } = conversion(from, to)
  const formula = `${scale === 1 ? 'x' : `x * ${scale}`}${offset === 0 ? '' : ` ${offset < 0 ? '-' : '+'} ${Math.abs(offset)}`}`
  return { advice: `convert the ${from} side with convert(x, '${to}'), which is ${formula}` }
}
