import { canonicalJson, hashText } from '../core/hash.ts'
import { grown } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'
import type { RuleSpec } from '../core/spec.ts'
import type { Moment, RuleStage } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import type { WindowBatch } from '../core/window-batch.ts'
import type { Batch } from '../core/batch.ts'
import { compileExpression, type Expression, type ExpressionField } from '../expression/compile.ts'
import { AlertBook, type Change } from './alert-book.ts'
import { type EventColumns, eventColumns, labelsAt, valuesAt } from './columns.ts'
import { factsOf } from './facts.ts'
import type { RuleInput } from './input.ts'
import { answers, LifeCycle, phases } from './life-cycle.ts'
import type { RuleStageOptions } from './options.ts'

export interface ConditionRuleOptions {
  readonly spec: RuleSpec & { readonly when: string }
  readonly shared: RuleStageOptions
  readonly fields: readonly ExpressionField[]
  readonly number: number
  readonly input: RuleInput
}

/**
 * A rule with a condition, on readings or on windows.
 *
 * Shape:  rows -> raised and cleared events; a row changes the episode of its key at most once
 * State:  see LifeCycle and AlertBook, and what `prev` and `rate` remember
 * Late:   what the order stage marks changes nothing
 * Limits: keys are bounded by the task's key table
 * Source: architecture section 5, Rules. bench/rules.ts measures what one more rule costs per row
 *
 * `missing` speaks of the alarm: under `false` an unknown `when` is false and an unknown `clear` true, under `true` the
 * other way round, under `hold` the row is as if it had not come. While no key is away from idle only true answers are
 * looked at, four rows at a time; `clear` is evaluated from the first row on that finds its key firing.
 */
export class ConditionRule implements RuleStage {
  readonly name: string
  readonly hash: string
  readonly number: number
  readonly window: string | null
  readonly registryTable: string | null
  readonly input: RuleInput
  /** Columns that its conditions and events read. */
  readonly reads: readonly string[]
  readonly #spec: RuleSpec
  readonly #shared: RuleStageOptions
  readonly #when: Expression
  readonly #clear: Expression | null
  readonly #columns: EventColumns
  readonly #life: LifeCycle
  readonly #book: AlertBook
  /** What an answer of `when` and of `clear` means here, by 0 false, 1 true, 2 unknown. */
  readonly #meansAlarm: Uint8Array
  readonly #meansOver: Uint8Array
  /** Four answers any of which may begin something: a mask over a word of them. */
  readonly #beginMask: number
  #answers = new Uint8Array(256)
  #words = new Int32Array(this.#answers.buffer)
  #clearAnswers = new Uint8Array(0)
  #clearReady = false

