import { cassandraEnvironment } from '../../connectors/cassandra/config.ts'
import { kafkaTarget } from '../../pipelines/cli/kafka.ts'
import { Engine } from '../../pipelines/cli/engine.ts'
import { loadDefinition } from '../../pipelines/define/load.ts'
import { timed } from './hops.ts'

/** One worker of a definition, as `millrace run` makes it, without its view: definition, servers, registry and prefix are given; CASSANDRA_CONTACT_POINTS has the lake, where there is one. */
const [file, servers, registry, prefix] = process.argv.slice(2) as [string, string, string, string]
const cassandra = cassandraEnvironment(process.env)
const target = kafkaTarget({ name: 'bench', properties: { 'bootstrap.servers': servers, 'topic.prefix': prefix }, registry: { SCHEMA_REGISTRY_URL: registry }, variables: {}, keyspace: null, partitions: null, cassandra: cassandra['contact.points'] === undefined ? null : cassandra })
const opened = await target.open(`/tmp/millrace-bench-${process.pid}`)
const hops = process.env.MILLRACE_BENCH_TALK ? timed(opened.log) : null
const system = hops === null ? opened : { ...opened, log: hops.log }
const engine = await Engine.start({ definition: await loadDefinition(file), system, partitions: null, member: 'worker', reset: () => false, onEvent: () => {}, onWarning: text => { console.log(text) } })
process.stdout.write('ready\n')
const mebibytes = (bytes: number) => Math.round(bytes / (1 << 20))
if (hops !== null) setInterval(() => { console.log(JSON.stringify(Object.fromEntries(Object.entries(process.memoryUsage()).map(([name, bytes]) => [name, mebibytes(bytes)])))) }, 2_000).unref()
process.once('SIGTERM', () => {
  hops?.tell()
  void engine.stop().then(() => system.log.close()).then(() => { process.exit(0) })
})
await engine.failed.catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
