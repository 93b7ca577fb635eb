import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { CliError } from './exit.ts'
import { positive } from './replay.ts'
import { put } from './talk.ts'

interface TypesOptions { readonly subject?: string, readonly schemaVersion: number, readonly from: string }

/** `millrace types`: TypeScript types and the contract of an Avro schema, for definitions in TypeScript. */
export function addTypes (program: Command): void {
  program.command('types')
    .description('print the TypeScript types and the contract of an .avsc file')
    .argument('<schema>', 'an .avsc file')
    .option('--subject <name>', 'the registry\'s subject; default: the file\'s name and -value')
    .option('--schema-version <n>', 'the version of the subject', positive, 1)
    .option('--from <module>', 'what the printed file imports contract() from', 'millrace')
    .action(types)
}

async function types (path: string, { subject = `${basename(path).split('.')[0]}-value`, schemaVersion, from }: TypesOptions): Promise<void> {
  const avro = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => { throw new CliError('data', `Cannot read the schema: file=${JSON.stringify(path)} code=${error.code}`) })
  const { typesOf } = await import('../define/types.ts')
  await put(typesOf(avro, { subject, version: schemaVersion, from }))
}
