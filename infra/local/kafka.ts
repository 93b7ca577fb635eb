import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { jars, java } from './jars.ts'
import { host } from './ports.ts'
import { StackProblem } from './problem.ts'
import { Service, type Watchdog } from './process.ts'
import type { Secure } from './secure.ts'

const run = promisify(execFile)
const startMsMax = 90_000

export interface KafkaPorts { readonly clients: number, readonly controller: number, /** Mutual TLS. */ readonly mutual: number }
export interface KafkaOptions { readonly folder: string, readonly ports: readonly KafkaPorts[], readonly secure: Secure | null, readonly watchdog: Watchdog, readonly version: string, /** Absent: the newest. */ readonly transactionVersion?: 0 | 1 | 2, /** Of the JVM, in MiB. */ readonly heapMiB?: number }

/**
 * A Kafka cluster in KRaft mode, formatted and not yet started; every node is broker and controller. `admin` is what kafkajs needs to do anything.
 *
 * Errors: StackProblem
 */
export async function makeKafka (options: KafkaOptions): Promise<{ readonly nodes: readonly Service[], readonly admin: KafkaConfig }> {
  const { folder, ports, secure, watchdog, heapMiB = 512 } = options
  const lib = await jars('kafka', { version: options.version })
  await mkdir(folder, { recursive: true })
  const log4j = join(folder, 'log4j2.properties')
  await writeFile(log4j, 'rootLogger.level = warn\n')
  const classPath = `${lib}/*`
  const clusterId = randomBytes(16).toString('base64url')
  const brokers = ports.map(({ clients }) => `${host}:${clients}`)
  const admin: KafkaConfig = { brokers, clientId: 'millrace-stack', logLevel: logLevel.NOTHING, retry: { retries: 0 }, connectionTimeout: 1_000, requestTimeout: 5_000, ...secure?.kafkajs(secure.users.admin) ?? {} }
  const nodes = await Promise.all(ports.map(async (_, index) => {
    const properties = join(folder, `node-${index + 1}.properties`)
    const data = join(folder, `node-${index + 1}`)
    await writeFile(properties, propertiesOf(options, index))
    if (!existsSync(join(data, 'meta.properties'))) await format({ classPath, properties, clusterId, log4j, options })
    return new Service({
      name: `kafka-${index + 1}`,
      command: java(),
      args: [`-Xms${heapMiB / 2}m`, `-Xmx${heapMiB}m`, '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-Djava.awt.headless=true', '-Dorg.slf4j.simpleLogger.showDateTime=true', `-Dlog4j2.configurationFile=${log4j}`, '-cp', classPath, 'kafka.Kafka', properties],
      folder, logFile: join(folder, `node-${index + 1}.log`), watchdog, startMsMax,
      answers: () => answers({ ...admin, brokers: [brokers[index]!] }, brokers[index]!),
    })
  }))
  return { nodes, admin }
}

/** Whether the node answers and counts itself to a cluster that has a controller. */
async function answers (config: KafkaConfig, broker: string): Promise<boolean> {
  const admin = new Kafka(config).admin()
  try {
    await admin.connect()
    const { brokers, controller } = await admin.describeCluster()
    return controller !== null && controller >= 0 && brokers.some(one => `${one.host}:${one.port}` === broker)
  } catch {
    return false
  } finally {
    await admin.disconnect().catch(() => {})
  }
}

interface Format { readonly classPath: string, readonly properties: string, readonly clusterId: string, readonly log4j: string, readonly options: KafkaOptions }

async function format ({ classPath, properties, clusterId, log4j, options: { secure, watchdog, transactionVersion } }: Format): Promise<void> {
  const users = secure === null ? [] : Object.values(secure.users).flatMap(({ name, password }) => ['--add-scram', `SCRAM-SHA-512=[name=${name},password=${password}]`, '--add-scram', `SCRAM-SHA-256=[name=${name},password=${password}]`])
  const formatting = run(java(), ['-Xmx128m', '-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${log4j}`, '-cp', classPath, 'kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', properties, ...users, ...transactionVersion === undefined ? [] : ['--feature', `transaction.version=${transactionVersion}`]])
  const pid = formatting.child.pid ?? null
  if (pid !== null) watchdog.started(pid)
  try {
    await formatting
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { readonly stdout?: string, readonly stderr?: string }
    throw new StackProblem(`Cannot format the storage of Kafka:\n${stdout}${stderr}`, { cause })
  } finally {
    if (pid !== null) watchdog.ended(pid)
  }
}

function propertiesOf ({ folder, ports, secure }: KafkaOptions, index: number): string {
  const { clients, controller, mutual } = ports[index]!
  const replication = Math.min(3, ports.length)
  const inSync = replication === 3 ? 2 : 1
  const listeners = [`CLIENTS://${host}:${clients}`, ...secure === null ? [] : [`MUTUAL://${host}:${mutual}`]]
  const lines: Readonly<Record<string, string | number | boolean>> = {
    'process.roles': 'broker,controller',
    'node.id': index + 1,
    'controller.quorum.voters': ports.map((one, at) => `${at + 1}@${host}:${one.controller}`).join(','),
    'listeners': [...listeners, `CONTROLLER://${host}:${controller}`].join(','),
    'advertised.listeners': listeners.join(','),
    'listener.security.protocol.map': secure === null ? 'CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT' : 'CLIENTS:SASL_SSL,MUTUAL:SSL,CONTROLLER:SSL',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'CLIENTS',
    'log.dirs': join(folder, `node-${index + 1}`),
    'num.partitions': 4,
    'default.replication.factor': replication,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replication,
    'transaction.state.log.replication.factor': replication,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': replication,
    'share.coordinator.state.topic.min.isr': inSync,
    // Fifty partitions of internal topics cost a small machine seconds on the first commit.
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.num.partitions': 8,
    'group.initial.rebalance.delay.ms': 0,
    // A topic that nobody made is a mistake to be told, as on most clusters in earnest.
    'auto.create.topics.enable': false,
    ...secure?.brokerProperties() ?? {},
  }
  return Object.entries(lines).map(([name, value]) => `${name}=${value}\n`).join('')
}
