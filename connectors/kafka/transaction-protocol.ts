import { upTo } from './api.ts'
import type { Cluster } from './cluster.ts'
import { endTxn, produce, txnOffsetCommit } from './requests.ts'

/**
 * How a transaction is spoken about. In the older protocol a producer says beforehand what a transaction will hold, and keeps its epoch from one transaction
 * to the next: numbers of its batches go on, and only InitProducerId, by the next owner, shuts out what may still be under way of it.
 *
 * Source: KIP-98; KIP-890, which is in force where the cluster has finalised `transaction.version` 2. Brokers offer the requests of both whatever is finalised
 */
export interface TransactionProtocol {
  readonly announces: boolean
  readonly produce: typeof produce
  readonly txnOffsetCommit: typeof txnOffsetCommit
  readonly endTxn: typeof endTxn
}

const current: TransactionProtocol = { announces: false, produce, txnOffsetCommit, endTxn }
const older: TransactionProtocol = { announces: true, produce: upTo(11, produce), txnOffsetCommit: upTo(4, txnOffsetCommit), endTxn: upTo(4, endTxn) }

const writeTxnMarkersKey = 27
/** From it on a leader is told the protocol of a transaction, and refuses a marker whose epoch the producer has already. */
const strictMarkers = 2

/**
 * Whether a marker that comes twice would end the next transaction of its id: so it is in the older protocol, and in the current one where any broker is older than
 * Kafka 4.2. An id is then initialised anew after each of its transactions, so that the next one has an epoch that no marker has had.
 *
 * Source: KAFKA-19446, KIP-1228
 */
export async function takesLateMarkers (cluster: Cluster, { announces }: TransactionProtocol): Promise<boolean> {
  return announces || !await cluster.offeredByAll(writeTxnMarkersKey, strictMarkers)
}

/** What the cluster has finalised now. */
export async function transactionProtocol (cluster: Cluster): Promise<TransactionProtocol> {
  const features = await cluster.retry('ask for features', () => cluster.features())
  return (features.get('transaction.version') ?? 0) >= 2 ? current : older
}
