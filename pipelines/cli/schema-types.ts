import { basename } from 'node:path'
import type { Command } from 'commander'
import { addTargetOptions } from './options.ts'
import type { RegistryOptions } from './registry-of.ts'
import { positive } from './replay.ts'
import { schemaText } from './schema-text.ts'
import { put } from './talk.ts'

interface TypesOptions extends RegistryOptions { readonly subject?: string, readonly schemaVersion?: number, readonly from: string }

/** `millrace schema types`: as `types`, also of what the registry has. */
export function addSchemaTypes (group: Command): void {
  addTargetOptions(group.command('types').option('--registry <url>', 'the registry; else that of the profile, -X or SCHEMA_REGISTRY_URL, else the data folder\'s'))
    .description('print the TypeScript types and the contract of a schema')
    .argument('<schema>', 'an .avsc file, or subject@version')
    .option('--subject <name>', 'the registry\'s subject; default: the one that is named, or the file\'s name and -value')
    .option('--schema-version <n>', 'the version of the subject; default: the one that is named, or 1', positive)
    .option('--from <module>', 'what the printed file imports contract() from', 'millrace')
    .action(types)
}

async function types (given: string, options: TypesOptions): Promise<void> {
  const found = await schemaText(given, options)
  const { typesOf } = await import('../define/types.ts')
  await put(typesOf(found.schema, { subject: options.subject ?? found.subject ?? `${basename(given).split('.')[0]}-value`, version: options.schemaVersion ?? found.version ?? 1, from: options.from }))
}
