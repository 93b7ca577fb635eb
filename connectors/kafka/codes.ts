import { protocolErrorsCodesById } from '@platformatic/kafka'
import { type ErrorCode, StreamError } from '../../pipelines/core/errors.ts'

/** Kafka's name of an error code. */
export const codeName = (code: number): string => (protocolErrorsCodesById as Readonly<Record<number, string>>)[code] ?? `UNKNOWN_${code}`

/** What passes by itself: leaders and coordinators move, a transaction's markers are still on their way. */
const passing = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_OR_FOLLOWER', 'REQUEST_TIMED_OUT', 'BROKER_NOT_AVAILABLE', 'REPLICA_NOT_AVAILABLE', 'NETWORK_EXCEPTION',
  'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'NOT_CONTROLLER', 'CONCURRENT_TRANSACTIONS',
  'KAFKA_STORAGE_ERROR', 'FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH', 'OFFSET_NOT_AVAILABLE', 'UNSTABLE_OFFSET_COMMIT', 'THROTTLING_QUOTA_EXCEEDED', 'UNKNOWN_TOPIC_ID', 'INCONSISTENT_TOPIC_ID',
  'STALE_BROKER_EPOCH',
])

const meaning: Readonly<Record<string, ErrorCode>> = {
  OFFSET_OUT_OF_RANGE: 'LOG_OUT_OF_RANGE',
  CORRUPT_MESSAGE: 'LOG_BATCH_REFUSED', INVALID_RECORD: 'LOG_BATCH_REFUSED', MESSAGE_TOO_LARGE: 'LOG_BATCH_REFUSED', RECORD_LIST_TOO_LARGE: 'LOG_BATCH_REFUSED', INVALID_TIMESTAMP: 'LOG_BATCH_REFUSED',
  INVALID_TOPIC_EXCEPTION: 'LOG_NAME', INVALID_GROUP_ID: 'LOG_NAME', INVALID_PARTITIONS: 'LOG_NAME',
  FENCED_INSTANCE_ID: 'LOG_FENCED', PRODUCER_FENCED: 'LOG_FENCED', INVALID_PRODUCER_EPOCH: 'LOG_FENCED',
  UNKNOWN_MEMBER_ID: 'LOG_REBALANCED', ILLEGAL_GENERATION: 'LOG_REBALANCED', REBALANCE_IN_PROGRESS: 'LOG_REBALANCED',
  TRANSACTION_ABORTABLE: 'KAFKA_TRANSACTION', INVALID_TXN_STATE: 'KAFKA_TRANSACTION', INVALID_PRODUCER_ID_MAPPING: 'KAFKA_TRANSACTION', OUT_OF_ORDER_SEQUENCE_NUMBER: 'KAFKA_TRANSACTION',
  UNKNOWN_PRODUCER_ID: 'KAFKA_TRANSACTION', TRANSACTION_COORDINATOR_FENCED: 'KAFKA_TRANSACTION',
  TOPIC_AUTHORIZATION_FAILED: 'KAFKA_DENIED', GROUP_AUTHORIZATION_FAILED: 'KAFKA_DENIED', CLUSTER_AUTHORIZATION_FAILED: 'KAFKA_DENIED', TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'KAFKA_DENIED',
  SASL_AUTHENTICATION_FAILED: 'KAFKA_DENIED', UNSUPPORTED_SASL_MECHANISM: 'KAFKA_DENIED',
  UNSUPPORTED_VERSION: 'KAFKA_VERSION',
}

/** A step that may be tried again: the answer said so, or there was none. Never leaves this room. */
export class Again extends Error {
  /** False: the broker said no. True: nobody knows whether it was done. */
  readonly indefinite: boolean

  constructor (why: string, indefinite: boolean, options?: ErrorOptions) {
    super(why, options)
    this.indefinite = indefinite
  }
}

/**
 * Nothing when `code` is 0.
 *
 * Errors: Again for what passes by itself; else the error of ours that Kafka's means
 */
export function check (code: number, details: Readonly<Record<string, unknown>>): void {
  if (code === 0) return
  const name = codeName(code)
  if (passing.has(name)) throw new Again(name, false)
  throw new StreamError(meaning[name] ?? 'KAFKA_REFUSED', { ...details, kafka: name })
}
