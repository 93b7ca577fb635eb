import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { StreamError } from '../../pipelines/core/errors.ts'
import { nearest } from '../../pipelines/core/nearest.ts'
import { contentOf, secureContextOf, type TlsFile, type TlsSettings } from './certificates.ts'
import { type CompressionType, compressionTypes } from './compress.ts'
import type { Address, ConnectionSettings } from './connection.ts'
import type { SaslSettings } from './sasl.ts'
import type { TokenSource } from './token.ts'

/** Units: milliseconds, bytes */
export interface KafkaSettings {
  readonly brokers: readonly Address[]
  readonly clientId: string
  readonly connection: ConnectionSettings
  readonly requestTimeoutMs: number
  /** How long what passes by itself (a leader that moves) is tried again. */
  readonly patienceMs: number
  /** How long what is known of a topic counts: within this time added partitions are noticed. */
  readonly metadataAgeMs: number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly transactionTimeoutMs: number
  /** Whether a member that ends in order gives its share to the others at once, instead of being waited for under its name. */
  readonly leavesOnClose: boolean
  readonly batchBytesMax: number
  readonly compression: CompressionType
  readonly decompressedBytesMax: number
  readonly topicPrefix: string
  /** -1: the cluster's default. */
  readonly replication: number
}

const wholeOf = (min: number, max: number, fallback: number) => z.string().regex(/^-?\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(min).max(max)).default(fallback)
const text = z.string().min(1)

/** Kafka's own names (the Java client's; librdkafka's for PEM files, user and password), and four of ours: `topic.prefix`, `replication.factor`, `leave.group.on.close` and `sasl.oauthbearer.token`. */
const schema = z.strictObject({
  'bootstrap.servers': text,
  'client.id': text.default('millrace'),
  'security.protocol': z.enum(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']).default('PLAINTEXT'),
  'sasl.mechanism': z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']).optional(),
  'sasl.username': text.optional(),
  'sasl.password': z.string().optional(),
  'sasl.jaas.config': text.optional(),
  'sasl.oauthbearer.token': text.optional(),
  'sasl.oauthbearer.token.endpoint.url': z.url('must be the address of a token endpoint, or file:// and the path of a file that holds a token').optional(),
  'sasl.oauthbearer.client.credentials.client.id': text.optional(),
  'sasl.oauthbearer.client.credentials.client.secret': text.optional(),
  'sasl.oauthbearer.scope': text.optional(),
  'ssl.ca.location': text.optional(),
  'ssl.certificate.location': text.optional(),
  'ssl.key.location': text.optional(),
  'ssl.key.password': text.optional(),
  'ssl.truststore.type': z.literal('PEM', 'must be PEM: a Java key store is exported with keytool and openssl').optional(),
  'ssl.truststore.location': text.optional(),
  'ssl.keystore.type': z.literal('PEM', 'must be PEM: a Java key store is exported with keytool and openssl').optional(),
  'ssl.keystore.location': text.optional(),
  'ssl.endpoint.identification.algorithm': z.enum(['https', 'none', '']).default('https'),
  'request.timeout.ms': wholeOf(100, 600_000, 30_000),
  'default.api.timeout.ms': wholeOf(100, 3_600_000, 60_000),
  'socket.connection.setup.timeout.ms': wholeOf(100, 600_000, 10_000),
  'session.timeout.ms': wholeOf(6_000, 1_800_000, 10_000),
  'max.poll.interval.ms': wholeOf(1_000, 3_600_000, 30_000),
  'transaction.timeout.ms': wholeOf(1_000, 900_000, 10_000),
  'leave.group.on.close': z.enum(['true', 'false']).default('false'),
  'metadata.max.age.ms': wholeOf(100, 3_600_000, 10_000),
  'compression.type': z.enum(compressionTypes).default('none'),
  'max.request.size': wholeOf(1_024, 100 << 20, 16 << 20),
  'fetch.max.decompressed.bytes': wholeOf(1_024, 1 << 30, 128 << 20),
  'topic.prefix': z.string().regex(/^[A-Za-z0-9._-]{0,100}$/, 'letters, digits, dots, underscores and hyphens, at most 100').default(''),
  'replication.factor': wholeOf(-1, 32, -1),
})

export const kafkaProperties: readonly string[] = Object.keys(schema.shape)

/**
 * Properties that the environment names: `KAFKA_BOOTSTRAP_SERVERS` is `bootstrap.servers`; with `_FILE` behind it, the variable names a file
 * that holds the value. Variables that are no property of ours belong to others, and are passed over.
 *
 * Errors: KAFKA_CONFIG for a file that cannot be read, and for a property given both ways
 */
export function kafkaEnvironment (environment: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(kafkaProperties.flatMap(property => {
    const variable = `KAFKA_${property.replaceAll('.', '_').toUpperCase()}`
    const [value, file] = [environment[variable], environment[`${variable}_FILE`]]
    if (value !== undefined && file !== undefined) throw new StreamError('KAFKA_CONFIG', { variable, why: `it is given, and ${variable}_FILE as well` })
    if (file !== undefined) return [[property, contentOf({ property: `${variable}_FILE`, file }).trimEnd()]]
    return value === undefined ? [] : [[property, value]]
  }))
}

/**
 * Check properties and make the settings of a connection of them. Certificates and keys are read at once.
 *
 * Errors: KAFKA_CONFIG, which names the property, and the nearest one there is; never a value
 */
export function kafkaSettings (properties: Readonly<Record<string, string>>): KafkaSettings {
  for (const property of Object.keys(properties)) {
    if (!kafkaProperties.includes(property)) throw new StreamError('KAFKA_CONFIG', { property, why: 'not known', nearest: nearest(property, kafkaProperties) })
  }
  const parsed = schema.safeParse(properties)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new StreamError('KAFKA_CONFIG', { property: issue!.path.join('.'), why: properties[issue!.path.join('.')] === undefined ? 'required' : issue!.message })
  }
  const given = parsed.data
  const requestTimeout = given['request.timeout.ms']
  const protocol = given['security.protocol']
  if (protocol === 'PLAINTEXT' && given['sasl.mechanism'] !== undefined) throw new StreamError('KAFKA_CONFIG', { property: 'security.protocol', is: protocol, why: 'sasl.mechanism is given, and would not be used' })
  return {
    brokers: given['bootstrap.servers'].split(',').map(one => address(one.trim())),
    clientId: given['client.id'],
    connection: {
      connectTimeoutMs: given['socket.connection.setup.timeout.ms'], requestTimeoutMs: requestTimeout,
      ...protocol.endsWith('SSL') && { tls: tlsOf(given) },
      ...protocol.startsWith('SASL') && { sasl: saslOf(given) },
    },
    requestTimeoutMs: requestTimeout, patienceMs: given['default.api.timeout.ms'], metadataAgeMs: given['metadata.max.age.ms'],
    sessionTimeoutMs: given['session.timeout.ms'], rebalanceTimeoutMs: given['max.poll.interval.ms'], transactionTimeoutMs: given['transaction.timeout.ms'], leavesOnClose: given['leave.group.on.close'] === 'true',
    batchBytesMax: given['max.request.size'], compression: given['compression.type'], decompressedBytesMax: given['fetch.max.decompressed.bytes'],
    topicPrefix: given['topic.prefix'], replication: given['replication.factor'],
  }
}

