import { join } from 'node:path'
import { machineClock } from '../../connectors/embedded/clock.ts'
import type { LogPort, RegistryPort } from '../core/ports.ts'
import type { Variables } from '../define/profile.ts'
import { registryContracts } from './contracts.ts'
import { CliError } from './exit.ts'
import { openClient } from './kafka-client.ts'
import type { KafkaClient } from './options.ts'
import type { Target } from './system.ts'
import { paint, say } from './talk.ts'

const saysAfterMs = 2_000

/** How to reach a cluster, as plain data: a worker thread makes the same target of it. */
export interface KafkaFacts {
  /** The profile's, or `kafka`. */
  readonly name: string
  readonly client?: KafkaClient
  /** Workers that are to share a group in this process. */
  readonly workers?: number
  /** By Kafka's own names. */
  readonly properties: Readonly<Record<string, string>>
  /** The registry's variables: SCHEMA_REGISTRY_URL and those beside it. */
  readonly registry: Readonly<Record<string, string>>
  readonly variables: Variables
  readonly keyspace: string | null
  /** Of the Cassandra that has the lake. */
  readonly cassandra?: Readonly<Record<string, string>> | null
  readonly partitions: number | null
}

/**
 * A Kafka cluster and a schema registry.
 *
 * Errors: when opened KAFKA_CONFIG, REGISTRY_CONFIG, KAFKA_UNREACHABLE, KAFKA_DENIED, KAFKA_CLIENT
 */
export function kafkaTarget (facts: KafkaFacts): Target {
  const { name, client = 'kafka', properties, registry, variables, keyspace, cassandra = null, partitions } = facts
  const prefix = properties['topic.prefix'] ?? ''
  return {
    kind: 'kafka', folder: name, variables, keyspace, cassandra, partitions,
    describe: `Kafka at ${properties['bootstrap.servers']}${prefix === '' ? '' : `, topics ${prefix}*`}${client === 'kafka' ? '' : `, through ${client}`}`,
    contracts: async (subject, version) => registryContracts(await openRegistry(registry, null))(subject, version),
    async open (folder) {
      const schemas = await openRegistry(registry, join(folder, 'registry-cache'))
      return { log: await openLog(facts), registry: schemas, clock: machineClock, lakeFile: join(folder, 'lake.duckdb'), cassandra }
    },
    openLog: () => openLog(facts),
    async openReader () {
      const schemas = await openRegistry(registry, null)
      return { log: await openLog(facts), registry: schemas }
    },
  }
}

/** A cluster that is on its way up is waited for, aloud. */
async function openLog ({ client = 'kafka', properties, workers = 1 }: KafkaFacts): Promise<LogPort> {
  const silence = setTimeout(() => { say(paint.yellow(`Kafka at ${properties['bootstrap.servers']} has not answered yet: it is asked for as long as default.api.timeout.ms says (a minute)`)) }, saysAfterMs)
  try {
    return await openClient({ client, properties, workers })
  } finally {
    clearTimeout(silence)
  }
}

async function openRegistry (variables: Readonly<Record<string, string>>, cacheFolder: string | null): Promise<RegistryPort> {
  const { registryClient, registryConfig } = await import('../../connectors/registry/public.ts')
  const config = registryConfig(variables)
  if (config === null) throw new CliError('config', 'Cannot find the schema registry: set SCHEMA_REGISTRY_URL, give -X schema.registry.url=http://host:8081, or write it into the profile; `npm run stack` and `millrace registry` serve one')
  return registryClient({ ...config, clock: machineClock, cacheFolder })
}
