import { Reader, Writer } from '@platformatic/kafka'
import type { Assignment } from '../../pipelines/core/ports.ts'

/** Kafka's own consumer protocol, so that its tools can read the group: `range`, not compact. */
export const protocolType = 'consumer'
export const protocolName = 'range'
const version = 0

export interface GroupMember { readonly memberId: string, readonly instanceId: string | null, readonly topics: readonly string[] }

/** Source: ConsumerProtocolSubscription v0 */
export function writeSubscription (topics: readonly string[]): Buffer {
  return Writer.create().appendInt16(version).appendArray([...topics], (w, topic) => { w.appendString(topic, false) }, false, false).appendInt32(-1).buffer
}

export function readSubscription (bytes: Buffer): readonly string[] {
  const reader = Reader.from(bytes)
  reader.readInt16()
  return reader.readArray(r => r.readString(false), false, false)
}

/** Source: ConsumerProtocolAssignment v0 */
export function writeAssignment (assigned: readonly Assignment[]): Buffer {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of assigned) topics.set(topic, [...topics.get(topic) ?? [], partition])
  return Writer.create().appendInt16(version).appendArray([...topics], (w, [topic, partitions]) => {
    w.appendString(topic, false).appendArray(partitions, (w, partition) => { w.appendInt32(partition) }, false, false)
  }, false, false).appendInt32(-1).buffer
}

export function readAssignment (bytes: Buffer): readonly Assignment[] {
  if (bytes.length === 0) return []
  const reader = Reader.from(bytes)
  reader.readInt16()
  const assigned = reader.readArray(r => {
    const topic = r.readString(false)
    return r.readArray(r => r.readInt32(), false, false).map(partition => ({ topic, partition }))
  }, false, false).flat()
  return assigned.sort((a, b) => a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition)
}

/**
 * Each topic's partitions in runs over the members that read it, ordered by instance id, so that a member keeps its partitions when it is restarted.
 *
 * Source: Kafka's RangeAssignor (without racks)
 */
export function assignRanges (members: readonly GroupMember[], partitions: ReadonlyMap<string, number>): ReadonlyMap<string, readonly Assignment[]> {
  const assigned = new Map<string, Assignment[]>(members.map(({ memberId }) => [memberId, []]))
  const nameOf = ({ instanceId, memberId }: GroupMember) => instanceId ?? memberId
  const ordered = [...members].sort((a, b) => nameOf(a) < nameOf(b) ? -1 : 1)
  for (const [topic, count] of partitions) {
    const readers = ordered.filter(({ topics }) => topics.includes(topic))
    const least = Math.floor(count / readers.length)
    const more = count % readers.length
    let next = 0
    readers.forEach(({ memberId }, at) => {
      for (let left = least + (at < more ? 1 : 0); left > 0; left -= 1) assigned.get(memberId)!.push({ topic, partition: next++ })
    })
  }
  return assigned
}