type Given = z.output<typeof schema>

function address (text: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) > 65_535) throw new StreamError('KAFKA_CONFIG', { property: 'bootstrap.servers', is: text, why: 'must be host:port, with commas between several' })
  return { host, port: Number(port) }
}

/** Read once here, so that what is wrong with them is said at the start. */
function tlsOf (given: Given): TlsSettings {
  const file = (property: keyof Given & `ssl.${string}.location`): TlsFile | undefined => given[property] === undefined ? undefined : { property, file: given[property] }
  const ca = file('ssl.ca.location') ?? file('ssl.truststore.location')
  const store = file('ssl.keystore.location')
  const [cert, key] = [file('ssl.certificate.location') ?? store, file('ssl.key.location') ?? store]
  if ((cert === undefined) !== (key === undefined)) throw new StreamError('KAFKA_CONFIG', { property: cert === undefined ? 'ssl.certificate.location' : 'ssl.key.location', why: 'certificate and key go together' })
  const passphrase = given['ssl.key.password']
  const tls = {
    ...ca !== undefined && { ca },
    ...cert !== undefined && key !== undefined && { cert, key },
    ...passphrase !== undefined && { passphrase },
    ...given['ssl.endpoint.identification.algorithm'] !== 'https' && { anyName: true },
  }
  secureContextOf(tls)
  return tls
}

function saslOf (given: Given): SaslSettings {
  const mechanism = given['sasl.mechanism']
  const jaas = given['sasl.jaas.config'] ?? ''
  const inJaas = (name: string) => new RegExp(`\\b${name}\\s*=\\s*"((?:[^"\\\\]|\\\\.)*)"`).exec(jaas)?.[1]?.replace(/\\(.)/g, '$1')
  if (mechanism === undefined) throw required(given, 'sasl.mechanism')
  if (mechanism === 'OAUTHBEARER') {
    const extensions = [...jaas.matchAll(/\bextension_(\w+)\s*=/g)].map(([, name]) => [name!, inJaas(`extension_${name}`) ?? ''])
    return { mechanism, source: tokenSourceOf(given, inJaas), extensions: Object.fromEntries(extensions) }
  }
  const username = given['sasl.username'] ?? inJaas('username')
  const password = given['sasl.password'] ?? inJaas('password')
  if (username === undefined) throw required(given, 'sasl.username')
  if (password === undefined) throw required(given, 'sasl.password')
  return { mechanism, username, password }
}

function tokenSourceOf (given: Given, inJaas: (name: string) => string | undefined): TokenSource {
  const token = given['sasl.oauthbearer.token']
  if (token !== undefined) return { kind: 'given', token }
  const property = 'sasl.oauthbearer.token.endpoint.url'
  const address = given[property]
  if (address === undefined) throw required(given, property)
  const url = new URL(address)
  if (url.protocol === 'file:') return { kind: 'file', file: fileURLToPath(url) }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname))) throw new StreamError('KAFKA_CONFIG', { property, is: url.protocol, why: 'must begin with https: or file:, so that the secret does not travel in the open' })
  const clientId = given['sasl.oauthbearer.client.credentials.client.id'] ?? inJaas('clientId')
  const clientSecret = given['sasl.oauthbearer.client.credentials.client.secret'] ?? inJaas('clientSecret')
  if (clientId === undefined) throw required(given, 'sasl.oauthbearer.client.credentials.client.id')
  if (clientSecret === undefined) throw required(given, 'sasl.oauthbearer.client.credentials.client.secret')
  const ca = given['ssl.ca.location'] ?? given['ssl.truststore.location']
  return { kind: 'endpoint', url: address, clientId, clientSecret, scope: given['sasl.oauthbearer.scope'] ?? inJaas('scope') ?? null, ca: ca === undefined ? null : contentOf({ property: 'ssl.ca.location', file: ca }) }
}

const required = (given: Given, property: string) => new StreamError('KAFKA_CONFIG', { property, why: `required with ${given['sasl.mechanism'] ?? given['security.protocol']}` })
