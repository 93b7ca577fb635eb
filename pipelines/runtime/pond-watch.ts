import type { StreamError } from '../core/errors.ts'
import type { Copier } from './copier.ts'
import { LakeWait } from './lake-wait.ts'
import type { LegPlan } from './lead.ts'
import type { Leads } from './leads.ts'
import { names } from './names.ts'
import { markText, readMark } from './pond-mark.ts'
import type { LegStatus } from './status.ts'

/** Where topics end is asked this often while nothing is read. */
const seeEveryMs = 5_000

export interface PondWatchOptions {
  readonly plan: LegPlan
  readonly status: LegStatus
  readonly leads: Leads
  readonly copiers: readonly Copier[]
  readonly warn: (text: string) => void
  /** Leave word for those who look from outside. */
  readonly mark: (text: string) => Promise<void>
}

/**
 * What others see of a pond that waits for its lake: warnings, how far behind it is while it reads nothing, how long its topics still keep that, and a mark
 * in its group for `millrace status`.
 *
 * State:  whether the last mark told of trouble
 * Errors: none; what the log does not answer is asked again later
 */
export class PondWatch {
  readonly #options: PondWatchOptions
  readonly #wait: LakeWait
  #isMarked = false
  #seenMs = Number.NEGATIVE_INFINITY
  #seeing: Promise<void> | null = null

  constructor (options: PondWatchOptions) {
    const { plan: { clock }, status: { health }, copiers, warn } = options
    this.#options = options
    this.#wait = new LakeWait({ clock, health, warn })
    health.copied = () => copiers.flatMap(({ status }) => status)
  }

  async open (): Promise<void> {
    const { plan: { log, pipeline }, status: { health }, copiers } = this.#options
    const topics = [...pipeline.sources.map(({ topic }) => topic), ...copiers.map(({ topic }) => topic)]
    health.retentions = new Map(await Promise.all(topics.map(async topic => [topic, (await log.topic(topic))?.retentionMs ?? null] as const)))
    const before = await log.committed(names.group(pipeline.name, 'pond'), names.state(pipeline.name, 'pond'), 0)
    this.#isMarked = before !== null && (readMark(before.metadata)?.trouble ?? null) !== null
  }

  waiting (error: StreamError): void {
    this.#wait.waiting(error)
    this.#see()
  }

  /** A commit is through. */
  over (): void {
    this.#wait.over()
    if (this.#isMarked && this.#seeing === null) this.#seeing = this.#marked(false)
  }

  /** Also while nothing is wrong. */
  look (): void {
    this.#wait.look()
    if (this.#options.copiers.some(({ status }) => status.some(({ position, end }) => position < end))) this.#see()
  }

  /** A run that could not even begin. */
  async failed (error: StreamError): Promise<void> {
    const { clock } = this.#options.plan
    const { health } = this.#options.status
    await this.#seeing
    health.trouble = { code: error.code, message: error.message, sinceMs: health.trouble?.sinceMs ?? clock.wallMs() }
    await this.#tell(health.trouble)
  }

  async close (): Promise<void> { await this.#seeing }

  #see (): void {
    const { clock } = this.#options.plan
    if (this.#seeing !== null || clock.monotonicMs() - this.#seenMs < seeEveryMs) return
    this.#seenMs = clock.monotonicMs()
    this.#seeing = this.#ends().then(() => this.#marked(true))
  }

  async #ends (): Promise<void> {
    const { plan: { log }, status, leads, copiers } = this.#options
    try {
      for (const lead of leads.all) lead.end = Math.max(lead.end, (await log.range(lead.place.topic, lead.place.partition)).end)
      status.lag = leads.all.reduce((sum, { end, task }) => sum + Math.max(0, end - task.position), 0)
      for (const copier of copiers) await copier.look(log)
      this.#wait.look()
    } catch {
      // The leg itself will see what is wrong with its log.
    }
  }

  async #marked (isWaiting: boolean): Promise<void> {
    const { trouble } = this.#options.status.health
    if (isWaiting ? trouble !== null : this.#isMarked) await this.#tell(isWaiting ? trouble : null)
    this.#seeing = null
  }

  async #tell (trouble: LegStatus['health']['trouble']): Promise<void> {
    const { plan: { clock }, copiers, mark } = this.#options
    const copied = Object.fromEntries(copiers.map(({ topic, status }) => [topic, status.map(({ position }) => position)]))
    this.#isMarked = trouble !== null
    await mark(markText({ wallMs: clock.wallMs(), trouble, copied })).catch(() => {})
  }
}
