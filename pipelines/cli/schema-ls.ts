import type { Command } from 'commander'
import { addRegistryOptions, openRegistry, type RegistryOptions } from './registry-of.ts'
import { tableText } from './table-text.ts'
import { put } from './talk.ts'

/** `millrace schema ls`: the subjects of a registry, with the latest version of each. */
export function addSchemaList (group: Command): void {
  addRegistryOptions(group.command('ls'))
    .description('list the subjects of the registry, with version, id and record of the latest schema')
    .argument('[prefix]', 'only subjects that begin so')
    .action(list)
}

async function list (prefix: string | undefined, options: RegistryOptions & { readonly output: 'table' | 'json' }): Promise<void> {
  const { registry, close } = await openRegistry(options)
  try {
    const rows = []
    for (const subject of await registry.subjects()) {
      if (!subject.startsWith(prefix ?? '')) continue
      const latest = await registry.latest(subject)
      if (latest !== null) rows.push({ subject, version: latest.version, id: latest.id, name: nameOf(latest.schema) })
    }
    if (options.output === 'json') await put(`${JSON.stringify(rows)}\n`)
    else await put(tableText(['subject', 'version', 'id', 'record'], rows.map(({ subject, version, id, name }) => [subject, `${version}`, `${id}`, name ?? '-'])))
  } finally {
    await close()
  }
}

function nameOf (avro: string): string | null {
  try {
    const { name, namespace } = JSON.parse(avro) as { readonly name?: string, readonly namespace?: string }
    return name === undefined ? null : namespace === undefined || name.includes('.') ? name : `${namespace}.${name}`
  } catch {
    return null
  }
}
