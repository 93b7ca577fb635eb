import type { Assignment } from '../../pipelines/core/ports.ts'
import { array, decode, encode, int16, int32, nullableBytes, string, struct } from './fields.ts'

/** Kafka's own consumer protocol, so that its tools can read the group: cooperative (KIP-429), not compact. */
export const protocolType = 'consumer'
export const protocolName = 'cooperative-sticky'
const classic = { version: 0, flexible: false }
const places = array(struct({ topic: string, partitions: array(int32) }))
/** What every version begins with. Source: ConsumerProtocolSubscription v0 to v2, each of which adds to the one before */
const beginning = { version: int16, topics: array(string), userData: nullableBytes }
const subscriptions = [struct(beginning), struct({ ...beginning, ownedPartitions: places }), struct({ ...beginning, ownedPartitions: places, generationId: int32 })] as const
/** Source: ConsumerProtocolAssignment v1 */
const assignment = struct({ version: int16, assignedPartitions: places, userData: nullableBytes })

/** `owned` since `generation`, -1 for none: of two that claim a partition, the later one counts. */
export interface Subscription { readonly topics: readonly string[], readonly owned: readonly Assignment[], readonly generation: number }

export function writeSubscription ({ topics, owned, generation }: Subscription): Buffer {
  return encode(subscriptions[2], { version: 2, topics, userData: null, ownedPartitions: byTopic(owned), generationId: generation }, classic)
}

/** Of any version: what an older one does not say is nothing owned. */
export function readSubscription (bytes: Uint8Array): Subscription {
  const { version, topics } = decode(subscriptions[0], bytes, classic)
  const { ownedPartitions } = version >= 1 ? decode(subscriptions[1], bytes, classic) : { ownedPartitions: [] }
  return { topics, owned: inOrder(ownedPartitions), generation: version >= 2 ? decode(subscriptions[2], bytes, classic).generationId : -1 }
}

export function writeAssignment (assigned: readonly Assignment[]): Buffer {
  return encode(assignment, { version: 1, assignedPartitions: byTopic(assigned), userData: null }, classic)
}

export function readAssignment (bytes: Uint8Array): readonly Assignment[] {
  return bytes.length === 0 ? [] : inOrder(decode(assignment, bytes, classic).assignedPartitions)
}

type Places = readonly { readonly topic: string, readonly partitions: readonly number[] }[]

function byTopic (places: readonly Assignment[]): Places {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of places) topics.set(topic, [...topics.get(topic) ?? [], partition])
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}

function inOrder (places: Places): readonly Assignment[] {
  return places.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
    .sort((a, b) => a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition)
}

export const isSame = (a: Assignment, b: Assignment): boolean => a.partition === b.partition && a.topic === b.topic
/** What is in `all` and not in `other`. */
export const without = (all: readonly Assignment[], other: readonly Assignment[]): readonly Assignment[] => all.filter(one => !other.some(two => isSame(one, two)))
