import type { Kafka } from 'kafkajs'
import { StreamError } from '../../pipelines/core/errors.ts'

/**
 * What of kafkajs lies behind its public face and is used here: reading a partition from an offset without being in a group, and the requests
 * that its own consumer and admin send. Its version is checked for that reason.
 *
 * Source: kafkajs 2.2.4, src/index.js, src/cluster/index.js, src/broker/index.js
 */
export interface Cluster {
  connect (): Promise<void>
  disconnect (): Promise<void>
  metadata (request: { readonly topics: readonly string[] }): Promise<{ readonly topicMetadata: readonly { readonly topic: string, readonly partitionMetadata: readonly { readonly partitionId: number, readonly leader: number }[] }[] } | null>
  refreshMetadata (): Promise<void>
  findBroker (node: { readonly nodeId: number }): Promise<Broker>
  findGroupCoordinator (group: { readonly groupId: string, readonly coordinatorType?: number }): Promise<Broker>
}

export interface Broker {
  fetch (request: { readonly replicaId: number, readonly isolationLevel: number, readonly maxWaitTime: number, readonly minBytes: number, readonly maxBytes: number, readonly topics: readonly { readonly topic: string, readonly partitions: readonly { readonly partition: number, readonly fetchOffset: string, readonly maxBytes: number }[] }[] }): Promise<{ readonly responses: readonly { readonly topicName: string, readonly partitions: readonly FetchedPartition[] }[] }>
  listOffsets (request: { readonly replicaId: number, readonly isolationLevel: number, readonly topics: readonly { readonly topic: string, readonly partitions: readonly { readonly partition: number, readonly timestamp: number }[] }[] }): Promise<{ readonly responses: readonly { readonly partitions: readonly { readonly offset: string }[] }[] }>
  deleteRecords (request: { readonly topics: readonly { readonly topic: string, readonly partitions: readonly { readonly partition: number, readonly offset: string }[] }[] }): Promise<unknown>
  offsetFetch (request: { readonly groupId: string, readonly topics: readonly { readonly topic: string, readonly partitions: readonly { readonly partition: number }[] }[] }): Promise<{ readonly responses: readonly { readonly partitions: readonly { readonly offset: string, readonly metadata: string | null }[] }[] }>
}

export interface FetchedPartition {
  readonly partition: number
  readonly lastStableOffset: string
  readonly abortedTransactions: readonly { readonly producerId: string, readonly firstOffset: string }[]
  readonly messages: readonly Message[]
}

export interface Message {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | null | readonly (Buffer | null)[]>>
  readonly isControlRecord: boolean
  /** Of the record batch that it came in. `timestampType` 1: the log's. */
  readonly batchContext: { readonly firstOffset: string, readonly lastOffsetDelta: number, readonly producerId: string, readonly inTransaction: boolean, readonly timestampType: number }
}

export const consumers = -1
export const readCommitted = 1

export function clusterOf (kafka: Kafka): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster')
  const make = symbol === undefined ? undefined : (kafka as unknown as Record<symbol, unknown>)[symbol]
  if (typeof make !== 'function') throw new StreamError('KAFKA_CLIENT', { client: 'kafkajs', why: 'it is not the version whose inner parts are known' })
  return make({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, isolationLevel: readCommitted }) as Cluster
}
