import { Reader, Writer } from '@platformatic/kafka'
import type { Assignment } from '../../pipelines/core/ports.ts'

/** Kafka's own consumer protocol, so that its tools can read the group: cooperative (KIP-429), not compact. */
export const protocolType = 'consumer'
export const protocolName = 'cooperative-sticky'
const subscriptionVersion = 2
const assignmentVersion = 1

/** `owned` since `generation`, -1 for none: of two that claim a partition, the later one counts. */
export interface Subscription { readonly topics: readonly string[], readonly owned: readonly Assignment[], readonly generation: number }

/** Source: ConsumerProtocolSubscription v2 */
export function writeSubscription ({ topics, owned, generation }: Subscription): Buffer {
  const w = Writer.create().appendInt16(subscriptionVersion).appendArray([...topics], (w, topic) => { w.appendString(topic, false) }, false, false).appendInt32(-1)
  return appendPlaces(w, owned).appendInt32(generation).buffer
}

/** Of any version: what an older one does not say is nothing owned. */
export function readSubscription (bytes: Buffer): Subscription {
  const reader = Reader.from(bytes)
  const version = reader.readInt16()
  const topics = reader.readArray(r => r.readString(false), false, false)
  const userData = reader.readInt32()
  if (userData > 0) reader.position += userData
  return { topics, owned: version >= 1 ? readPlaces(reader) : [], generation: version >= 2 ? reader.readInt32() : -1 }
}

/** Source: ConsumerProtocolAssignment v1 */
export function writeAssignment (assigned: readonly Assignment[]): Buffer {
  return appendPlaces(Writer.create().appendInt16(assignmentVersion), assigned).appendInt32(-1).buffer
}

export function readAssignment (bytes: Buffer): readonly Assignment[] {
  if (bytes.length === 0) return []
  const reader = Reader.from(bytes)
  reader.readInt16()
  return readPlaces(reader)
}

function appendPlaces (w: Writer, places: readonly Assignment[]): Writer {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of places) topics.set(topic, [...topics.get(topic) ?? [], partition])
  return w.appendArray([...topics], (w, [topic, partitions]) => {
    w.appendString(topic, false).appendArray(partitions, (w, partition) => { w.appendInt32(partition) }, false, false)
  }, false, false)
}

/** By topic and partition. */
function readPlaces (reader: Reader): readonly Assignment[] {
  const places = reader.readArray(r => {
    const topic = r.readString(false)
    return r.readArray(r => r.readInt32(), false, false).map(partition => ({ topic, partition }))
  }, false, false).flat()
  return places.sort((a, b) => a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition)
}

export const isSame = (a: Assignment, b: Assignment): boolean => a.partition === b.partition && a.topic === b.topic
/** What is in `all` and not in `other`. */
export const without = (all: readonly Assignment[], other: readonly Assignment[]): readonly Assignment[] => all.filter(one => !other.some(two => isSame(one, two)))
