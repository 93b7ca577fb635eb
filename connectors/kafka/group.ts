import { StreamError } from '../../pipelines/core/errors.ts'
import type { Assignment, Committed } from '../../pipelines/core/ports.ts'
import { protocolName, protocolType, readAssignment, readSubscription, without, writeAssignment, writeSubscription } from './assignment.ts'
import type { Cluster } from './cluster.ts'
import type { Lane } from './connections.ts'
import { Again, check, codeName } from './codes.ts'
import * as requests from './group-requests.ts'
import { type GroupMember, shareOut } from './share-out.ts'

export interface GroupOptions {
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

export interface JoinFacts { readonly group: string, readonly instanceId: string, /** Full names. */ readonly topics: readonly string[] }
/** Who asks, and what it has: `memberId` is empty before the first time. */
export interface Claim { readonly memberId: string, readonly generation: number, readonly owned: readonly Assignment[] }
export interface Joined { readonly generation: number, readonly memberId: string, readonly isLeader: boolean, readonly assignments: readonly Assignment[] }

/**
 * Become a member of the group, under a static name, or take part in sharing out anew, and wait for the share of partitions.
 *
 * Errors: LOG_REBALANCED when the group went on without this member: nothing that it had is its own any more; LOG_FENCED when another process of this
 *         name is there, KAFKA_DENIED, KAFKA_REFUSED, KAFKA_UNREACHABLE
 * Source: Kafka's classic group protocol; KIP-345 (static membership), KIP-429 (cooperative rebalancing), KIP-814 (its leader may be told to keep the assignment)
 */
export async function joinGroup (cluster: Cluster, { group, instanceId, topics }: JoinFacts, { sessionTimeoutMs, rebalanceTimeoutMs }: GroupOptions, claim: Claim): Promise<Joined> {
  const isNew = claim.memberId === ''
  const lane: Lane = `join ${group} ${instanceId}`
  const facts = { group, member: instanceId, needs: 'READ' }
  const metadata = writeSubscription({ topics, owned: claim.owned, generation: claim.generation })
  let { memberId, generation: last } = claim
  const patienceMs = Math.max(rebalanceTimeoutMs, sessionTimeoutMs) * 2 + 30_000
  return cluster.retry(`join group ${group}`, () => cluster.atCoordinator('group', group, async address => {
    const joined = await cluster.call(address, lane, requests.joinGroup, { groupId: group, sessionTimeoutMs, rebalanceTimeoutMs, memberId, groupInstanceId: instanceId, protocolType, protocols: [{ name: protocolName, metadata }], reason: null })
    if (isNew) beginAnew(joined.errorCode, () => { memberId = '' })
    check(joined.errorCode, facts)
    const { generationId: generation, leader, skipAssignment } = joined
    // One that this member took no part in may have given what it had to others.
    if (!isNew && generation !== last && generation !== last + 1) throw new StreamError('LOG_REBALANCED', { group, member: instanceId, generation, last, why: 'the group went on without it' })
    memberId = joined.memberId
    last = generation
    const isLeader = leader === memberId
    const given = isLeader && !skipAssignment ? await assign(cluster, joined.members.map(one => ({ memberId: one.memberId, instanceId: one.groupInstanceId, ...readSubscription(one.metadata) }))) : new Map<string, readonly Assignment[]>()
    const synced = await cluster.call(address, lane, requests.syncGroup, { groupId: group, generationId: generation, memberId, groupInstanceId: instanceId, protocolType, protocolName, assignments: [...given].map(([memberId, assigned]) => ({ memberId, assignment: writeAssignment(assigned) })) })
    if (isNew) beginAnew(synced.errorCode, () => { memberId = '' })
    if (codeName(synced.errorCode) === 'REBALANCE_IN_PROGRESS') throw new Again('REBALANCE_IN_PROGRESS', false)
    check(synced.errorCode, facts)
    return { generation, memberId, isLeader, assignments: readAssignment(synced.assignment) }
  }), { patienceMs })
}

/** The round of joining was overtaken by another one. */
function beginAnew (code: number, forget: () => void): void {
  const name = codeName(code)
  if (name === 'UNKNOWN_MEMBER_ID') forget()
  if (name === 'UNKNOWN_MEMBER_ID' || name === 'REBALANCE_IN_PROGRESS' || name === 'ILLEGAL_GENERATION') throw new Again(name, false)
}

async function assign (cluster: Cluster, members: readonly GroupMember[]): Promise<ReadonlyMap<string, readonly Assignment[]>> {
  return shareOut(members, await partitionsOf(cluster, new Set(members.flatMap(({ topics }) => topics)))).given
}

async function partitionsOf (cluster: Cluster, topics: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  const partitions = new Map<string, number>()
  for (const topic of topics) {
    const place = await cluster.findTopic(topic)
    if (place !== null) partitions.set(topic, place.leaders.length)
  }
  return partitions
}

export interface Identity { readonly group: string, readonly instanceId: string, readonly memberId: string, readonly generation: number }

/** What the group says now of a member; null: all is well, or nobody answers, which the group will count for itself. */
export async function beat (cluster: Cluster, { group, instanceId, memberId, generation }: Identity): Promise<StreamError | null> {
  try {
    await cluster.atCoordinator('group', group, async address => {
      const { errorCode } = await cluster.call(address, 'heartbeat', requests.heartbeat, { groupId: group, generationId: generation, memberId, groupInstanceId: instanceId })
      check(errorCode, { group, member: instanceId, generation })
    })
    return null
  } catch (error) {
    return error instanceof StreamError && error.code !== 'LOG_CLOSED' ? error : null
  }
}

/** Tell the group that this member will not come back, as far as it can be reached. */
export async function leaveGroup (cluster: Cluster, { group, instanceId, memberId }: Identity): Promise<void> {
  await cluster.atCoordinator('group', group, address => cluster.call(address, 'heartbeat', requests.leaveGroup, { groupId: group, members: [{ memberId, groupInstanceId: instanceId, reason: null }] })).catch(() => {})
}

/**
 * Partitions that a settled group has given to nobody: who was to let them go has ended without a word, and has come back without them.
 * Null: nobody can say now.
 */
export async function unassigned (cluster: Cluster, group: string, topics: readonly string[]): Promise<readonly Assignment[] | null> {
  try {
    const [found, partitions] = await Promise.all([describe(cluster, group), partitionsOf(cluster, new Set(topics))])
    if (found.groupState !== 'Stable') return null
    const assigned = found.members.flatMap(({ memberAssignment }) => readAssignment(memberAssignment))
    return without([...partitions].flatMap(([topic, count]) => Array.from({ length: count }, (_, partition) => ({ topic, partition }))), assigned)
  } catch {
    return null
  }
}

/** Static names of those who are in the group. */
export async function membersOf (cluster: Cluster, group: string): Promise<ReadonlySet<string>> {
  return cluster.retry(`describe group ${group}`, async () => new Set((await describe(cluster, group)).members.flatMap(({ groupInstanceId }) => groupInstanceId ?? [])))
}

export interface OffsetAsk { readonly group: string, readonly topic: string, readonly partition: number, /** Wait for transactions that hold offsets back. */ readonly stable: boolean }

/** As it stands in the group, our mark included. Errors: KAFKA_UNREACHABLE when a transaction stays open for too long */
export async function committedOffset (cluster: Cluster, { group, topic, partition, stable }: OffsetAsk): Promise<Committed | null> {
  return cluster.retry(`read committed offset of ${topic}/${partition}`, () => cluster.atCoordinator('group', group, async address => {
    const { groups: [found] } = await cluster.call(address, 'control', requests.offsetFetch, { groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: [partition] }] }], requireStable: stable })
    if (found === undefined) throw new Again('the answer lacks the group', false)
    check(found.errorCode, { group, needs: 'DESCRIBE' })
    const offset = found.topics[0]?.partitions[0]
    if (offset === undefined) return null
    check(offset.errorCode, { group, topic, partition, needs: 'DESCRIBE' })
    return offset.committedOffset < 0 ? null : { offset: offset.committedOffset, metadata: offset.metadata ?? '' }
  }))
}

async function describe (cluster: Cluster, group: string) {
  return cluster.atCoordinator('group', group, async address => {
    const { groups: [found] } = await cluster.call(address, 'control', requests.describeGroups, { groups: [group] })
    if (found === undefined) throw new Again('the answer lacks the group', false)
    check(found.errorCode, { group, needs: 'DESCRIBE' })
    return found
  })
}
