import { grown } from '../core/keys.ts'
import type { RuleSpec } from '../core/spec.ts'
import type { Stateful, StateTree } from '../core/state.ts'
import { History } from './history.ts'

/** `counting`: idle, but the history of `atLeast` holds a true answer. */
export const phases = { idle: 0, counting: 1, pending: 2, firing: 3, keeping: 4 } as const

/** Answers after `missing` has been applied; `hold`: as if the row had not come. */
export const answers = { no: 0, yes: 1, hold: 2 } as const

export type LifeCycleSpec = Pick<RuleSpec, 'forMs' | 'forCount' | 'gapMs' | 'keepFiringMs' | 'atLeast' | 'early'>

/**
 * Where each key stands with one rule: idle, pending, firing, or firing although its end has begun (`keepFiring`).
 *
 * State:  one byte per key, and the columns the rule's options need: start of pending (time, position), last true reading,
 *         windows counted, answers of `atLeast`. A snapshot holds only keys that are not idle
 * Units:  times are event time (a window's is its end), so silence moves nothing: only rows do
 * Source: Prometheus, rules/alerting.go: pending starts at the first true evaluation and fires at the first one at or past
 *         start + for; keep_firing_for counts from the first one that is not true and starts over when one is
 */
export class LifeCycle implements Stateful {
  /** By key id. */
  phase = new Uint8Array(0)
  /** Keys that are not idle: while there are none, only true answers matter. */
  active = 0
  /** Keys that fire, keeping ones included. */
  firing = 0
  /** Of the episode that `begin` has just raised. */
  beginAt = 0
  beginPosition = 0

  readonly #spec: LifeCycleSpec
  readonly #history: History | null
  readonly #countMin: number
  /** Start of pending, or when the end began. */
  #since = new Float64Array(0)
  #position = new Float64Array(0)
  #lastTrue = new Float64Array(0)
  #count = new Int32Array(0)
  #lastStart = new Float64Array(0)
  #lastEnd = new Float64Array(0)

  constructor (spec: LifeCycleSpec) {
    this.#spec = spec
    this.#history = spec.atLeast && new History(spec.atLeast.of)
    this.#countMin = Math.max(1, spec.forCount)
  }

  /** Make room for key ids below `keyCount`. */
  ensure (keyCount: number): void {
    this.#history?.ensure(keyCount)
    if (keyCount <= this.phase.length) return
    this.phase = grown(this.phase, keyCount)
    const length = this.phase.length
    const { forMs, forCount, gapMs, keepFiringMs, early } = this.#spec
    if (forMs > 0 || forCount > 1 || keepFiringMs > 0) this.#since = grown(this.#since, length)
    if (forMs > 0 || forCount > 1) this.#position = grown(this.#position, length)
    if (gapMs !== null) this.#lastTrue = grown(this.#lastTrue, length)
    if (forCount > 1) this.#count = grown(this.#count, length)
    if (early) {
      this.#lastStart = grown(this.#lastStart, length)
      this.#lastEnd = grown(this.#lastEnd, length)
    }
  }

  /** Whether this is another result of the window that the key was last asked about (a session may have grown at one end). */
  sameWindow (key: number, start: number, end: number): boolean {
    const same = this.#lastStart[key] === start || this.#lastEnd[key] === end
    this.#lastStart[key] = start
    this.#lastEnd[key] = end
    return same
  }

