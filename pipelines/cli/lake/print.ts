import { extname } from 'node:path'
import { type Command, Option } from 'commander'
import type { LakeReaderPort } from '../../core/lake-ports.ts'
import { CliError } from '../exit.ts'
import { addTargetOptions, type TargetOptions } from '../options.ts'
import { put } from '../talk.ts'
import type { FileFormat } from './files.ts'
import { limited, type Sheet } from './sheet.ts'
import { amountOf } from './words.ts'

export interface PrintOptions extends TargetOptions { readonly format?: FileFormat, readonly output?: string, readonly limit?: string }
export interface RangeOptions extends PrintOptions { readonly from: string, readonly to: string, readonly key?: readonly string[], readonly where?: readonly string[] }

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

export function addPrintOptions (command: Command): Command {
  return addTargetOptions(command)
    .addOption(new Option('--format <format>', 'times are UTC in all of them; parquet needs --output (default: that of the file\'s name, else table)').choices(['table', 'csv', 'json', 'ndjson', 'parquet'] satisfies FileFormat[]))
    .option('-o, --output <file>', 'write it to a file: whole, or not at all')
    .option('--limit <rows>', 'stop after so many rows')
}

export function addKeyOptions (command: Command): Command {
  return command
    .option('--key <key>', 'this device; may be given again (default: all)', collect)
    .option('--where <label=value>', 'only devices whose text signal last had this value; may be given again, all must hold', collect)
}

export function addRangeOptions (command: Command, { from = '-7d' } = {}): Command {
  return addKeyOptions(command)
    .option('--from <when>', 'event time, included: now, -7d, -1h30m, today, 2026-11-23, 2026-11-23T14:05 (UTC where it names no zone)', from)
    .option('--to <when>', 'event time, not included', 'now')
}

/** What a verb may need for its answer: the moment that `now` means, the signal of a Ctrl-C, and what is loaded when it is needed. */
export interface Asking { readonly nowMs: number, readonly abort: AbortSignal, readonly sheets: typeof import('./sheets.ts') }

/** Print what `sheetOf` gives, or write it to a file. A Ctrl-C ends it quietly, with 130, and leaves no half a file. */
export async function printLake (path: string, options: PrintOptions, sheetOf: (reader: LakeReaderPort, asking: Asking) => Sheet): Promise<void> {
  const format = formatOf(options)
  const rowsMax = options.limit === undefined ? null : amountOf('limit', options.limit)
  const [{ writeFile }, { written }, { withLake }, sheets] = await Promise.all([import('./files.ts'), import('./formats.ts'), import('./open.ts'), import('./sheets.ts')])
  await untilStopped(async abort => withLake(path, options, async reader => {
    const sheet = limited(sheetOf(reader, { nowMs: Date.now(), abort, sheets }), rowsMax)
    if (options.output !== undefined) await writeFile(sheet, { file: options.output, format, abort })
    else if (format !== 'parquet') for await (const text of written(sheet, format)) if (!await put(text) || abort.aborted) return
  }))
}

/** Runs until it is done or somebody presses Ctrl-C; a second one ends at once. */
export async function untilStopped (run: (abort: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  const asked = () => {
    if (stop.signal.aborted) process.exit(130)
    process.exitCode = 130
    stop.abort()
  }
  process.on('SIGINT', asked).on('SIGTERM', asked)
  try {
    await run(stop.signal)
  } catch (error) {
    if (!stop.signal.aborted) throw error
  } finally {
    process.off('SIGINT', asked).off('SIGTERM', asked)
  }
}

const endings: Readonly<Record<string, FileFormat>> = { '.csv': 'csv', '.json': 'json', '.ndjson': 'ndjson', '.jsonl': 'ndjson', '.parquet': 'parquet', '.txt': 'table' }

export function formatOf ({ format, output }: Pick<PrintOptions, 'format' | 'output'>): FileFormat {
  const chosen = format ?? (output === undefined ? 'table' : endings[extname(output).toLowerCase()])
  if (chosen === undefined) throw new CliError('usage', `Cannot tell the format of ${JSON.stringify(output)} from its name: say --format`)
  if (chosen === 'parquet' && output === undefined) throw new CliError('usage', 'Parquet is not for a terminal or a pipe: name a file with --output')
  return chosen
}
