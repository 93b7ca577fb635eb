import { dirname, join, resolve } from 'node:path'
import { cassandraEnvironment, cassandraProperties } from '../../connectors/cassandra/config.ts'
import { kafkaEnvironment, kafkaProperties } from '../../connectors/kafka/config.ts'
import { registryProperties } from '../../connectors/registry/config.ts'
import { StreamError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import { type Profile, readProfile, type Variables } from '../define/profile.ts'
import { embeddedTarget } from './embedded.ts'
import { CliError } from './exit.ts'
import { type KafkaFacts, kafkaTarget } from './kafka.ts'
import { checkProperties } from './kafka-client.ts'
import type { TargetOptions } from './options.ts'
import type { Target } from './system.ts'

const cassandraNames = Object.keys(cassandraProperties)
/** What kafkajs and node-rdkafka are told to do without has a name too. */
const known = [...kafkaProperties, 'accept.missing']
const fileName = 'millrace.profiles.yaml'

/**
 * The cluster that profile, environment and -X name, later ones before earlier ones; the data folder where none of them names one, or where it alone is given.
 *
 * Errors: PROFILE_INVALID, KAFKA_CONFIG, REGISTRY_CONFIG, LAKE_CONFIG
 */
export async function targetOf (options: TargetOptions, { definition, environment = process.env }: { readonly definition?: string, readonly environment?: Readonly<Record<string, string | undefined>> } = {}): Promise<Target> {
  const facts = await factsOf(options, { definition, environment })
  if (facts === null || facts.cluster === null) return embeddedTarget(options.data, facts ?? {})
  await checkProperties(facts.cluster.client ?? 'kafka', facts.cluster.properties)
  return kafkaTarget(facts.cluster)
}

/** What a worker thread needs to make the same target. Null: the data folder. */
export async function kafkaFacts (options: TargetOptions, definition: string): Promise<KafkaFacts | null> {
  return (await factsOf(options, { definition, environment: process.env }))?.cluster ?? null
}

/** The registry's variables as profile, environment and -X give them, also where no cluster is named. */
export async function registryVariablesOf (options: TargetOptions, definition?: string): Promise<Readonly<Record<string, string>>> {
  return (await factsOf(options, { definition, environment: process.env }))?.registry ?? {}
}

interface Facts { readonly profile: Profile, readonly keyspace: string | null, readonly cassandra: Readonly<Record<string, string>> | null, readonly registry: Readonly<Record<string, string>>, readonly cluster: KafkaFacts | null }

async function factsOf (options: TargetOptions, { definition, environment }: { readonly definition: string | undefined, readonly environment: Readonly<Record<string, string | undefined>> }): Promise<Facts | null> {
  if (options.profile === 'embedded' || (options.isFolder === true && options.profile === undefined && options.X === undefined)) return null
  const files = options.profiles === undefined ? [...definition === undefined ? [] : [join(dirname(resolve(definition)), fileName)], resolve(fileName)] : [resolve(options.profiles)]
  const profile = options.profile === undefined ? {} : await readProfile({ name: options.profile, files, environment })
  const { prefix, replication, partitions = null } = profile.topics ?? {}
  const given = propertiesOf(options.X ?? [])
  const properties: Record<string, string> = {
    ...profile.kafka, ...prefix !== undefined && { 'topic.prefix': prefix }, ...replication !== undefined && { 'replication.factor': `${replication}` },
    ...kafkaEnvironment(environment), ...given.kafka,
  }
  const registry = layered([registryVariables(profile.registry ?? {}), schemaEnvironment(environment), registryVariables(given.registry)])
  const lake = lakeOf(profile, environment, given.cassandra)
  if (properties['bootstrap.servers'] === undefined) return { profile, registry, ...lake, cluster: null }
  return { profile, registry, ...lake, cluster: { name: options.profile ?? 'kafka', client: options.client ?? 'kafka', workers: options.threads ?? 1, properties, registry, variables: profile.variables ?? {}, ...lake, partitions } }
}

/**
 * The Cassandra that has the lake: where somebody named its contact points.
 *
 * Errors: LAKE_CONFIG for a property that is not known, and for properties of a Cassandra that nobody named
 */
function lakeOf ({ lake = {} }: Profile, environment: Readonly<Record<string, string | undefined>>, given: Readonly<Record<string, string>>): Pick<Facts, 'keyspace' | 'cassandra'> {
  const unknown = Object.keys(lake).find(name => !cassandraNames.includes(name))
  if (unknown !== undefined) throw new StreamError('LAKE_CONFIG', { property: `lake.${unknown}`, why: 'not known', nearest: nearest(unknown, cassandraNames) })
  const all = { ...lake, ...cassandraEnvironment(environment), ...given }
  const [meant] = Object.keys({ ...lake, ...given }).filter(name => name !== 'keyspace')
  if (all['contact.points'] === undefined && meant !== undefined) throw new StreamError('LAKE_CONFIG', { property: 'contact.points', why: `required with ${meant}: without it the lake is a file in the data folder` })
  return { keyspace: all.keyspace ?? null, cassandra: all['contact.points'] === undefined ? null : all }
}

interface Given { readonly kafka: Readonly<Record<string, string>>, readonly registry: Readonly<Record<string, string>>, readonly cassandra: Readonly<Record<string, string>> }
const ofCassandra = 'cassandra.'

/** Errors: CliError usage for what is no property */
function propertiesOf (given: readonly string[]): Given {
  const kafka: Record<string, string> = {}
  const cassandra: Record<string, string> = {}
  const registry: Record<string, string> = {}
  for (const text of given) {
    const at = text.indexOf('=')
    if (at < 1) throw new CliError('usage', `-X takes property=value, not ${JSON.stringify(text)}`)
    const [name, value] = [text.slice(0, at), text.slice(at + 1)]
    if (isRegistry(name)) registry[name] = value
    else if (known.includes(name)) kafka[name] = value
    else if (name.startsWith(ofCassandra) && cassandraNames.includes(name.slice(ofCassandra.length))) cassandra[name.slice(ofCassandra.length)] = value
    else {
      const near = nearest(name, [...known, ...registryProperties, ...cassandraNames.map(one => ofCassandra + one)])
      throw new CliError('usage', `There is no property ${JSON.stringify(name)}${near === null ? '' : `; did you mean ${JSON.stringify(near)}?`}`)
    }
  }
  return { kafka, registry, cassandra }
}

const isRegistry = (name: string) => registryProperties.includes(name.replace(/^schema\.registry\.(basic\.auth\.)/, '$1'))

/** `schema.registry.ssl.ca.location` is SCHEMA_REGISTRY_SSL_CA_LOCATION, `basic.auth.user.info` SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO. */
function registryVariables (properties: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [`SCHEMA_REGISTRY_${name.replace(/^schema\.registry\./, '').replaceAll('.', '_').toUpperCase()}`, value]))
}

/** Later ones before earlier ones, also before those that name a file. */
function layered (layers: readonly Readonly<Record<string, string>>[]): Readonly<Record<string, string>> {
  const all: Record<string, string> = {}
  for (const layer of layers) {
    for (const name of Object.keys(layer)) delete all[name.endsWith('_FILE') ? name.slice(0, -'_FILE'.length) : `${name}_FILE`]
    Object.assign(all, layer)
  }
  return all
}

function schemaEnvironment (environment: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => name.startsWith('SCHEMA_REGISTRY_') && value !== undefined ? [[name, value]] : []))
}

/** In TypeScript a definition reads them as `process.env`. */
export function exportVariables (variables: Variables): void {
  for (const [name, value] of Object.entries(variables)) process.env[name] ??= String(value)
}
