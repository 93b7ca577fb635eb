import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { csvOptions, delimiterOf, fieldNames, isMissing, timeMs } from './csv.ts'
import { CliError } from './exit.ts'

/**
 * One line of input, in order of arrival.
 *
 * Units: arrival, tick, watermark milliseconds since the epoch; arrival null: the highest event time so far
 */
export type InputLine =
  | { readonly kind: 'reading', readonly line: number, readonly source: string | null, readonly arrival: number | null, readonly fields: Readonly<Record<string, unknown>>, readonly text: string }
  | { readonly kind: 'tick', readonly line: number, readonly ms: number }
  | { readonly kind: 'watermark', readonly line: number, readonly ms: number }
  | { readonly kind: 'broken', readonly line: number, readonly text: string, readonly reason: 'INPUT_JSON' | 'INPUT_COLUMNS', readonly message: string }

/** Kinds of a contract's fields, to turn the text of a CSV cell into a value. */
export type CellKind = 'number' | 'bool' | 'text' | 'optional-text' | 'value' | 'time'

/**
 * Read readings from a file or stdin (`-`).
 *
 * Shape:  .csv: a header line, then one reading a line; anything else: one JSON object a line. `$arrival`, `$source`, `$tick` and `$watermark` are ours.
 * Errors: a line that cannot be read is an item of kind 'broken', never an exception; INPUT (exit 65) when the file cannot be opened
 */
export async function * readInput (path: string, kinds: ReadonlyMap<string, CellKind>): AsyncGenerator<InputLine> {
  let stream: Readable | null = null
  try {
    const delimiter = path.toLowerCase().endsWith('.csv') ? await delimiterOfFile(path) : null
    stream = path === '-' ? process.stdin : createReadStream(path)
    yield * delimiter === null ? jsonLines(stream) : csvLines(stream, { kinds, delimiter })
  } catch (error) {
    throw inputError(path, error)
  } finally {
    stream?.destroy()
  }
}

/** What the system or the CSV parser says, told as the user's; anything else as it is. */
function inputError (path: string, error: unknown): unknown {
  if (error instanceof CsvError) return new CliError('data', `Cannot read the input: file=${JSON.stringify(path)} code=${error.code} ${error.message}`)
  const { code, syscall } = error as NodeJS.ErrnoException
  return code !== undefined && syscall !== undefined ? new CliError('data', `Cannot read the input: file=${JSON.stringify(path)} code=${code}`) : error
}

async function * jsonLines (stream: Readable): AsyncGenerator<InputLine> {
  let line = 0
  for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1
    if (text.trim() !== '') yield jsonLine(line === 1 ? text.replace(/^\uFEFF/, '') : text, line)
  }
}

function jsonLine (text: string, line: number): InputLine {
  let object: unknown
  try {
    object = JSON.parse(text)
  } catch (error) {
    return { kind: 'broken', line, text, reason: 'INPUT_JSON', message: (error as Error).message }
  }
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return { kind: 'broken', line, text, reason: 'INPUT_JSON', message: 'a line is one JSON object' }
  return fromFields(object as Record<string, unknown>, text, line)
}

/** A line given as an object. */
export function lineOf (object: Readonly<Record<string, unknown>>, line: number): InputLine {
  return fromFields(object, JSON.stringify(object, (_, value: unknown) => typeof value === 'bigint' ? String(value) : value), line)
}

function fromFields (object: Readonly<Record<string, unknown>>, text: string, line: number): InputLine {
  const { $tick, $watermark, $arrival = null, $source = null, ...fields } = object
  const broken = (message: string): InputLine => ({ kind: 'broken', line, text, reason: 'INPUT_JSON', message })
  for (const [name, ms] of Object.entries({ $tick, $watermark, $arrival })) {
    if (ms !== undefined && ms !== null && !(typeof ms === 'number' && Number.isFinite(ms))) return broken(`${name} is a number of milliseconds`)
  }
  if (typeof $tick === 'number') return { kind: 'tick', line, ms: $tick }
  if (typeof $watermark === 'number') return { kind: 'watermark', line, ms: $watermark }
  if ($source !== null && typeof $source !== 'string') return broken('$source is the name of a source')
  return { kind: 'reading', line, source: $source, arrival: $arrival as number | null, fields, text }
}

