import { StreamError } from '../core/errors.ts'
import type { Assignment, Commit, Membership } from '../core/ports.ts'
import type { LegPlan } from './lead.ts'
import { names } from './names.ts'

/** Longer than a session: the one before may have gone without a word. */
const waitMsMax = 30_000
const lookEveryMs = 50

/**
 * The lead of a pipeline's pond among processes: a lake belongs to one of them, and so does the pond as a whole. Who has the first partition of the
 * pond's state topic leads; what the others have means nothing.
 *
 * Delivery: journal and snapshots go by commits of the membership, so that one who has lost the lead writes nothing more
 * Errors:   POND_ELSEWHERE when another process leads and goes on doing so; LOG_REBALANCED when the lead is to go to another, LOG_FENCED
 */
export class PondLead {
  readonly #membership: Membership
  readonly #token: Assignment
  /** For who looks from outside. */
  #mark = ''

  private constructor (membership: Membership, topic: string) {
    this.#membership = membership
    this.#token = { topic, partition: 0 }
  }

  /** Null when `signal` aborted before this process led. */
  static async take ({ log, clock, pipeline }: LegPlan, member: string, signal: AbortSignal): Promise<PondLead | null> {
    const [group, topic] = [names.group(pipeline.name, 'pond'), names.state(pipeline.name, 'pond')]
    const membership = await log.join({ group, member, topics: [topic] })
    try {
      for (const untilMs = clock.monotonicMs() + waitMsMax; !signal.aborted; await clock.sleep(lookEveryMs, signal)) {
        if (membership.revoked.length > 0) await membership.release()
        if (membership.assignments.some(({ partition }) => partition === 0)) return new PondLead(membership, topic)
        if (clock.monotonicMs() > untilMs) throw new StreamError('POND_ELSEWHERE', { pipeline: pipeline.name, group, member })
      }
    } catch (error) {
      await membership.leave().catch(() => {})
      throw error
    }
    await membership.leave()
    return null
  }

  /** The offset means nothing: it makes a commit one of this member in this generation, and names the member to its successor. */
  append (appends: Commit['appends']): Promise<void> { return this.#membership.commit({ appends, offsets: [{ ...this.#token, offset: 0, metadata: this.#mark }] }) }

  /** Stays until the next one, of whoever leads. */
  mark (text: string): Promise<void> {
    this.#mark = text
    return this.append([])
  }

  /** Between two rounds: what is not the lead is let go when the group asks for it. */
  async keep (): Promise<void> {
    const { over, revoked } = this.#membership
    if (over) throw over
    if (revoked.length === 0) return
    const { topic, partition } = this.#token
    if (revoked.some(place => place.partition === partition)) throw new StreamError('LOG_REBALANCED', { topic, partition, why: 'another process is to lead' })
    await this.#membership.release()
  }

  async leave (): Promise<void> { await this.#membership.leave().catch(() => {}) }
}
