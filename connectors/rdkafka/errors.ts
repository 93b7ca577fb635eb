import { type ErrorCode, StreamError } from '../../pipelines/core/errors.ts'
import type { RdkafkaError } from './package.ts'

/** Source: librdkafka's rd_kafka_resp_err_t; negative ones are its own, the others the protocol's */
const meaning: Readonly<Record<number, ErrorCode>> = {
  [-195]: 'KAFKA_UNREACHABLE', [-194]: 'KAFKA_UNREACHABLE', [-193]: 'KAFKA_UNREACHABLE', [-192]: 'KAFKA_UNREACHABLE', [-187]: 'KAFKA_UNREACHABLE', [-185]: 'KAFKA_UNREACHABLE', [-180]: 'KAFKA_UNREACHABLE',
  [-190]: 'LOG_TOPIC_UNKNOWN', [-188]: 'LOG_TOPIC_UNKNOWN', 3: 'LOG_TOPIC_UNKNOWN',
  [-144]: 'LOG_FENCED', 47: 'LOG_FENCED', 82: 'LOG_FENCED', 90: 'LOG_FENCED', 22: 'LOG_REBALANCED', 25: 'LOG_REBALANCED', 27: 'LOG_REBALANCED', [-142]: 'LOG_REBALANCED',
  1: 'LOG_OUT_OF_RANGE', [-140]: 'LOG_OUT_OF_RANGE', [-199]: 'LOG_CORRUPT',
  2: 'LOG_BATCH_REFUSED', 10: 'LOG_BATCH_REFUSED', 18: 'LOG_BATCH_REFUSED', 32: 'LOG_BATCH_REFUSED', 87: 'LOG_BATCH_REFUSED',
  17: 'LOG_NAME', 24: 'LOG_NAME', 45: 'KAFKA_TRANSACTION', 48: 'KAFKA_TRANSACTION', 49: 'KAFKA_TRANSACTION', 52: 'KAFKA_TRANSACTION', 59: 'KAFKA_TRANSACTION', 120: 'KAFKA_TRANSACTION',
  [-181]: 'KAFKA_DENIED', [-169]: 'KAFKA_DENIED', 29: 'KAFKA_DENIED', 30: 'KAFKA_DENIED', 31: 'KAFKA_DENIED', 53: 'KAFKA_DENIED', 58: 'KAFKA_DENIED', 33: 'KAFKA_DENIED', 35: 'KAFKA_VERSION',
}

/** What passes by itself: leaders and coordinators move, brokers come back. */
const passing = new Set([-195, -193, -187, -185, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 56, 74, 75, 76, 78])
export const passes = (error: unknown): boolean => !(error instanceof StreamError) && passing.has((error as RdkafkaError).code)

/** Delivery reports come without a code: the binding keeps the text alone. */
const wording: readonly (readonly [RegExp, ErrorCode])[] = [
  [/validate record|size too large|invalid message|corrupt|invalid timestamp/i, 'LOG_BATCH_REFUSED'], [/unknown (topic|partition)/i, 'LOG_TOPIC_UNKNOWN'], [/fenced|producer epoch/i, 'LOG_FENCED'],
  [/purged|transaction|out of order sequence/i, 'KAFKA_TRANSACTION'], [/authoriz|denied/i, 'KAFKA_DENIED'], [/timed out|transport|brokers down/i, 'KAFKA_UNREACHABLE'],
]

/** The error of ours that one of librdkafka means. */
export function translated (error: unknown, details: Readonly<Record<string, unknown>>): StreamError {
  if (error instanceof StreamError) return error
  const { code, message, isTxnRequiresAbort } = error as RdkafkaError
  return new StreamError(meaning[code] ?? (code === -1 ? wording.find(([text]) => text.test(message))?.[1] : undefined) ?? (isTxnRequiresAbort ? 'KAFKA_TRANSACTION' : 'KAFKA_REFUSED'), { ...details, client: 'node-rdkafka', kafka: code, why: message }, { cause: error })
}
