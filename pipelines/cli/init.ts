import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { CliError } from './exit.ts'
import type { ProjectFile } from './init/project.ts'
import { paint, plural, say } from './talk.ts'

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

async function init (folder: string, options: InitOptions): Promise<void> {
  const { projectFiles } = await import('./init/project.ts')
  const { readRecording, recordingName } = await import('./init/recording.ts')
  const { sampleCsv } = await import('./init/sample.ts')
  const target = resolve(folder)
  checkTarget({ folder, target, options })
  const file = options.fromCsv ?? 'readings.csv'
  const recording = await readRecording(options.fromCsv === undefined ? { file, text: sampleCsv() } : { file })
  const { guess, rows, ragged } = recording
  const inPlace = options.fromCsv !== undefined && dirname(resolve(file)) === target
  const csvFile = recordingName(file, { inPlace, changed: recording.changed !== null })
  const files = projectFiles({ name: pipelineName(options.name ?? basename(target)), guess, csvFile, rows, ragged, millrace: packageSource(target) })
  write(target, [...(inPlace && csvFile === basename(file) ? [] : [{ path: csvFile, text: recording.text }]), ...files], path => say(`  ${paint.green('wrote')} ${join(folder, path)}`))

  say(`\nGuessed from ${paint.bold(basename(file))} (${plural(rows, 'row')}):`)
  for (const line of guess.said) say(`  ${line}`)
  for (const note of recording.notes) say(paint.yellow(`  ${note}`))
  say(`\nNext:  ${folder === '.' ? '' : `cd ${folder} && `}npm install && npm test`)
}

function checkTarget ({ folder, target, options }: { readonly folder: string, readonly target: string, readonly options: InitOptions }): void {
  if (!existsSync(target)) return
  if (!statSync(target).isDirectory()) throw new CliError('usage', `Cannot make a project: ${JSON.stringify(folder)} is a file`)
  const own = options.fromCsv === undefined ? null : resolve(options.fromCsv)
  const others = readdirSync(target).filter(name => !name.startsWith('.') && join(target, name) !== own)
  if (options.force !== true && others.length > 0) {
    if (own === null && others.length === 1 && /\.csv$/i.test(others[0]!)) throw new CliError('usage', `Cannot make a project beside ${JSON.stringify(others[0])} unasked: say --from-csv ${others[0]} to begin from it`)
    throw new CliError('usage', `Cannot make a project in a folder that is not empty: folder=${JSON.stringify(folder)}; name another one, or say --force`)
  }
}

function write (target: string, files: readonly ProjectFile[], told: (path: string) => void): void {
  for (const { path, text } of files) {
    const file = join(target, path)
    try {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    } catch (cause) {
      throw new CliError('external', `Cannot write the project: file=${JSON.stringify(file)} code=${(cause as NodeJS.ErrnoException).code}`)
    }
    told(path)
  }
}

/** A keyspace has 48 characters. */
const nameLengthMax = 40

/** Lower-case words joined by '-', as a pipeline is named. */
function pipelineName (text: string): string {
  return text.normalize('NFKD').replace(/\p{M}+/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+|-+$/g, '').slice(0, nameLengthMax) || 'pipeline'
}

/** The published version, or this checkout when it runs from one. */
function packageSource (target: string): string {
  const manifest = new URL(import.meta.resolve('millrace/package.json'))
  if (manifest.pathname.includes('/node_modules/')) return `^${JSON.parse(readFileSync(manifest, 'utf8')).version}`
  return `file:${relative(target, dirname(manifest.pathname)) || '.'}`
}
