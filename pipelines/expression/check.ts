import { parseUnit, unitInverse, unitProduct } from '../core/unit.ts'
import { checkCall } from './check-call.ts'
import { Checker, type ExpressionField } from './checker.ts'
import { memoise } from './memoise.ts'
import { call, type Checked, constant, type Kind, type Node } from './node.ts'
import { amongNumbers, amongTexts, arithmetic, compareBools, compareNumbers, compareTexts, type Comparison, concat, negate, not } from './pure.ts'
import type { Syntax } from './source.ts'

const kindNames: Readonly<Record<Kind, string>> = { number: 'a number', bool: 'a boolean', text: 'a text' }

/**
 * Check a syntax tree against the fields: names, kinds, units, limits.
 *
 * Units:  a number without a unit takes the other side's; + - % comparisons, min, max and both branches of ?: want one unit;
 *         * and / combine units; a temperature on a scale with its own zero, multiplied, has none; a difference keeps the unit
 * Errors: EXPRESSION_NAME, EXPRESSION_TYPE, EXPRESSION_UNIT, EXPRESSION_LIMIT with the place in the expression
 */
export function check (text: string, syntax: Syntax, fields: readonly ExpressionField[], expect: Kind | 'any'): Checked {
  const checker = new Checker(text, fields)
  const root = checkNode(checker, syntax, 1)
  if (expect !== 'any' && root.kind !== expect) checker.fail('EXPRESSION_TYPE', syntax, { problem: `this must be ${kindNames[expect]}, but is ${kindNames[root.kind]}`, expected: expect, found: root.kind })
  return memoise(root, checker)
}

const associative: Readonly<Record<string, number>> = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2, '&&': 3, '||': 4 }

/** `depth` counts levels; a chain of one precedence (`a + b - c`) is one level. */
export function checkNode (checker: Checker, at: Syntax, depth: number): Node {
  checker.spend(at, 1, depth)
  switch (at.op) {
    case 'value': return literal(checker, at, at.args)
    case 'id': return checker.named(at.args, at)
    case '.': return dotted(checker, at)
    case 'call': case 'rcall': return checkCall(checker, at, depth)
    case '?:': return choice(checker, at, at.args, depth)
    case '!_': return call('bool', null, not, demand(checker, at.args, 'bool', depth + 1))
    case '-_': return minus(checker, at.args, depth)
    case '&&': case '||': {
      const [left, right] = both(checker, at, depth)
      return { op: at.op === '&&' ? 'and' : 'or', kind: 'bool', unit: null, left: want(checker, at.args[0], left, 'bool'), right: want(checker, at.args[1], right, 'bool') }
    }
    case '+': case '-': case '*': case '/': case '%': return arithmeticNode(checker, at, depth)
    case '<': case '<=': case '>': case '>=': case '==': case '!=': {
      const [left, right] = both(checker, at, depth)
      return comparison(checker, at, at.op, left, right)
    }
    case 'in': return membership(checker, at, depth)
    default: return checker.fail('EXPRESSION_TYPE', at, { problem: at.op === 'list' ? 'a list can only stand to the right of `in`' : 'maps, indexes and optional fields are not part of expressions' })
  }
}

/** Errors: EXPRESSION_TYPE when the value is of another kind */
export function demand (checker: Checker, at: Syntax, kind: Kind, depth: number): Node {
  return want(checker, at, checkNode(checker, at, depth), kind)
}

function want (checker: Checker, at: Syntax, node: Node, kind: Kind): Node {
  if (node.kind !== kind) checker.fail('EXPRESSION_TYPE', at, { problem: `this must be ${kindNames[kind]}, but is ${kindNames[node.kind]}`, expected: kind, found: node.kind })
  return node
}

type Binary = Extract<Syntax, { readonly args: [Syntax, Syntax] }>

function both (checker: Checker, at: Syntax, depth: number): readonly [Node, Node] {
  const [left, right] = (at as Binary).args
  const chained = associative[at.op] !== undefined && associative[left.op] === associative[at.op]
  return [checkNode(checker, left, chained ? depth : depth + 1), checkNode(checker, right, depth + 1)]
}

function literal (checker: Checker, at: Syntax, value: unknown): Node {
  if (typeof value === 'string') return constant('text', value.toWellFormed())
  if (typeof value === 'boolean') return constant('bool', value ? 1 : 0)
  if (typeof value === 'number') return constant('number', value)
  if (value === null) checker.fail('EXPRESSION_TYPE', at, { problem: 'null cannot be compared; ask known(x)' })
  if (value instanceof Uint8Array) checker.fail('EXPRESSION_TYPE', at, { problem: 'bytes are not part of expressions' })
  const whole = BigInt(String(value))
  if (BigInt(Number(whole)) !== whole) checker.fail('EXPRESSION_TYPE', at, { problem: 'a whole number beyond 2^53 is not exact', number: String(whole) })
  return constant('number', Number(whole))
}

