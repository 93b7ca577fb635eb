import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { StreamError } from '../../pipelines/core/errors.ts'
import { cassandraUser, dataCentre, makeCassandra } from './cassandra.ts'
import { lacking } from './jars.ts'
import { makeKafka } from './kafka.ts'
import { planOf } from './plan.ts'
import { host } from './ports.ts'
import { StackProblem } from './problem.ts'
import { type Service, Watchdog } from './process.ts'
import { RegistryService } from './registry.ts'
import { allowPipelines, makeSecure, type Secure } from './secure.ts'

export interface StackOptions {
  /** Kept when the stack stops; absent: a temporary folder that goes with it. */
  readonly data?: string
  readonly nodes?: 1 | 3
  readonly kafka?: boolean
  readonly cassandra?: boolean
  readonly registry?: boolean
  /** Cassandra acknowledges a write when it is on the disk, not some moments before: one node that is killed then loses nothing that it acknowledged. */
  readonly durable?: boolean
  /** Lines of cassandra.yaml, for limits that a test wants reached. */
  readonly cassandraSettings?: Readonly<Record<string, string>>
  /** TLS, SASL and ACLs. */
  readonly secure?: boolean
  /** With `secure`: brokers take any unsigned token for its subject, for some seconds each time. */
  readonly tokens?: boolean
  /** Of Kafka, such as 4.2.0; absent: that of MILLRACE_KAFKA_VERSION, else the folder's, else the default. */
  readonly kafkaVersion?: string
  /** What Kafka's storage is formatted with, when it is; absent: what is newest. */
  readonly transactionVersion?: 0 | 1 | 2
  /** Of each broker; absent: 512. */
  readonly kafkaHeapMiB?: number
  readonly say?: (line: string) => void
}

/** Services that run, and how to reach them. Each can be killed, halted and restarted. */
export interface Stack {
  readonly folder: string
  /** Variables for a client, as the user `millrace` where there are users. */
  readonly environment: Readonly<Record<string, string>>
  readonly brokers: readonly Service[]
  readonly bootstrapServers: string
  /** The listeners with mutual TLS; null without `secure`. */
  readonly mutualServers: string | null
  readonly cassandra: Service | null
  readonly cassandraPort: number | null
  readonly registry: RegistryService | null
  readonly secure: Secure | null
  /** Stop everything, and delete a temporary folder. */
  stop (): Promise<void>
}

export { lacking }

/**
 * Start Kafka, Cassandra and a schema registry on free ports of this machine and wait until each answers.
 *
 * Delivery: what was started is stopped when a part does not come up, and when this process is killed
 * Errors:   StackProblem says what is missing or shows the end of the log
 */
