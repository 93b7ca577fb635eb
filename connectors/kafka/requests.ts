import { type API, createAPI, type Reader, Writer } from '@platformatic/kafka'
import type { AbortedTransaction } from './committed.ts'

/**
 * The requests that the toolkit lacks, or whose answers it would take apart: answers carry error codes and never throw.
 *
 * Source: Kafka 4.1's message definitions (clients/src/main/resources/common/message)
 */

const none = () => {}
const readCommitted = 1
const replicaOfConsumers = -1

export interface FetchPlace { readonly partition: number, readonly offset: number, readonly bytesMax: number }
export interface FetchTopic { readonly topicId: string, readonly partitions: readonly FetchPlace[] }
export interface FetchAsk { readonly waitMs: number, readonly bytesMin: number, readonly bytesMax: number, readonly topics: readonly FetchTopic[] }
export interface FetchedPartition {
  readonly partition: number
  readonly errorCode: number
  /** Offset of the first record of a transaction that is still open, or the end. */
  readonly lastStable: number
  readonly logStart: number
  readonly aborted: readonly AbortedTransaction[]
  readonly records: Uint8Array
}
export interface FetchAnswer { readonly errorCode: number, readonly topics: readonly { readonly topicId: string, readonly partitions: readonly FetchedPartition[] }[] }

/** Topics by id, read committed, no fetch session. */
export const fetchV17: API<[ask: FetchAsk], FetchAnswer> = createAPI(1, 17, ({ waitMs, bytesMin, bytesMax, topics }: FetchAsk) => Writer.create()
  .appendInt32(waitMs).appendInt32(bytesMin).appendInt32(bytesMax).appendInt8(readCommitted)
  .appendInt32(0).appendInt32(-1)
  .appendArray([...topics], (w, topic) => {
    w.appendUUID(topic.topicId).appendArray([...topic.partitions], (w, { partition, offset, bytesMax }) => {
      w.appendInt32(partition).appendInt32(-1).appendInt64(BigInt(offset)).appendInt32(-1).appendInt64(-1n).appendInt32(bytesMax)
    })
  })
  .appendArray([], none).appendString('').appendTaggedFields(), (_correlation, _key, _version, r) => {
  r.readInt32()
  const errorCode = r.readInt16()
  r.readInt32()
  return { errorCode, topics: r.readArray(r => ({ topicId: r.readUUID(), partitions: r.readArray(fetchedPartition) })) }
})

function fetchedPartition (r: Reader): FetchedPartition {
  const partition = r.readInt32()
  const errorCode = r.readInt16()
  r.readInt64()
  const lastStable = Number(r.readInt64())
  const logStart = Number(r.readInt64())
  const aborted = r.readNullableArray(r => ({ producerId: r.readInt64(), firstOffset: Number(r.readInt64()) })) ?? []
  r.readInt32()
  return { partition, errorCode, lastStable, logStart, aborted, records: r.readBytes() }
}

export interface ProduceTopic { readonly name: string, readonly partitions: readonly { readonly partition: number, readonly bytes: Uint8Array }[] }
export interface ProducedPartition { readonly topic: string, readonly partition: number, readonly errorCode: number, readonly baseOffset: number, readonly message: string | null }
type Produce = API<[transactionalId: string | null, timeoutMs: number, topics: readonly ProduceTopic[]], readonly ProducedPartition[]>

const acksOfAll = -1
const produce = (version: number): Produce => createAPI(0, version, (transactionalId: string | null, timeoutMs: number, topics: readonly ProduceTopic[]) => Writer.create()
  .appendString(transactionalId).appendInt16(acksOfAll).appendInt32(timeoutMs)
  .appendArray([...topics], (w, { name, partitions }) => {
    w.appendString(name).appendArray([...partitions], (w, { partition, bytes }) => { w.appendInt32(partition).appendBytes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)) })
  })
  .appendTaggedFields(), (_correlation, _key, _version, r) => r.readArray(r => {
  const topic = r.readString()
  return r.readArray(r => producedPartition(topic, r))
}).flat())

