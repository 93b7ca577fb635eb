import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { CliError } from './exit.ts'
import { paint, say } from './talk.ts'

interface InitOptions { readonly fromCsv?: string, readonly name?: string, readonly force?: true }

/** `millrace init`: a small project whose own test passes, made from the user's data or from a small recording. */
export function addInit (program: Command): void {
  program.command('init')
    .description('make a small project: contract, definition and test, guessed from a CSV file of readings')
    .argument('[folder]', 'where to put it', '.')
    .option('--from-csv <file>', 'readings with a header line; without it a small made-up recording is used')
    .option('--name <name>', 'name of the pipeline (default: of the folder)')
    .option('--force', 'write into a folder that is not empty; files of the same names are replaced')
    .action(init)
}

const sampleRowsMax = 20_000

async function init (folder: string, options: InitOptions): Promise<void> {
  const { inferTable } = await import('./init/infer.ts')
  const { projectFiles } = await import('./init/project.ts')
  const { sampleCsv } = await import('./init/sample.ts')
  const target = resolve(folder)
  if (options.force !== true && existsSync(target) && readdirSync(target).some(name => !name.startsWith('.') && name !== basename(options.fromCsv ?? ''))) {
    throw new CliError('usage', `Cannot make a project in a folder that is not empty: folder=${JSON.stringify(folder)}; name another one, or say --force`)
  }
  const text = options.fromCsv === undefined ? sampleCsv() : readCsv(options.fromCsv)
  const csvFile = basename(options.fromCsv ?? 'readings.csv')
  const name = pipelineName(options.name ?? basename(target))
  const { header, rows, ragged } = await parseSample(text)
  let guess: ReturnType<typeof inferTable>
  try { guess = inferTable(header, rows) } catch (error) { throw new CliError('data', `Cannot guess a contract from ${csvFile}: ${(error as Error).message}`) }

  mkdirSync(target, { recursive: true })
  if (options.fromCsv === undefined) writeFileSync(join(target, csvFile), text)
  else if (resolve(options.fromCsv) !== join(target, csvFile)) copyFileSync(options.fromCsv, join(target, csvFile))
  for (const file of projectFiles({ name, guess, csvFile, millrace: packageSource(target) })) {
    mkdirSync(dirname(join(target, file.path)), { recursive: true })
    writeFileSync(join(target, file.path), file.text)
    say(`  ${paint.green('wrote')} ${join(folder, file.path)}`)
  }
  say(`\nGuessed from ${paint.bold(csvFile)} (${rows.length} rows${rows.length === sampleRowsMax ? ', the first ones' : ''}):`)
  for (const line of guess.said) say(`  ${line}`)
  if (ragged > 0) say(paint.yellow(`  ${ragged} rows have another number of columns than the header: they will be dead letters`))
  say(`\nNext:  ${folder === '.' ? '' : `cd ${folder} && `}npm install && npm test`)
}

function readCsv (file: string): string {
  try { return readFileSync(file, 'utf8') } catch (cause) { throw new CliError('data', `Cannot read the CSV file: file=${JSON.stringify(file)} code=${(cause as NodeJS.ErrnoException).code}`) }
}

async function parseSample (text: string): Promise<{ header: string[], rows: string[][], ragged: number }> {
  const { parse } = await import('csv-parse/sync')
  const [header = [], ...all] = parse(text, { bom: true, relax_column_count: true, relax_quotes: true, skip_empty_lines: true, to: sampleRowsMax + 1 }) as string[][]
  const rows = all.filter(row => row.length === header.length)
  return { header, rows, ragged: all.length - rows.length }
}

/** Lower-case words joined by '-', as a pipeline is named. */
function pipelineName (text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+|-+$/g, '') || 'pipeline'
}

/** The published version, or this checkout when it runs from one. */
function packageSource (target: string): string {
  const manifest = new URL(import.meta.resolve('millrace/package.json'))
  if (manifest.pathname.includes('/node_modules/')) return `^${JSON.parse(readFileSync(manifest, 'utf8')).version}`
  return `file:${relative(target, dirname(manifest.pathname)) || '.'}`
}
