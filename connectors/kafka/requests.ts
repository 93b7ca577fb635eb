import { type AnswerOf, api, type RequestOf } from './api.ts'
import { array, before, bool, bytes, type Field, fixed, int16, int32, int53, int64, int8, noUuid, nullableArray, nullableString, since, string, struct, tagged, uuid, type ValueOf } from './fields.ts'

/**
 * The requests for records and transactions, and to find one's way.
 *
 * Shape:  names, order and versions as in Kafka's message definitions; answers carry error codes and never throw
 * Source: Kafka 3.3 to 4.1, clients/src/main/resources/common/message
 */

export const readUncommitted = 0
export const readCommitted = 1
const consumers = -1
const allInSync = -1
const unknownEpoch = fixed(int32, -1)

const featureRange = struct({ name: string, maxVersionLevel: int16, minVersionLevel: int16 })
const versionRanges = struct({ apiKeys: array(struct({ apiKey: int16, minVersion: int16, maxVersion: int16 })), throttleTimeMs: int32 }, { finalizedFeatures: tagged(2, array(featureRange), []) })
/** A broker that does not know our version of this question answers in the oldest form. */
const versionsOrError: Pick<Field<ValueOf<typeof versionRanges> & { readonly errorCode: number }>, 'read'> = {
  read: from => {
    const errorCode = from.int16()
    if (errorCode === 0) return { errorCode, ...versionRanges.read(from) }
    from.bytes(from.left)
    return { errorCode, apiKeys: [], throttleTimeMs: 0, finalizedFeatures: [] }
  },
}
export const apiVersions = api(18, 'ApiVersions', { versions: [3, 3] }, { clientSoftwareName: fixed(string, 'millrace'), clientSoftwareVersion: fixed(string, '1') }, versionsOrError)

export const metadata = api(3, 'Metadata', { versions: [12, 12] }, {
  topics: nullableArray(struct({ topicId: fixed(uuid, noUuid), name: nullableString })), allowAutoTopicCreation: fixed(bool, false), includeTopicAuthorizedOperations: fixed(bool, false),
}, {
  throttleTimeMs: int32, brokers: array(struct({ nodeId: int32, host: string, port: int32, rack: nullableString })), clusterId: nullableString, controllerId: int32,
  topics: array(struct({
    errorCode: int16, name: nullableString, topicId: uuid, isInternal: bool,
    partitions: array(struct({ errorCode: int16, partitionIndex: int32, leaderId: int32, leaderEpoch: int32, replicaNodes: array(int32), isrNodes: array(int32), offlineReplicas: array(int32) })),
    topicAuthorizedOperations: int32,
  })),
})

export const findCoordinator = api(10, 'FindCoordinator', { versions: [4, 6] }, { keyType: int8, coordinatorKeys: array(string) }, {
  throttleTimeMs: int32, coordinators: array(struct({ key: string, nodeId: int32, host: string, port: int32, errorCode: int16, errorMessage: nullableString })),
})

/** Topics by id, read committed, no fetch session. */
export const fetch = api(1, 'Fetch', { versions: [13, 17] }, {
  replicaId: before(15, fixed(int32, consumers)), maxWaitMs: int32, minBytes: int32, maxBytes: int32, isolationLevel: fixed(int8, readCommitted), sessionId: fixed(int32, 0), sessionEpoch: fixed(int32, -1),
  topics: array(struct({
    topicId: uuid,
    partitions: array(struct({ partition: int32, currentLeaderEpoch: unknownEpoch, fetchOffset: int53, lastFetchedEpoch: unknownEpoch, logStartOffset: fixed(int64, -1n), partitionMaxBytes: int32 })),
  })),
  forgottenTopicsData: fixed(array(int32), []), rackId: fixed(string, ''),
}, {
  throttleTimeMs: int32, errorCode: int16, sessionId: int32,
  responses: array(struct({
    topicId: uuid,
    partitions: array(struct({
      partitionIndex: int32, errorCode: int16, highWatermark: int53, lastStableOffset: int53, logStartOffset: int53,
      abortedTransactions: nullableArray(struct({ producerId: int64, firstOffset: int53 })), preferredReadReplica: int32, records: recordsField(),
    })),
  })),
})
export type FetchedPartition = AnswerOf<typeof fetch>['responses'][number]['partitions'][number]

