import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { Batch, Column, TextColumn } from '../core/batch.ts'
import type { KeyTable } from '../core/keys.ts'
import type { Stateful, StateTree, StateValue } from '../core/state.ts'
import { check } from './check.ts'
import type { ExpressionField } from './checker.ts'
import { closureOf, type Scope } from './closures.ts'
import { generate, type Link, type Run, type Variant } from './codegen.ts'
import { Memo, TextResult } from './memo.ts'
import { type Checked, type Kind, type MemoBody, type Node, unknownOf, type Value } from './node.ts'
import { createSlot, type Slot } from './remember.ts'
import { parse } from './source.ts'

export type { ExpressionField } from './checker.ts'
export { expressionFunctions } from './functions.ts'

export interface ExpressionOptions {
  /** In the order of the batch's columns. Dotted names are fields of records. A field hides `at`, `arrival` or `key`. */
  readonly fields: readonly ExpressionField[]
  readonly expect: Kind | 'any'
  /** False: closures, with the same results. They also stand in where the host forbids code generation. */
  readonly codegen: boolean
  /** The task's key table: needed to evaluate an expression that reads `key`. */
  readonly keys?: KeyTable
}

/**
 * A checked expression over the columns of a batch.
 *
 * Units:  `at`, `arrival` in ms; the result in `unit` (null: none stated)
 * State:  prev, rate, interpolate remember per key id; nothing else does
 * Limits: a number that is not finite, a text beyond 65,536 characters: unknown
 */
export interface Expression extends Stateful {
  readonly text: string
  readonly kind: Kind
  readonly unit: string | null
  /** Names of the columns it reads. */
  readonly fields: readonly string[]
  readonly readsKey: boolean
  readonly stateful: boolean
  /** Fill a column of the same kind for rows 0..count-1. A skipped row (1) leaves state alone and is unknown. */
  evaluate (batch: Batch, out: Column, skip: Uint8Array | null): void
  /** For bool: 0 false, 1 true, 2 unknown. */
  test (batch: Batch, out: Uint8Array, skip: Uint8Array | null): void
}

/**
 * Parse, check and compile a CEL expression.
 *
 * Errors: EXPRESSION_SYNTAX, EXPRESSION_NAME, EXPRESSION_TYPE, EXPRESSION_UNIT, EXPRESSION_LIMIT with expression, line and column
 */
export function compileExpression (text: string, options: ExpressionOptions): Expression {
  const checked = check(text, parse(text), options.fields, options.expect)
  return new CompiledExpression(text, checked, options)
}

class CompiledExpression implements Expression {
  readonly text: string
  readonly kind: Kind
  readonly unit: string | null
  readonly fields: readonly string[]
  readonly readsKey: boolean
  readonly stateful: boolean
  readonly #checked: Checked
  readonly #slots: readonly Slot[]
  readonly #memos: readonly Memo[]
  readonly #result = new TextResult()
  readonly #link: Link
  readonly #scope: Scope
  /** By target and fullness, each compiled at its first use. */
  readonly #runs: (Run | undefined)[] = [undefined, undefined, undefined, undefined]
  #codegen: boolean

  constructor (text: string, checked: Checked, { fields, codegen, keys = undefined }: ExpressionOptions) {
    this.text = text
    this.kind = checked.root.kind
    this.unit = checked.root.unit
    this.fields = checked.columns.map(index => fields[index]!.name)
    this.readsKey = checked.readsKey
    this.stateful = checked.slots.length > 0
    this.#checked = checked
    this.#codegen = codegen
    this.#slots = checked.slots.map(createSlot)
    this.#memos = checked.memos.map(createMemo)
    this.#link = { keys: keys ?? null, slots: this.#slots, memos: this.#memos, result: this.#result, functions: [], texts: [], literals: [] }
    this.#scope = { batch: null as unknown as Batch, keys: keys ?? null, memos: this.#memos, slots: this.#slots }
  }

  evaluate (batch: Batch, out: Column, skip: Uint8Array | null): void {
    assert(out.kind === this.kind, `${this.kind} results go into a ${this.kind} column`)
    if (out.kind === 'text') this.#result.prepare(out.dictionary, this.#resultSource(batch))
    this.#run('evaluate', batch, out.values as Float64Array, out.known, skip)
  }

  test (batch: Batch, out: Uint8Array, skip: Uint8Array | null): void {
    assert(this.kind === 'bool', 'only conditions are tested')
    this.#run('test', batch, out, null, skip)
  }

