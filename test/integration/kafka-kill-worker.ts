import { join } from 'node:path'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { Engine } from '../../pipelines/cli/engine.ts'
import { kafkaTarget } from '../../pipelines/cli/kafka.ts'
import type { Leg } from '../../pipelines/runtime/names.ts'
import { shiftDate } from '../kit/shifted-date.ts'
import { definition, partitions } from './kill-pipeline.ts'

/**
 * A worker of the killed pipeline on Kafka: the race, and where asked the pond. Says `ready`; told `finish` on stdin it runs to the end of what is in the
 * log, stops in order and says `finished`; ends with its parent.
 *
 * Usage: node kafka-kill-worker.ts <facts as JSON>; MILLRACE_WALL_OFFSET_MS: its clock is that far off, for every library in it too
 */
interface Facts { readonly servers: string, readonly prefix: string, readonly registry: string, readonly folder: string, readonly member: string, readonly legs: readonly Leg[], /** Properties of the Cassandra that has the lake; null: it is embedded. */ readonly cassandra?: Readonly<Record<string, string>> | null }
const { servers, prefix, registry, folder, member, legs, cassandra = null } = JSON.parse(process.argv[2]!) as Facts
const say = (line: string) => { process.stdout.write(`${line}\n`) }
shiftDate(Number(process.env.MILLRACE_WALL_OFFSET_MS ?? 0))
let finish = () => {}
const finishing = new Promise<void>(done => { finish = done })
process.stdin.on('data', () => { finish() }).on('end', () => { process.exit(3) })

const target = kafkaTarget({ name: 'kafka', properties: { 'bootstrap.servers': servers, 'topic.prefix': prefix, 'session.timeout.ms': '6000' }, registry: { SCHEMA_REGISTRY_URL: registry }, variables: {}, keyspace: null, partitions: null })
const system = { ...await target.open(folder), lakeFile: join(folder, 'lake.duckdb'), cassandra }
const engine = await Engine.start({
  definition: cassandra?.keyspace === undefined ? definition : { ...definition, lake: { ...definition.lake!, keyspace: cassandra.keyspace } }, system, partitions, member, legs, reset: () => false, onEvent: () => {},
  timing: { snapshotEveryMs: 300, raceCommitEveryMs: 50, pondCommitEveryMs: 100, expireEveryMs: 1_000 },
  onRetry: (leg, { code, message }) => { console.error(`${leg} begins anew: ${code} ${message}`) },
})
engine.failed.catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
say('ready')
await finishing
for (let quiet = 0; quiet < 10; quiet = engine.behind === 0 ? quiet + 1 : 0) await machineClock.sleep(100)
await engine.stop()
await system.log.close()
say('finished')
process.exit(0)