async function * csvLines (stream: Readable, { kinds, delimiter }: { readonly kinds: ReadonlyMap<string, CellKind>, readonly delimiter: string }): AsyncGenerator<InputLine> {
  const parser = stream.pipe(parse({ ...csvOptions, delimiter, info: true, raw: true }))
  stream.on('error', error => parser.destroy(error))
  let columns: readonly { readonly name: string, readonly kind: CellKind }[] | null = null
  for await (const { record, info, raw } of parser as AsyncIterable<{ record: string[], info: { lines: number }, raw: string }>) {
    if (columns === null) { columns = columnsOf(record, kinds); continue }
    const line = info.lines
    const text = raw.replace(/\r?\n$/, '')
    if (record.length !== columns.length) {
      yield { kind: 'broken', line, text, reason: 'INPUT_COLUMNS', message: `the header has ${columns.length} columns, this line ${record.length}` }
      continue
    }
    yield fromFields(Object.fromEntries(columns.map(({ name, kind }, i) => [name, cellOf(record[i]!, kind)])), text, line)
  }
}

const ours = new Set(['$arrival', '$source', '$tick', '$watermark'])

/**
 * A column belongs to the field of its name, else to the field that `init` would have called it. Where more fields of the contract are
 * found by what `init` calls the columns, that goes first: a header may have a name twice.
 */
function columnsOf (header: readonly string[], kinds: ReadonlyMap<string, CellKind>): readonly { readonly name: string, readonly kind: CellKind }[] {
  const written = header.map(name => name.trim())
  const guessed = fieldNames(header)
  const found = (names: readonly string[]) => new Set(names.filter(name => kinds.has(name)))
  const [first, second] = found(guessed).size > found(written).size ? [guessed, written] : [written, guessed]
  const taken = found(first)
  return written.map((name, i) => {
    if (ours.has(name)) return { name, kind: name === '$source' ? 'optional-text' : 'time' }
    const field = kinds.has(first[i]!) ? first[i]! : kinds.has(second[i]!) && !taken.has(second[i]!) ? second[i]! : name
    return { name: field, kind: kinds.get(field) ?? 'text' }
  })
}

/** Text of a cell as a value of its kind; text that does not fit stays text, and the encoder says so. */
export function cellOf (text: string, kind: CellKind): unknown {
  if (kind === 'text') return text
  if (kind === 'optional-text') return text === '' ? null : text
  if (isMissing(text)) return null
  switch (kind) {
    case 'number': return numberOr(text)
    case 'bool': return /^(true|1|yes)$/i.test(text.trim()) ? true : /^(false|0|no)$/i.test(text.trim()) ? false : text
    case 'time': return timeOf(text)
    case 'value': try { return JSON.parse(text) } catch { return text }
  }
}

/** Whole numbers beyond 2^53 stay digits, which the encoder takes. */
function numberOr (text: string): number | string {
  const trimmed = text.trim()
  const number = trimmed === '' ? Number.NaN : Number(trimmed)
  if (Number.isNaN(number)) return text
  return Number.isInteger(number) && !Number.isSafeInteger(number) && /^-?\d+$/.test(trimmed) ? trimmed : number
}

/** A number as it stands; a date and time as milliseconds. */
function timeOf (text: string): number | string {
  const number = numberOr(text)
  if (typeof number === 'number' || /^-?\d+$/.test(number)) return number
  const ms = timeMs(text)
  return Number.isNaN(ms) ? text : ms
}

/** From the beginning of the file. */
async function delimiterOfFile (path: string): Promise<string> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1 << 16), 0, 1 << 16, 0)
    return delimiterOf(buffer.toString('utf8', 0, bytesRead))
  } finally {
    await file.close()
  }
}
