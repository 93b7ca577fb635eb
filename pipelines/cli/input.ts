import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { parse } from 'csv-parse'
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
export type CellKind = 'number' | 'bool' | 'text' | 'value' | 'time'

/**
 * Read readings from a file or stdin (`-`).
 *
 * Shape:  .csv: a header line, then one reading a line; anything else: one JSON object a line. `$arrival`, `$source`, `$tick` and `$watermark` are ours.
 * Errors: a line that cannot be read is an item of kind 'broken', never an exception; INPUT (exit 65) when the file cannot be opened
 */
export async function * readInput (path: string, kinds: ReadonlyMap<string, CellKind>): AsyncGenerator<InputLine> {
  const stream: Readable = path === '-' ? process.stdin : createReadStream(path)
  try {
    yield * path.toLowerCase().endsWith('.csv') ? csvLines(stream, kinds) : jsonLines(stream)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'EACCES') throw new CliError('data', `Cannot read the input: file=${JSON.stringify(path)} code=${code}`)
    throw error
  } finally {
    stream.destroy()
  }
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

async function * csvLines (stream: Readable, kinds: ReadonlyMap<string, CellKind>): AsyncGenerator<InputLine> {
  const parser = stream.pipe(parse({ bom: true, relax_column_count: true, relax_quotes: true, skip_empty_lines: true, info: true, raw: true, max_record_size: 1 << 20 }))
  stream.on('error', error => parser.destroy(error))
  let header: readonly string[] | null = null
  for await (const { record, info, raw } of parser as AsyncIterable<{ record: string[], info: { lines: number }, raw: string }>) {
    if (header === null) { header = record.map(name => name.trim()); continue }
    const line = info.lines
    const text = raw.replace(/\r?\n$/, '')
    if (record.length !== header.length) {
      yield { kind: 'broken', line, text, reason: 'INPUT_COLUMNS', message: `the header has ${header.length} columns, this line ${record.length}` }
      continue
    }
    yield fromFields(Object.fromEntries(header.map((name, i) => [name, cellOf(record[i]!, name.startsWith('$') && name !== '$source' ? 'time' : kinds.get(name) ?? 'text')])), text, line)
  }
}

/** Text of a cell as a value of its kind; text that does not fit stays text, and the encoder says so. */
export function cellOf (text: string, kind: CellKind): unknown {
  if (text === '' && kind !== 'text') return null
  switch (kind) {
    case 'number': return numberOr(text)
    case 'bool': return /^(true|1|yes)$/i.test(text) ? true : /^(false|0|no)$/i.test(text) ? false : text
    case 'time': return timeOf(text)
    case 'value': try { return JSON.parse(text) } catch { return text }
    case 'text': return text
  }
}

const numberOr = (text: string): number | string => text.trim() !== '' && !Number.isNaN(Number(text)) ? Number(text) : text

/** A number as it stands; a date and time, UTC where it names no zone, as milliseconds. */
function timeOf (text: string): number | string {
  const number = numberOr(text)
  if (typeof number === 'number') return number
  const iso = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : /(Z|[+-]\d\d:?\d\d)$/.test(text) ? text.replace(' ', 'T') : `${text.replace(' ', 'T')}Z`
  const ms = Date.parse(iso)
  return Number.isNaN(ms) ? text : ms
}
