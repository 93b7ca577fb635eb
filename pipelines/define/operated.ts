import { type Batch, type Column, createColumn } from '../core/batch.ts'
import { StreamError } from '../core/errors.ts'
import { hashText } from '../core/hash.ts'
import type { JournalContent } from '../core/journal.ts'
import type { KeyTable } from '../core/keys.ts'
import type { Operator, OperatorSpec } from '../core/operator.ts'
import type { Outputs } from '../core/outputs.ts'
import type { SignalSpec } from '../core/spec.ts'
import type { JournalSink, NormaliseStage } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'

/** A written column's dictionary is made anew, between batches, beyond this. */
const textsMax = 1 << 16

interface Step { readonly name: string, readonly operator: Operator, readonly reads: readonly number[], readonly writes: readonly number[] }

/** Normalise with the user's operators behind it: to the runtime the two are one stage. */
export function operated (inner: NormaliseStage, { operators, signals, keys }: { readonly operators: readonly OperatorSpec[], readonly signals: readonly SignalSpec[], readonly keys: KeyTable }): NormaliseStage {
  return operators.length === 0 ? inner : new Operated(inner, operators, { signals, keys })
}

class Operated implements NormaliseStage {
  readonly name: string
  readonly hash: string
  readonly number: number
  readonly #inner: NormaliseStage
  readonly #signals: readonly SignalSpec[]
  readonly #steps: readonly Step[]
  /** Columns that operators fill, by the signal's place; the others are those of normalise. */
  readonly #own: (Column | null)[]
  #capacity = 0

  constructor (inner: NormaliseStage, operators: readonly OperatorSpec[], { signals, keys }: { readonly signals: readonly SignalSpec[], readonly keys: KeyTable }) {
    this.#inner = inner
    this.name = inner.name
    this.number = inner.number
    this.hash = hashText([inner.hash, ...operators.map(({ name, reads, writes, create }) => `${name} ${reads.join()} ${writes.join()} ${String(create)}`)].join('\n'))
    this.#signals = signals
    const placeOf = (name: string) => signals.findIndex(signal => signal.name === name)
    this.#steps = operators.map(({ name, reads, writes, create }) => ({
      name,
      operator: guarded(name, () => create({ keys, reads: reads.map(read => signals[placeOf(read)]!), writes: writes.map(write => signals[placeOf(write)]!) })),
      reads: reads.map(placeOf),
      writes: writes.map(placeOf),
    }))
    this.#own = signals.map(() => null)
  }

  get tables () { return this.#inner.tables }
  lookup (entry: JournalContent & { kind: 'lookup' }): void { this.#inner.lookup(entry) }

  process (batch: Batch, out: Outputs, journal: JournalSink | null): Batch {
    const given = this.#inner.process(batch, out, journal)
    if (given.count === 0) return given
    this.#prepare(given)
    const columns = given.columns.map((column, index) => this.#own[index] ?? column)
    const result = { ...given, columns }
    for (const { name, operator, reads, writes } of this.#steps) {
      guarded(name, () => { operator.process(result, { reads: reads.map(index => columns[index]!), writes: writes.map(index => columns[index]!) }) })
    }
    return result
  }

  snapshot (): StateTree {
    return { normalise: this.#inner.snapshot(), operators: Object.fromEntries(this.#steps.map(({ name, operator }) => [name, guarded(name, () => operator.snapshot())])) }
  }

  restore (state: StateTree): void {
    this.#inner.restore(state.normalise as StateTree)
    const states = state.operators as StateTree
    for (const { name, operator } of this.#steps) guarded(name, () => { operator.restore(states[name] as StateTree) })
  }

  /** Room for the batch in every written column, and nothing known in it yet. */
  #prepare ({ capacity, count }: Batch): void {
    const grow = capacity > this.#capacity
    this.#capacity = Math.max(capacity, this.#capacity)
    for (const index of new Set(this.#steps.flatMap(({ writes }) => writes))) {
      const column = this.#own[index] ?? null
      if (column === null || grow || (column.kind === 'text' && column.dictionary.size > textsMax)) this.#own[index] = createColumn(this.#signals[index]!, this.#capacity)
      else column.known.fill(0, 0, count)
    }
  }
}

/** Errors: OPERATOR_FAILED with what the user's code threw as its cause */
function guarded<T> (operator: string, run: () => T): T {
  try { return run() } catch (cause) {
    throw new StreamError('OPERATOR_FAILED', { operator, problem: cause instanceof Error ? cause.message : String(cause) }, { cause })
  }
}
