import { api } from '../../connectors/kafka/api.ts'
import type { Address } from '../../connectors/kafka/connection.ts'
import { Connections, type Wire } from '../../connectors/kafka/connections.ts'
import { array, bool, fixed, int16, int32, int64, int8, since, string, struct } from '../../connectors/kafka/fields.ts'
import type { KafkaSettings } from '../../connectors/kafka/public.ts'
import { apiVersions, metadata } from '../../connectors/kafka/requests.ts'
import { codeName } from '../../connectors/kafka/codes.ts'

/** What coordinators send to leaders. From 2 on it says the protocol of the transaction: KIP-1228 */
const writeTxnMarkers = api(27, 'WriteTxnMarkers', { versions: [1, 2] }, {
  markers: array(struct({
    producerId: int64, producerEpoch: int16, transactionResult: bool, topics: array(struct({ name: string, partitionIndexes: array(int32) })), coordinatorEpoch: fixed(int32, 0),
    transactionVersion: since(2, int8, 0),
  })),
}, { markers: array(struct({ producerId: int64, topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, errorCode: int16 })) })) })) })
const currentProtocol = 2
const offsetsTopic = '__consumer_offsets'

export interface Marker { readonly producerId: bigint, readonly epoch: number, readonly committed: boolean }
export interface MarkedPartition { readonly topic: string, readonly partition: number }

/**
 * Sends markers of transactions to the leaders of partitions, as a coordinator does whose first try was slow: of a cluster of one broker.
 *
 * Source: TransactionMarkerChannelManager
 */
export class MarkerSender {
  readonly #wire: Wire
  readonly #broker: Address

  constructor ({ clientId, connection, brokers: [broker] }: KafkaSettings) {
    this.#wire = new Connections({ clientId, connection, joinTimeoutMs: connection.requestTimeoutMs })
    this.#broker = broker!
  }

  /** What a leader says to the marker: NONE when it took it. */
  async send ({ producerId, epoch, committed }: Marker, { topic, partition }: MarkedPartition): Promise<string> {
    const marker = { producerId, producerEpoch: epoch, transactionResult: committed, topics: [{ name: topic, partitionIndexes: [partition] }], transactionVersion: currentProtocol }
    const { markers: [answer] } = await this.#wire.call(this.#broker, 'control', writeTxnMarkers, { markers: [marker] })
    return codeName(answer!.topics[0]!.partitions[0]!.errorCode)
  }

  /** Whether leaders tell a marker that comes twice by its epoch: Kafka 4.2. */
  async isStrict (): Promise<boolean> {
    const { apiKeys } = await this.#wire.call(this.#broker, 'control', apiVersions, {})
    return apiKeys.find(({ apiKey }) => apiKey === writeTxnMarkers.key)!.maxVersion >= 2
  }

  /** Where offsets of a group lie. */
  async offsetsOf (group: string): Promise<MarkedPartition> {
    const { topics: [found] } = await this.#wire.call(this.#broker, 'control', metadata, { topics: [{ name: offsetsTopic }] })
    let hash = 0
    for (let at = 0; at < group.length; at += 1) hash = (Math.imul(hash, 31) + group.charCodeAt(at)) | 0
    return { topic: offsetsTopic, partition: (hash & 0x7fffffff) % found!.partitions.length }
  }

  close (): Promise<void> { return this.#wire.close() }
}
