/** What an expression computes. A checked expression has no other kinds; arrays, maps and bytes are for known(x) alone. */
export type Kind = 'number' | 'bool' | 'text'

/**
 * One value of one row. Unknown is NaN for a number, 2 for a bool (0 false, 1 true), null for a text: so arithmetic
 * carries it along by itself, and a NaN that a device sent is unknown too.
 */
export type Value = number | string | null

/** A pure function of its arguments' values. `code` is the same in JavaScript text; its arguments are names or literals. */
export interface Pure {
  readonly name: string
  readonly apply: (...values: never[]) => Value
  readonly code?: (...names: string[]) => string
}

interface Typed { readonly kind: Kind, readonly unit: string | null }
export interface Constant extends Typed { readonly op: 'constant', readonly value: Value }
/** `index` in the batch's columns. */
export interface ColumnNode extends Typed { readonly op: 'column', readonly index: number, readonly name: string }
export interface MetaNode extends Typed { readonly op: 'meta', readonly name: 'at' | 'arrival' | 'key' }
export interface CallNode extends Typed { readonly op: 'call', readonly pure: Pure, readonly args: readonly Node[] }
/** Kleene's and, or. */
export interface LogicNode extends Typed { readonly op: 'and' | 'or', readonly left: Node, readonly right: Node }
export interface IfNode extends Typed { readonly op: 'if', readonly test: Node, readonly whenTrue: Node, readonly whenFalse: Node }
/** known(x) of a column without a dense form. */
export interface PresentNode extends Typed { readonly op: 'present', readonly index: number, readonly name: string }
/** What slot number `slot` remembered of earlier rows of the key. Slots step once per row, before anything else, whichever branch is taken. */
export interface StateNode extends Typed { readonly op: 'state', readonly slot: number }
/** A pure function of one text column (`index`; -1: the key): computed once per dictionary entry. */
export interface MemoNode extends Typed { readonly op: 'memo', readonly memo: number, readonly index: number }

export type Node = Constant | ColumnNode | MetaNode | CallNode | LogicNode | IfNode | PresentNode | StateNode | MemoNode

export interface SlotNode { readonly remember: 'prev' | 'rate' | 'interpolate', readonly kind: Kind, readonly arg: Node }
export interface MemoBody { readonly kind: Kind, readonly index: number, readonly body: Node }

/** A checked expression: typed, bounded, free of user text but constants. */
export interface Checked {
  readonly root: Node
  readonly slots: readonly SlotNode[]
  readonly memos: readonly MemoBody[]
  /** Indexes of the columns read, in order of first use. */
  readonly columns: readonly number[]
  readonly readsKey: boolean
}

export function unknownOf (kind: Kind): Value {
  return kind === 'number' ? Number.NaN : kind === 'bool' ? 2 : null
}

export function constant (kind: Kind, value: Value, unit: string | null = null): Constant {
  return { op: 'constant', kind, unit, value }
}

/** Call `pure`; computed at once when every argument is constant. */
export function call (kind: Kind, unit: string | null, pure: Pure, ...args: readonly Node[]): Node {
  const values = args.map(arg => arg.op === 'constant' ? arg.value : undefined)
  if (!values.includes(undefined)) return constant(kind, pure.apply(...values as never[]), unit)
  return { op: 'call', kind, unit, pure, args }
}

export function children (node: Node): readonly Node[] {
  switch (node.op) {
    case 'call': return node.args
    case 'and': case 'or': return [node.left, node.right]
    case 'if': return [node.test, node.whenTrue, node.whenFalse]
    default: return []
  }
}
