import type { Batch } from '../core/batch.ts'
import type { KeyTable } from '../core/keys.ts'
import { numberCode } from './function-entry.ts'
import { LiteralId, type Memo, type TextResult } from './memo.ts'
import { equalsConstant } from './memoise.ts'
import { type CallNode, type Checked, children, type IfNode, type LogicNode, type Node, type Value } from './node.ts'
import type { Slot } from './remember.ts'

/** What generated code refers to by number: no name and no text of the user's stands in it. */
export interface Link {
  readonly keys: KeyTable | null
  readonly slots: readonly Slot[]
  readonly memos: readonly Memo[]
  readonly result: TextResult
  readonly functions: ((...values: never[]) => Value)[]
  readonly texts: string[]
  readonly literals: LiteralId[]
}

/** Fill `values` (and `known`) for rows 0..count-1. `known` null: `values` takes 0 false, 1 true, 2 unknown. */
export type Run = (batch: Batch, values: Float64Array | Uint8Array | Int32Array, known: Uint8Array | null, skip: Uint8Array | null) => void

export interface Variant {
  /** `test`: one byte per row; `evaluate`: a column. */
  readonly target: 'test' | 'evaluate'
  /** Every column read is known in every row of the batch, and no row is skipped. */
  readonly full: boolean
}

/**
 * One loop over the rows of a batch, as JavaScript made from the checked expression.
 *
 * Limits: constants are numbers re-encoded or elements of `link.texts`; every other word of the code is ours
 * Errors: EvalError where the host forbids code generation
 */
export function generate (checked: Checked, link: Link, variant: Variant): Run {
  const code = new Generator(checked, link, variant).code()
  return (new Function('link', `'use strict'\n${code}`) as (link: Link) => Run)(link)
}

class Generator {
  readonly #checked: Checked
  readonly #link: Link
  readonly #variant: Variant
  readonly #setup: string[] = []
  readonly #head: string[] = []
  readonly #loops: string[] = []
  #row: string[] = []
  #names = 0

  constructor (checked: Checked, link: Link, variant: Variant) {
    this.#checked = checked
    this.#link = link
    this.#variant = variant
  }

  code (): string {
    const { memos, slots } = this.#checked
    const loads = this.#columns()
    memos.forEach((_, memo) => { this.#head.push(`const m${memo} = link.memos[${memo}].values`) })
    slots.forEach(({ arg, kind }, slot) => {
      this.#head.push(`const s${slot} = link.slots[${slot}], a${slot} = s${slot}.args, o${slot} = s${slot}.results`)
      this.#row = [...loads]
      this.#row.push(`a${slot}[row] = ${kind === 'text' ? this.#text(arg) : this.#value(arg)}`)
      this.#loop('continue')
      this.#loops.push(`s${slot}.run(batch, skip)`)
    })
    this.#row = [...loads]
    this.#store()
    this.#loop(this.#variant.target === 'test' ? '{ values[row] = 2; continue }' : `{ ${this.#checked.root.kind === 'number' ? 'values[row] = NaN; ' : ''}known[row] = 0; continue }`)
    return `${this.#setup.join('\n')}
return (batch, values, known, skip) => {
const { count, key, at, arrival, columns } = batch
${this.#head.join('\n')}
${this.#loops.join('\n')}
}`
  }

  #loop (skipped: string): void {
    const skip = this.#variant.full ? '' : `if (skip !== null && skip[row] === 1) ${skipped}\n`
    this.#loops.push(`for (let row = 0; row < count; row += 1) {\n${skip}${this.#row.join('\n')}\n}`)
  }

  /** Each column read is loaded once per row: NaN, 2 or id -1 where unknown. */
  #columns (): string[] {
    const { full } = this.#variant
    const loads: string[] = []
    const indexes = new Set(this.#checked.columns)
    for (const index of indexes) {
      const kind = kindOfColumn(this.#checked, index)
      this.#head.push(`const c${index} = columns[${index}].values, k${index} = columns[${index}].known`)
      if (kind === 'present') continue
      if (kind === 'text') this.#head.push(`const d${index} = columns[${index}].dictionary`)
      const unknown = kind === 'number' ? 'NaN' : kind === 'bool' ? '2' : '-1'
      loads.push(full ? `const v${index} = c${index}[row]` : `const v${index} = k${index}[row] === 1 ? c${index}[row] : ${unknown}`)
    }
    return loads
  }

  #store (): void {
    const { root } = this.#checked
    if (this.#variant.target === 'test') {
      this.#row.push(`values[row] = ${this.#value(root)}`)
    } else if (root.kind === 'number') {
      const value = this.#bind(this.#value(root))
      this.#row.push(`if (${value} - ${value} === 0) { values[row] = ${value}; known[row] = 1 } else { values[row] = NaN; known[row] = 0 }`)
    } else if (root.kind === 'bool') {
      const value = this.#bind(this.#value(root))
      this.#row.push(`values[row] = ${value} & 1; known[row] = ${value} < 2 ? 1 : 0`)
    } else {
      this.#setup.push('const result = link.result')
      const source = this.#textId(root)
      const text = this.#text(root)
      const id = this.#bind(source === null ? `result.ofText(${text})` : `${source} < 0 ? result.ofText(${text}) : result.ofId(${source}, ${text})`)
      this.#row.push(`if (${id} >= 0) { values[row] = ${id}; known[row] = 1 } else known[row] = 0`)
    }
  }

  /** The id in its source dictionary of a text that depends on one column alone. */
  #textId (node: Node): string | null {
    if (node.op === 'column') return `v${node.index}`
    if (node.op === 'memo') return node.index < 0 ? 'key[row]' : `v${node.index}`
    return node.op === 'meta' ? 'key[row]' : null
  }

