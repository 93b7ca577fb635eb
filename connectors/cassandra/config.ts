import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import * as z from 'zod'
import { StreamError } from '../../pipelines/core/errors.ts'
import { nearest } from '../../pipelines/core/nearest.ts'
import type { TlsSettings } from './certificates.ts'

/** By the driver's names for them. */
export const consistencies = ['LOCAL_ONE', 'ONE', 'TWO', 'THREE', 'LOCAL_QUORUM', 'QUORUM', 'EACH_QUORUM', 'ALL'] as const
export type Consistency = typeof consistencies[number]

export interface ContactPoint { readonly host: string, readonly port: number }
export interface CassandraSettings {
  readonly contactPoints: readonly ContactPoint[]
  readonly localDataCenter: string
  readonly login: { readonly username: string, readonly password: string } | null
  readonly tls: TlsSettings | null
  readonly consistency: Consistency
  /** Copies by data centre, of a keyspace that is not there yet; null: in the local one as many as it has nodes, at most three. */
  readonly replication: Readonly<Record<string, number>> | null
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  /** `manual`: a pipeline does not change tables, it refuses to start on others. */
  readonly migrations: 'automatic' | 'manual'
}

const portDefault = 9042
const text = z.string().min(1)
const wholeOf = (min: number, max: number, fallback: number) => z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(min).max(max)).default(fallback)

const schema = z.strictObject({
  'contact.points': text.describe('some nodes: host:port, with commas between them; the port is 9042 where it is left out'),
  'local.data.center': text.describe('the data centre that is asked; `SELECT data_center FROM system.local` says its name'),
  'username': text.optional().describe('user'),
  'password': z.string().optional().describe('password'),
  'ssl': z.enum(['true', 'false']).optional().describe('whether to speak TLS; as it comes, when any of the below is given'),
  'ssl.ca.location': text.optional().describe('file of the authorities to trust, PEM; as it comes, those Node.js trusts'),
  'ssl.certificate.location': text.optional().describe('file of the client\'s certificate, PEM; alone, without a user, it is the login'),
  'ssl.key.location': text.optional().describe('file of its private key, PEM'),
  'ssl.key.password': text.optional().describe('password of that key'),
  'ssl.server.name': text.optional().describe('a name that every node\'s certificate has, where it does not have the node\'s address or the contact point\'s name'),
  'consistency': z.string().transform(name => name.toUpperCase()).pipe(z.enum(consistencies)).default('LOCAL_QUORUM').describe('how many copies must have a row before it counts as stored'),
  'keyspace': z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, 'lower-case letters, digits and _, at most 48').optional().describe('takes the place of the definition\'s'),
  'replication': text.optional().describe('copies of a keyspace that is made: 3 (in the local data centre) or berlin:3,oslo:2; as it comes, one for each node of the local data centre, at most three'),
  'request.timeout.ms': wholeOf(100, 600_000, 12_000).describe('how long an answer is waited for'),
  'connect.timeout.ms': wholeOf(100, 600_000, 5_000).describe('how long a connection is waited for'),
  'migrations': z.enum(['automatic', 'manual']).default('automatic').describe('manual: a pipeline refuses to start until `millrace lake apply` has changed the tables'),
})

/** Every property, and what it means: docs/lake.md prints it. */
export const cassandraProperties: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(schema.shape).map(([name, { description }]) => [name, description ?? '']))
const names = Object.keys(schema.shape)

/**
 * Properties that the environment names: `CASSANDRA_CONTACT_POINTS` is `contact.points`; with `_FILE` behind it, the variable names a file that
 * holds the value. Variables that are no property of ours belong to others, and are passed over.
 *
 * Errors: LAKE_CONFIG for a file that cannot be read, and for a property given both ways
 */
export function cassandraEnvironment (environment: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(names.flatMap(property => {
    const variable = `CASSANDRA_${property.replaceAll('.', '_').toUpperCase()}`
    const [value, file] = [environment[variable], environment[`${variable}_FILE`]]
    if (value !== undefined && file !== undefined) throw new StreamError('LAKE_CONFIG', { variable, why: `it is given, and ${variable}_FILE as well` })
    if (file !== undefined) return [[property, contentOf(`${variable}_FILE`, file).trimEnd()]]
    return value === undefined ? [] : [[property, value]]
  }))
}

