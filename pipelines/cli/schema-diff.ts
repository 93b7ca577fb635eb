import type { Command } from 'commander'
import { CliError, exitCodes } from './exit.ts'
import { addRegistryOptions, type RegistryOptions } from './registry-of.ts'
import { schemaText } from './schema-text.ts'
import { tableText } from './table-text.ts'
import { paint, put, say } from './talk.ts'

const meaning = {
  FULL: 'safe both ways: writers and readers may change in any order',
  BACKWARD: 'safe backward: readers of the second read what is there; change them first',
  FORWARD: 'safe forward: readers of the first read what will come; change writers first',
  NONE: 'safe in neither direction',
} as const

/** `millrace schema diff`: what changed between two schemas, and in which direction that is safe. */
export function addSchemaDiff (group: Command): void {
  addRegistryOptions(group.command('diff'))
    .description('what changed from one schema to another, and in which direction of compatibility that is safe; 1 where in none')
    .argument('<first>', 'an .avsc file, or subject@version')
    .argument('<second>', 'the same')
    .action(diff)
}

async function diff (first: string, second: string, options: RegistryOptions & { readonly output: 'table' | 'json' }): Promise<void> {
  const { schemaDiff } = await import('../../schemas/diff.ts')
  const texts = [await schemaText(first, options), await schemaText(second, options)] as const
  const found = await attempt(() => schemaDiff(texts[0].schema, texts[1].schema))
  const { changes, backward, forward, safe } = found
  if (options.output === 'json') await put(`${JSON.stringify(found)}\n`)
  else {
    if (changes.length > 0) await put(tableText(['field', 'first', 'second'], changes.map(({ field, from, to }) => [field || '(top)', from ?? '-', to ?? '-'])))
    for (const why of backward) await put(`not backward: ${why}\n`)
    for (const why of forward) await put(`not forward: ${why}\n`)
  }
  say(changes.length === 0 && safe === 'FULL' ? paint.green('the same fields') : safe === 'NONE' ? paint.red(meaning.NONE) : paint.green(meaning[safe]))
  if (safe === 'NONE') process.exitCode = exitCodes.failed.code
}

async function attempt<T> (work: () => T): Promise<T> {
  const { AvroProblem } = await import('../../schemas/avro-schema.ts')
  try { return work() } catch (error) {
    if (error instanceof AvroProblem) throw new CliError('data', `Cannot read Avro schema: ${error.message}`)
    throw error
  }
}
