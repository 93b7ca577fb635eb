import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cqlAnswers } from './cql.ts'
import { jars, java } from './jars.ts'
import { host } from './ports.ts'
import { Service, type Watchdog } from './process.ts'
import type { Secure } from './secure.ts'

const startMsMax = 120_000

export interface CassandraPorts { readonly cql: number, readonly storage: number, readonly jmx: number }
export interface CassandraOptions { readonly folder: string, readonly ports: CassandraPorts, readonly secure: Secure | null, readonly watchdog: Watchdog, /** Acknowledge nothing that a `kill -9` would lose. */ readonly durable?: boolean, /** Lines of cassandra.yaml, over the ones that stand there. */ readonly settings?: Readonly<Record<string, string>> }

/** The user that a Cassandra with passwords begins with. */
export const cassandraUser = { name: 'cassandra', password: 'cassandra' } as const
export const dataCentre = 'datacenter1'

/** A Cassandra of one node, not yet started. Errors: StackProblem */
export async function makeCassandra ({ folder, ports, secure, watchdog, durable = false, settings = {} }: CassandraOptions): Promise<Service> {
  const lib = await jars('cassandra')
  const conf = join(folder, 'conf')
  await mkdir(conf, { recursive: true })
  await writeFile(join(conf, 'cassandra.yaml'), yaml(folder, ports, { secure, durable, settings }))
  await writeFile(join(conf, 'logback.xml'), logback)
  const read = (file: string) => readFile(file, 'utf8')
  // A certificate is shown to a server that asks for one.
  const tls = secure === null ? null : { ca: await read(secure.caFile), cert: await read(secure.certificates.admin.certFile), key: await read(secure.certificates.admin.keyFile) }
  return new Service({
    name: 'cassandra',
    command: java(),
    args: [...machine, ...properties(folder, ports), ...opened(), '-cp', `${conf}:${lib}/*`, 'org.apache.cassandra.service.CassandraDaemon'],
    folder, logFile: join(folder, 'cassandra.log'), watchdog, startMsMax,
    answers: () => cqlAnswers({ port: ports.cql, tls, user: secure === null ? null : cassandraUser }),
  })
}

const machine = ['-Xms512m', '-Xmx1g', '-XX:+UseG1GC', '-Djava.awt.headless=true', '-Djdk.attach.allowAttachSelf=true']

const properties = (folder: string, { jmx }: CassandraPorts) => [
  `-Dcassandra.config=file://${join(folder, 'conf', 'cassandra.yaml')}`,
  `-Dcassandra.storagedir=${join(folder, 'data')}`,
  `-Dlogback.configurationFile=${join(folder, 'conf', 'logback.xml')}`,
  `-Dcassandra.jmx.local.port=${jmx}`,
  '-Dcassandra-foreground=yes',
  // A ring of one has nobody to wait for.
  '-Dcassandra.ring_delay_ms=0',
  '-Dcassandra.skip_wait_for_gossip_to_settle=0',
  '-Dcassandra.superuser_setup_delay_ms=0',
]

/** The modules of Java 17 that Cassandra reaches into. Source: conf/jvm17-server.options of Cassandra 5.0 */
function opened (): readonly string[] {
  const exports = ['java.base/jdk.internal.misc', 'java.base/jdk.internal.ref', 'java.base/sun.nio.ch', 'java.base/java.lang.ref', 'java.management.rmi/com.sun.jmx.remote.internal.rmi', 'java.rmi/sun.rmi.registry', 'java.rmi/sun.rmi.server', 'java.sql/java.sql', 'jdk.unsupported/sun.misc']
  const opens = ['java.lang.module', 'jdk.internal.loader', 'jdk.internal.ref', 'jdk.internal.reflect', 'jdk.internal.math', 'jdk.internal.module', 'sun.nio.ch', 'java.io', 'java.nio', 'java.lang', 'java.util', 'java.util.concurrent', 'java.util.concurrent.atomic'].map(name => `java.base/${name}`)
  return [...exports.flatMap(name => ['--add-exports', `${name}=ALL-UNNAMED`]), ...[...opens, 'jdk.management/com.sun.management.internal'].flatMap(name => ['--add-opens', `${name}=ALL-UNNAMED`])]
}

function yaml (folder: string, { cql, storage }: CassandraPorts, { secure, durable, settings }: Required<Pick<CassandraOptions, 'secure' | 'durable' | 'settings'>>): string {
  const data = (name: string) => JSON.stringify(join(folder, 'data', name))
  return `cluster_name: millrace-local
num_tokens: 16
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
data_file_directories: [${data('data')}]
commitlog_directory: ${data('commitlog')}
saved_caches_directory: ${data('saved_caches')}
hints_directory: ${data('hints')}
cdc_raw_directory: ${data('cdc_raw')}
${durable ? 'commitlog_sync: batch' : 'commitlog_sync: periodic\ncommitlog_sync_period: 10000ms'}
disk_failure_policy: stop
commit_failure_policy: stop
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{ seeds: "${host}:${storage}" }]
listen_address: ${host}
storage_port: ${storage}
rpc_address: ${host}
start_native_transport: true
native_transport_port: ${cql}
endpoint_snitch: SimpleSnitch
auto_snapshot: false
${Object.entries(settings).map(([name, value]) => `${name}: ${value}\n`).join('')}${secure === null ? '' : `authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
client_encryption_options:
  enabled: true
  optional: false
  ssl_context_factory:
    class_name: org.apache.cassandra.security.PEMBasedSslContextFactory
  keystore: ${JSON.stringify(secure.serverFile)}
  truststore: ${JSON.stringify(secure.caFile)}
`}`
}

const logback = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d %-5level %logger{0} %msg%n</pattern></encoder></appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
`
