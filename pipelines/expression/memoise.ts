import type { Checker } from './checker.ts'
import { type Checked, children, type MemoBody, type Node } from './node.ts'

/** Reads no text column, or more than one, or something else of the row. */
const none = -2
const mixed = -3

/**
 * Cut out every part that depends on one text column (or the key) alone: it is computed once per dictionary entry and
 * looked up per row. A plain comparison with a constant stays: comparing ids is as fast.
 */
export function memoise (root: Node, checker: Checker): Checked {
  const memos: MemoBody[] = []
  const cut = (node: Node): Node => {
    const source = sourceOf(node)
    if (source !== none && source !== mixed && !simple(node)) {
      memos.push({ kind: node.kind, index: source, body: node })
      return { op: 'memo', kind: node.kind, unit: node.unit, memo: memos.length - 1, index: source }
    }
    switch (node.op) {
      case 'call': return { ...node, args: node.args.map(cut) }
      case 'and': case 'or': return { ...node, left: cut(node.left), right: cut(node.right) }
      case 'if': return { ...node, test: cut(node.test), whenTrue: cut(node.whenTrue), whenFalse: cut(node.whenFalse) }
      default: return node
    }
  }
  const slots = checker.slots.map(slot => ({ ...slot, arg: cut(slot.arg) }))
  return { root: cut(root), slots, memos, columns: checker.columns, readsKey: checker.readsKey }
}

/** Index of the one text column that the node is a pure function of; -1 the key. */
function sourceOf (node: Node): number {
  if (node.op === 'constant') return none
  if (node.op === 'column') return node.kind === 'text' ? node.index : mixed
  if (node.op === 'meta') return node.name === 'key' ? -1 : mixed
  if (node.op === 'state' || node.op === 'present') return mixed
  let source = none
  for (const child of children(node)) {
    const other = sourceOf(child)
    if (other === none || other === source) continue
    if (source !== none) return mixed
    source = other
  }
  return source
}

function simple (node: Node): boolean {
  if (node.op === 'column' || node.op === 'meta') return true
  if (node.op !== 'call') return false
  if (node.pure.name === 'known') return node.args[0]!.op === 'column'
  return equalsConstant(node) !== null
}

/** A text column compared for equality with a constant. */
export function equalsConstant (node: Node): { readonly index: number, readonly text: string, readonly equal: boolean } | null {
  if (node.op !== 'call' || (node.pure.name !== '==' && node.pure.name !== '!=') || node.args.length !== 2) return null
  const column = node.args.find(arg => arg.op === 'column' && arg.kind === 'text')
  const text = node.args.find(arg => arg.op === 'constant' && typeof arg.value === 'string')
  if (column?.op !== 'column' || text?.op !== 'constant') return null
  return { index: column.index, text: text.value as string, equal: node.pure.name === '==' }
}
