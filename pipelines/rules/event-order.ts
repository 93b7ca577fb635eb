import type { Batch } from '../core/batch.ts'
import { errorText } from '../core/errors.ts'
import { grown, type KeyTable } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'
import type { Moment, RuleStage } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import type { ExpressionField } from '../expression/compile.ts'
import type { RuleInput } from './input.ts'
import { MomentHeap } from './moment-heap.ts'
import { RowStore } from './row-store.ts'

interface EventOrderOptions {
  readonly keys: KeyTable
  readonly number: number
  readonly fields: readonly ExpressionField[]
  /** Columns that some rule reads; the others are not kept. */
  readonly wanted: ReadonlySet<string>
  readonly rowsMax: number
  /** Filled by each `process` and `advance`. */
  readonly input: RuleInput
}

/**
 * Holds readings until the watermark has passed them (`at` < watermark) and hands them on in order of event time, for all
 * rules with `order: event` together. Readings of one time keep the order of the log.
 *
 * State:  the readings that wait, at most `rowsMax`, and event time of the last one handed on by key id. It survives any change
 *         of rules; a column that no rule wanted when a reading came is unknown in it
 * Late:   a reading behind the last one handed on of its key changes nothing and is counted as `rule.out-of-order`
 * Limits: beyond `rowsMax` a reading is dead-lettered for these rules, RULE_REORDER_FULL
 */
export class EventOrder implements RuleStage {
  readonly name = 'rules.event-order'
  readonly hash = 'rules.event-order/1'
  readonly number: number
  readonly window = null
  readonly registryTable = null
  readonly #options: EventOrderOptions
  readonly #input: RuleInput
  readonly #waiting: RowStore
  readonly #ready: RowStore
  readonly #heap: MomentHeap
  #free: number[] = []
  #slots = 0
  #lastAt = new Float64Array(0)

  constructor (options: EventOrderOptions) {
    const { fields, wanted, number, input } = options
    this.#options = options
    this.number = number
    const waiting = new RowStore(fields, wanted)
    this.#waiting = waiting
    this.#ready = new RowStore(fields, wanted)
    this.#ready.share(waiting)
    this.#heap = new MomentHeap(slot => waiting.batch.position[slot]!)
    this.#input = input
    this.#input.rows = this.#ready.batch
  }

  process (batch: Batch, out: Outputs): void {
    this.#begin()
    const { position, arrival, watermark, count } = batch
    for (let row = 0; row < count; row += 1) {
      if (this.#heap.size < this.#options.rowsMax) this.#keep(batch, row)
      else this.#refuse(batch, row, out)
      this.#hand(watermark[row]!, position[row]!, arrival[row]!, out)
    }
  }

  advance ({ watermark, position, arrivalClock }: Moment, out: Outputs): void {
    this.#begin()
    this.#hand(watermark, position, arrivalClock, out)
  }

  drain (moment: Moment, out: Outputs): void { this.advance({ ...moment, watermark: Number.POSITIVE_INFINITY }, out) }
  registry (): void {}

  snapshot (): StateTree {
    const { position } = this.#waiting.batch
    const slots = this.#heap.entries().sort((a, b) => position[a]! - position[b]!)
    return { lastAt: this.#lastAt.slice(0, this.#options.keys.size), waiting: this.#waiting.snapshot(slots) }
  }

  restore (state: StateTree): void {
    this.#lastAt = (state.lastAt as Float64Array).slice()
    this.#heap.clear()
    this.#free = []
    this.#slots = this.#waiting.restore(state.waiting as StateTree)
    this.#ready.share(this.#waiting)
    for (let slot = 0; slot < this.#slots; slot += 1) this.#heap.push(slot, this.#waiting.batch.at[slot]!)
  }

  /** The rows handed on before have been seen by every rule. */
  #begin (): void {
    this.#input.rows.count = 0
    this.#waiting.compact(this.#heap, this.#ready)
    const keyCount = this.#options.keys.size
    if (keyCount > this.#lastAt.length) this.#lastAt = grown(this.#lastAt, keyCount).fill(Number.NEGATIVE_INFINITY, this.#lastAt.length)
  }

  #keep (batch: Batch, row: number): void {
    let slot = this.#free.pop()
    if (slot === undefined) {
      slot = this.#slots
      this.#slots += 1
      this.#waiting.ensure(this.#slots)
    }
    this.#waiting.copy(batch, row, slot)
    this.#heap.push(slot, batch.at[row]!)
  }

  #hand (watermark: number, causePosition: number, causeArrival: number, out: Outputs): void {
    const input = this.#input
    const { batch: waiting } = this.#waiting
    const heap = this.#heap
    while (heap.next < watermark) {
      const slot = heap.top
      heap.pop()
      this.#free.push(slot)
      const key = waiting.key[slot]!
      if (waiting.at[slot]! < this.#lastAt[key]!) {
        out.count('rule.out-of-order')
        continue
      }
      this.#lastAt[key] = waiting.at[slot]!
      const row = input.rows.count
      this.#ready.ensure(row + 1)
      this.#ready.copy(waiting, slot, row)
      input.rows.count = row + 1
      if (row >= input.causePosition.length) {
        input.causePosition = grown(input.causePosition, row + 1)
        input.causeArrival = grown(input.causeArrival, row + 1)
      }
      input.causePosition[row] = causePosition
      input.causeArrival[row] = causeArrival
    }
  }

  #refuse (batch: Batch, row: number, out: Outputs): void {
    const { keys, rowsMax, number } = this.#options
    const key = batch.key[row]!
    out.deadLetters.push({
      position: batch.position[row]!,
      stage: number,
      step: 'rule',
      reason: 'RULE_REORDER_FULL',
      message: errorText('RULE_REORDER_FULL', { key: keys.text(key), rowsMax }),
      arrival: batch.arrival[row]!,
      schemaId: null,
      key: keys.bytes(key).slice(),
      value: batch.bytes.slice(batch.valueStart[row], batch.valueEnd[row]),
      headers: [],
    })
  }
}
