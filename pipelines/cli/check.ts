import { type Command, Option } from 'commander'
import type { Problem } from '../define/check.ts'
import { embeddedContracts, registryContracts } from './contracts.ts'
import { exitCodes } from './exit.ts'
import { paint, paintData, plural, put, say } from './talk.ts'

/** `millrace check`: every problem of a definition, each where the user wrote it. */
export function addCheck (program: Command): void {
  program.command('check')
    .description('check a definition: names, units, expressions, durations, cross-references')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .option('--registry <url>', 'also what the latest schemas of this registry would break: the mappings, windows and rules that read what has changed')
    .addOption(new Option('--output <form>', 'how to print problems').choices(['text', 'json']).default('text'))
    .action(check)
}

async function check (path: string, { output, registry: url }: { readonly output: string, readonly registry?: string }): Promise<void> {
  const { checkDefinition } = await import('../define/check.ts')
  const problems = url === undefined ? await checkDefinition(path, { contracts: embeddedContracts() }) : await against(url, path)
  if (output === 'json') await put(`${JSON.stringify(problems)}\n`)
  else for (const { file, line, column, message } of problems) await put(`${paintData.bold(`${file}:${line}:${column}`)} ${message}\n`)
  if (problems.length > 0) {
    say(paint.red(plural(problems.length, 'problem')))
    process.exitCode = exitCodes.failed.code
  } else say(paint.green(`${path} is fine`))
}

/** Its own problems; where it has none, what the registry's latest schemas would break. */
async function against (url: string, path: string): Promise<readonly Problem[]> {
  const [{ checkDefinition }, { openRegistry }, { breaksIn, contractsOf }] = await Promise.all([import('../define/check.ts'), import('./registry-of.ts'), import('./schema-contracts.ts')])
  const { registry, close } = await openRegistry({ data: '', registry: url })
  try {
    const own = await checkDefinition(path, { contracts: registryContracts(registry) })
    return own.length > 0 ? own : await breaksIn(path, await contractsOf(path, registry), registry)
  } finally {
    await close()
  }
}
