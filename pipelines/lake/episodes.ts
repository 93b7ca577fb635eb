import type { Batch, Column, NumberColumn } from '../core/batch.ts'
import { KeyTable } from '../core/keys.ts'
import type { LakeLayout, LakeReaderPort, LakeReadingRows } from '../core/lake-ports.ts'
import { compileExpression, type Expression } from '../expression/compile.ts'
import { checkRange } from './ask.ts'
import { labelsOf, selectKeys } from './select.ts'

/**
 * Shape: `when` a CEL condition over signals, `at`, `arrival` and `key`
 * Units: [from, to) of event time; only episodes of `longerMs` or more; readings further apart than `gapMs` (null: none are) end an episode
 */
export interface EpisodesAsk {
  readonly keys: readonly string[] | null
  readonly where: Readonly<Record<string, string>>
  readonly from: number
  readonly to: number
  readonly when: string
  readonly longerMs: number | null
  readonly gapMs: number | null
  readonly abort?: AbortSignal
}

/**
 * A stretch of readings of one device at which the condition held.
 *
 * Units: start and end event time of its first and its last reading; `count` readings at which it held
 * Shape: `min` and `max` at those, of every number that the condition looks at
 */
export interface Episode {
  readonly key: string
  readonly start: number
  readonly end: number
  readonly durationMs: number
  readonly count: number
  readonly min: Readonly<Record<string, number | null>>
  readonly max: Readonly<Record<string, number | null>>
  readonly labels: Readonly<Record<string, string | null>>
}

/**
 * When a condition held, from readings. Where it is unknown, for want of a value, an episode neither begins nor ends.
 *
 * Shape:  key by key, in order of time
 * Limits: memory for one piece of readings, and the labels of `keysMax` keys
 * Errors: EXPRESSION_*, LAKE_ASK, LAKE_UNKNOWN, LAKE_LIMIT, those of the reader
 */
export async function * episodesOf (reader: LakeReaderPort, { keys, where, from, to, when, longerMs, gapMs, abort }: EpisodesAsk): AsyncGenerator<Episode> {
  checkRange(from, to)
  const condition = new Condition(when, reader.layout)
  const selection = await selectKeys(reader, { keys, where, labels: labelsOf(reader.layout), abort })
  if (selection.keys?.length === 0) return
  const walk = new Walk(condition.numbers, gapMs)
  const complete = (spans: readonly Span[]): Episode[] => spans.filter(({ start, end }) => end - start >= (longerMs ?? 0))
    .map(({ key, start, end, count, min, max }) => ({ key, start, end, durationMs: end - start, count, min: named(condition.numbers, min), max: named(condition.numbers, max), labels: selection.labelled(key) }))
  for await (const rows of reader.readings({ keys: selection.keys, from, to, columns: condition.columns, ...abort && { signal: abort } })) {
    abort?.throwIfAborted()
    yield * complete(walk.add(rows, condition.test(rows)))
  }
  yield * complete(walk.end())
}

const named = (names: readonly string[], values: readonly number[]) => Object.fromEntries(names.map((name, index) => [name, Number.isNaN(values[index]!) ? null : values[index]!]))

/** A condition over the rows of a lake; only the columns that it reads are asked for. */
class Condition {
  readonly columns: readonly string[]
  /** Those of them that are numbers. */
  readonly numbers: readonly string[]
  readonly #expression: Expression
  readonly #keys = new KeyTable(1)
  #key = new Int32Array(0)
  #out = new Uint8Array(0)

  constructor (text: string, { signals }: LakeLayout) {
    const fields = signals.map(({ name, kind, unit }) => ({ name, kind, unit, nullable: true }))
    this.columns = [...new Set(compileExpression(text, { fields, expect: 'bool', codegen: true }).fields)]
    const read = fields.filter(({ name }) => this.columns.includes(name))
    this.columns = read.map(({ name }) => name)
    this.numbers = read.filter(({ kind }) => kind === 'number').map(({ name }) => name)
    this.#expression = compileExpression(text, { fields: read, expect: 'bool', codegen: true, keys: this.#keys })
  }

  /** 0 false, 1 true, 2 unknown, by row; valid until the next call. */
  test (rows: LakeReadingRows): Uint8Array {
    const { count, at, arrival, offset, columns, key } = rows
    if (this.#keys.find(key) < 0) {
      // What prev() and rate() remember is by key id, so another key begins with an empty mind.
      this.#keys.clear()
      this.#keys.internText(key)
      this.#expression.restore(empty(this.#expression))
    }
    if (this.#out.length < count) [this.#out, this.#key] = [new Uint8Array(count), new Int32Array(count)]
    const batch: Batch = { count, capacity: count, key: this.#key, at, arrival, position: offset, watermark: at, arrivalClock: arrival, bytes: nothing, valueStart: this.#key, valueEnd: this.#key, columns: columns as readonly Column[] }
    this.#expression.test(batch, this.#out, null)
    return this.#out
  }
}

const nothing = new Uint8Array(0)
const blank = new WeakMap<Expression, ReturnType<Expression['snapshot']>>()

/** The state of an expression that has seen nothing yet. */
function empty (expression: Expression): ReturnType<Expression['snapshot']> {
  let state = blank.get(expression)
  if (state === undefined) blank.set(expression, state = expression.snapshot())
  return state
}

interface Span { readonly key: string, readonly start: number, end: number, count: number, readonly min: number[], readonly max: number[] }

/** Finds stretches in rows that come key by key, in order of time. */
class Walk {
  readonly #numbers: readonly string[]
  readonly #gapMs: number
  #open: Span | null = null
  #key: string | null = null
  #before = Number.NaN

  constructor (numbers: readonly string[], gapMs: number | null) {
    this.#numbers = numbers
    this.#gapMs = gapMs ?? Number.POSITIVE_INFINITY
  }

  /** Spans that the rows bring to an end. */
  add ({ key, count, at, columns }: LakeReadingRows, verdicts: Uint8Array): Span[] {
    const ended: Span[] = []
    if (key !== this.#key) {
      ended.push(...this.end())
      this.#key = key
      this.#before = Number.NaN
    }
    const numbers = this.#numbers.map(name => columns.find(column => column.name === name) as NumberColumn)
    for (let row = 0; row < count; row += 1) {
      const ms = at[row]!
      const verdict = verdicts[row]!
      if (verdict === 0 || ms - this.#before > this.#gapMs) ended.push(...this.end())
      this.#before = ms
      if (verdict === 1) this.#extend(ms, numbers, row)
    }
    return ended
  }

  end (): Span[] {
    const open = this.#open
    this.#open = null
    return open === null ? [] : [open]
  }

  #extend (ms: number, numbers: readonly NumberColumn[], row: number): void {
    const open = this.#open ??= { key: this.#key!, start: ms, end: ms, count: 0, min: numbers.map(() => Number.NaN), max: numbers.map(() => Number.NaN) }
    open.end = ms
    open.count += 1
    for (let index = 0; index < numbers.length; index += 1) {
      const { values, known } = numbers[index]!
      const value = values[row]!
      if (known[row] === 0 || Number.isNaN(value)) continue
      if (!(open.min[index]! <= value)) open.min[index] = value
      if (!(open.max[index]! >= value)) open.max[index] = value
    }
  }
}
