import type { Command } from 'commander'
import type { RegistryPort } from '../core/ports.ts'
import { exitCodes } from './exit.ts'
import { addRegistryOptions, openRegistry, type RegistryOptions } from './registry-of.ts'
import type { NamedContract } from './schema-contracts.ts'
import { tableText } from './table-text.ts'
import { paint, paintData, plural, put, say } from './talk.ts'

interface CheckOptions extends RegistryOptions { readonly output: 'table' | 'json' }

/** What registering a contract would come to. `version` is the latest there is. */
interface Verdict { readonly subject: string, readonly part: string, readonly version: number | null, readonly verdict: 'new' | 'same' | 'compatible' | 'incompatible', readonly why: readonly string[] }

/** `millrace schema check`: whether a definition's contracts could be registered, and what the schemas that are registered would break. */
export function addSchemaCheck (group: Command): void {
  addRegistryOptions(group.command('check'))
    .description('whether each contract of a definition could be registered, and which of its rules and windows the registered schemas would break')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .action(check)
}

async function check (path: string, options: CheckOptions): Promise<void> {
  const { registry, where, close } = await openRegistry(options, { definition: path })
  try {
    const { breaksIn, contractsOf } = await import('./schema-contracts.ts')
    const loaded = await contractsOf(path, registry)
    const verdicts: Verdict[] = []
    for (const contract of loaded.contracts) verdicts.push(await verdictOn(contract, registry))
    const breaks = await breaksIn(path, loaded, registry)
    if (options.output === 'json') await put(`${JSON.stringify({ contracts: verdicts, breaks })}\n`)
    else {
      await put(tableText(['subject', 'of', 'latest', 'verdict'], verdicts.map(({ subject, part, version, verdict }) => [subject, part, version === null ? '-' : `${version}`, verdict])))
      for (const { subject, why } of verdicts) for (const reason of why) await put(`${paintData.bold(subject)} ${reason}\n`)
      for (const { file, line, column, message } of breaks) await put(`${paintData.bold(`${file}:${line}:${column}`)} ${message}\n`)
    }
    const refused = verdicts.filter(({ verdict }) => verdict === 'incompatible').length
    if (refused === 0 && breaks.length === 0) { say(paint.green(`${plural(verdicts.length, 'contract')} of ${path} ${verdicts.length === 1 ? 'goes' : 'go'} with ${where}`)); return }
    if (refused > 0) say(paint.red(`${plural(refused, 'contract')} would be refused by ${where}`))
    if (breaks.length > 0) say(paint.red(`${plural(breaks.length, 'place')} of ${path} would break`))
    process.exitCode = exitCodes.failed.code
  } finally {
    await close()
  }
}

async function verdictOn ({ part, name, subject, contract }: NamedContract, registry: RegistryPort): Promise<Verdict> {
  const latest = await registry.latest(subject)
  const facts = { subject, part: `${part} ${name}`, version: latest?.version ?? null }
  if (latest === null) return { ...facts, verdict: 'new', why: [] }
  const { normalSchema } = await import('../../schemas/normal.ts')
  if (normalSchema(latest.schema) === normalSchema(contract)) return { ...facts, verdict: 'same', why: [] }
  const why = await registry.conflicts(subject, contract)
  return { ...facts, verdict: why.length === 0 ? 'compatible' : 'incompatible', why }
}
