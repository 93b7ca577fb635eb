import { type Command, Option } from 'commander'
import { embeddedContracts } from './contracts.ts'
import { exitCodes } from './exit.ts'
import { paint, paintData, plural, put, say } from './talk.ts'

/** `millrace check`: every problem of a definition, each where the user wrote it. */
export function addCheck (program: Command): void {
  program.command('check')
    .description('check a definition: names, units, expressions, durations, cross-references')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .addOption(new Option('--output <form>', 'how to print problems').choices(['text', 'json']).default('text'))
    .action(check)
}

async function check (path: string, { output }: { output: string }): Promise<void> {
  const { checkDefinition } = await import('../define/check.ts')
  const problems = await checkDefinition(path, { contracts: embeddedContracts() })
  if (output === 'json') await put(`${JSON.stringify(problems)}\n`)
  else for (const { file, line, column, message } of problems) await put(`${paintData.bold(`${file}:${line}:${column}`)} ${message}\n`)
  if (problems.length > 0) {
    say(paint.red(plural(problems.length, 'problem')))
    process.exitCode = exitCodes.failed.code
  } else say(paint.green(`${path} is fine`))
}
