import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import type { LegPlan } from '../../pipelines/runtime/lead.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { RaceLeg } from '../../pipelines/runtime/race.ts'
import { CrashAt } from './crash-points.ts'
import { eosCodecs, eosPipeline } from './eos-pipeline.ts'
import { traceWire } from './wire-trace.ts'

/**
 * A worker of the race on Kafka, for the judge of `eos-judge.ts`. Says `reading` when it reads, `committed` with its first commit of outputs, `share <n>`
 * when the number of its tasks changes, `commits <n>` as they grow; drains at SIGTERM, and says `drained`; ends with its parent.
 *
 * One that is to die at a point of writing ahead, or at an even time, works as under express: of what is committed the judge must find the same.
 *
 * Usage: node eos-worker.ts <bootstrap servers> <member> [<more of Kafka's properties as JSON>]; MILLRACE_CRASH_AT=<point>#<n>; MILLRACE_TRACE=<file for
 *        what it asks about transactions>
 */
const [servers, member, more = '{}'] = process.argv.slice(2) as [string, string, string?]
const say = (line: string) => { process.stdout.write(`${line}\n`) }
if (process.env.MILLRACE_TRACE !== undefined) traceWire(process.env.MILLRACE_TRACE)
const crash = new CrashAt(process.env.MILLRACE_CRASH_AT)
const settings = kafkaSettings({ 'bootstrap.servers': servers, 'session.timeout.ms': '6000', 'request.timeout.ms': '10000', ...JSON.parse(more) as Readonly<Record<string, string>> })
const wire = process.env.MILLRACE_CRASH_AT === undefined ? {} : { wire: crash.wire({ ...settings, joinTimeoutMs: settings.rebalanceTimeoutMs + settings.requestTimeoutMs }) }
const log = await openKafkaLog({ ...settings, ...wire, clock: machineClock })

/** The judge looks at the group of its own name. */
function judged (real: LogPort): LogPort {
  const groupOf = (group: string) => group === names.group(eosPipeline.name, 'race') ? 'EosTest' : group
  const own: Partial<LogPort> = {
    join: request => real.join({ ...request, group: groupOf(request.group) }),
    committed: (group, topic, partition) => real.committed(groupOf(group), topic, partition),
  }
  const bound = (found: unknown) => typeof found === 'function' ? found.bind(real) : found
  return new Proxy(real, { get: (_, name) => own[name as keyof LogPort] ?? bound(real[name as keyof LogPort]) })
}

const isExpress = /^ahead|#[246]$/.test(process.env.MILLRACE_CRASH_AT ?? '')
const pipeline = { ...eosPipeline, control: { topic: 'echo', delivery: isExpress ? 'express' as const : 'exactly-once' as const } }
const plan: LegPlan = {
  leg: 'race', pipeline, definition: null, compile: () => pipeline, retire: state => state, reset: () => false,
  log: judged(log), clock: machineClock, schema: async () => null, tables: new Map(), mode: 'live', at: crash.at,
}
let committed = false
const race = new RaceLeg(plan, {
  codecs: eosCodecs, member, snapshotEveryMs: 300, commitEveryMs: 100,
  onEvent: () => {
    if (!committed) say('committed')
    committed = true
  },
  onRetry: ({ code, message }) => { console.error(`${new Date().toISOString()} begins anew: ${code} ${message}`) },
})
let share = -1
let commits = 0
function watch (): void {
  const tasks = race.status.health.tasks()
  if (tasks.length !== share) say(`share ${share = tasks.length}`)
  if (race.committed.readings > 0 && race.status.commits !== commits) say(`commits ${commits = race.status.commits}`)
}
const stop = new AbortController()
process.on('SIGTERM', () => { stop.abort() })
process.stdin.on('end', () => { process.exit(3) }).resume()
setInterval(watch, 50)
await race.run(stop.signal, () => { say('reading') })
await log.close()
say('drained')
process.exit(0)
