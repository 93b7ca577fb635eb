import { StreamError } from '../../pipelines/core/errors.ts'
import type { Assignment, ClockPort } from '../../pipelines/core/ports.ts'
import { without } from './assignment.ts'
import type { Cluster } from './cluster.ts'
import { beat, type GroupOptions, type JoinFacts, joinGroup, unassigned } from './group.ts'

/** Often enough that nobody waits long for those who have yet to hear that the group shares out anew. */
const beatEveryMsMax = 500

export interface SeatOptions extends GroupOptions { readonly clock: ClockPort }

/** Where a member stands in its group. Names of topics are full. */
export interface SeatState {
  readonly generation: number
  readonly memberId: string
  /** What it has, `revoked` included. */
  readonly owned: readonly Assignment[]
  /** What it is to let go. Stays as it is until then. */
  readonly revoked: readonly Assignment[]
  /** How often it has let something go. */
  readonly releases: number
}

export interface SeatEvents {
  readonly changed: (state: SeatState) => void
  /** The seat is gone, and so is what it had. */
  readonly lost: (error: StreamError) => void
}

/** A member's seat in its group, here or on a thread of its own. `touches` counts steps forward of whoever has it. */
export interface Seat {
  readonly touches: Int32Array
  /** Join, when the worker's transactional ids are its own. */
  begin (): void
  /** Nothing of what is revoked is held any more. */
  release (): void
  /** Say no more to the group: a restart under the same name finds everything as it is until the session is over. */
  stop (): Promise<void>
}

/**
 * Takes a seat and keeps it: joins, beats, takes part when the group shares out anew; the leader of the group also looks for partitions that nobody has.
 *
 * Limits: a heartbeat a fifth of the session, half a second at most; without a touch for `rebalanceTimeoutMs` the seat is given up
 * Errors: told by `lost`
 */
export class LocalSeat implements Seat {
  readonly touches: Int32Array
  readonly #cluster: Cluster
  readonly #facts: JoinFacts
  readonly #options: SeatOptions
  readonly #events: SeatEvents
  readonly #stop = new AbortController()
  #wake = new AbortController()
  #state: SeatState = { generation: -1, memberId: '', owned: [], revoked: [], releases: 0 }
  #isLeader = false
  #rejoin = false
  #lookedMs: number
  /** What the leader last saw that nobody has. */
  #left = ''

  constructor (cluster: Cluster, facts: JoinFacts, options: SeatOptions, { touches = new Int32Array(1), ...events }: SeatEvents & { readonly touches?: Int32Array }) {
    this.#cluster = cluster
    this.#facts = facts
    this.#options = options
    this.#events = events
    this.touches = touches
    this.#lookedMs = options.clock.monotonicMs()
  }

  begin (): void { void this.#keep().catch((error: unknown) => { if (!this.#stop.signal.aborted) this.#events.lost(error as StreamError) }) }

  release (): void {
    const { owned, revoked, releases } = this.#state
    this.#state = { ...this.#state, owned: without(owned, revoked), revoked: [], releases: releases + 1 }
    this.#rejoin = true
    this.#wake.abort()
  }

  async stop (): Promise<void> { this.#stop.abort() }

  async #keep (): Promise<void> {
    const { clock, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const { group, instanceId } = this.#facts
    const everyMs = Math.min(sessionTimeoutMs / 5, beatEveryMsMax)
    let touched = { count: this.touches[0]!, atMs: clock.monotonicMs() }
    for (this.#rejoin = true; !this.#stop.signal.aborted;) {
      const now = clock.monotonicMs()
      if (this.touches[0] !== touched.count) touched = { count: this.touches[0]!, atMs: now }
      if (now - touched.atMs > rebalanceTimeoutMs) throw new StreamError('LOG_REBALANCED', { group, member: instanceId, why: `no step forward in max.poll.interval.ms, ${rebalanceTimeoutMs}` })
      const said = this.#rejoin ? null : await beat(this.#cluster, { group, instanceId, ...this.#state })
      if (said !== null && said.details.kafka !== 'REBALANCE_IN_PROGRESS') throw said
      if (said !== null || this.#rejoin) await this.#join()
      else if (this.#isLeader) await this.#look()
      if (this.#rejoin) continue
      this.#wake = new AbortController()
      await clock.sleep(everyMs, AbortSignal.any([this.#stop.signal, this.#wake.signal]))
    }
  }

  async #join (): Promise<void> {
    this.#rejoin = false
    const { isLeader, assignments, ...joined } = await joinGroup(this.#cluster, this.#facts, this.#options, this.#state)
    if (this.#stop.signal.aborted) return
    // Something may have been let go meanwhile, and given back.
    const { owned, revoked, releases } = this.#state
    this.#isLeader = isLeader
    this.#state = { ...joined, owned: [...owned, ...without(assignments, owned)], revoked: revoked.length > 0 ? revoked : without(owned, assignments), releases }
    this.#events.changed(this.#state)
  }

  /** A partition that stays with nobody from one look to the next is given out anew. */
  async #look (): Promise<void> {
    const { clock, sessionTimeoutMs } = this.#options
    if (clock.monotonicMs() - this.#lookedMs < sessionTimeoutMs / 2) return
    this.#lookedMs = clock.monotonicMs()
    const left = await unassigned(this.#cluster, this.#facts.group, this.#facts.topics)
    const seen = left === null || left.length === 0 ? '' : JSON.stringify([this.#state.generation, left])
    if (seen !== '' && seen === this.#left) this.#rejoin = true
    this.#left = seen
  }
}
