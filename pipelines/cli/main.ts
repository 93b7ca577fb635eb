import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { exitCodes, exitOf, told } from './exit.ts'
import { paint, say } from './talk.ts'
import { verbs } from './verbs.ts'

/** Run one command line. Settles with the exit code; never throws. */
export async function main (args: readonly string[]): Promise<number> {
  const program = new Command('millrace')
    .description('IoT stream processor: device readings in, control events out, everything kept in a lake')
    .version(JSON.parse(readFileSync(new URL(import.meta.resolve('millrace/package.json')), 'utf8')).version)
    .showSuggestionAfterError()
    .showHelpAfterError('(--help tells more)')
    .exitOverride()
  program.configureOutput({ writeOut: text => process.stdout.write(text), writeErr: text => process.stderr.write(text) })
  for (const add of verbs) add(program)
  helpful(program, 'millrace')
  try {
    await program.parseAsync(args, { from: 'user' })
    return process.exitCode === undefined ? 0 : Number(process.exitCode)
  } catch (error) {
    return report(error)
  }
}

/** Commands say what went wrong themselves, and `main` what the shell learns of it; also those of a group. */
function helpful (group: Command, called: string): void {
  for (const command of group.commands) {
    const name = `${called} ${command.name()}`
    command.exitOverride().showSuggestionAfterError().showHelpAfterError(`(${name} --help tells more)`)
    helpful(command, name)
  }
}

function report (error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done.code : exitCodes.usage.code
  const exit = exitOf(error)
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined }
  say(`${paint.red('error')} ${exit === 'bug' ? stack ?? message : told(error)}`)
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : null
  if (cause !== null && !message.includes(cause)) say(`  because ${cause}`)
  return exitCodes[exit].code
}

// A reader that goes away (`millrace tail ... | head`) ends the command, quietly.
process.stderr.on('error', () => {})
process.stdout.on('error', error => { if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0) })
process.exitCode = await main(process.argv.slice(2))
