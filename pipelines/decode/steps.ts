import type { Column, NumberColumn, TextColumn, ValueColumn } from '../core/batch.ts'
import type { KeyTable } from '../core/keys.ts'
import { type Cursor, divided, pass, readIndex, readLength } from './cursor.ts'
import { unscaledOf, uuidTextBytes, writeNumber, writeUuid } from './logical.ts'
import { Poison, pause, poison, refuse } from './poison.ts'
import type { Step, Target } from './project.ts'
import { readNumber, reader } from './read.ts'
import type { Plan } from './resolve.ts'
import { skipper } from './skip.ts'

/** Where decoded values go. */
export interface Sinks {
  readonly columns: readonly Column[]
  readonly keys: KeyTable
  readonly unitMs: number
  /** Ids of enum symbols and defaults in their column's dictionary, -1 until interned; to be reset when a dictionary is cleared. */
  readonly caches: Int32Array[]
  readonly scratch: Uint8Array
  readonly scratchView: DataView
}

/** Does its part of one row; `c.at` moves. Errors: throws Poison */
export type StepRun = (c: Cursor, row: number) => void

const full = new Poison(pause.dictionaryFull)
const encoder = new TextEncoder()

/** Name of the field in the high bits; 0: none. */
export const failure = (code: number, name: number) => code | (name + 1) << 8

/**
 * The steps of a projection as closures: for what generated code does not spell out, and for all of it where code
 * generation is forbidden. Both must give the same rows and the same poison.
 */
export function runSteps (steps: readonly Step[], sinks: Sinks): StepRun {
  const runs = steps.map(step => runStep(step, sinks))
  const names = steps.map(step => step.name)
  return (c, row) => {
    for (let i = 0; i < runs.length; i += 1) {
      c.name = names[i]!
      runs[i]!(c, row)
    }
  }
}

function runStep (step: Step, sinks: Sinks): StepRun {
  switch (step.do) {
    case 'pass': return c => { pass(c, step.bytes) }
    case 'skip': return skipper(step.type)
    case 'refuse': return () => refuse(poison.unresolved)
    case 'fill': return fill(step.target, step.value, sinks)
    case 'store': return store(step.target, step.plan, sinks)
    case 'choose': {
      const branches = step.branches.map(branch => runSteps(branch, sinks))
      return (c, row) => branches[readIndex(c, branches.length)]!(c, row)
    }
  }
}

/** Run a closure from generated code: the failure instead of an exception, which would lose the loop's place. */
export function guarded (run: StepRun): (c: Cursor, row: number) => number {
  return (c, row) => {
    try { run(c, row); return 0 } catch (problem) {
      if (problem instanceof Poison) return failure(problem.code, c.name)
      throw problem
    }
  }
}

function store (target: Target, plan: Plan, sinks: Sinks): StepRun {
  const column = target.column < 0 ? null : sinks.columns[target.column]!
  switch (target.kind) {
    case 'number': return storeNumber(target, plan, column as NumberColumn | null, sinks)
    case 'text': return target.key ? keyText(plan, sinks) : storeText(plan, column as TextColumn, sinks)
    case 'bool': return (c, row) => {
      const value = c.bytes[pass(c, 1)] === 1
      if (column?.kind === 'bool') { column.values[row] = value ? 1 : 0; column.known[row] = 1 }
      if (target.key) setFixed(c, boolTexts[value ? 1 : 0]!)
    }
    case 'value': return storeValue(reader(plan), column as ValueColumn)
  }
}
const boolTexts = [fixedText('false'), fixedText('true')]

function storeValue (read: (c: Cursor) => unknown, column: ValueColumn): StepRun {
  return (c, row) => {
    const value = read(c)
    column.values[row] = value
    column.known[row] = value === null ? 0 : 1
  }
}

function storeNumber (target: Target, plan: Plan, column: NumberColumn | null, sinks: Sinks): StepRun {
  const read = plan.do === 'number' ? (c: Cursor) => readNumber(c, plan) : (c: Cursor) => readDecimal(c, plan as Plan & { do: 'decimal' })
  const mustBeSafe = plan.do === 'number' && plan.from === 'long' && plan.to === 'long' && plan.time === null
  const exact = mustBeSafe && timeDivisor(sinks.unitMs) > 1
  return (c, row) => {
    const value = read(c) + 0
    if (target.time) c.time = exact ? divided(c, value, timeDivisor(sinks.unitMs)) : scaledTime(value, sinks.unitMs)
    else if (value - value !== 0) refuse(poison.notFinite)
    else if (mustBeSafe && !Number.isSafeInteger(value)) refuse(poison.unsafe)
    if (column !== null) { column.values[row] = value; column.known[row] = 1 }
    if (target.key) setKey(c, sinks.scratch, sinks.scratchView, writeNumber(value, sinks.scratch))
  }
}