/**
 * Check properties and make settings of them. That certificates and keys can be read is seen at once; every connection reads them anew.
 *
 * Errors: LAKE_CONFIG, which names the property, and the nearest one there is; never a value
 */
export function cassandraSettings (properties: Readonly<Record<string, string>>): CassandraSettings {
  for (const property of Object.keys(properties)) {
    if (!names.includes(property)) throw new StreamError('LAKE_CONFIG', { property, why: 'not known', nearest: nearest(property, names) })
  }
  const parsed = schema.safeParse(properties)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const property = issue!.path.join('.')
    throw new StreamError('LAKE_CONFIG', { property, why: properties[property] === undefined ? 'required' : issue!.message })
  }
  const given = parsed.data
  return {
    contactPoints: given['contact.points'].split(',').map((one, index) => contactPoint(one.trim(), index)),
    localDataCenter: given['local.data.center'],
    login: loginOf(given), tls: tlsOf(given),
    consistency: given.consistency,
    replication: given.replication === undefined ? null : replicationOf(given.replication, given['local.data.center']),
    requestTimeoutMs: given['request.timeout.ms'], connectTimeoutMs: given['connect.timeout.ms'],
    migrations: given.migrations,
  }
}

type Given = z.output<typeof schema>

/** What stands there may hold a password by mistake: it is not repeated. */
function contactPoint (text: string, index: number): ContactPoint {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:\s@/]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? (isIP(text) === 6 ? text : plain)
  if (host === undefined || (bracketed !== undefined && isIP(bracketed) !== 6) || Number(port ?? 0) > 65_535) throw new StreamError('LAKE_CONFIG', { property: 'contact.points', number: index + 1, why: 'must be host or host:port, with commas between several' })
  return { host, port: Number(port ?? portDefault) }
}

function loginOf ({ username, password }: Given): CassandraSettings['login'] {
  if (username === undefined && password === undefined) return null
  if (username === undefined || password === undefined) throw new StreamError('LAKE_CONFIG', { property: username === undefined ? 'username' : 'password', why: 'user and password go together' })
  return { username, password }
}

function tlsOf (given: Given): TlsSettings | null {
  const isAsked = Object.keys(given).some(name => name.startsWith('ssl.'))
  if (given.ssl === 'false' && isAsked) throw new StreamError('LAKE_CONFIG', { property: 'ssl', why: 'it is false, and ssl.* is given, which would not be used' })
  if (!isAsked && given.ssl !== 'true') return null
  const { 'ssl.ca.location': caFile, 'ssl.certificate.location': certFile, 'ssl.key.location': keyFile } = given
  for (const [property, file] of [['ssl.ca.location', caFile], ['ssl.certificate.location', certFile], ['ssl.key.location', keyFile]] as const) if (file !== undefined) contentOf(property, file)
  if ((certFile === undefined) !== (keyFile === undefined)) throw new StreamError('LAKE_CONFIG', { property: certFile === undefined ? 'ssl.certificate.location' : 'ssl.key.location', why: 'certificate and key go together' })
  const [passphrase, serverName] = [given['ssl.key.password'], given['ssl.server.name']]
  return { ...caFile !== undefined && { caFile }, ...certFile !== undefined && { certFile }, ...keyFile !== undefined && { keyFile }, ...passphrase !== undefined && { passphrase }, ...serverName !== undefined && { serverName } }
}

function replicationOf (text: string, localDataCenter: string): Readonly<Record<string, number>> {
  if (/^[1-9]\d?$/.test(text)) return { [localDataCenter]: Number(text) }
  return Object.fromEntries(text.split(',').map(one => {
    const [, dataCenter, copies] = /^\s*([^\s:,']+):([1-9]\d?)\s*$/.exec(one) ?? []
    if (dataCenter === undefined) throw new StreamError('LAKE_CONFIG', { property: 'replication', is: text, why: 'must be a number of copies, or data centre:copies with commas between several' })
    return [dataCenter, Number(copies)]
  }))
}

function contentOf (what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new StreamError('LAKE_CONFIG', { property: what, file, why: (cause as NodeJS.ErrnoException).code ?? 'not readable' }, { cause })
  }
}