/** `a.b.c` is a field of that name: records are flattened by the contract. */
function dotted (checker: Checker, at: Syntax): Node {
  const name = dottedName(at)
  if (name === null) checker.fail('EXPRESSION_TYPE', at, { problem: 'only fields of records have parts' })
  return checker.named(name, at)
}

export function dottedName (at: Syntax): string | null {
  if (at.op === 'id') return at.args
  if (at.op !== '.') return null
  const before = dottedName(at.args[0])
  return before === null ? null : `${before}.${at.args[1]}`
}

function choice (checker: Checker, at: Syntax, [testAt, trueAt, falseAt]: readonly [Syntax, Syntax, Syntax], depth: number): Node {
  const test = demand(checker, testAt, 'bool', depth + 1)
  const whenTrue = checkNode(checker, trueAt, depth + 1)
  const whenFalse = demand(checker, falseAt, whenTrue.kind, depth + 1)
  return { op: 'if', kind: whenTrue.kind, unit: checker.sharedUnit(whenTrue, whenFalse, at, 'choose between'), test, whenTrue, whenFalse }
}

function minus (checker: Checker, at: Syntax, depth: number): Node {
  const value = demand(checker, at, 'number', depth + 1)
  return call('number', value.unit, negate, value)
}

function arithmeticNode (checker: Checker, at: Syntax & { readonly op: '+' | '-' | '*' | '/' | '%', readonly args: readonly [Syntax, Syntax] }, depth: number): Node {
  const [left, right] = both(checker, at, depth)
  if (at.op === '+' && left.kind === 'text') return call('text', null, concat, left, want(checker, at.args[1], right, 'text'))
  want(checker, at.args[0], left, 'number')
  want(checker, at.args[1], right, 'number')
  const unit = at.op === '*' ? combined(checker, at, left, right, 1) : at.op === '/' ? combined(checker, at, left, right, -1) : checker.sharedUnit(left, right, at, at.op === '+' ? 'add' : at.op === '-' ? 'subtract' : 'divide')
  return call('number', unit, arithmetic[at.op], left, right)
}

/** The unit of a product or quotient. Half of 20 Cel is no temperature: a unit with a zero of its own is lost beside a plain number. */
function combined (checker: Checker, at: Syntax, left: Node, right: Node, exponent: 1 | -1): string | null {
  if (left.unit === null && right.unit === null) return null
  if (left.unit === null) return parseUnit(right.unit!).offset !== 0 ? null : exponent === 1 ? right.unit : unitInverse(right.unit!)
  if (right.unit === null) return parseUnit(left.unit).offset !== 0 ? null : left.unit
  const product = unitProduct(left.unit, right.unit, exponent)
  try {
    if (product !== null) parseUnit(product)
  } catch (error) {
    checker.fail('EXPRESSION_UNIT', at, { problem: 'the unit of this product is beyond what a unit can be', left: left.unit, right: right.unit, cause: (error as Error).message })
  }
  return product
}

function comparison (checker: Checker, at: Syntax, sign: Comparison, left: Node, right: Node): Node {
  if (left.kind !== right.kind) checker.fail('EXPRESSION_TYPE', at, { problem: `cannot compare ${kindNames[left.kind]} with ${kindNames[right.kind]}${left.kind === 'bool' || right.kind === 'bool' ? '; a boolean stands by itself' : ''}`, left: left.kind, right: right.kind })
  if (left.kind === 'bool') return call('bool', null, compareBools[sign], left, right)
  if (left.kind === 'text') return call('bool', null, compareTexts[sign], left, right)
  checker.sharedUnit(left, right, at, 'compare')
  return call('bool', null, compareNumbers[sign], left, right)
}

/** `x in [a, b]` is x == a || x == b; a list of constants becomes a set. */
function membership (checker: Checker, at: Syntax, depth: number): Node {
  const [valueAt, listAt] = (at as Binary).args
  const value = checkNode(checker, valueAt, depth + 1)
  if (listAt.op !== 'list') checker.fail('EXPRESSION_TYPE', listAt, { problem: 'only a list may stand to the right of `in`' })
  const items = listAt.args.map(item => demand(checker, item, value.kind, depth + 2))
  for (const item of items) checker.sharedUnit(value, item, at, 'compare')
  const values = items.flatMap(item => item.op === 'constant' && item.value !== null && !Number.isNaN(item.value) ? [item.value] : [])
  if (values.length === items.length && items.length > 0 && value.kind !== 'bool') return call('bool', null, value.kind === 'text' ? amongTexts(values as string[]) : amongNumbers(values as number[]), value)
  return items.map(item => comparison(checker, at, '==', value, item)).reduce<Node>((left, right) => left.op === 'constant' && left.value === 0 ? right : { op: 'or', kind: 'bool', unit: null, left, right }, constant('bool', 0))
}