function producedPartition (topic: string, r: Reader): ProducedPartition {
  const partition = r.readInt32()
  const errorCode = r.readInt16()
  const baseOffset = Number(r.readInt64())
  r.readInt64()
  r.readInt64()
  const why = r.readArray(r => ({ index: r.readInt32(), message: r.readNullableString() }))
  const message = r.readNullableString()
  return { topic, partition, errorCode, baseOffset, message: message ?? why[0]?.message ?? null }
}

export const produceV11 = produce(11)
/** Adds its partitions to the transaction by itself: the new transaction protocol only. */
export const produceV12 = produce(12)

export interface TransactionOffsets {
  readonly transactionalId: string
  readonly group: string
  readonly producerId: bigint
  readonly epoch: number
  readonly generation: number
  readonly memberId: string
  readonly instanceId: string
  readonly topics: readonly { readonly name: string, readonly partitions: readonly { readonly partition: number, readonly offset: number, readonly metadata: string }[] }[]
}
export interface CommittedPartition { readonly topic: string, readonly partition: number, readonly errorCode: number }

/** Adds the group to the transaction by itself. Source: KIP-447 (generation and member), KIP-890 */
export const txnOffsetCommitV5: API<[offsets: TransactionOffsets], readonly CommittedPartition[]> = createAPI(28, 5, (offsets: TransactionOffsets) => Writer.create()
  .appendString(offsets.transactionalId).appendString(offsets.group).appendInt64(offsets.producerId).appendInt16(offsets.epoch)
  .appendInt32(offsets.generation).appendString(offsets.memberId).appendString(offsets.instanceId)
  .appendArray([...offsets.topics], (w, { name, partitions }) => {
    w.appendString(name).appendArray([...partitions], (w, { partition, offset, metadata }) => { w.appendInt32(partition).appendInt64(BigInt(offset)).appendInt32(-1).appendString(metadata) })
  })
  .appendTaggedFields(), (_correlation, _key, _version, r) => {
  r.readInt32()
  return r.readArray(r => {
    const topic = r.readString()
    return r.readArray(r => ({ topic, partition: r.readInt32(), errorCode: r.readInt16() }))
  }).flat()
})

export interface EndedTransaction { readonly errorCode: number, readonly producerId: bigint, readonly epoch: number }

/** Gives the producer's next epoch, so that what is left of this transaction can not end the next one. Source: KIP-890 */
export const endTxnV5: API<[transactionalId: string, producerId: bigint, epoch: number, committed: boolean], EndedTransaction> = createAPI(26, 5,
  (transactionalId: string, producerId: bigint, epoch: number, committed: boolean) => Writer.create().appendString(transactionalId).appendInt64(producerId).appendInt16(epoch).appendBoolean(committed).appendTaggedFields(),
  (_correlation, _key, _version, r) => {
    r.readInt32()
    return { errorCode: r.readInt16(), producerId: r.readInt64(), epoch: r.readInt16() }
  })

/** Features that the cluster has finalised, by name, with their level. */
export interface Features { readonly errorCode: number, readonly versions: ReadonlyMap<number, { readonly min: number, readonly max: number }>, readonly finalised: ReadonlyMap<string, number> }

const finalisedFeatures = 2
export const apiVersionsV3: API<[], Features> = createAPI(18, 3, () => Writer.create().appendString('millrace').appendString('1').appendTaggedFields(), (_correlation, _key, _version, r) => {
  const errorCode = r.readInt16()
  const versions = new Map(r.readArray(r => [r.readInt16(), { min: r.readInt16(), max: r.readInt16() }] as const))
  r.readInt32()
  let finalised = new Map<string, number>()
  for (let tags = r.readUnsignedVarInt(); tags > 0; tags -= 1) {
    const tag = r.readUnsignedVarInt()
    const end = r.readUnsignedVarInt() + r.position
    if (tag === finalisedFeatures) finalised = new Map(r.readArray(r => { const name = r.readString(); const max = r.readInt16(); r.readInt16(); return [name, max] as const }))
    r.position = end
  }
  return { errorCode, versions, finalised }
}, true, false)

export const consumers = replicaOfConsumers
export const committedOnly = readCommitted
