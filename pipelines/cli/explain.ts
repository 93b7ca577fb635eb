import type { Command } from 'commander'
import { addTargetOptions, type TargetOptions } from './options.ts'
import { put } from './talk.ts'

/** `millrace explain`: the pipeline as a drawing of its stages, topics and tables. */
export function addExplain (program: Command): void {
  addTargetOptions(program.command('explain'))
    .description('draw a pipeline: sources, stages, topics, tables, state')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .action(async (path: string, options: TargetOptions) => {
      const [{ loadDefinition }, { explain }, { exportVariables, targetOf }] = await Promise.all([import('../define/load.ts'), import('../define/explain.ts'), import('./target.ts')])
      const { contracts, variables } = await targetOf(options, { definition: path })
      exportVariables(variables)
      await put(`${explain(await loadDefinition(path, { contracts, variables }))}\n`)
    })
}
