import type { StreamError } from '../core/errors.ts'
import type { ClockPort } from '../core/ports.ts'
import type { CopiedStatus, LegHealth } from './health.ts'

/** Nobody gives up on those: the log keeps what comes, and the race goes on. */
export const isOfLake = ({ code, action }: StreamError): boolean => code.startsWith('LAKE_') && action === 'retry'

/** From so much of a topic's retention on, the age of the backlog is told. */
const toldFrom = 0.5
/** Told again when so much of what was left has gone. */
const toldAgain = 0.5

/** How long what is still to be read of a topic will be there. Units: milliseconds */
export interface Backlog { readonly topic: string, readonly partition: number, readonly ageMs: number, readonly retentionMs: number, readonly leftMs: number }

/** Of each topic that keeps its records for a time: the partition whose next record goes first. Where nothing waits, or its arrival is not known, all of the time is left. */
export function backlogs ({ tasks, copied, retentions }: Pick<LegHealth, 'tasks' | 'copied' | 'retentions'>, nowMs: number): readonly Backlog[] {
  const found = new Map<string, Backlog>()
  for (const { topic, partition, position, end, arrival } of [...tasks(), ...copied()] satisfies readonly CopiedStatus[]) {
    const retentionMs = retentions.get(topic) ?? null
    if (retentionMs === null) continue
    const ageMs = position >= end || !Number.isFinite(arrival) ? 0 : Math.max(0, nowMs - arrival)
    if (retentionMs - ageMs < (found.get(topic)?.leftMs ?? Number.POSITIVE_INFINITY)) found.set(topic, { topic, partition, ageMs, retentionMs, leftMs: retentionMs - ageMs })
  }
  return [...found.values()]
}

export interface LakeWaitOptions { readonly clock: ClockPort, readonly health: LegHealth, readonly warn: (text: string) => void }

/**
 * What people are told while the pond waits for its lake, or is behind for another reason: that it waits and why, how long its topics still keep what
 * it has not read, and that it is over. The log is what is between a lake that is away and a loss.
 *
 * State: what was told, by topic
 */
export class LakeWait {
  readonly #options: LakeWaitOptions
  #sinceMs: number | null = null
  readonly #leftMs = new Map<string, number>()

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
    const { clock, health } = this.#options
    for (const backlog of backlogs(health, clock.wallMs())) this.#tell(backlog)
  }

  #tell ({ topic, partition, ageMs, retentionMs, leftMs }: Backlog): void {
    if (ageMs < retentionMs * toldFrom) {
      this.#leftMs.delete(topic)
      return
    }
    if (leftMs > (this.#leftMs.get(topic) ?? Number.POSITIVE_INFINITY) * toldAgain) return
    this.#leftMs.set(topic, Math.max(1, leftMs))
    const left = leftMs > 0 ? `in ${spanText(leftMs)} it begins to lose records for the lake` : 'it has begun to lose records for the lake'
    this.#options.warn(`The pond is ${spanText(ageMs)} behind on ${topic}/${partition}, which keeps ${spanText(retentionMs)}: ${left}`)
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
