import type { Batch } from '../core/batch.ts'
import { grown, type KeyTable } from '../core/keys.ts'
import type { Outputs } from '../core/outputs.ts'
import type { RuleStage } from '../core/stage.ts'
import type { StateTree } from '../core/state.ts'
import type { WindowBatch } from '../core/window-batch.ts'
import type { RuleInput } from './input.ts'

interface ArrivalOrderOptions {
  readonly keys: KeyTable
  readonly number: number
  /** Null: readings. */
  readonly window: string | null
  /** Also results of windows that are still open. */
  readonly early: boolean
  /** Filled by each `process`. */
  readonly input: RuleInput
}

/**
 * Marks the rows that rules pass over: a row older in event time than the last one of its key (counted as
 * `rule.out-of-order`, once however many rules there are); on windows also retractions, revisions after the close and,
 * unless `early`, results before it.
 *
 * State: event time of the last row by key id. Kept under a name of its own, so it survives any change of rules
 * Late:  an older row changes nothing; one of the same time counts
 */
export class ArrivalOrder implements RuleStage {
  readonly name: string
  readonly hash = 'rules.order/1'
  readonly number: number
  readonly window: string | null
  readonly registryTable = null
  readonly #input: RuleInput
  readonly #keys: KeyTable
  readonly #early: boolean
  #mask = new Uint8Array(256)
  #lastAt = new Float64Array(0)

  constructor ({ keys, number, window, early, input }: ArrivalOrderOptions) {
    this.name = window === null ? 'rules.order' : `rules.order.${window}${early ? '.early' : ''}`
    this.number = number
    this.window = window
    this.#keys = keys
    this.#early = early
    this.#input = input
  }

  process (batch: Batch, out: Outputs): void {
    const input = this.#input
    input.rows = batch
    input.causePosition = batch.position
    input.causeArrival = batch.arrival
    if (batch.count > this.#mask.length) this.#mask = new Uint8Array(batch.capacity)
    const keyCount = this.#keys.size
    if (keyCount > this.#lastAt.length) this.#lastAt = grown(this.#lastAt, keyCount).fill(Number.NEGATIVE_INFINITY, this.#lastAt.length)
    const older = this.window === null ? this.#markReadings(batch) : this.#markWindows(batch as WindowBatch)
    if (older > 0) out.count('rule.out-of-order', older)
  }

  #markReadings ({ count, key, at }: Batch): number {
    const mask = this.#mask
    const lastAt = this.#lastAt
    let older = 0
    for (let row = 0; row < count; row += 1) {
      const id = key[row]!
      const eventAt = at[row]!
      if (eventAt < lastAt[id]!) {
        mask[row] = 1
        older += 1
      } else {
        mask[row] = 0
        lastAt[id] = eventAt
      }
    }
    this.#input.skip = older > 0 ? mask : null
    return older
  }

  #markWindows ({ count, key, at, closing, final, retraction }: WindowBatch): number {
    const mask = this.#mask
    const lastAt = this.#lastAt
    let older = 0
    let skipped = 0
    for (let row = 0; row < count; row += 1) {
      const id = key[row]!
      const end = at[row]!
      const meant = closing[row] === 1 || (this.#early && final[row] === 0 && retraction[row] === 0)
      const late = meant && end < lastAt[id]!
      mask[row] = meant && !late ? 0 : 1
      skipped += mask[row]!
      if (late) older += 1
      else if (meant) lastAt[id] = end
    }
    this.#input.skip = skipped > 0 ? mask : null
    return older
  }

  advance (): void {}
  drain (): void {}
  registry (): void {}

  snapshot (): StateTree { return { lastAt: this.#lastAt.slice(0, this.#keys.size) } }
  restore (state: StateTree): void { this.#lastAt = (state.lastAt as Float64Array).slice() }
}
