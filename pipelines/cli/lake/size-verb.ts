import { type Command, Option } from 'commander'
import { durationMs, durationText } from '../../core/time.ts'
import { CliError } from '../exit.ts'
import { put } from '../talk.ts'
import type { FleetAsk, FleetSize, FleetTable } from './size.ts'

interface SizeOptions {
  readonly devices: string
  readonly interval: string
  readonly signals: string
  readonly mode: 'rows' | 'chunks'
  readonly ttl: string
  readonly window: readonly string[]
  readonly windowTtl: string
  readonly windowSignals: string
  readonly span: string
  readonly rf: string
  readonly nodeDisk: string
  readonly nodeRows: string
  readonly format: 'table' | 'json'
}

/** `millrace lake size`: what a fleet needs in Cassandra, before there is one. */
export function addLakeSize (lake: Command): void {
  lake.command('size')
    .description('work out rows, bytes, partitions and nodes of a lake in Cassandra from the size of a fleet: docs/lake-sizing.md says from which measurements')
    .option('--devices <n>', 'how many, such as 10000, 1e6 or 100M', '10000')
    .option('--interval <duration>', 'between readings of a device', '10s')
    .option('--signals <n>', 'numbers in a reading', '5')
    .addOption(new Option('--mode <mode>', 'of `lake.raw`').choices(['rows', 'chunks']).default('rows'))
    .option('--ttl <duration>', 'how long readings are kept, or "ever"', '90d')
    .option('--window <duration...>', 'sizes of the windows that are kept (hopping ones: their advance)', ['1m', '1h'])
    .option('--window-signals <n>', 'signals that windows carry the parts of, sketch included', '1')
    .option('--window-ttl <duration>', 'how long they are kept, or "ever"', '365d')
    .option('--span <duration>', 'what "ever" is counted as', '730d')
    .option('--rf <n>', 'copies of every row', '3')
    .option('--node-disk <bytes>', 'what a node may hold, such as 2T', '2T')
    .option('--node-rows <n>', 'rows a second that a node is given', '20000')
    .addOption(new Option('--format <format>', 'table for people, json for programs').choices(['table', 'json']).default('table'))
    .action(size)
}

async function size (options: SizeOptions): Promise<void> {
  const { fleetSize } = await import('./size.ts')
  const ask = fleetOf(options)
  const answer = fleetSize(ask)
  if (options.format === 'json') await put(`${JSON.stringify({ ...ask, ...answer })}\n`)
  else await put(await sizeText(ask, answer))
}

function fleetOf ({ devices, interval, signals, mode, ttl, window, windowTtl, windowSignals, span, rf, nodeDisk, nodeRows }: SizeOptions): FleetAsk {
  return {
    devices: amount('devices', devices), intervalMs: length('interval', interval), signals: amount('signals', signals, 1_000), mode, ttlMs: life('ttl', ttl), rollupsTtlMs: life('window-ttl', windowTtl), spanMs: length('span', span),
    windows: window.map(text => ({ name: `window ${text}`, startsApartMs: length('window', text), summed: amount('window-signals', windowSignals, 1_000) })),
    rf: amount('rf', rf, 9), node: { diskBytes: amount('node-disk', nodeDisk), rowsPerSecond: amount('node-rows', nodeRows) },
  }
}

const multiples: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 }

function amount (name: string, text: string, max = 1e15): number {
  const [, digits = '', letter = ''] = /^(\d{1,15}(?:\.\d{1,3})?(?:e\d{1,2})?)([kmgt]?)$/i.exec(text.trim()) ?? []
  const value = Number(digits) * multiples[letter.toLowerCase()]!
  if (digits === '' || !(value >= 1 && value <= max)) throw new CliError('usage', `--${name} takes a number from 1 to ${max}, such as 10000, 1e6 or 100M, not ${JSON.stringify(text)}`)
  return Math.round(value)
}

function length (name: string, text: string): number {
  try {
    const ms = durationMs(text)
    if (ms > 0) return ms
  } catch { /* said below */ }
  throw new CliError('usage', `--${name} takes a duration such as 10s, 1h or 90d, not ${JSON.stringify(text)}`)
}

const life = (name: string, text: string): number | null => text === 'ever' ? null : length(name, text)

async function sizeText (ask: FleetAsk, { tables, rowsPerSecond, bytesPerDay, diskBytes, nodes, because }: FleetSize): Promise<string> {
  const { isTooDense } = await import('./size.ts')
  const head = ['table', 'rows/day', 'rows', 'bytes', 'partitions', 'width', 'rows each', 'bytes each']
  const cells = tables.map(({ table, rowsPerDay, rows, bytes, partitions, width, partitionRows, partitionBytes }) => [table, short(rowsPerDay), short(rows), bytesText(bytes), short(partitions), width, short(partitionRows), bytesText(partitionBytes)])
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map(row => row[column]!.length)))
  const lines = [head, ...cells].map(row => row.map((cell, column) => column === 0 || column === 5 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join('  ').trimEnd())
  const why = { disk: 'for their disks', writes: 'for the writes', copies: 'one for each copy' }[because]
  return `${lines.join('\n')}

${short(rowsPerSecond)} rows/s, ${bytesText(bytesPerDay)} a day in one copy; ${bytesText(diskBytes)} of disk in ${ask.rf === 1 ? 'one copy' : `${ask.rf} copies`} with room for compaction
${short(nodes)} node${nodes === 1 ? '' : 's'}, ${why} (${bytesText(ask.node.diskBytes)} and ${short(ask.node.rowsPerSecond)} rows/s each)
${advice(ask, tables, isTooDense)}`
}

function advice ({ mode, intervalMs }: FleetAsk, tables: readonly FleetTable[], isTooDense: (table: FleetTable) => boolean): string {
  const dense = tables.filter(isTooDense).map(({ table }) => table)
  return [
    ...dense.length === 0 ? [] : [`Partitions of ${dense.join(', ')} are larger than is good: a device every ${durationText(intervalMs)} is for chunks\n`],
    ...mode === 'rows' && tables[0]!.rowsPerDay > 1e9 ? ['Above a billion readings a day, --mode chunks needs a fraction of the nodes\n'] : [],
  ].join('')
}

/** Three digits and a letter. */
export function short (value: number): string {
  const [letter, size] = ([['P', 1e15], ['T', 1e12], ['G', 1e9], ['M', 1e6], ['k', 1e3]] as const).find(([, size]) => value >= size * 0.9995) ?? ['', 1]
  const digits = value / size
  return `${digits >= 99.95 || (size === 1 && Number.isInteger(value)) ? Math.round(digits) : digits >= 9.995 ? digits.toFixed(1) : digits.toFixed(2)} ${letter}`.trimEnd()
}

const bytesText = (bytes: number): string => { const text = short(bytes); return text.includes(' ') ? `${text}B` : `${text} B` }
