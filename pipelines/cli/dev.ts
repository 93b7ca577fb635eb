import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { CliError } from './exit.ts'
import { folderOption, httpFlag } from './options.ts'
import { positive } from './replay.ts'
import type { Feeder } from './session.ts'
import type { System } from './system.ts'

interface DevOptions { readonly data: string, readonly demo?: true, readonly for?: string, readonly input?: string, readonly rate: number, readonly partitions?: number, readonly trucks: number, readonly burst?: number, readonly http?: string, readonly reload: boolean }

/** `millrace dev`: everything embedded, reloading on save. */
export function addDev (program: Command): void {
  program.command('dev')
    .description('run a definition with everything embedded, reload it on save')
    .argument('[definition]', 'a .yaml, .yml or .ts file; with --demo the shipped cold-chain pipeline')
    .addOption(folderOption())
    .option('--demo', 'with the simulated fleet of refrigerated trucks')
    .option('--for <duration>', 'stop after a time such as 30s and print a summary')
    .option('--input <file>', 'feed the readings of a .csv or JSON lines file, as if they arrived now; the next start goes on behind them')
    .option('--rate <n>', 'readings a second of --input', positive, 200)
    .option('--partitions <n>', 'partitions of topics that are not there yet (default: 2)', positive)
    .option('--trucks <n>', 'trucks of the demo', positive, 300)
    .option('--burst <n>', 'the demo sends so many readings a second more, to show throughput', positive)
    .addOption(httpFlag())
    .option('--no-reload', 'do not watch the definition')
    .action(dev)
}

const shipped = new URL(import.meta.url.endsWith('.ts') ? '../catalog/cold-chain.ts' : '../catalog/cold-chain.js', import.meta.url)

async function dev (given: string | undefined, options: DevOptions): Promise<void> {
  const [{ forOption, Session }, { embeddedTarget }, { httpOption }] = await Promise.all([import('./session.ts'), import('./embedded.ts'), import('./monitor.ts')])
  if (given === undefined && options.demo !== true) throw new CliError('usage', 'Cannot run without a definition: name one, or say --demo')
  const definition = given ?? relative('.', fileURLToPath(shipped))
  await new Session({
    definition, data: options.data, target: embeddedTarget(options.data), partitions: options.partitions ?? null, reload: options.reload, reset: () => true,
    http: options.http === undefined ? null : httpOption(options.http), forMs: options.for === undefined ? null : forOption(options.for),
    hints: options.demo === true ? ['alerts      npm run millrace -- tail fleet.control   (in another terminal)', ...options.http === undefined ? ['lake        npm start -- --http 8088   serves questions to it: http://127.0.0.1:8088/docs'] : [], 'stop        Ctrl-C'] : ['stop        Ctrl-C'],
    feeder: async ({ system, engine }) => {
      if (options.demo === true) return demoFeeder(system, options)
      return options.input === undefined ? null : (await import('./run.ts')).fileFeeder({ path: options.input, rate: options.rate, system, pipeline: engine.pipeline, resume: true })
    },
  }).run()
}

/** The simulated fleet. */
export async function demoFeeder (system: System, { trucks, burst, partitions }: Pick<DevOptions, 'trucks' | 'burst' | 'partitions'>): Promise<Feeder> {
  const { openDemo } = await import('./demo/demo.ts')
  const driver = await openDemo({ ...system, trucks, ...partitions !== undefined && { partitions } })
  return {
    describe: `${trucks} refrigerated trucks of three models${burst === undefined ? '' : `, and ${burst} readings a second more`}`,
    start: async (signal: AbortSignal) => {
      if (burst !== undefined) driver.burst(burst, 2 ** 40)
      await driver.run(signal)
    },
  }
}