  constructor ({ spec, shared, fields, number, input }: ConditionRuleOptions) {
    this.name = `rule.${spec.name}`
    this.number = number
    this.window = spec.window
    this.registryTable = spec.registry
    this.#spec = spec
    this.#shared = shared
    this.input = input
    this.#when = compileExpression(spec.when, { fields, expect: 'bool', codegen: shared.codegen, keys: shared.keys })
    this.#clear = spec.clear === null ? null : compileExpression(spec.clear, { fields, expect: 'bool', codegen: shared.codegen, keys: shared.keys })
    this.#columns = eventColumns(spec, fields, [...this.#when.fields, ...this.#clear?.fields ?? []])
    this.reads = [...this.#columns.values, ...this.#columns.labels].map(column => column.name)
    this.#life = new LifeCycle(spec)
    this.#book = new AlertBook(factsOf(spec, shared), number, shared.keys)
    const { hold } = answers
    this.#meansAlarm = Uint8Array.of(0, 1, spec.missing === 'hold' ? hold : spec.missing === 'true' ? 1 : 0)
    this.#meansOver = Uint8Array.of(0, 1, spec.missing === 'hold' ? hold : spec.missing === 'true' ? 0 : 1)
    this.#beginMask = spec.missing === 'true' ? 0x03030303 : 0x01010101
    const { when, clear, forMs, forCount, gapMs, keepFiringMs, atLeast, missing, window, early, order } = spec
    const judged = [this.#when, this.#clear].flatMap(expression => expression?.fields ?? [])
    this.hash = hashText(canonicalJson({ when, clear, forMs, forCount, gapMs, keepFiringMs, atLeast, missing, window, early, order, fields: fields.filter(({ name }) => judged.includes(name)) }))
  }

  process (_: Batch, out: Outputs): void { this.#run(this.input, out) }

  advance (_: Moment, out: Outputs): void { if (this.#spec.order === 'event') this.#run(this.input, out) }

  drain (moment: Moment, out: Outputs): void { this.advance(moment, out) }

  registry (key: string, present: boolean, moment: Moment, out: Outputs): void {
    const id = present ? -1 : this.#shared.keys.find(key)
    if (id < 0) return
    if (this.#book.has(id)) this.#book.clearFor(id, 'removed', moment, out)
    this.#life.forget(id)
  }

  snapshot (): StateTree {
    return { life: this.#life.snapshot(), book: this.#book.snapshot(), when: this.#when.snapshot(), clear: this.#clear?.snapshot() ?? null }
  }

  /** Takes a snapshot of the same hash, or what `retireRule` left of another's. */
  restore (state: StateTree): void {
    this.#book.restore(state.book as StateTree)
    if (state.life) this.#life.restore(state.life as StateTree)
    if (state.when) this.#when.restore(state.when as StateTree)
    if (state.clear) this.#clear?.restore(state.clear as StateTree)
  }

  #run (input: RuleInput, out: Outputs): void {
    const { rows, skip } = input
    const { count } = rows
    if (count === 0) return
    this.#life.ensure(this.#shared.keys.size)
    this.#makeRoom(count)
    const answer = this.#answers
    this.#when.test(rows, answer, skip)
    this.#clearReady = false
    if (this.#clear?.stateful) this.#evaluateClear(input)
    answer.fill(0, count, (count + 3) & ~3)
    const from = this.#quiet(count)
    if (from < count) this.#judge(input, from, out)
  }

  /** The first row that may matter while no key is away from idle, four rows at a time. */
  #quiet (count: number): number {
    if (this.#life.active > 0) return 0
    const words = this.#words
    const mask = this.#beginMask
    for (let word = 0, end = (count + 3) >> 2; word < end; word += 1) if ((words[word]! & mask) !== 0) return word * 4
    return count
  }

  /** Four rows at a time, since most matter to no alert. `from` is a multiple of four. */
  #judge (input: RuleInput, from: number, out: Outputs): void {
    const { rows: { count, key }, skip } = input
    const answer = this.#answers
    const words = this.#words
    const { phase } = this.#life
    const mask = this.#beginMask
    const begins = mask & 3
    for (let first = from; first < count; first += 4) {
      const end = first + 4
      if (end <= count && ((words[first >> 2]! & mask) | phase[key[first]!]! | phase[key[first + 1]!]! | phase[key[first + 2]!]! | phase[key[first + 3]!]!) === 0) continue
      for (let row = first; row < end && row < count; row += 1) {
        if (((answer[row]! & begins) | phase[key[row]!]!) === 0) continue
        if (skip === null || skip[row] === 0) this.#step(input, row, answer[row]!, out)
      }
    }
  }

  #step (input: RuleInput, row: number, given: number, out: Outputs): void {
    const life = this.#life
    const { rows } = input
    const key = rows.key[row]!
    const at = rows.at[row]!
    const again = this.#spec.early && life.sameWindow(key, (rows as WindowBatch).start[row]!, (rows as WindowBatch).end[row]!)
    const own = this.#meansAlarm[given]!
    const answer = life.together(key, own, again)
    if (life.phase[key]! < phases.firing) {
      if (!life.begin(key, answer, own, at, rows.position[row]!, again)) return
      this.#book.raise(this.#change(input, row), `${life.beginPosition}@${life.beginAt}`, labelsAt(rows, row, this.#columns), out)
      return
    }
    const over = this.#clear === null ? (answer === answers.hold ? answer : answer ^ 1) : this.#meansOver[this.#clearAnswer(input, row)]!
    if (life.end(key, over, at)) this.#book.clear(this.#change(input, row), null, out)
  }

  #clearAnswer (input: RuleInput, row: number): number {
    if (!this.#clearReady) this.#evaluateClear(input)
    return this.#clearAnswers[row]!
  }

  #evaluateClear ({ rows, skip }: RuleInput): void {
    if (rows.count > this.#clearAnswers.length) this.#clearAnswers = grown(this.#clearAnswers, rows.count)
    this.#clear!.test(rows, this.#clearAnswers, skip)
    this.#clearReady = true
  }

  #makeRoom (count: number): void {
    if (count <= this.#answers.length) return
    this.#answers = new Uint8Array((Math.max(count, this.#answers.length * 2) + 3) & ~3)
    this.#words = new Int32Array(this.#answers.buffer)
  }

  #change ({ rows, causePosition, causeArrival }: RuleInput, row: number): Change {
    const columns = this.#columns
    const key = rows.key[row]!
    const values = valuesAt(rows, row, columns)
    return {
      key,
      position: causePosition[row]!,
      arrivedAt: causeArrival[row]!,
      at: rows.at[row]!,
      offset: rows.position[row]!,
      values,
      units: columns.units,
      window: this.window === null ? null : windowOf(this.window, rows as WindowBatch, row),
      summary: columns.summary && (labels => columns.summary!.render({ key: this.#shared.keys.text(key), values, labels })),
    }
  }
}

function windowOf (name: string, { start, end, revision, expected, received }: WindowBatch, row: number): Change['window'] {
  return { name, start: start[row]!, end: end[row]!, revision: revision[row]!, expected: Number.isNaN(expected[row]!) ? null : expected[row]!, received: received[row]! }
}
