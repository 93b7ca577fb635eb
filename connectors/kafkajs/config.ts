import { readFileSync } from 'node:fs'
import type { KafkaConfig, SASLOptions } from 'kafkajs'
import { z } from 'zod'
import { StreamError } from '../../pipelines/core/errors.ts'
import { nearest } from '../../pipelines/core/nearest.ts'

/** What kafkajs cannot do, and a pipeline may do without: docs/clients.md. */
export const missing = {
  'checksums': 'it does not check the checksum of what it reads, so that a damaged batch is processed or fails to decode',
  'topic-ids': 'it does not know topics by id, so that one which was deleted and made anew under the same name is read on',
} as const
export type Missing = keyof typeof missing

/** Units: milliseconds, bytes */
export interface KafkajsSettings {
  readonly kafka: KafkaConfig
  readonly patienceMs: number
  readonly transactionTimeoutMs: number
  readonly batchBytesMax: number
  readonly decompressedBytesMax: number
  readonly topicPrefix: string
  /** -1: the cluster's default. */
  readonly replication: number
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
  'socket.connection.setup.timeout.ms': wholeOf(100, 600_000, 10_000),
  'session.timeout.ms': wholeOf(6_000, 1_800_000, 10_000),
  'max.poll.interval.ms': wholeOf(1_000, 3_600_000, 30_000),
  'transaction.timeout.ms': wholeOf(1_000, 900_000, 10_000),
  'max.request.size': wholeOf(1_024, 100 << 20, 16 << 20),
  'fetch.max.decompressed.bytes': wholeOf(1_024, 1 << 30, 128 << 20),
  'topic.prefix': z.string().regex(/^[A-Za-z0-9._-]{0,100}$/, 'letters, digits, dots, underscores and hyphens, at most 100').default(''),
  'replication.factor': wholeOf(-1, 32, -1),
  // Taken, and without effect: a leg has one worker here, which has no place in a group to keep.
  'leave.group.on.close': z.enum(['true', 'false']).optional(),
  'accept.missing': z.string().default(''),
})
type Given = z.output<typeof schema>

export const kafkajsProperties: readonly string[] = Object.keys(schema.shape)

/**
 * Check properties and make the settings of kafkajs of them. Certificates and keys are read at once. Those of group membership are taken and
 * change nothing: one worker leads a group alone.
 *
 * Errors: KAFKA_CONFIG, which names the property, and the nearest one there is; never a value
 */
export function kafkajsSettings (properties: Readonly<Record<string, string>>): KafkajsSettings {
  for (const property of Object.keys(properties)) {
    if (!kafkajsProperties.includes(property)) throw new StreamError('KAFKA_CONFIG', { client: 'kafkajs', property, why: 'not known', nearest: nearest(property, kafkajsProperties) })
  }
  const parsed = schema.safeParse(properties)
  if (!parsed.success) {
    const property = parsed.error.issues[0]!.path.join('.')
    throw new StreamError('KAFKA_CONFIG', { property, why: properties[property] === undefined ? 'required' : parsed.error.issues[0]!.message })
  }
  const given = parsed.data
  const protocol = given['security.protocol']
  if (protocol === 'PLAINTEXT' && given['sasl.mechanism'] !== undefined) throw new StreamError('KAFKA_CONFIG', { property: 'security.protocol', is: protocol, why: 'sasl.mechanism is given, and would not be used' })
  const patienceMs = given['default.api.timeout.ms']
  return {
    kafka: {
      brokers: given['bootstrap.servers'].split(',').map(one => broker(one.trim())), clientId: given['client.id'],
      connectionTimeout: given['socket.connection.setup.timeout.ms'], authenticationTimeout: given['socket.connection.setup.timeout.ms'], requestTimeout: given['request.timeout.ms'],
      // Pauses grow to 100 ms within the first eight tries.
      retry: { initialRetryTime: 5, maxRetryTime: 100, retries: 8 + Math.ceil(patienceMs / 100) },
      ...protocol.endsWith('SSL') && { ssl: tlsOf(given) },
      ...protocol.startsWith('SASL') && { sasl: saslOf(given) },
    },
    patienceMs, transactionTimeoutMs: given['transaction.timeout.ms'],
    batchBytesMax: given['max.request.size'], decompressedBytesMax: given['fetch.max.decompressed.bytes'],
    topicPrefix: given['topic.prefix'], replication: given['replication.factor'], accepted: acceptedOf(given['accept.missing']),
  }
}

function broker (text: string): string {
  if (!/^(\[[^\]]+\]|[^:\s]+):\d{1,5}$/.test(text)) throw new StreamError('KAFKA_CONFIG', { property: 'bootstrap.servers', is: text, why: 'must be host:port, with commas between several' })
  return text
}

function acceptedOf (list: string): readonly Missing[] {
  return list.split(',').map(word => word.trim()).filter(word => word !== '').map(word => {
    if (!(word in missing)) throw new StreamError('KAFKA_CONFIG', { property: 'accept.missing', is: word, why: 'kafkajs does not lack this', known: Object.keys(missing) })
    return word as Missing
  })
}

function tlsOf (given: Given): NonNullable<Exclude<KafkaConfig['ssl'], boolean>> {
  const file = (property: keyof Given & `ssl.${string}.location`) => given[property] === undefined ? undefined : contentOf(property, given[property])
  const ca = file('ssl.ca.location') ?? file('ssl.truststore.location')
  const store = file('ssl.keystore.location')
  const [cert, key] = [file('ssl.certificate.location') ?? store, file('ssl.key.location') ?? store]
  if ((cert === undefined) !== (key === undefined)) throw new StreamError('KAFKA_CONFIG', { property: cert === undefined ? 'ssl.certificate.location' : 'ssl.key.location', why: 'certificate and key go together' })
  const passphrase = given['ssl.key.password']
  return {
    rejectUnauthorized: true,
    ...ca !== undefined && { ca },
    ...cert !== undefined && key !== undefined && { cert, key },
    ...passphrase !== undefined && { passphrase },
    ...given['ssl.endpoint.identification.algorithm'] !== 'https' && { checkServerIdentity: () => undefined },
  }
}

function saslOf (given: Given): SASLOptions {
  const mechanism = given['sasl.mechanism']
  const jaas = given['sasl.jaas.config'] ?? ''
  const inJaas = (name: string) => new RegExp(`\\b${name}\\s*=\\s*"((?:[^"\\\\]|\\\\.)*)"`).exec(jaas)?.[1]?.replace(/\\(.)/g, '$1')
  const username = given['sasl.username'] ?? inJaas('username')
  const password = given['sasl.password'] ?? inJaas('password')
  for (const [property, value] of Object.entries({ 'sasl.mechanism': mechanism, 'sasl.username': username, 'sasl.password': password })) {
    if (value === undefined) throw new StreamError('KAFKA_CONFIG', { property, why: `required with ${given['security.protocol']}` })
  }
  return { mechanism: mechanism!.toLowerCase() as 'plain', username: username!, password: password! }
}

function contentOf (what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new StreamError('KAFKA_CONFIG', { property: what, file, why: (cause as NodeJS.ErrnoException).code ?? 'not readable' }, { cause })
  }
}
