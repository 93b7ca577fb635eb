import type { Call } from './check-call.ts'
import { call, type Kind, type Node, type Pure } from './node.ts'

/** A function of the language: how it is called, what it says in the documentation, how its arguments are checked. */
export interface FunctionEntry {
  readonly name: string
  readonly signature: string
  readonly says: string
  /** plain: f(x); method: x.f(y); either. */
  readonly style: 'plain' | 'method' | 'either'
  readonly arity: readonly [number, number]
  readonly check: (given: Call) => Node
}

const styled = (style: FunctionEntry['style']) => (arity: readonly [number, number], signature: string, says: string, check: (given: Call) => Node): FunctionEntry =>
  ({ name: nameIn(signature), signature, says, style, arity, check })

export const plain = styled('plain')
export const either = styled('either')
export const method = styled('method')

/** `geo.inside(…` is geo.inside; `text.size(…` is size. */
const nameIn = (signature: string) => signature.slice(0, signature.indexOf('(')).replace(/^text\./, '')

export function pure (name: string, apply: (...values: never[]) => number | string | null, code?: (...names: string[]) => string): Pure {
  return code === undefined ? { name, apply } : { name, apply, code }
}

/** A function of texts and numbers, unknown as soon as one of them is. */
export function strict (name: string, kind: Kind, args: readonly Kind[], apply: (...values: never[]) => number | string | null): (given: Call) => Node {
  const unknown = kind === 'number' ? Number.NaN : kind === 'bool' ? 2 : null
  const guarded = (...values: (number | string | null)[]) => values.some(isUnknown) ? unknown : (apply as (...values: unknown[]) => number | string | null)(...values)
  return given => call(kind, null, pure(name, guarded as never), ...given.args.map((_, index) => given.of(index, args[index]!)))
}

const isUnknown = (value: number | string | null) => value === null || Number.isNaN(value)

/** A number as JavaScript text that reads back as the same number. */
export function numberCode (value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (value - value !== 0) return value > 0 ? 'Infinity' : '(-Infinity)'
  return value < 0 || Object.is(value, -0) ? `(-${-value})` : String(value)
}
