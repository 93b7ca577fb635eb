import type { Command } from 'commander'
import type { CompiledPipeline } from '../core/stage.ts'
import type { Embedded } from './embedded.ts'
import { folderOption } from './options.ts'
import { positive } from './replay.ts'
import type { Feeder } from './session.ts'
import { count } from './talk.ts'

interface RunOptions { readonly data: string, readonly for?: string, readonly input?: string, readonly rate: number, readonly partitions: number, readonly reset?: readonly string[] }

/** `millrace run`: a definition for good. A stage whose state cannot go on is refused unless it is named. */
export function addRun (program: Command): void {
  program.command('run')
    .description('run a definition on the embedded log')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .addOption(folderOption())
    .option('--for <duration>', 'stop after a time such as 30s and print a summary')
    .option('--input <file>', 'append the readings of a .csv or JSON lines file, or - for stdin')
    .option('--rate <n>', 'readings a second of --input', positive, 100_000)
    .option('--partitions <n>', 'partitions of topics that are not there yet', positive, 2)
    .option('--reset <stage...>', 'let these changed stages begin empty, for example window.minute')
    .action(run)
}

async function run (definition: string, options: RunOptions): Promise<void> {
  const { forOption, Session } = await import('./session.ts')
  const { input } = options
  const named = new Set(options.reset)
  await new Session({
    definition, data: options.data, partitions: options.partitions, reload: false, reset: stage => named.has(stage),
    forMs: options.for === undefined ? null : forOption(options.for), hints: ['stop        Ctrl-C'],
    feeder: async ({ embedded, engine }) => input === undefined ? null : fileFeeder({ path: input, rate: options.rate, embedded, pipeline: engine.pipeline, resume: false }),
  }).run()
}

interface FileFeed { readonly path: string, readonly rate: number, readonly embedded: Embedded, readonly pipeline: CompiledPipeline, /** Go on where the last run stopped, because old readings would be late. */ readonly resume: boolean }

/** Readings of a file or of stdin, appended to their topics. */
export async function fileFeeder ({ path, rate, embedded, pipeline, resume }: FileFeed): Promise<Feeder> {
  const { fedBefore, feed, feedSources } = await import('./feed.ts')
  const { cellKinds } = await import('./play.ts')
  const keys = new Map(pipeline.sources.map(({ name, key }) => [name, key]))
  const sources = await feedSources(pipeline, embedded.registry, name => keys.get(name)!)
  const skip = resume && path !== '-' ? await fedBefore(sources, embedded.log) : 0
  return {
    describe: `${path === '-' ? 'stdin' : path}, ${count(rate)} readings a second${skip === 0 ? '' : `, after the ${count(skip)} that were fed before`}`,
    start: async signal => { await feed({ path, sources, kinds: cellKinds(pipeline), log: embedded.log, clock: embedded.clock, rate, signal, skip }) },
  }
}
