import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { CliError } from '../exit.ts'
import { addTargetOptions, type TargetOptions } from '../options.ts'
import { paint, say } from '../talk.ts'
import { untilStopped } from './print.ts'
import { tokenOf } from './token.ts'
import { amountOf, lengthOf } from './words.ts'

interface ServeOptions extends TargetOptions { readonly http: string, readonly tokenFile?: string, readonly timeout: string, readonly rowsMax: string, readonly queriesMax: string }

/** `millrace lake serve`: the same questions over HTTP. */
export function addLakeServe (lake: Command): void {
  addTargetOptions(lake.command('serve'))
    .description('answer questions to the lake over HTTP, read only: /docs for people, /openapi.json for programs')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .option('--http <address>', 'a port of this machine, or host:port; anywhere else a token is required', '127.0.0.1:8088')
    .addOption(new Option('--token-file <file>', 'a file that holds the bearer token that clients must send (or the token itself in MILLRACE_LAKE_TOKEN)'))
    .option('--timeout <duration>', 'the longest that one query may take', '60s')
    .option('--rows-max <n>', 'the most rows of one answer', '1000000')
    .option('--queries-max <n>', 'queries at the same time', '4')
    .action(serve)
}

async function serve (path: string, options: ServeOptions): Promise<void> {
  const [{ httpOption }, { withLake }, { lakeHandler }, { serveLake }, { isLoopback }] = await Promise.all([import('../monitor.ts'), import('./open.ts'), import('./http/handler.ts'), import('./http/server.ts'), import('./http/guard.ts')])
  const address = httpOption(options.http)
  const token = tokenOf(options.tokenFile)
  if (token === null && !isLoopback(address.host)) throw new CliError('usage', `Cannot serve the lake at ${address.host} without a token: name a file with --token-file, or set MILLRACE_LAKE_TOKEN`)
  const limits = { queryMsMax: lengthOf('timeout', options.timeout), rowsMax: amountOf('rows-max', options.rowsMax), queriesMax: amountOf('queries-max', options.queriesMax, { max: 64 }) }
  await untilStopped(abort => withLake(path, options, async reader => {
    const handler = lakeHandler({ reader: () => reader, version: versionOf(), guard: { token }, limits, onError: error => { say(paint.red(error instanceof Error ? error.stack ?? error.message : String(error))) } })
    const server = await serveLake(handler, address)
    say(`The lake of ${reader.layout.pipeline} answers at ${paint.bold(server.url)}/docs${token === null ? '' : ', with the token'}; Ctrl-C stops it`)
    await new Promise<void>(stopped => { abort.addEventListener('abort', () => { stopped() }, { once: true }) })
    await server.close()
    process.exitCode = 0
  }))
}

const versionOf = (): string => (JSON.parse(readFileSync(new URL(import.meta.resolve('millrace/package.json')), 'utf8')) as { readonly version: string }).version
