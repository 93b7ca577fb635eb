import { kafkaTarget } from '../../pipelines/cli/kafka.ts'
import { Engine } from '../../pipelines/cli/engine.ts'
import { loadDefinition } from '../../pipelines/define/load.ts'
import { timed } from './hops.ts'

/** One worker of a definition, as `millrace run` makes it, without its view: definition, servers, registry and prefix are given. */
const [file, servers, registry, prefix] = process.argv.slice(2) as [string, string, string, string]
const target = kafkaTarget({ name: 'bench', properties: { 'bootstrap.servers': servers, 'topic.prefix': prefix }, registry: { SCHEMA_REGISTRY_URL: registry }, variables: {}, keyspace: null, partitions: null })
const opened = await target.open(`/tmp/millrace-bench-${process.pid}`)
const hops = process.env.MILLRACE_BENCH_TALK ? timed(opened.log) : null
const system = hops === null ? opened : { ...opened, log: hops.log }
const engine = await Engine.start({ definition: await loadDefinition(file), system, partitions: null, member: 'worker', reset: () => false, onEvent: () => {} })
process.stdout.write('ready\n')
process.once('SIGTERM', () => {
  hops?.tell()
  void engine.stop().then(() => system.log.close()).then(() => { process.exit(0) })
})
await engine.failed.catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
