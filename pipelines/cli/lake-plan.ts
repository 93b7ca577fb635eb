import type { Command } from 'commander'
import { exitCodes } from './exit.ts'
import { addTargetOptions, type TargetOptions } from './options.ts'
import { plural, say } from './talk.ts'

/** `millrace lake plan`: what `lake apply` would do. */
export function addLakePlan (lake: Command): void {
  addTargetOptions(lake.command('plan'))
    .description('print the CQL that would give the lake the tables of a definition, and what it does; ends with 2 when there is something to change')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .action(plan)
}

async function plan (path: string, options: TargetOptions): Promise<void> {
  const { printEmbedded, printSteps, withMigration } = await import('./lake-migration.ts')
  await withMigration(path, options, async migration => {
    if (migration.kind === 'embedded') return printEmbedded(migration.layout)
    const { steps, where } = migration
    say(`${where}: ${steps.length === 0 ? 'nothing to change' : plural(steps.length, 'change')}`)
    await printSteps(steps)
    if (steps.length > 0) process.exitCode = exitCodes.changes.code
  })
}
