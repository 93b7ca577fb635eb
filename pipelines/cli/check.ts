import { type Command, Option } from 'commander'
import type { Problem } from '../define/check.ts'
import type { Variables } from '../define/profile.ts'
import { registryContracts } from './contracts.ts'
import { exitCodes } from './exit.ts'
import { addTargetOptions, type TargetOptions } from './options.ts'
import { paint, paintData, plural, put, say } from './talk.ts'

/** `millrace check`: every problem of a definition, each where the user wrote it. */
export function addCheck (program: Command): void {
  addTargetOptions(program.command('check'))
    .description('check a definition: names, units, expressions, durations, cross-references')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .option('--registry <url>', 'also what the latest schemas of this registry would break: the mappings, windows and rules that read what has changed')
    .addOption(new Option('--output <form>', 'how to print problems').choices(['text', 'json']).default('text'))
    .action(check)
}

interface CheckOptions extends TargetOptions { readonly output: 'text' | 'json', readonly registry?: string }

async function check (path: string, options: CheckOptions): Promise<void> {
  const { output, registry } = options
  const [{ checkDefinition }, { exportVariables, targetOf }] = await Promise.all([import('../define/check.ts'), import('./target.ts')])
  const { contracts, variables } = await targetOf(options, { definition: path })
  exportVariables(variables)
  const problems = registry === undefined ? await checkDefinition(path, { contracts, variables }) : await against(registry, path, variables)
  if (output === 'json') await put(`${JSON.stringify(problems)}\n`)
  else for (const { file, line, column, message } of problems) await put(`${paintData.bold(`${file}:${line}:${column}`)} ${message}\n`)
  if (problems.length > 0) {
    say(paint.red(plural(problems.length, 'problem')))
    process.exitCode = exitCodes.failed.code
  } else say(paint.green(`${path} is fine`))
}

/** Its own problems; where it has none, what the registry's latest schemas would break. */
async function against (url: string, path: string, variables: Variables): Promise<readonly Problem[]> {
  const [{ checkDefinition }, { openRegistry }, { breaksIn, contractsOf }] = await Promise.all([import('../define/check.ts'), import('./registry-of.ts'), import('./schema-contracts.ts')])
  const { registry, close } = await openRegistry({ data: '', registry: url })
  try {
    const own = await checkDefinition(path, { contracts: registryContracts(registry), variables })
    return own.length > 0 ? own : await breaksIn(path, await contractsOf(path, registry, variables), registry)
  } finally {
    await close()
  }
}
