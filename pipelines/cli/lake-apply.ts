import type { Command } from 'commander'
import { exitCodes } from './exit.ts'
import { addTargetOptions, type TargetOptions } from './options.ts'
import { paint, plural, say } from './talk.ts'

interface ApplyOptions extends TargetOptions { readonly yes?: true }

/** `millrace lake apply`: give a lake in Cassandra the tables of a definition. */
export function addLakeApply (lake: Command): void {
  addTargetOptions(lake.command('apply'))
    .description('give the lake the tables of a definition: forward only, nothing is dropped, renamed or rewritten')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .option('--yes', 'do it; without, it is only told')
    .action(apply)
}

async function apply (path: string, options: ApplyOptions): Promise<void> {
  const { printSteps, withMigration } = await import('./lake-migration.ts')
  await withMigration(path, options, async migration => {
    if (migration.kind === 'embedded') return say('nothing to apply: the lake is a file in the data folder, its pipeline makes the tables itself when it starts')
    const { session, tables, steps, where } = migration
    say(`${where}: ${steps.length === 0 ? 'nothing to change' : plural(steps.length, 'change')}`)
    if (steps.length === 0) return
    if (options.yes !== true) {
      await printSteps(steps)
      say('nothing was changed: say --yes')
      process.exitCode = exitCodes.changes.code
      return
    }
    const { applyPlan } = await import('../../connectors/cassandra/migrate.ts')
    await applyPlan(session, tables, steps, ({ id, what }) => { say(`${paint.green('done')} ${id}: ${what}`) })
  })
}
