import { join } from 'node:path'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { type KafkaSettings, kafkaSettings } from '../../connectors/kafka/config.ts'
import type { LogPort, RegistryPort } from '../core/ports.ts'
import type { Variables } from '../define/profile.ts'
import { registryContracts } from './contracts.ts'
import { CliError } from './exit.ts'
import type { Target } from './system.ts'
import { paint, say } from './talk.ts'

const saysAfterMs = 2_000

/** How to reach a cluster, as plain data: a worker thread makes the same target of it. */
export interface KafkaFacts {
  /** The profile's, or `kafka`. */
  readonly name: string
  /** By Kafka's own names. */
  readonly properties: Readonly<Record<string, string>>
  /** The registry's variables: SCHEMA_REGISTRY_URL and those beside it. */
  readonly registry: Readonly<Record<string, string>>
  readonly variables: Variables
  readonly keyspace: string | null
  readonly partitions: number | null
}

/**
 * A Kafka cluster and a schema registry.
 *
 * Errors: KAFKA_CONFIG, REGISTRY_CONFIG; when opened KAFKA_UNREACHABLE, KAFKA_DENIED
 */
export function kafkaTarget ({ name, properties, registry, variables, keyspace, partitions }: KafkaFacts): Target {
  const settings = kafkaSettings(properties)
  return {
    kind: 'kafka', folder: name, variables, keyspace, partitions,
    describe: `Kafka at ${properties['bootstrap.servers']}${settings.topicPrefix === '' ? '' : `, topics ${settings.topicPrefix}*`}`,
    contracts: async (subject, version) => registryContracts(await openRegistry(registry, null))(subject, version),
    async open (folder) {
      const schemas = await openRegistry(registry, join(folder, 'registry-cache'))
      return { log: await openLog(settings), registry: schemas, clock: machineClock, lakeFile: join(folder, 'lake.duckdb') }
    },
    openLog: () => openLog(settings),
    async openReader () {
      const schemas = await openRegistry(registry, null)
      return { log: await openLog(settings), registry: schemas }
    },
  }
}

/** A cluster that is on its way up is waited for, aloud. */
async function openLog (settings: KafkaSettings): Promise<LogPort> {
  const { openKafkaLog } = await import('../../connectors/kafka/log.ts')
  const brokers = settings.brokers.map(({ host, port }) => `${host}:${port}`).join(',')
  const silence = setTimeout(() => { say(paint.yellow(`Kafka at ${brokers} has not answered yet: it is asked for ${Math.round(settings.patienceMs / 1000)} s (default.api.timeout.ms)`)) }, saysAfterMs)
  try {
    return await openKafkaLog({ ...settings, clock: machineClock })
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
