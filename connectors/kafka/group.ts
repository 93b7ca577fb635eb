import { describeGroupsV5, heartbeatV4, joinGroupV9, leaveGroupV5, offsetFetchV9, syncGroupV5 } from '@platformatic/kafka'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { Assignment, ClockPort, Committed } from '../../pipelines/core/ports.ts'
import { assignRanges, protocolName, protocolType, readAssignment, readSubscription, writeAssignment, writeSubscription } from './assignment.ts'
import type { Cluster } from './cluster.ts'
import { Again, check, codeName } from './codes.ts'

export interface GroupOptions {
  readonly clock: ClockPort
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

export interface JoinFacts { readonly group: string, readonly instanceId: string, /** Full names. */ readonly topics: readonly string[] }
export interface Joined { readonly generation: number, readonly memberId: string, readonly assignments: readonly Assignment[] }

/**
 * Become a member of the group, under a static name, and wait for the share of partitions.
 *
 * Errors: LOG_FENCED when another process of this name joins at the same time, KAFKA_DENIED, KAFKA_REFUSED, KAFKA_UNREACHABLE
 * Source: Kafka's classic group protocol; KIP-345 (static membership), KIP-814 (its leader may be told to keep the assignment)
 */
export async function joinGroup (cluster: Cluster, { group, instanceId, topics }: JoinFacts, { sessionTimeoutMs, rebalanceTimeoutMs }: GroupOptions, knownAs = ''): Promise<Joined> {
  const metadata = writeSubscription(topics)
  let memberId = knownAs
  return cluster.retry(`join group ${group}`, () => cluster.atCoordinator('group', group, async address => {
    const joined = await cluster.call(address, 'join', joinGroupV9.api, group, sessionTimeoutMs, rebalanceTimeoutMs, memberId, instanceId, protocolType, [{ name: protocolName, metadata }], null)
    beginAnew(joined.errorCode, () => { memberId = '' })
    check(joined.errorCode, { group, member: instanceId })
    memberId = joined.memberId
    const { generationId: generation } = joined
    const shares = joined.leader === memberId && !joined.skipAssignment ? await assign(cluster, joined.members.map(one => ({ memberId: one.memberId, instanceId: one.groupInstanceId ?? null, topics: readSubscription(one.metadata) }))) : new Map<string, readonly Assignment[]>()
    const synced = await cluster.call(address, 'join', syncGroupV5.api, group, generation, memberId, instanceId, protocolType, protocolName, [...shares].map(([memberId, assigned]) => ({ memberId, assignment: writeAssignment(assigned) })))
    beginAnew(synced.errorCode, () => { memberId = '' })
    check(synced.errorCode, { group, member: instanceId })
    return { generation, memberId, assignments: readAssignment(synced.assignment) }
  }), { patienceMs: Math.max(rebalanceTimeoutMs, sessionTimeoutMs) * 2 + 30_000 })
}

/** The round of joining was overtaken by another one. */
function beginAnew (code: number, forget: () => void): void {
  const name = codeName(code)
  if (name === 'UNKNOWN_MEMBER_ID') forget()
  if (name === 'UNKNOWN_MEMBER_ID' || name === 'REBALANCE_IN_PROGRESS' || name === 'ILLEGAL_GENERATION') throw new Again(name, false)
}

async function assign (cluster: Cluster, members: Parameters<typeof assignRanges>[0]): Promise<ReadonlyMap<string, readonly Assignment[]>> {
  const partitions = new Map<string, number>()
  for (const topic of new Set(members.flatMap(({ topics }) => topics))) {
    const place = await cluster.findTopic(topic)
    if (place !== null) partitions.set(topic, place.leaders.length)
  }
  return assignRanges(members, partitions)
}

/**
 * Heartbeats of a member, until the group says that its time is over or it is stopped.
 *
 * Limits: five in a session; on this thread, so that a slice of work must stay well below that
 */
export class Heartbeats {
  readonly #cluster: Cluster
  readonly #facts: JoinFacts & Joined
  readonly #stop = new AbortController()

  constructor (cluster: Cluster, facts: JoinFacts & Joined, { clock, sessionTimeoutMs }: GroupOptions, overNow: (error: StreamError) => void) {
    this.#cluster = cluster
    this.#facts = facts
    void (async () => {
      for (const everyMs = sessionTimeoutMs / 5; !this.#stop.signal.aborted;) {
        await clock.sleep(everyMs, this.#stop.signal)
        if (this.#stop.signal.aborted) return
        const error = await this.beat()
        if (error === null || this.#stop.signal.aborted) continue
        overNow(error)
        return
      }
    })()
  }

  get isStopped (): boolean { return this.#stop.signal.aborted }
  stop (): void { this.#stop.abort() }

  /** What the group says now; null: all is well, or nobody answers, which the group will count for itself. */
  async beat (): Promise<StreamError | null> {
    const { group, generation, memberId, instanceId } = this.#facts
    try {
      await this.#cluster.atCoordinator('group', group, async address => {
        const { errorCode } = await this.#cluster.call(address, 'heartbeat', heartbeatV4.api, group, generation, memberId, instanceId)
        check(errorCode, { group, member: instanceId, generation })
      })
      return null
    } catch (error) {
      return error instanceof StreamError && error.code !== 'LOG_CLOSED' ? error : null
    }
  }

  /** Tell the group that this member will not come back, as far as it can be reached. */
  async leave (): Promise<void> {
    const { group, memberId, instanceId } = this.#facts
    this.stop()
    await this.#cluster.atCoordinator('group', group, address => this.#cluster.call(address, 'heartbeat', leaveGroupV5.api, group, [{ memberId, groupInstanceId: instanceId }])).catch(() => {})
  }
}

export interface OffsetAsk { readonly group: string, readonly topic: string, readonly partition: number, /** Wait for transactions that hold offsets back. */ readonly stable: boolean }

/** As it stands in the group, our mark included. Errors: KAFKA_UNREACHABLE when a transaction stays open for too long */
export async function committedOffset (cluster: Cluster, { group, topic, partition, stable }: OffsetAsk): Promise<Committed | null> {
  return cluster.retry(`read committed offset of ${topic}/${partition}`, () => cluster.atCoordinator('group', group, async address => {
    const { groups: [found] } = await cluster.call(address, 'control', offsetFetchV9.api, [{ groupId: group, memberId: null, memberEpoch: -1, topics: [{ name: topic, partitionIndexes: [partition] }] }], stable)
    if (found === undefined) throw new Again('the answer lacks the group', false)
    check(found.errorCode, { group })
    const offset = found.topics[0]?.partitions[0]
    if (offset === undefined) return null
    check(offset.errorCode, { group, topic, partition })
    return offset.committedOffset < 0n ? null : { offset: Number(offset.committedOffset), metadata: offset.metadata ?? '' }
  }))
}

/** Static names of those who are in the group. */
export async function membersOf (cluster: Cluster, group: string): Promise<ReadonlySet<string>> {
  return cluster.retry(`describe group ${group}`, () => cluster.atCoordinator('group', group, async address => {
    const { groups: [found] } = await cluster.call(address, 'control', describeGroupsV5.api, [group], false)
    check(found?.errorCode ?? 0, { group })
    return new Set((found?.members ?? []).flatMap(({ groupInstanceId }) => groupInstanceId ?? []))
  }))
}