  snapshot (): StateTree { return this.stateful ? { slots: this.#slots.map(slot => slot.snapshot()) } : {} }

  restore (state: StateTree): void {
    if (this.stateful) this.#slots.forEach((slot, index) => { slot.restore((state.slots as readonly StateValue[])[index] as StateTree) })
  }

  #run (target: Variant['target'], batch: Batch, values: Float64Array | Uint8Array, known: Uint8Array | null, skip: Uint8Array | null): void {
    assert(!this.readsKey || this.#link.keys !== null, 'an expression that reads the key is given the key table')
    const full = skip === null && this.#full(batch)
    const run = this.#runOf({ target, full })
    const { memos } = this.#checked
    for (let index = 0; index < memos.length; index += 1) this.#memos[index]!.prepare(this.#dictionary(batch, memos[index]!.index))
    for (const literal of this.#link.literals) literal.resolve(this.#dictionary(batch, literal.index))
    for (const slot of this.#slots) slot.prepare(batch.count)
    run(batch, values, known, skip)
  }

  /** Whether every column read is known throughout: asked once per batch, so that the loop need not. A search by memchr: 0.04 ns a row. */
  #full ({ columns, count }: Batch): boolean {
    for (const index of this.#checked.columns) {
      const { known } = columns[index]!
      if (Buffer.from(known.buffer, known.byteOffset, count).indexOf(0) >= 0) return false
    }
    return true
  }

  #runOf (variant: Variant): Run {
    return this.#runs[(variant.target === 'test' ? 0 : 2) + (variant.full ? 1 : 0)] ??= this.#compile(variant)
  }

  #compile (variant: Variant): Run {
    if (this.#codegen) {
      try {
        return generate(this.#checked, this.#link, variant)
      } catch (error) {
        if (!(error instanceof EvalError)) throw error
        this.#codegen = false
      }
    }
    return closureRun(this.#checked, this.#slots, this.#scope, this.#result)
  }

  #dictionary (batch: Batch, index: number): KeyTable {
    return index < 0 ? this.#link.keys! : (batch.columns[index] as TextColumn).dictionary
  }

  /** The dictionary behind a text result that depends on one text column alone. */
  #resultSource (batch: Batch): KeyTable | null {
    const { root } = this.#checked
    if (root.op === 'column' || root.op === 'memo') return this.#dictionary(batch, root.index)
    return root.op === 'meta' ? this.#link.keys : null
  }
}

/** The same loop by closures. */
function closureRun ({ root, slots: slotNodes }: Checked, slots: readonly Slot[], scope: Scope, result: TextResult): Run {
  const value = closureOf(root, scope)
  const args = slotNodes.map(({ arg }) => closureOf(arg, scope))
  return (batch, values, known, skip) => {
    scope.batch = batch
    slots.forEach((slot, index) => {
      for (let row = 0; row < batch.count; row += 1) if (skip === null || skip[row] === 0) slot.args[row] = args[index]!(row)!
      slot.run(batch, skip)
    })
    for (let row = 0; row < batch.count; row += 1) {
      const computed = skip !== null && skip[row] === 1 ? unknownOf(root.kind) : value(row)
      if (known === null) values[row] = computed as number
      else store(computed, root.kind, values, known, row, result)
    }
  }
}

function store (value: Value, kind: Kind, values: Float64Array | Uint8Array | Int32Array, known: Uint8Array, row: number, result: TextResult): void {
  const number = kind === 'text' ? result.ofText(value as string | null) : value as number
  known[row] = kind === 'number' ? number - number === 0 ? 1 : 0 : kind === 'bool' ? number < 2 ? 1 : 0 : number >= 0 ? 1 : 0
  if (kind === 'number') values[row] = known[row] === 1 ? number : Number.NaN
  else if (kind === 'bool') values[row] = number & 1
  else if (known[row] === 1) values[row] = number
}

/** The body reads its one text as slot 0 of a scope of its own. */
function createMemo ({ kind, body }: MemoBody): Memo {
  const texts: (string | null)[] = [null]
  const scope: Scope = { batch: null as unknown as Batch, keys: null, memos: [], slots: [{ results: texts }] }
  const compute = closureOf(withText(body), scope)
  return new Memo(kind, text => {
    texts[0] = text
    return compute(0)
  })
}

function withText (node: Node): Node {
  switch (node.op) {
    case 'column': case 'meta': return { op: 'state', kind: 'text', unit: null, slot: 0 }
    case 'call': return { ...node, args: node.args.map(withText) }
    case 'and': case 'or': return { ...node, left: withText(node.left), right: withText(node.right) }
    case 'if': return { ...node, test: withText(node.test), whenTrue: withText(node.whenTrue), whenFalse: withText(node.whenFalse) }
    default: return node
  }
}
