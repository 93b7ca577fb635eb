import { type ErrorCode, StreamError } from '../../pipelines/core/errors.ts'

/** What passes by itself: leaders and coordinators move, a transaction's markers are still on their way. */
const passing = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION', 'REQUEST_TIMED_OUT', 'BROKER_NOT_AVAILABLE', 'REPLICA_NOT_AVAILABLE', 'NETWORK_EXCEPTION', 'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP', 'NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'NOT_CONTROLLER', 'CONCURRENT_TRANSACTIONS',
  'KAFKA_STORAGE_ERROR', 'FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH', 'OFFSET_NOT_AVAILABLE', 'STALE_BROKER_EPOCH',
])
const unreachable = new Set(['KafkaJSConnectionError', 'KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError', 'KafkaJSBrokerNotFound', 'KafkaJSNoBrokerAvailableError', 'KafkaJSLockTimeout', 'KafkaJSGroupCoordinatorNotFound', 'KafkaJSMetadataNotLoaded'])

const meaning: Readonly<Record<string, ErrorCode>> = {
  OFFSET_OUT_OF_RANGE: 'LOG_OUT_OF_RANGE', UNKNOWN_TOPIC_OR_PARTITION: 'LOG_TOPIC_UNKNOWN',
  CORRUPT_MESSAGE: 'LOG_BATCH_REFUSED', INVALID_RECORD: 'LOG_BATCH_REFUSED', MESSAGE_TOO_LARGE: 'LOG_BATCH_REFUSED', RECORD_LIST_TOO_LARGE: 'LOG_BATCH_REFUSED', INVALID_TIMESTAMP: 'LOG_BATCH_REFUSED',
  INVALID_TOPIC_EXCEPTION: 'LOG_NAME', INVALID_GROUP_ID: 'LOG_NAME', INVALID_PARTITIONS: 'LOG_NAME',
  PRODUCER_FENCED: 'LOG_FENCED', INVALID_PRODUCER_EPOCH: 'LOG_FENCED',
  INVALID_TXN_STATE: 'KAFKA_TRANSACTION', INVALID_PRODUCER_ID_MAPPING: 'KAFKA_TRANSACTION', OUT_OF_ORDER_SEQUENCE_NUMBER: 'KAFKA_TRANSACTION', UNKNOWN_PRODUCER_ID: 'KAFKA_TRANSACTION', TRANSACTION_COORDINATOR_FENCED: 'KAFKA_TRANSACTION',
  TOPIC_AUTHORIZATION_FAILED: 'KAFKA_DENIED', GROUP_AUTHORIZATION_FAILED: 'KAFKA_DENIED', CLUSTER_AUTHORIZATION_FAILED: 'KAFKA_DENIED', TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'KAFKA_DENIED',
  SASL_AUTHENTICATION_FAILED: 'KAFKA_DENIED', UNSUPPORTED_SASL_MECHANISM: 'KAFKA_DENIED', UNSUPPORTED_VERSION: 'KAFKA_VERSION',
}

/** Codes that kafkajs has no name for. */
const unnamed: Readonly<Record<number, ErrorCode>> = { 90: 'LOG_FENCED', 120: 'KAFKA_TRANSACTION' }

interface KafkajsError extends Error { readonly type?: string, readonly code?: string | number, readonly errors?: readonly KafkajsError[] }

/** kafkajs wraps what a broker said, or what a socket said, once for each layer that gave up. */
export function rootOf (error: unknown): KafkajsError {
  let root = error as KafkajsError
  while (root.cause instanceof Error || root.errors?.[0] !== undefined) root = (root.cause ?? root.errors![0]) as KafkajsError
  return root
}

export function passes (error: unknown): boolean {
  if (error instanceof StreamError) return false
  const { type, name } = rootOf(error)
  return (type !== undefined && passing.has(type)) || unreachable.has(name) || name === 'KafkaJSTimeout'
}

/** Whether nobody knows if the request was carried out: no answer came. */
export const isIndefinite = (error: unknown): boolean => !(error instanceof StreamError) && unreachable.has(rootOf(error).name)

/** The error of ours that one of kafkajs means. */
export function translated (error: unknown, details: Readonly<Record<string, unknown>>): StreamError {
  if (error instanceof StreamError) return error
  const { type, name, message, code: number } = rootOf(error)
  const facts = { ...details, client: 'kafkajs', ...type === undefined ? { why: message } : { kafka: type === 'KAFKAJS_UNKNOWN_ERROR_CODE' ? number : type } }
  const code = (typeof number === 'number' ? unnamed[number] : undefined) ?? (type !== undefined ? meaning[type] ?? (passing.has(type) ? 'KAFKA_UNREACHABLE' : undefined) : undefined)
    ?? (name === 'KafkaJSSASLAuthenticationError' || /certificate|self-signed|altnames/i.test(message) ? 'KAFKA_DENIED' : unreachable.has(name) || name === 'KafkaJSTimeout' ? 'KAFKA_UNREACHABLE' : 'KAFKA_REFUSED')
  return new StreamError(code, facts, { cause: error })
}
