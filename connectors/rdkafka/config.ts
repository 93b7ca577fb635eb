import { z } from 'zod'
import { StreamError } from '../../pipelines/core/errors.ts'
import { nearest } from '../../pipelines/core/nearest.ts'
import type { Conf } from './package.ts'

/** What node-rdkafka cannot do, and a pipeline may do without: docs/clients.md. `zstd` only where it was compiled without. */
export const missing = {
  'whole-appends': 'records of an append outside a transaction may be written in several batches, so that a failure may leave the first of them',
  'commit-metadata': 'it neither writes nor reads the metadata of committed offsets: what a commit has to remember is kept in a topic of its own, and a pipeline cannot change to or from this client without a reset',
  'binary-headers': 'it writes header values as text: others, and headers without a value, are refused when they are to be written',
  'decompression-bound': 'it does not bound what a compressed batch becomes',
  'zstd': 'it was compiled without zstd: topics with batches of that compression cannot be read',
} as const
export type Missing = keyof typeof missing

/** Units: milliseconds, bytes */
export interface RdkafkaSettings {
  /** Of every handle, in librdkafka's names. */
  readonly common: Conf
  readonly servers: string
  readonly requestTimeoutMs: number
  readonly patienceMs: number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly transactionTimeoutMs: number
  readonly batchBytesMax: number
  readonly topicPrefix: string
  readonly accepted: readonly Missing[]
}

const wholeOf = (min: number, max: number, fallback: number) => z.string().regex(/^-?\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(min).max(max)).default(fallback)
const text = z.string().min(1)
const pem = z.literal('PEM', 'must be PEM: a Java key store is exported with keytool and openssl').optional()

/** Kafka's own names, as connectors/kafka takes them, and three of ours: `topic.prefix`, `replication.factor` and `accept.missing`. */
const schema = z.strictObject({
  'bootstrap.servers': text,
  'client.id': text.default('millrace'),
  'security.protocol': z.enum(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']).default('PLAINTEXT'),
  'sasl.mechanism': z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).optional(),
  'sasl.username': text.optional(),
  'sasl.password': z.string().optional(),
  'sasl.jaas.config': text.optional(),
  'ssl.ca.location': text.optional(),
  'ssl.certificate.location': text.optional(),
  'ssl.key.location': text.optional(),
  'ssl.key.password': text.optional(),
  'ssl.truststore.type': pem,
  'ssl.truststore.location': text.optional(),
  'ssl.keystore.type': pem,
  'ssl.keystore.location': text.optional(),
  'ssl.endpoint.identification.algorithm': z.enum(['https', 'none', '']).default('https'),
  'request.timeout.ms': wholeOf(100, 600_000, 30_000),
  'default.api.timeout.ms': wholeOf(100, 3_600_000, 60_000),
  'socket.connection.setup.timeout.ms': wholeOf(1_000, 600_000, 10_000),
  'session.timeout.ms': wholeOf(6_000, 1_800_000, 10_000),
  'max.poll.interval.ms': wholeOf(1_000, 3_600_000, 30_000),
  'transaction.timeout.ms': wholeOf(1_000, 900_000, 10_000),
  'max.request.size': wholeOf(1_024, 100 << 20, 16 << 20),
  'fetch.max.decompressed.bytes': wholeOf(1_024, 1 << 30, 128 << 20),
  'topic.prefix': z.string().regex(/^[A-Za-z0-9._-]{0,100}$/, 'letters, digits, dots, underscores and hyphens, at most 100').default(''),
  'replication.factor': wholeOf(-1, 32, -1),
  'leave.group.on.close': z.literal('false', 'must be false: a member with a static name stays until its session is over').optional(),
  'accept.missing': z.string().default(''),
})
type Given = z.output<typeof schema>

export const rdkafkaProperties: readonly string[] = Object.keys(schema.shape)

/**
 * Check properties and make the settings of librdkafka of them.
 *
 * Errors: KAFKA_CONFIG, which names the property, and the nearest one there is; never a value
 */