  /** Apply `atLeast`: the answer that the last rows give together. */
  together (key: number, answer: number, again: boolean): number {
    if (this.#history === null || answer === answers.hold) return answer
    const count = this.#history.push(key, answer, again)
    if (this.phase[key]! <= phases.counting) this.#enter(key, count > 0 ? phases.counting : phases.idle)
    return count >= this.#spec.atLeast!.count ? answers.yes : answers.no
  }

  /**
   * A key that does not fire is given an answer; true when it fires now. `own` is the row's own answer where `atLeast`
   * stands for many: nothing begins or fires on a row that is not true itself.
   */
  begin (key: number, answer: number, own: number, at: number, position: number, again: boolean): boolean {
    if (answer === answers.hold) return false
    const pending = this.phase[key] === phases.pending
    if (answer === answers.no) {
      if (pending) this.#rest(key)
      return false
    }
    if (own !== answers.yes) return false
    const { forMs, forCount, gapMs } = this.#spec
    if (forMs === 0 && forCount <= 1) {
      this.beginAt = at
      this.beginPosition = position
      this.#enter(key, phases.firing)
      return true
    }
    const anew = !pending || (gapMs !== null && at - this.#lastTrue[key]! > gapMs)
    if (anew) {
      this.#since[key] = at
      this.#position[key] = position
      if (forCount > 1) this.#count[key] = 1
      this.#enter(key, phases.pending)
    } else if (forCount > 1 && !again) this.#count[key]! += 1
    if (gapMs !== null) this.#lastTrue[key] = at
    if (at - this.#since[key]! < forMs || (forCount > 1 && this.#count[key]! < this.#countMin)) return false
    this.beginAt = this.#since[key]!
    this.beginPosition = this.#position[key]!
    this.#enter(key, phases.firing)
    return true
  }

  /** A key that fires is told whether it is over; true when it is cleared now. */
  end (key: number, over: number, at: number): boolean {
    if (over === answers.hold) return false
    const { keepFiringMs } = this.#spec
    if (over === answers.no) {
      this.#enter(key, phases.firing)
      return false
    }
    if (keepFiringMs > 0) {
      if (this.phase[key] === phases.firing) {
        this.#since[key] = at
        this.#enter(key, phases.keeping)
      }
      if (at - this.#since[key]! < keepFiringMs) return false
    }
    this.#rest(key)
    return true
  }

  /** The key is gone: as if it had never been seen. */
  forget (key: number): void {
    if (key >= this.phase.length) return
    this.#history?.forget(key)
    this.#enter(key, phases.idle)
  }

  snapshot (): StateTree {
    const keys = new Int32Array(this.active)
    for (let key = 0, found = 0; found < keys.length; key += 1) {
      if (this.phase[key] === phases.idle) continue
      keys[found] = key
      found += 1
    }
    return {
      keys,
      phase: Uint8Array.from(keys, key => this.phase[key]!),
      since: picked(this.#since, keys),
      position: picked(this.#position, keys),
      lastTrue: picked(this.#lastTrue, keys),
      count: picked(this.#count, keys),
      lastStart: picked(this.#lastStart, keys),
      lastEnd: picked(this.#lastEnd, keys),
      ...this.#history && { history: this.#history.snapshot(keys) },
    }
  }

  restore (state: StateTree): void {
    const keys = state.keys as Int32Array
    this.phase = new Uint8Array(0)
    for (const name of ['active', 'firing'] as const) this[name] = 0
    this.#history?.restore(keys, state.history as Int32Array)
    this.ensure((keys.at(-1) ?? -1) + 1)
    const phase = state.phase as Uint8Array
    for (const [i, key] of keys.entries()) this.#enter(key, phase[i]!)
    placed(this.#since, keys, state.since as Float64Array)
    placed(this.#position, keys, state.position as Float64Array)
    placed(this.#lastTrue, keys, state.lastTrue as Float64Array)
    placed(this.#count, keys, state.count as Int32Array)
    placed(this.#lastStart, keys, state.lastStart as Float64Array)
    placed(this.#lastEnd, keys, state.lastEnd as Float64Array)
  }

  /** Neither pending nor firing; the history of `atLeast` stays, being about readings and not about episodes. */
  #rest (key: number): void {
    this.#enter(key, this.#history === null ? phases.idle : phases.counting)
  }

  #enter (key: number, next: number): void {
    const before = this.phase[key]!
    if (before === next) return
    this.phase[key] = next
    this.active += (next === phases.idle ? 0 : 1) - (before === phases.idle ? 0 : 1)
    this.firing += (next >= phases.firing ? 1 : 0) - (before >= phases.firing ? 1 : 0)
  }
}

/** The cells of these keys; nothing of a column that the rule does not keep. */
function picked<A extends Float64Array | Int32Array> (column: A, keys: Int32Array): A {
  const cells = new (column.constructor as new (length: number) => A)(column.length === 0 ? 0 : keys.length)
  for (let i = 0; i < cells.length; i += 1) cells[i] = column[keys[i]!]!
  return cells
}

function placed (column: Float64Array | Int32Array, keys: Int32Array, cells: Float64Array | Int32Array): void {
  for (let i = 0; i < cells.length; i += 1) column[keys[i]!] = cells[i]!
}
