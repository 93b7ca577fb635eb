import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import type { CompiledPipeline } from '../core/stage.ts'
import type { Leg } from '../runtime/names.ts'
import { CliError } from './exit.ts'
import { addTargetOptions, httpFlag, kafkaClients, type TargetOptions } from './options.ts'
import { positive } from './replay.ts'
import type { Feeder, SessionOptions } from './session.ts'
import type { System, Target } from './system.ts'
import { count } from './talk.ts'

interface RunOptions extends TargetOptions {
  readonly for?: string
  readonly input?: string
  readonly once?: true
  readonly demo?: true
  readonly rate: number
  readonly trucks: number
  readonly partitions?: number
  readonly reset?: readonly string[]
  readonly member?: string
  readonly standby?: boolean
  readonly leg?: Leg
  readonly http?: string
  readonly threads: number
}

/** `millrace run`: a definition for good. A stage whose state cannot go on is refused unless it is named. */
export function addRun (program: Command): void {
  addTargetOptions(program.command('run'), { runs: true })
    .description('run a definition, on the embedded log or on Kafka')
    .argument('[definition]', 'a .yaml, .yml or .ts file; with --demo the shipped cold-chain pipeline')
    .option('--for <duration>', 'stop after a time such as 30s and print a summary')
    .option('--input <file>', 'append the readings of a .csv or JSON lines file, or - for stdin')
    .option('--rate <n>', 'readings a second of --input', positive, 100_000)
    .option('--once', 'stop when the readings of --input have been read, processed and stored')
    .option('--demo', 'with the simulated fleet of refrigerated trucks')
    .option('--trucks <n>', 'trucks of the demo', positive, 300)
    .option('--partitions <n>', 'partitions of topics that are not there yet (default: 2)', positive)
    .option('--reset <stage...>', 'let these changed stages begin empty, for example window.minute')
    .option('--member <name>', 'static name of this worker in its group, on Kafka (default: of the machine and the first free place)')
    .option('--standby', 'read the states of the other workers ahead, to take over from memory, on Kafka')
    .addOption(new Option('--leg <leg>', 'only this one: several workers share a race, one process has the pond').choices(['race', 'pond']))
    .addOption(httpFlag())
    .addOption(new Option('--client <name>', 'the client beneath: our own, or one that is installed beside it; docs/clients.md says what each can promise').choices(kafkaClients).default('kafka'))
    .option('--threads <n>', 'worker threads of the race, on Kafka; each takes a share of the partitions', positive, 1)
    .action(run)
}

const shipped = new URL(import.meta.url.endsWith('.ts') ? '../catalog/cold-chain.ts' : '../catalog/cold-chain.js', import.meta.url)

async function run (given: string | undefined, options: RunOptions): Promise<void> {
  const [{ forOption, Session }, { targetOf }, { httpOption }] = await Promise.all([import('./session.ts'), import('./target.ts'), import('./monitor.ts')])
  if (given === undefined && options.demo !== true) throw new CliError('usage', 'Cannot run without a definition: name one, or say --demo')
  const definition = given ?? relative('.', fileURLToPath(shipped))
  const { input, leg, once = false } = options
  if (once && (input === undefined || options.demo === true)) throw new CliError('usage', '--once needs --input: there must be an end')
  const named = new Set(options.reset)
  const target = await targetOf(options, { definition })
  await new Session({
    definition, data: options.data, target, partitions: options.partitions ?? target.partitions, reload: false, once, reset: stage => named.has(stage),
    http: options.http === undefined ? null : httpOption(options.http), forMs: options.for === undefined ? null : forOption(options.for), hints: ['stop        Ctrl-C'],
    ...leg !== undefined && { legs: [leg] }, ...await workers(options, { definition, target }),
    feeder: async ({ system, engine }) => {
      if (options.demo === true) return (await import('./dev.ts')).demoFeeder(system, options)
      return input === undefined ? null : fileFeeder({ path: input, rate: options.rate, system, pipeline: engine.pipeline, resume: false })
    },
  }).run()
}

/** On Kafka a worker has a name, and may have several threads; the embedded log is one process's. */
async function workers (options: RunOptions, { definition, target }: { readonly definition: string, readonly target: Target }): Promise<Partial<Pick<SessionOptions, 'member' | 'standby' | 'race'>>> {
  const { threads, leg, member, standby = false } = options
  if (target.kind === 'embedded') {
    if (threads > 1 || member !== undefined || standby) throw new CliError('usage', '--threads, --member and --standby are for Kafka: name a cluster with --profile, -X bootstrap.servers=... or KAFKA_BOOTSTRAP_SERVERS')
    return {}
  }
  const { takeMemberName } = await import('./member-name.ts')
  const named = { standby, member: member === undefined ? (folder: string) => takeMemberName(folder).name : () => member }
  if (threads === 1 || leg === 'pond') return named
  const [{ ThreadedRace }, { kafkaFacts }] = await Promise.all([import('./threaded-race.ts'), import('./target.ts')])
  const facts = (await kafkaFacts(options, definition))!
  return { ...named, race: parts => new ThreadedRace({ ...parts, threads, standby, facts, definition, reset: options.reset ?? [] }) }
}

interface FileFeed { readonly path: string, readonly rate: number, readonly system: System, readonly pipeline: CompiledPipeline, /** Go on where the last run stopped, because old readings would be late. */ readonly resume: boolean }

/** Readings of a file or of stdin, appended to their topics. */
export async function fileFeeder ({ path, rate, system, pipeline, resume }: FileFeed): Promise<Feeder> {
  const { fedBefore, feed, feedSources } = await import('./feed.ts')
  const { cellKinds } = await import('./recording.ts')
  const keys = new Map(pipeline.sources.map(({ name, key }) => [name, key]))
  const sources = await feedSources(pipeline, system.registry, name => keys.get(name)!)
  const skip = resume && path !== '-' ? await fedBefore(sources, system.log) : 0
  return {
    describe: `${path === '-' ? 'stdin' : path}, ${count(rate)} readings a second${skip === 0 ? '' : `, after the ${count(skip)} that were fed before`}`,
    start: async signal => { await feed({ path, sources, kinds: cellKinds(pipeline), log: system.log, clock: system.clock, rate, signal, skip }) },
  }
}