/** Units below a millisecond divide: multiplying by 0.001 would miss whole milliseconds by a bit. */
export const timeDivisor = (unitMs: number) => unitMs < 1 ? Math.round(1 / unitMs) : 1
export const scaledTime = (value: number, unitMs: number) => unitMs < 1 ? value / timeDivisor(unitMs) : value * unitMs

function readDecimal (c: Cursor, plan: Plan & { readonly do: 'decimal' }): number {
  const length = plan.size ?? readLength(c, true)
  const unscaled = unscaledOf(c.bytes, pass(c, length), length)
  const value = Number(unscaled)
  if (!Number.isSafeInteger(value)) refuse(poison.unsafe)
  return value / 10 ** plan.scale
}

function setKey (c: Cursor, bytes: Uint8Array, view: DataView, length: number): void {
  c.keyBytes = bytes
  c.keyView = view
  c.keyStart = 0
  c.keyLength = length
}

interface FixedText { readonly bytes: Uint8Array, readonly view: DataView }
function fixedText (text: string): FixedText {
  const bytes = encoder.encode(text)
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }
}
const setFixed = (c: Cursor, { bytes, view }: FixedText) => setKey(c, bytes, view, bytes.length)

/** The key's text is interned when the whole record has proved sound; its column shares the task's key table. */
function keyText (plan: Plan, { scratch, scratchView }: Sinks): StepRun {
  if (plan.do === 'uuid') return c => { writeUuid(c.bytes, pass(c, 16), scratch); setKey(c, scratch, scratchView, uuidTextBytes) }
  if (plan.do === 'enum') {
    const symbols = plan.symbols.map(symbol => symbol === null ? null : fixedText(symbol))
    return c => setFixed(c, symbols[readIndex(c, symbols.length)] ?? refuse(poison.unresolved))
  }
  return c => {
    const length = readLength(c, true)
    c.keyStart = pass(c, length)
    c.keyLength = length
    c.keyBytes = c.bytes
    c.keyView = c.view
  }
}

function storeText (plan: Plan, column: TextColumn, sinks: Sinks): StepRun {
  const put = (row: number, id: number) => {
    if (id < 0) throw id === -1 ? full : refuse(poison.utf8)
    column.values[row] = id
    column.known[row] = 1
  }
  if (plan.do === 'uuid') return (c, row) => { writeUuid(c.bytes, pass(c, 16), sinks.scratch); put(row, column.dictionary.internUtf8(sinks.scratch, sinks.scratchView, 0, uuidTextBytes)) }
  if (plan.do === 'enum') {
    const find = symbolIds(plan.symbols, column, sinks)
    return (c, row) => {
      const index = readIndex(c, plan.symbols.length)
      if (plan.symbols[index] === null) refuse(poison.unresolved)
      put(row, find(index))
    }
  }
  return (c, row) => {
    const length = readLength(c, true)
    put(row, column.dictionary.internUtf8(c.bytes, c.view, pass(c, length), length))
  }
}

/** Dictionary ids of fixed texts, interned at first use. */
export function symbolIds (texts: readonly (string | null)[], column: TextColumn, sinks: Sinks): (index: number) => number {
  const ids = new Int32Array(texts.length).fill(-1)
  sinks.caches.push(ids)
  return index => {
    if (ids[index]! < 0) ids[index] = column.dictionary.internText(texts[index]!)
    return ids[index]!
  }
}

function fill (target: Target, value: unknown, sinks: Sinks): StepRun {
  const column = target.column < 0 || (target.key && target.kind === 'text') ? null : sinks.columns[target.column]!
  const find = column?.kind === 'text' && value !== null ? symbolIds([value as string], column, sinks) : null
  const key = target.key && value !== null ? fixedText(String(value)) : null
  const time = target.time && value !== null ? scaledTime(value as number, sinks.unitMs) : null
  return (c, row) => {
    if (key !== null) setFixed(c, key)
    if (time !== null) c.time = time
    if (column === null) return
    column.known[row] = value === null ? 0 : 1
    switch (column.kind) {
      case 'number': column.values[row] = value === null ? Number.NaN : value as number; break
      case 'bool': column.values[row] = value === true ? 1 : 0; break
      case 'value': column.values[row] = value; break
      case 'text': {
        const id = find === null ? 0 : find(0)
        if (id < 0) throw full
        column.values[row] = id
      }
    }
  }
}
