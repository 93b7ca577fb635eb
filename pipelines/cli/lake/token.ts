import { readFileSync } from 'node:fs'
import { CliError } from '../exit.ts'

/** The token of the file or of the environment; null: nobody gave one. Errors: CliError for one that is too short to be none */
export function tokenOf (file: string | undefined, environment: Readonly<Record<string, string | undefined>> = process.env): string | null {
  const token = file === undefined ? environment.MILLRACE_LAKE_TOKEN : readToken(file)
  if (token === undefined) return null
  if (!/^[\x21-\x7e]{16,1024}$/.test(token)) throw new CliError('config', `Cannot use the token of ${file ?? 'MILLRACE_LAKE_TOKEN'}: it has 16 to 1024 printable characters and no spaces, for example from \`openssl rand -hex 32\``)
  return token
}

function readToken (file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new CliError('config', `Cannot read the token: file=${JSON.stringify(file)} code=${(cause as NodeJS.ErrnoException).code}`)
  }
}