/** Null is nothing, as an error's answer has it. */
function recordsField (): Field<Uint8Array> {
  return { write: bytes.write, read: from => from.bytes(from.length(true) ?? 0) }
}

/** From 12 on it adds its partitions to the transaction by itself: the new transaction protocol only. */
export const produce = api(0, 'Produce', { versions: [9, 12] }, {
  transactionalId: nullableString, acks: fixed(int16, allInSync), timeoutMs: int32,
  topicData: array(struct({ name: string, partitionData: array(struct({ index: int32, records: bytes })) })),
}, {
  responses: array(struct({
    name: string,
    partitionResponses: array(struct({
      index: int32, errorCode: int16, baseOffset: int53, logAppendTimeMs: int53, logStartOffset: int53,
      recordErrors: array(struct({ batchIndex: int32, batchIndexErrorMessage: nullableString })), errorMessage: nullableString,
    })),
  })),
  throttleTimeMs: int32,
})
export type ProducedPartition = AnswerOf<typeof produce>['responses'][number]['partitionResponses'][number]

/** Times that stand for the ends. */
export const earliest = -2
export const latest = -1
export const listOffsets = api(2, 'ListOffsets', { versions: [7, 9] }, {
  replicaId: fixed(int32, consumers), isolationLevel: int8,
  topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, currentLeaderEpoch: unknownEpoch, timestamp: int53 })) })),
}, {
  throttleTimeMs: int32, topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, errorCode: int16, timestamp: int53, offset: int53, leaderEpoch: int32 })) })),
})

export const deleteRecords = api(21, 'DeleteRecords', { versions: [2, 2] }, {
  topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, offset: int53 })) })), timeoutMs: int32,
}, {
  throttleTimeMs: int32, topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, lowWatermark: int53, errorCode: int16 })) })),
})

/** Who says which producer it has gets the next epoch only while that is the producer of the id. Source: KIP-360 */
export const initProducerId = api(22, 'InitProducerId', { versions: [4, 5] }, { transactionalId: nullableString, transactionTimeoutMs: int32, producerId: int64, producerEpoch: int16 }, {
  throttleTimeMs: int32, errorCode: int16, producerId: int64, producerEpoch: int16,
})

/** Version 3, the last for producers: those behind it are for brokers. */
export const addPartitionsToTxn = api(24, 'AddPartitionsToTxn', { versions: [3, 3] }, { transactionalId: string, producerId: int64, producerEpoch: int16, topics: array(struct({ name: string, partitions: array(int32) })) }, {
  throttleTimeMs: int32, resultsByTopic: array(struct({ name: string, resultsByPartition: array(struct({ partitionIndex: int32, partitionErrorCode: int16 })) })),
})

export const addOffsetsToTxn = api(25, 'AddOffsetsToTxn', { versions: [3, 4] }, { transactionalId: string, producerId: int64, producerEpoch: int16, groupId: string }, { throttleTimeMs: int32, errorCode: int16 })

/** From 5 on it adds the group to the transaction by itself. Source: KIP-447 (generation and member), KIP-890 */
export const txnOffsetCommit = api(28, 'TxnOffsetCommit', { versions: [3, 5] }, {
  transactionalId: string, groupId: string, producerId: int64, producerEpoch: int16, generationId: int32, memberId: string, groupInstanceId: nullableString,
  topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, committedOffset: int53, committedLeaderEpoch: unknownEpoch, committedMetadata: nullableString })) })),
}, {
  throttleTimeMs: int32, topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, errorCode: int16 })) })),
})
export type TransactionOffsets = RequestOf<typeof txnOffsetCommit>['topics']

/** From 5 on it gives the producer's next epoch, so that what is left of this transaction can not end the next one. Source: KIP-890 */
export const endTxn = api(26, 'EndTxn', { versions: [3, 5] }, { transactionalId: string, producerId: int64, producerEpoch: int16, committed: bool }, {
  throttleTimeMs: int32, errorCode: int16, producerId: since(5, int64, -1n), producerEpoch: since(5, int16, -1),
})

export const saslHandshake = api(17, 'SaslHandshake', { versions: [1, 1], flexible: false }, { mechanism: string }, { errorCode: int16, mechanisms: array(string) })
export const saslAuthenticate = api(36, 'SaslAuthenticate', { versions: [2, 2] }, { authBytes: bytes }, { errorCode: int16, errorMessage: nullableString, authBytes: bytes, sessionLifetimeMs: int53 })
