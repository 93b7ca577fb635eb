import type { Batch, BoolColumn, NumberColumn, TextColumn } from '../core/batch.ts'
import type { KeyTable } from '../core/keys.ts'
import type { Memo } from './memo.ts'
import { type Node, unknownOf, type Value } from './node.ts'
import type { Slot } from './remember.ts'

/** What closures read while a batch runs. */
export interface Scope {
  batch: Batch
  readonly keys: KeyTable | null
  readonly memos: readonly Memo[]
  readonly slots: readonly Pick<Slot, 'results'>[]
}
export type Evaluate = (row: number) => Value

/** The expression as a tree of closures: for places without code generation, for constants and for memos. */
export function closureOf (node: Node, scope: Scope): Evaluate {
  switch (node.op) {
    case 'constant': { const { value } = node; return () => value }
    case 'column': return columnOf(node.kind, node.index, scope)
    case 'meta': return metaOf(node.name, scope)
    case 'present': return row => scope.batch.columns[node.index]!.known[row]!
    case 'state': { const slot = scope.slots[node.slot]!; return row => slot.results[row]! }
    case 'memo': return memoOf(node.memo, node.index, scope)
    case 'call': return callOf(node.pure.apply as (...values: Value[]) => Value, node.args.map(arg => closureOf(arg, scope)))
    case 'and': return logicOf(node.left, node.right, 0, scope)
    case 'or': return logicOf(node.left, node.right, 1, scope)
    case 'if': {
      const [test, then, otherwise] = [closureOf(node.test, scope), closureOf(node.whenTrue, scope), closureOf(node.whenFalse, scope)]
      const unknown = unknownOf(node.kind)
      return row => { const answer = test(row); return answer === 1 ? then(row) : answer === 0 ? otherwise(row) : unknown }
    }
  }
}

/** `decisive` settles the result whatever the other side is: 0 for and, 1 for or. */
function logicOf (leftNode: Node, rightNode: Node, decisive: number, scope: Scope): Evaluate {
  const [left, right] = [closureOf(leftNode, scope), closureOf(rightNode, scope)]
  return row => {
    const first = left(row)
    if (first === decisive) return first
    const second = right(row)
    return first === 2 ? second === decisive ? second : 2 : second
  }
}

function columnOf (kind: Node['kind'], index: number, scope: Scope): Evaluate {
  if (kind === 'text') {
    return row => {
      const { known, values, dictionary } = scope.batch.columns[index] as TextColumn
      return known[row] === 1 ? dictionary.text(values[row]!) : null
    }
  }
  const unknown = unknownOf(kind)
  return row => {
    const { known, values } = scope.batch.columns[index] as NumberColumn | BoolColumn
    return known[row] === 1 ? values[row]! : unknown
  }
}

function metaOf (name: 'at' | 'arrival' | 'key', scope: Scope): Evaluate {
  if (name === 'key') return row => scope.keys!.text(scope.batch.key[row]!)
  return row => scope.batch[name][row]!
}

function memoOf (memo: number, index: number, scope: Scope): Evaluate {
  const { [memo]: entries } = scope.memos
  if (index < 0) return row => entries!.values[scope.batch.key[row]! + 1]!
  return row => {
    const { known, values } = scope.batch.columns[index] as TextColumn
    return entries!.values[known[row] === 1 ? values[row]! + 1 : 0]!
  }
}

function callOf (apply: (...values: Value[]) => Value, args: readonly Evaluate[]): Evaluate {
  const [first, second] = args
  if (args.length === 1) return row => apply(first!(row))
  if (args.length === 2) return row => apply(first!(row), second!(row))
  return row => apply(...args.map(arg => arg(row)))
}
