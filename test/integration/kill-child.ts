import { cassandraEnvironment } from '../../connectors/cassandra/config.ts'
import { openEmbedded } from '../../pipelines/cli/embedded.ts'
import { Engine } from '../../pipelines/cli/engine.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { haveReadAll } from './kill-drained.ts'
import { feed } from './kill-feed.ts'
import { chunkedDefinition, definition as rowsDefinition, partitions } from './kill-pipeline.ts'

/**
 * Both legs on the embedded log and lake, with a feeder that goes on where the log ends. Its parent kills it, or lets it run to the end
 * of what is in the log (`finish`), which is then enough to be looked at however slow the machine is. With CASSANDRA_CONTACT_POINTS the lake is there, in CASSANDRA_KEYSPACE;
 * with MILLRACE_KILL_MODE=chunks its readings are in chunks.
 */
const [folder, mode] = process.argv.slice(2) as [string, 'feed' | 'finish']
const readingsMin = 800
const say = (line: string) => { process.stdout.write(`${line}\n`) }
const definition = process.env.MILLRACE_KILL_MODE === 'chunks' ? chunkedDefinition : rowsDefinition
const embedded = await openEmbedded(folder)
const { log } = embedded
const properties = cassandraEnvironment(process.env)
const cassandra = properties['contact.points'] === undefined ? null : properties
const lake = { ...definition.lake!, ...cassandra?.keyspace !== undefined && { keyspace: cassandra.keyspace } }
// Of one partition, so that the order of all outputs of a task can be held to the truth.
for (const name of ['killed.control', names.deadLetters('killed'), names.late('killed')]) {
  if (await log.topic(name) === null) await log.createTopic({ name, partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' })
}
const engine = await Engine.start({
  definition: { ...definition, lake }, system: { ...embedded, cassandra }, partitions, reset: () => false, onEvent: () => {}, onWarning: say,
  timing: { snapshotEveryMs: 120, raceCommitEveryMs: 20, pondCommitEveryMs: 60, expireEveryMs: 1_000 },
})
engine.failed.catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
say('ready')
if (mode === 'feed') await feed(embedded, new AbortController().signal)
else {
  await feedUntil(readingsMin)
  for (let quiet = 0; quiet < 5; quiet = engine.behind === 0 && await haveReadAll(engine, log) ? quiet + 1 : 0) await new Promise(resolve => { setTimeout(resolve, 100) })
  await engine.stop()
  await log.close()
  say('finished')
}

async function feedUntil (readings: number): Promise<void> {
  const enough = new AbortController()
  const fed = feed(embedded, enough.signal)
  while ((await log.range('killed.readings', partitions - 1)).end < readings) await new Promise(resolve => { setTimeout(resolve, 50) })
  enough.abort()
  await fed
}
