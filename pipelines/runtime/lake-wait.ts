import type { StreamError } from '../core/errors.ts'
import type { ClockPort } from '../core/ports.ts'
import type { LegHealth, TaskStatus } from './health.ts'

/** From so much of a topic's retention on, the age of the backlog is told. */
const toldFrom = 0.5
/** Told again when so much of what was left has gone. */
const toldAgain = 0.5

/** How long what a task has still to read will be there. Units: milliseconds */
export interface Backlog { readonly topic: string, readonly partition: number, readonly ageMs: number, readonly retentionMs: number, readonly leftMs: number }

/** The task whose next record goes first; null: nothing waits, or nothing ever goes. */
export function oldestBacklog (tasks: readonly TaskStatus[], retentions: ReadonlyMap<string, number | null>, nowMs: number): Backlog | null {
  let found: Backlog | null = null
  for (const { topic, partition, position, end, arrival } of tasks) {
    const retentionMs = retentions.get(topic) ?? null
    if (retentionMs === null || position >= end || !Number.isFinite(arrival)) continue
    const ageMs = Math.max(0, nowMs - arrival)
    if (found === null || retentionMs - ageMs < found.leftMs) found = { topic, partition, ageMs, retentionMs, leftMs: retentionMs - ageMs }
  }
  return found
}

export interface LakeWaitOptions { readonly clock: ClockPort, readonly health: LegHealth, readonly warn: (text: string) => void, readonly retentions: ReadonlyMap<string, number | null> }

/**
 * What people are told while the pond waits for its lake, or is behind for another reason: that it waits and why, how long its topics still keep what
 * it has not read, and that it is over. The log is what is between a lake that is away and a loss.
 *
 * State: what was told
 */
export class LakeWait {
  readonly #options: LakeWaitOptions
  #sinceMs: number | null = null
  #leftMs = Number.POSITIVE_INFINITY

  constructor (options: LakeWaitOptions) { this.#options = options }

  waiting (error: StreamError): void {
    const { clock, health, warn } = this.#options
    health.trouble = { code: error.code, message: error.message, sinceMs: health.trouble?.sinceMs ?? clock.wallMs() }
    if (this.#sinceMs === null) warn(`The pond waits for its lake, and reads no further: ${error.message}`)
    this.#sinceMs ??= clock.monotonicMs()
    this.look()
  }

  /** A commit is through. */
  over (): void {
    const { clock, warn } = this.#options
    if (this.#sinceMs !== null) warn(`The lake is back after ${spanText(clock.monotonicMs() - this.#sinceMs)}`)
    this.#sinceMs = null
  }

  /** Also while nothing is wrong. */
  look (): void {
    const { clock, health, warn, retentions } = this.#options
    const backlog = oldestBacklog(health.tasks(), retentions, clock.wallMs())
    if (backlog === null || backlog.ageMs < backlog.retentionMs * toldFrom) {
      this.#leftMs = Number.POSITIVE_INFINITY
      return
    }
    const { topic, partition, ageMs, retentionMs, leftMs } = backlog
    if (leftMs > this.#leftMs * toldAgain) return
    this.#leftMs = Math.max(1, leftMs)
    const left = leftMs > 0 ? `in ${spanText(leftMs)} it begins to lose readings for the lake` : 'it has begun to lose readings for the lake'
    warn(`The pond is ${spanText(ageMs)} behind on ${topic}/${partition}, which keeps ${spanText(retentionMs)}: ${left}`)
  }
}

/** The two largest units: 3 d 4 h. */
export function spanText (ms: number): string {
  const units = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1_000]] as const
  const first = units.findIndex(([, length]) => ms >= length)
  if (first < 0) return `${Math.round(ms)} ms`
  let rest = ms
  return units.slice(first, first + 2).flatMap(([unit, length]) => {
    const many = Math.floor(rest / length)
    rest -= many * length
    return many === 0 ? [] : [`${many} ${unit}`]
  }).join(' ')
}