export async function startStack (options: StackOptions = {}): Promise<Stack> {
  const { data, nodes = 1, kafka = true, cassandra = true, registry = true, secure = false, durable = false, cassandraSettings = {}, tokens = false, kafkaVersion = process.env.MILLRACE_KAFKA_VERSION || undefined, transactionVersion, kafkaHeapMiB, say = () => {} } = options
  const missing = kafka || cassandra ? await lacking({ cassandra, ...kafkaVersion !== undefined && { kafkaVersion } }) : null
  if (missing !== null) throw new StackProblem(missing)
  const folder = data === undefined ? mkdtempSync(join(tmpdir(), 'millrace-stack-')) : resolve(data)
  await mkdir(folder, { recursive: true })
  const watchdog = new Watchdog(data === undefined ? folder : null)
  const services: (Service | RegistryService)[] = []
  const stop = async () => {
    await Promise.all(services.map(service => service.stop()))
    await watchdog.done()
    if (data === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const plan = await planOf({ folder, nodes, secure, ...kafkaVersion !== undefined && { version: kafkaVersion } })
    const keys = secure ? await makeSecure(join(folder, 'keys'), plan.users, tokens) : null
    const begin = async (parts: readonly Service[]) => {
      services.push(...parts)
      const began = performance.now()
      await Promise.all(parts.map(part => part.start()))
      for (const part of parts) say(`${part.name.padEnd(10)} answers after ${((performance.now() - began) / 1000).toFixed(1)} s, pid ${part.pid}`)
    }
    const startKafka = async () => {
      const { nodes: brokers, admin } = await makeKafka({ folder: join(folder, 'kafka'), ports: plan.kafka, secure: keys, watchdog, version: plan.kafkaVersion, ...transactionVersion !== undefined && { transactionVersion }, ...kafkaHeapMiB !== undefined && { heapMiB: kafkaHeapMiB } })
      await begin(brokers)
      if (keys !== null) await allowPipelines(admin)
      return brokers
    }
    const startCassandra = async () => {
      const service = await makeCassandra({ folder: join(folder, 'cassandra'), ports: plan.cassandra, secure: keys, watchdog, durable, settings: cassandraSettings })
      await begin([service])
      return service
    }
    const startRegistry = async () => {
      const service = new RegistryService({ folder: join(folder, 'registry'), port: plan.registry, secure: keys })
      await service.start()
      services.push(service)
      say(`${service.name.padEnd(10)} answers at ${service.url}`)
      return service
    }
    const [brokers, node, schemas] = await settled([kafka ? startKafka() : [], cassandra ? startCassandra() : null, registry ? startRegistry() : null] as const)
    const servers = (port: 'clients' | 'mutual') => kafka ? plan.kafka.map(ports => `${host}:${ports[port]}`).join(',') : ''
    const environment = {
      ...kafka ? kafkaEnvironment(servers('clients'), keys) : {},
      ...cassandra ? cassandraEnvironment(plan.cassandra.cql, keys) : {},
      ...schemas === null ? {} : registryEnvironment(schemas.url, keys),
    }
    await writeFile(join(folder, 'env'), exportLines(environment), { mode: 0o600 })
    return { folder, environment, brokers, bootstrapServers: servers('clients'), mutualServers: keys === null ? null : servers('mutual'), cassandra: node, registry: schemas, cassandraPort: cassandra ? plan.cassandra.cql : null, secure: keys, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Like Promise.all, but nothing is still starting when it rejects. */
async function settled<T extends readonly unknown[]> (parts: T): Promise<{ -readonly [I in keyof T]: Awaited<T[I]> }> {
  const results = await Promise.allSettled(parts)
  for (const result of results) if (result.status === 'rejected') throw result.reason
  return results.map(result => (result as PromiseFulfilledResult<unknown>).value) as { -readonly [I in keyof T]: Awaited<T[I]> }
}

function kafkaEnvironment (servers: string, secure: Secure | null): Readonly<Record<string, string>> {
  if (secure === null) return { KAFKA_BOOTSTRAP_SERVERS: servers }
  const { name, password } = secure.users.millrace
  return {
    KAFKA_BOOTSTRAP_SERVERS: servers,
    KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    KAFKA_SASL_USERNAME: name,
    KAFKA_SASL_PASSWORD: password,
    KAFKA_SASL_JAAS_CONFIG: `org.apache.kafka.common.security.scram.ScramLoginModule required username="${name}" password="${password}";`,
    KAFKA_SSL_TRUSTSTORE_TYPE: 'PEM',
    KAFKA_SSL_TRUSTSTORE_LOCATION: secure.caFile,
  }
}

function cassandraEnvironment (port: number, secure: Secure | null): Readonly<Record<string, string>> {
  return {
    CASSANDRA_CONTACT_POINTS: `${host}:${port}`,
    CASSANDRA_LOCAL_DATA_CENTER: dataCentre,
    ...secure === null ? {} : { CASSANDRA_USERNAME: cassandraUser.name, CASSANDRA_PASSWORD: cassandraUser.password, CASSANDRA_SSL_CA_LOCATION: secure.caFile },
  }
}

function registryEnvironment (url: string, secure: Secure | null): Readonly<Record<string, string>> {
  if (secure === null) return { SCHEMA_REGISTRY_URL: url }
  const { name, password } = secure.users.millrace
  return { SCHEMA_REGISTRY_URL: url, SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: `${name}:${password}`, SCHEMA_REGISTRY_SSL_CA_LOCATION: secure.caFile }
}

/** For a shell to read. */
export function exportLines (environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment).map(([name, value]) => `export ${name}=${/^[\w./:,-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`}\n`).join('')
}

const usage = `npm run stack -- [options]

  --nodes 1|3                 brokers of Kafka (1)
  --kafka-version <version>   of Kafka, such as 4.2.0; or MILLRACE_KAFKA_VERSION
  --no-kafka                  leave Kafka out
  --no-cassandra              leave Cassandra out
  --no-registry               leave the schema registry out
  --secure                    TLS, SASL SCRAM and ACLs
  --data <folder>             keep everything there; else a temporary folder that goes with the stack

Prints the variables to use as export lines on stdout, and leaves them in the file "env" of the folder. Runs until Ctrl-C.
`

async function main (): Promise<void> {
  const { values } = parseArgs({ options: { 'nodes': { type: 'string', default: '1' }, 'kafka-version': { type: 'string' }, 'no-kafka': { type: 'boolean' }, 'no-cassandra': { type: 'boolean' }, 'no-registry': { type: 'boolean' }, 'secure': { type: 'boolean' }, 'data': { type: 'string' }, 'help': { type: 'boolean', short: 'h' } } })
  if (values.help) { process.stdout.write(usage); return }
  if (values.nodes !== '1' && values.nodes !== '3') throw new StackProblem(`Cannot start ${values.nodes} brokers: --nodes is 1 or 3`)
  let running = false
  const asked = new Promise<void>(done => {
    // Before everything runs the watchdog is the shortest way to stop.
    const stop = () => { if (running) done(); else process.exit(130) }
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop)
  })
  const say = (line: string) => { process.stderr.write(`${line}\n`) }
  const stack = await startStack({ nodes: values.nodes === '1' ? 1 : 3, kafka: !values['no-kafka'], cassandra: !values['no-cassandra'], registry: !values['no-registry'], secure: values.secure ?? false, ...values['kafka-version'] === undefined ? {} : { kafkaVersion: values['kafka-version'] }, ...values.data === undefined ? {} : { data: values.data }, say })
  running = true
  process.stdout.write(exportLines(stack.environment))
  say(`\nRunning in ${stack.folder}. In another terminal:  source ${join(stack.folder, 'env')}\nCtrl-C stops it.`)
  await asked
  say('Stopping.')
  await stack.stop()
}

if (import.meta.main) {
  main().catch(error => {
    process.stderr.write(`${error instanceof StackProblem || error instanceof StreamError || (error as { readonly code?: string }).code?.startsWith('ERR_PARSE_ARGS') ? (error as Error).message : error instanceof Error ? error.stack : String(error)}\n`)
    process.exitCode = 1
  })
}