  /** A name or literal for a number or bool. */
  #value (node: Node): string {
    switch (node.op) {
      case 'constant': return numberCode(node.value as number)
      case 'column': return `v${node.index}`
      case 'meta': return this.#bind(`${node.name}[row]`)
      case 'present': return this.#bind(`k${node.index}[row]`)
      case 'state': return this.#bind(`o${node.slot}[row]`)
      case 'memo': return this.#bind(this.#memo(node.memo, node.index))
      case 'call': return this.#bind(this.#call(node))
      case 'and': case 'or': return this.#logic(node)
      case 'if': return this.#choice(node, other => this.#value(other), node.kind === 'number' ? 'NaN' : '2')
    }
  }

  /** A name or expression for a text or null. */
  #text (node: Node): string {
    switch (node.op) {
      case 'constant': return node.value === null ? 'null' : `link.texts[${this.#link.texts.push(node.value as string) - 1}]`
      case 'column': return this.#bind(`v${node.index} < 0 ? null : d${node.index}.text(v${node.index})`)
      case 'meta': return this.#bind('link.keys.text(key[row])')
      case 'state': return this.#bind(`o${node.slot}[row]`)
      case 'memo': return this.#bind(this.#memo(node.memo, node.index))
      case 'call': return this.#bind(this.#call(node))
      case 'if': return this.#choice(node, other => this.#text(other), 'null')
      default: throw new Error('a text cannot come from here')
    }
  }

  #memo (memo: number, index: number): string {
    return index < 0 ? `m${memo}[key[row] + 1]` : `m${memo}[v${index} + 1]`
  }

  #call (node: CallNode): string {
    const same = equalsConstant(node)
    if (same !== null) {
      const literal = this.#literal(same.index, same.text)
      return `v${same.index} < 0 ? 2 : v${same.index} ${same.equal ? '===' : '!=='} ${literal} ? 1 : 0`
    }
    if (node.pure.name === 'known' && node.args[0]!.op === 'column' && node.args[0]!.kind === 'text') return `v${node.args[0]!.index} < 0 ? 0 : 1`
    const args = node.args.map(arg => arg.kind === 'text' ? this.#text(arg) : this.#value(arg))
    if (node.pure.code !== undefined) return node.pure.code(...args)
    const index = this.#link.functions.push(node.pure.apply) - 1
    this.#setup.push(`const f${index} = link.functions[${index}]`)
    return `f${index}(${args.join(', ')})`
  }

  #literal (index: number, text: string): string {
    let at = this.#link.literals.findIndex(literal => literal.index === index && literal.text === text)
    if (at < 0) at = this.#link.literals.push(new LiteralId(index, text)) - 1
    const name = `l${this.#name()}`
    this.#head.push(`const ${name} = link.literals[${at}].id`)
    return name
  }

  /** Kleene: the right side is looked at unless the left one decides. */
  #logic (node: LogicNode): string {
    const decisive = node.op === 'and' ? 0 : 1
    const left = this.#value(node.left)
    const result = `t${this.#name()}`
    this.#row.push(`let ${result} = ${left}`, `if (${result} !== ${decisive}) {`)
    const right = this.#value(node.right)
    this.#row.push(`${result} = ${result} === 2 && ${right} !== ${decisive} ? 2 : ${right}`, '}')
    return result
  }

  #choice (node: IfNode, value: (node: Node) => string, unknown: string): string {
    const test = this.#value(node.test)
    const result = `t${this.#name()}`
    this.#row.push(`let ${result} = ${unknown}`, `if (${test} === 1) {`)
    this.#row.push(`${result} = ${value(node.whenTrue)}`, `} else if (${test} === 0) {`)
    this.#row.push(`${result} = ${value(node.whenFalse)}`, '}')
    return result
  }

  #bind (code: string): string {
    const name = `t${this.#name()}`
    this.#row.push(`const ${name} = ${code}`)
    return name
  }

  #name (): number { return this.#names += 1 }
}

/** The kind under which a column is read; `present` when only known(x) of a value without a dense form asks. */
function kindOfColumn ({ root, slots, memos }: Checked, index: number): 'number' | 'bool' | 'text' | 'present' {
  const find = (node: Node): 'number' | 'bool' | 'text' | 'present' | null => {
    if (node.op === 'column' && node.index === index) return node.kind
    if (node.op === 'present' && node.index === index) return 'present'
    for (const child of children(node)) {
      const found = find(child)
      if (found !== null) return found
    }
    return null
  }
  if (memos.some(memo => memo.index === index)) return 'text'
  for (const node of [root, ...slots.map(({ arg }) => arg)]) {
    const found = find(node)
    if (found !== null) return found
  }
  return 'present'
}
