import type { Command } from 'commander'
import { embeddedContracts } from './contracts.ts'
import { put } from './talk.ts'

/** `millrace explain`: the pipeline as a drawing of its stages, topics and tables. */
export function addExplain (program: Command): void {
  program.command('explain')
    .description('draw a pipeline: sources, stages, topics, tables, state')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .action(async (path: string) => {
      const { loadDefinition } = await import('../define/load.ts')
      const { explain } = await import('../define/explain.ts')
      await put(`${explain(await loadDefinition(path, { contracts: embeddedContracts() }))}\n`)
    })
}
