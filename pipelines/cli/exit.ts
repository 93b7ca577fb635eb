import { StreamError } from '../core/errors.ts'

/**
 * What the shell learns. Those from 64 on are those of sysexits.h.
 *
 * Source: docs/cli.md prints this table
 */
export const exitCodes = {
  done: { code: 0, means: 'done' },
  failed: { code: 1, means: 'the answer is no: the definition has problems, a check did not hold' },
  changes: { code: 2, means: 'there is something to change' },
  usage: { code: 64, means: 'the command line is wrong' },
  data: { code: 65, means: 'the input could not be read' },
  external: { code: 69, means: 'a system around Millrace, or its data folder, is not available' },
  bug: { code: 70, means: 'a bug in Millrace' },
  config: { code: 78, means: 'the definition or configuration is wrong' },
} as const
export type Exit = keyof typeof exitCodes

/** Ends a verb with an exit code and a message for stderr. */
export class CliError extends Error {
  readonly exit: Exit
  constructor (exit: Exit, message: string) {
    super(message)
    this.exit = exit
  }
}

export function exitOf (error: unknown): Exit {
  if (error instanceof CliError) return error.exit
  if (error instanceof StreamError) return error.fault
  return 'bug'
}

/** An error's message for people; problems of a definition a line each, as `check` prints them. */
export function told (error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (!(error instanceof StreamError) || error.code !== 'DEFINITION_INVALID' || !Array.isArray(error.details.problems)) return message
  return [`${message.split(':')[0]}: ${error.details.definition}`, ...error.details.problems.map(problem => `  ${problem}`)].join('\n')
}
