import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { StreamError } from '../../pipelines/core/errors.ts'
import { nearest } from '../../pipelines/core/nearest.ts'
import { type SubjectStrategy, subjectStrategies } from '../../schemas/subject.ts'

/** Of TLS. PEM, read at once. `isNamed` false: the server's certificate need not bear its host's name. */
export interface RegistryTls { readonly ca: string | null, readonly cert: string | null, readonly key: string | null, readonly passphrase: string | null, readonly isNamed: boolean }

export interface RegistryConfig {
  /** One registry may have several addresses; without user, password or trailing slash. */
  readonly urls: readonly string[]
  readonly user: { readonly name: string, readonly password: string } | null
  readonly tls: RegistryTls
  readonly strategy: SubjectStrategy
  readonly timeoutMs: number
  /** After the first try of every address. */
  readonly retryCount: number
}

const text = z.string().min(1)
const wholeOf = (min: number, fallback: number) => z.string().regex(/^\d{1,9}$/, `must be a whole number from ${min} on`).transform(Number).pipe(z.number(`must be a whole number from ${min} on`).min(min, `must be a whole number from ${min} on`)).default(fallback)
const pem = z.literal('PEM', 'must be PEM: a Java key store is exported with keytool and openssl').optional()
const strategies = new Map<string, SubjectStrategy>(subjectStrategies.flatMap(name => [[name, name], [`io.confluent.kafka.serializers.subject.${name}`, name]]))

/** Confluent's own names; librdkafka's for PEM files. */
const schema = z.strictObject({
  'schema.registry.url': text,
  'basic.auth.credentials.source': z.enum(['URL', 'USER_INFO'], 'must be URL or USER_INFO').optional(),
  'basic.auth.user.info': z.string().regex(/^[^:]+:/, 'must be user:password').optional(),
  'schema.registry.ssl.ca.location': text.optional(),
  'schema.registry.ssl.certificate.location': text.optional(),
  'schema.registry.ssl.key.location': text.optional(),
  'schema.registry.ssl.key.password': text.optional(),
  'schema.registry.ssl.truststore.type': pem,
  'schema.registry.ssl.truststore.location': text.optional(),
  'schema.registry.ssl.keystore.type': pem,
  'schema.registry.ssl.keystore.location': text.optional(),
  'schema.registry.ssl.endpoint.identification.algorithm': z.enum(['https', 'none', '']).default('https'),
  'schema.registry.request.timeout.ms': wholeOf(1, 4_000),
  'schema.registry.retries': wholeOf(0, 3),
  'value.subject.name.strategy': z.string().refine(name => strategies.has(name), `must be ${subjectStrategies.join(', ')}`).default('TopicNameStrategy'),
})

type Property = keyof typeof schema.shape
export const registryProperties: readonly string[] = Object.keys(schema.shape)
const variableOf = (property: string) => `SCHEMA_REGISTRY_${property.replace(/^schema\.registry\./, '').replaceAll('.', '_').toUpperCase()}`

/**
 * Properties that the environment names: SCHEMA_REGISTRY_URL is `schema.registry.url`, SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO `basic.auth.user.info`;
 * with `_FILE` behind it, the variable names a file that holds the value. An empty variable is none.
 *
 * Errors: REGISTRY_CONFIG for a file that cannot be read, and for a property given both ways
 */
export function registryEnvironment (environment: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(registryProperties.flatMap(property => {
    const name = variableOf(property)
    const [value, file] = [environment[name] || undefined, environment[`${name}_FILE`] || undefined]
    if (value !== undefined && file !== undefined) throw new StreamError('REGISTRY_CONFIG', { name, why: `it is given, and ${name}_FILE as well` })
    if (file !== undefined) return [[property, fileText(`${name}_FILE`, file).trim()]]
    return value === undefined ? [] : [[property, value]]
  }))
}

/**
 * Where the registry is, by the environment and by properties, which go before it. Certificates and keys are read at once. Null when
 * there is no `schema.registry.url`.
 *
 * Errors: REGISTRY_CONFIG, which names the property or its variable; never a secret
 */
export function registryConfig (environment: Readonly<Record<string, string | undefined>>, properties: Readonly<Record<string, string>> = {}): RegistryConfig | null {
  const short = Object.fromEntries(Object.entries(properties).map(([name, value]) => [name.replace(/^schema\.registry\.(basic\.auth\.)/, '$1'), value]))
  for (const property of Object.keys(short)) {
    if (!registryProperties.includes(property)) throw new StreamError('REGISTRY_CONFIG', { name: property, why: 'not known', nearest: nearest(property, registryProperties) })
  }
  const given = { ...registryEnvironment(environment), ...short }
  if ((given['schema.registry.url'] ?? '').trim() === '') return null
  const parsed = schema.safeParse(given)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const name = issue!.path.join('.')
    throw new StreamError('REGISTRY_CONFIG', { name, variable: variableOf(name), why: issue!.message })
  }
  const { data } = parsed
  const urls = data['schema.registry.url'].split(',').map(one => urlOf(one.trim()))
  return {
    urls: urls.map(url => `${url.origin}${url.pathname.replace(/\/$/, '')}`), user: userOf(data, urls[0]!), tls: tlsOf(data), strategy: strategies.get(data['value.subject.name.strategy'])!,
    timeoutMs: data['schema.registry.request.timeout.ms'], retryCount: data['schema.registry.retries'],
  }
}

type Given = z.output<typeof schema>

function urlOf (one: string): URL {
  const url = URL.parse(one)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw new StreamError('REGISTRY_CONFIG', { name: 'schema.registry.url', variable: variableOf('schema.registry.url'), expected: 'http://host:port or https://host:port' })
  return url
}

function userOf (given: Given, { username, password }: URL): RegistryConfig['user'] {
  const { 'basic.auth.user.info': info, 'basic.auth.credentials.source': source = info === undefined ? 'URL' : 'USER_INFO' } = given
  if (source === 'URL') return username === '' ? null : { name: decodeURIComponent(username), password: decodeURIComponent(password) }
  if (info === undefined) throw new StreamError('REGISTRY_CONFIG', { name: 'basic.auth.user.info', variable: variableOf('basic.auth.user.info'), why: 'required where basic.auth.credentials.source is USER_INFO' })
  const at = info.indexOf(':')
  return { name: info.slice(0, at), password: info.slice(at + 1) }
}

function tlsOf (given: Given): RegistryTls {
  const file = (name: Property) => typeof given[name] === 'string' ? fileText(variableOf(name), given[name]) : null
  const store = file('schema.registry.ssl.keystore.location')
  const cert = file('schema.registry.ssl.certificate.location') ?? store
  const key = file('schema.registry.ssl.key.location') ?? store
  if ((cert === null) !== (key === null)) throw new StreamError('REGISTRY_CONFIG', { name: `schema.registry.ssl.${cert === null ? 'certificate' : 'key'}.location`, why: 'certificate and key go together' })
  return {
    ca: file('schema.registry.ssl.ca.location') ?? file('schema.registry.ssl.truststore.location'), cert, key,
    passphrase: given['schema.registry.ssl.key.password'] ?? null, isNamed: given['schema.registry.ssl.endpoint.identification.algorithm'] === 'https',
  }
}

function fileText (name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new StreamError('REGISTRY_CONFIG', { name, file, problem: (cause as NodeJS.ErrnoException).code }, { cause })
  }
}
