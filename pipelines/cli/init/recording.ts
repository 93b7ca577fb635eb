import { closeSync, openSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { CsvError } from 'csv-parse'
import { parse } from 'csv-parse/sync'
import { csvOptions, delimiterOf } from '../csv.ts'
import { CliError } from '../exit.ts'
import { plural } from '../talk.ts'
import { inferTable, rowMs, type TableGuess } from './infer.ts'

/**
 * A recording as a new project has it.
 *
 * Shape: `text` is the file, in order of time; `changed` says why it differs from the one given, null when it does not
 */
export interface Recording {
  readonly text: string
  readonly changed: string | null
  readonly guess: TableGuess
  /** Of as many columns as the header. */
  readonly rows: number
  readonly ragged: number
  /** What people should know, besides the guess. */
  readonly notes: readonly string[]
}

const bytesMax = 1 << 28
interface Parsed { readonly record: readonly string[], readonly raw: string }

/**
 * Read a CSV file and guess what is in it.
 *
 * Limits: the first 256 MB
 * Errors: exit 65 with what to do
 */
export function readRecording ({ file, text = readText(file) }: { readonly file: string, readonly text?: string }): Recording {
  const [header, ...all] = parseCsv(file, text)
  const columns = header?.record.map(name => name.trim()) ?? []
  const rows = all.filter(({ record }) => record.length === columns.length)
  const ragged = all.length - rows.length
  const guess = guessOf(file, columns, rows)
  const notes: string[] = []
  if (ragged > 0) notes.push(`${plural(ragged, 'row')} with another number of columns than the header will be dead letters`)
  if (guess.timeless > 0) notes.push(`${plural(guess.timeless, 'row')} without a time will be dead letters`)
  if (guess.disordered === 0) return { text, changed: null, guess, rows: rows.length, ragged, notes }
  const changed = `${plural(guess.disordered, 'row')} came after later ones: the project's copy is in order of time, because a reading that is much too late counts in no window`
  return { text: inOrder(header!, all, guess), changed, guess, rows: rows.length, ragged, notes: [...notes, changed] }
}

/** A name that needs no quotes in a shell and says that it is CSV; a file that lies in the project already is never replaced. */
export function recordingName (file: string, { inPlace, changed }: { readonly inPlace: boolean, readonly changed: boolean }): string {
  const plain = basename(file).replace(/\.[^.]*$/, '').normalize('NFKD').replace(/[^\w.-]+/g, '-').replace(/^[-.]+|-+$/g, '') || 'readings'
  return inPlace && changed ? `${plain}.ordered.csv` : `${plain}.csv`
}

function guessOf (file: string, columns: readonly string[], rows: readonly Parsed[]): TableGuess {
  try {
    return inferTable(columns, rows.map(({ record }) => record))
  } catch (error) {
    throw new CliError('data', `Cannot guess a contract from ${JSON.stringify(file)}: ${(error as Error).message}`)
  }
}

function parseCsv (file: string, text: string): readonly Parsed[] {
  try {
    return parse(text, { ...csvOptions, delimiter: delimiterOf(text), raw: true }) as unknown as Parsed[]
  } catch (error) {
    if (error instanceof CsvError) throw new CliError('data', `Cannot read the CSV file: file=${JSON.stringify(file)} code=${error.code} ${error.message}`)
    throw error
  }
}

/** By time; a row without one stays behind the row before it. */
function inOrder (header: Parsed, rows: readonly Parsed[], { columns, time }: TableGuess): string {
  const index = columns.indexOf(time)
  let before = Number.NEGATIVE_INFINITY
  const timed = rows.map(({ record, raw }) => {
    const ms = record.length === columns.length ? rowMs(record[index]!, time) : Number.NaN
    if (!Number.isNaN(ms)) before = ms
    return { ms: before, raw }
  })
  const lines = [header.raw, ...timed.sort((a, b) => a.ms === b.ms ? 0 : a.ms - b.ms).map(({ raw }) => raw)]
  return `${lines.map(raw => raw.replace(/[\r\n]+$/, '')).join('\n')}\n`
}

function readText (file: string): string {
  let bytes: Buffer
  try {
    const descriptor = openSync(file, 'r')
    try {
      bytes = readUpTo(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    throw new CliError('data', `Cannot read the CSV file: file=${JSON.stringify(file)} code=${(cause as NodeJS.ErrnoException).code}`)
  }
  if (bytes.length > 1 && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))) throw new CliError('data', `Cannot read the CSV file: file=${JSON.stringify(file)} is in UTF-16; save it in UTF-8`)
  return bytes.toString('utf8')
}

function readUpTo (descriptor: number): Buffer {
  const chunks: Buffer[] = []
  let total = 0
  for (let chunk = Buffer.alloc(1 << 22), read = 1; read > 0 && total < bytesMax; total += read) {
    read = readSync(descriptor, chunk, 0, chunk.length, null)
    chunks.push(chunk.subarray(0, read))
    chunk = Buffer.alloc(1 << 22)
  }
  const all = Buffer.concat(chunks)
  return total < bytesMax ? all : all.subarray(0, all.lastIndexOf(10) + 1)
}