export function rdkafkaSettings (properties: Readonly<Record<string, string>>): RdkafkaSettings {
  for (const property of Object.keys(properties)) {
    if (!rdkafkaProperties.includes(property)) throw new StreamError('KAFKA_CONFIG', { client: 'node-rdkafka', property, why: 'not known', nearest: nearest(property, rdkafkaProperties) })
  }
  const parsed = schema.safeParse(properties)
  if (!parsed.success) {
    const property = parsed.error.issues[0]!.path.join('.')
    throw new StreamError('KAFKA_CONFIG', { property, why: properties[property] === undefined ? 'required' : parsed.error.issues[0]!.message })
  }
  const given = parsed.data
  const protocol = given['security.protocol']
  if (protocol === 'PLAINTEXT' && given['sasl.mechanism'] !== undefined) throw new StreamError('KAFKA_CONFIG', { property: 'security.protocol', is: protocol, why: 'sasl.mechanism is given, and would not be used' })
  const batchBytesMax = given['max.request.size']
  const sessionTimeoutMs = given['session.timeout.ms']
  return {
    common: {
      'bootstrap.servers': given['bootstrap.servers'], 'client.id': given['client.id'], 'security.protocol': protocol.toLowerCase(),
      'socket.timeout.ms': Math.max(1_000, given['request.timeout.ms']), 'socket.connection.setup.timeout.ms': given['socket.connection.setup.timeout.ms'],
      'message.max.bytes': batchBytesMax, 'allow.auto.create.topics': false, 'log_level': 0,
      ...protocol.endsWith('SSL') && tlsOf(given),
      ...protocol.startsWith('SASL') && saslOf(given),
    },
    servers: given['bootstrap.servers'], requestTimeoutMs: given['request.timeout.ms'], patienceMs: given['default.api.timeout.ms'],
    sessionTimeoutMs, rebalanceTimeoutMs: Math.max(sessionTimeoutMs, given['max.poll.interval.ms']), transactionTimeoutMs: given['transaction.timeout.ms'],
    batchBytesMax, topicPrefix: given['topic.prefix'], accepted: acceptedOf(given['accept.missing']),
  }
}

function acceptedOf (list: string): readonly Missing[] {
  return list.split(',').map(word => word.trim()).filter(word => word !== '').map(word => {
    if (!(word in missing)) throw new StreamError('KAFKA_CONFIG', { property: 'accept.missing', is: word, why: 'node-rdkafka does not lack this', known: Object.keys(missing) })
    return word as Missing
  })
}

function tlsOf (given: Given): Conf {
  const ca = given['ssl.ca.location'] ?? given['ssl.truststore.location']
  const store = given['ssl.keystore.location']
  const [certificate, key] = [given['ssl.certificate.location'] ?? store, given['ssl.key.location'] ?? store]
  if ((certificate === undefined) !== (key === undefined)) throw new StreamError('KAFKA_CONFIG', { property: certificate === undefined ? 'ssl.certificate.location' : 'ssl.key.location', why: 'certificate and key go together' })
  const password = given['ssl.key.password']
  return {
    'enable.ssl.certificate.verification': true,
    'ssl.endpoint.identification.algorithm': given['ssl.endpoint.identification.algorithm'] === 'https' ? 'https' : 'none',
    ...ca !== undefined && { 'ssl.ca.location': ca },
    ...certificate !== undefined && { 'ssl.certificate.location': certificate, 'ssl.key.location': key },
    ...password !== undefined && { 'ssl.key.password': password },
  }
}

function saslOf (given: Given): Conf {
  const jaas = given['sasl.jaas.config'] ?? ''
  const inJaas = (name: string) => new RegExp(`\\b${name}\\s*=\\s*"((?:[^"\\\\]|\\\\.)*)"`).exec(jaas)?.[1]?.replace(/\\(.)/g, '$1')
  const sasl = { 'sasl.mechanism': given['sasl.mechanism'], 'sasl.username': given['sasl.username'] ?? inJaas('username'), 'sasl.password': given['sasl.password'] ?? inJaas('password') }
  for (const [property, value] of Object.entries(sasl)) if (value === undefined) throw new StreamError('KAFKA_CONFIG', { property, why: `required with ${given['security.protocol']}` })
  return sasl
}
