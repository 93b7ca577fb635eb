import type { Command } from 'commander'
import type { LakeReaderPort } from '../../core/lake-ports.ts'
import { durationText } from '../../core/time.ts'
import type { LakeQuery } from '../../lake/ask.ts'
import { CliError } from '../exit.ts'
import { paintData, put, say } from '../talk.ts'
import { addPrintOptions, addRangeOptions, formatOf, printLake, type RangeOptions, untilStopped } from './print.ts'
import type { QuerySources } from './sheets.ts'
import { momentText } from './texts.ts'
import { queryOf } from './words.ts'

interface QueryOptions extends RangeOptions {
  readonly signal?: string
  readonly stat: string
  readonly every?: string
  readonly points?: string
  readonly by?: string
  readonly source: string
  readonly closed?: true
  readonly chart?: true
  readonly explain?: true
}

/** `millrace lake query`: statistics of a signal over time, by device or by what devices have in common. */
export function addLakeQuery (lake: Command): void {
  addRangeOptions(addPrintOptions(lake.command('query')))
    .description('statistics of a signal: by interval, by device or by label, from the coarsest table that answers')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .option('--signal <name>', 'required: which signal')
    .option('--stat <names>', 'of count, mean, sum, min, max, stddev, first, last, distinct, p0 to p100 (p99, p99.9): one or several, with commas between', 'mean')
    .option('--every <duration>', 'length of an interval, counted from 1970 in UTC, such as 1h (default: the whole range is one)')
    .option('--points <n>', 'about so many intervals, of a length that people like')
    .option('--by <labels>', 'a group for each device (`key`), or for each value of a text signal (default: key with --key, else one group)')
    .option('--source <table>', 'auto, readings, or a window by its name', 'auto')
    .option('--closed', 'only what closed windows have: without it finer windows and readings give what they lack')
    .option('--chart', 'draw it: lines over time, or bars where the range is one interval')
    .option('--explain', 'say which tables would answer and why, and read nothing')
    .action(query)
}

async function query (path: string, options: QueryOptions): Promise<void> {
  if (options.explain === true || options.chart === true) {
    const { withLake } = await import('./open.ts')
    const draw = options.explain === true ? explain : chart
    await untilStopped(abort => withLake(path, options, reader => draw(reader, askOf(options, Date.now(), abort))))
    return
  }
  const isBrief = formatOf(options) === 'table'
  const sources = { windowsTo: Number.NEGATIVE_INFINITY, readingsFrom: Number.POSITIVE_INFINITY }
  await printLake(path, options, (reader, { nowMs, abort, sheets }) => sheets.querySheet(reader, askOf(options, nowMs, abort), { brief: isBrief, sources }))
  if (isBrief && sources.windowsTo > Number.NEGATIVE_INFINITY) say(sourcesText(sources))
}

function sourcesText ({ windowsTo, readingsFrom }: QuerySources): string {
  const windows = `Windows answered up to ${momentText(windowsTo)}`
  return readingsFrom === Number.POSITIVE_INFINITY ? `${windows}, and no reading was needed` : `${windows}; readings from ${momentText(readingsFrom)} on`
}

function askOf (options: QueryOptions, nowMs: number, abort: AbortSignal): LakeQuery {
  const { signal, key, chart, every } = options
  if (signal === undefined) throw new CliError('usage', 'Cannot ask without a signal: name one with --signal')
  // A chart is over time, unless somebody asks for groups.
  const by = options.by ?? (key === undefined ? '' : 'key')
  const points = options.points ?? (chart === true && every === undefined && options.by === undefined ? String(chartPoints()) : undefined)
  return queryOf({ ...options, signal, by, closed: options.closed === true, ...points !== undefined && { points } }, nowMs, abort)
}

const widthOfTerminal = (): number => Math.max(40, process.stdout.columns ?? (Number(process.env.COLUMNS) || 100))
/** Two dots to a character. */
const chartPoints = (): number => widthOfTerminal() * 2

const colours = [paintData.cyan, paintData.yellow, paintData.magenta, paintData.green, paintData.red, paintData.blue] as const

async function chart (reader: LakeReaderPort, ask: LakeQuery): Promise<void> {
  const { chartOf } = await import('./chart.ts')
  const { text, left } = await chartOf(reader, ask, { width: widthOfTerminal(), paint: (mark, series) => colours[series % colours.length]!(mark) })
  if (text === '') say('No readings in this range')
  else await put(text)
  if (left > 0) say(`${left} more groups are not drawn: narrow them with --key or --where, or take --by a label`)
}

/** Which tables answer, and why. */
async function explain ({ layout }: LakeReaderPort, ask: LakeQuery): Promise<void> {
  const { plannedQuery } = await import('../../lake/plan.ts')
  const { from, to, resolutionMs, segments, why, refused } = plannedQuery(layout, ask)
  const lines = [
    `range     ${momentText(from)} to ${momentText(to)}, UTC`,
    `interval  ${resolutionMs === null ? 'the whole range' : durationText(resolutionMs)}`,
    ...segments.map(one => `read      ${one.source.padEnd(12)}  ${momentText(one.from)} to ${momentText(one.to)}`),
    `why       ${why}`,
    ...refused.map(one => `not       ${one.window.padEnd(12)}  ${one.why}`),
  ]
  await put(`${lines.join('\n')}\n`)
}
