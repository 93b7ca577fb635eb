import { checkNode, demand, dottedName } from './check.ts'
import type { Checker } from './checker.ts'
import { functionTable } from './functions.ts'
import type { Kind, Node } from './node.ts'
import type { Syntax } from './source.ts'

/** A call under check: arguments are checked when asked for, so that a function decides what each may be. */
export class Call {
  readonly checker: Checker
  readonly at: Syntax
  readonly name: string
  readonly args: readonly Syntax[]
  readonly #depth: number

  constructor (checker: Checker, at: Syntax, name: string, args: readonly Syntax[], depth: number) {
    this.checker = checker
    this.at = at
    this.name = name
    this.args = args
    this.#depth = depth
  }

  any (index: number): Node { return checkNode(this.checker, this.args[index]!, this.#depth + 1) }

  of (index: number, kind: Kind): Node { return demand(this.checker, this.args[index]!, kind, this.#depth + 1) }

  /** An argument that must be written out as a text. */
  text (index: number, what: string): string {
    const node = this.of(index, 'text')
    if (node.op !== 'constant') this.checker.fail('EXPRESSION_TYPE', this.args[index]!, { problem: `${what} must be a text in quotes` })
    return node.value as string
  }

  fail (index: number, problem: string, details: Readonly<Record<string, unknown>> = {}): never {
    this.checker.fail('EXPRESSION_TYPE', this.args[index] ?? this.at, { problem, ...details })
  }
}

/** `f(x)`, `x.f(y)` as `f(x, y)`, and `geo.f(x)`. */
export function checkCall (checker: Checker, at: Extract<Syntax, { readonly op: 'call' | 'rcall' }>, depth: number): Node {
  const space = at.op === 'rcall' ? dottedName(at.args[1]) : null
  const spaced = space !== null && functionTable.has(`${space}.${at.args[0]}`) && !checker.has(space)
  const name = spaced ? `${space}.${at.args[0]}` : at.args[0]
  const args = at.op === 'call' ? at.args[1] : spaced ? at.args[2] : [at.args[1], ...at.args[2]]
  const entry = functionTable.get(name)
  if (entry === undefined) checker.unknownName(spaced || space === null || !namespaces.has(space) ? name : `${space}.${name}`, at, [...functionTable.keys()])
  const given = spaced ? 'plain' : at.op === 'rcall' ? 'method' : 'plain'
  if (given === 'method' ? entry.style === 'plain' : entry.style === 'method') checker.fail('EXPRESSION_TYPE', at, { function: name, problem: 'not called this way', expected: entry.signature })
  const [least, most] = entry.arity
  if (args.length < least || args.length > most) checker.fail('EXPRESSION_TYPE', at, { function: name, problem: `wrong number of arguments`, given: args.length, expected: entry.signature })
  return entry.check(new Call(checker, at, name, args, depth))
}

const namespaces: ReadonlySet<string> = new Set(['geo', 'math'])
