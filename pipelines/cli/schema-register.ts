import type { Command } from 'commander'
import { addRegistryOptions, openRegistry, type RegistryOptions } from './registry-of.ts'
import { tableText } from './table-text.ts'
import { put, say } from './talk.ts'

/** `millrace schema register`: the contracts of a definition, under their subjects. */
export function addSchemaRegister (group: Command): void {
  addRegistryOptions(group.command('register'))
    .description('register the contracts of a definition; one that does not go with an earlier version is refused')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .action(register)
}

async function register (path: string, options: RegistryOptions & { readonly output: 'table' | 'json' }): Promise<void> {
  const { registry, where, close } = await openRegistry(options, { definition: path, writes: true })
  try {
    const { contractsOf } = await import('./schema-contracts.ts')
    const { contracts } = await contractsOf(path, registry)
    // All or none, as far as it can be told before.
    const { StreamError } = await import('../core/errors.ts')
    for (const { subject, contract } of contracts) {
      const why = await registry.conflicts(subject, contract)
      if (why.length > 0) throw new StreamError('REGISTRY_INCOMPATIBLE', { subject, why })
    }
    const rows = []
    for (const { part, name, subject, contract } of contracts) rows.push({ subject, part: `${part} ${name}`, id: await registry.register(subject, contract) })
    if (options.output === 'json') await put(`${JSON.stringify(rows)}\n`)
    else await put(tableText(['subject', 'of', 'id'], rows.map(({ subject, part, id }) => [subject, part, `${id}`])))
    say(`registered with ${where}`)
  } finally {
    await close()
  }
}
