import type { Command } from 'commander'
import { CliError } from '../exit.ts'
import { addKeyOptions, addPrintOptions, addRangeOptions, type Asking, printLake, type PrintOptions, type RangeOptions } from './print.ts'
import type { RowsAsk } from './sheets.ts'
import { keysOf, labelsWanted, lengthOf, listOf, rangeOf } from './words.ts'

const definition = ['<definition>', 'a .yaml, .yml or .ts file'] as const

const rowsAsk = (options: RangeOptions, { nowMs, abort }: Asking): RowsAsk => ({ keys: keysOf(options), where: labelsWanted(options.where), ...rangeOf(options, nowMs), abort })

interface ReadingsOptions extends RangeOptions { readonly signals?: string }

/** `millrace lake readings`: what devices have said. */
export function addLakeReadings (lake: Command): void {
  addRangeOptions(addPrintOptions(lake.command('readings')), { from: '-1h' })
    .description('readings as they are kept, device by device in order of time')
    .argument(...definition)
    .option('--signals <names>', 'only these, with commas between (default: all)')
    .action((path: string, options: ReadingsOptions) => printLake(path, options, (reader, asking) => asking.sheets.readingsSheet(reader, { ...rowsAsk(options, asking), columns: columnsOf(options) })))
}

const columnsOf = ({ signals }: Pick<ReadingsOptions, 'signals'>): readonly string[] | null => signals === undefined ? null : [...new Set(listOf(signals))]

interface AlertsOptions extends RangeOptions { readonly rule?: readonly string[], readonly longer?: string, readonly around?: string }

/** `millrace lake alerts`: what was raised, and what the device said around it. */
export function addLakeAlerts (lake: Command): void {
  addRangeOptions(addPrintOptions(lake.command('alerts')))
    .description('alerts raised in the range, each once as it stands; with --around the readings of its device too')
    .argument(...definition)
    .option('--rule <name>', 'only of this rule; may be given again', (value: string, before: readonly string[] = []) => [...before, value])
    .option('--longer <duration>', 'only those that stood for so long, such as 10m')
    .option('--around <duration>', 'the readings from so long before until so long after, a row each')
    .action((path: string, options: AlertsOptions) => printLake(path, options, (reader, asking) => {
      const { rule = null, longer, around } = options
      const ask = { ...rowsAsk(options, asking), rules: rule, longerMs: longer === undefined ? null : lengthOf('longer', longer) }
      if (around !== undefined) return asking.sheets.aroundSheet(reader, { ...ask, aroundMs: lengthOf('around', around) })
      return asking.sheets.alertsSheet(reader, { ...ask, brief: options.format === undefined ? options.output === undefined : options.format === 'table' })
    }))
}

interface EpisodesOptions extends RangeOptions { readonly when?: string, readonly longer?: string, readonly gap?: string }

/** `millrace lake episodes`: when a condition held, whether a rule says it or not. */
export function addLakeEpisodes (lake: Command): void {
  addRangeOptions(addPrintOptions(lake.command('episodes')))
    .description('stretches of time in which a condition held, device by device, from the readings: docs/expressions.md says what can be written')
    .argument(...definition)
    .option('--when <condition>', "required: over signals, such as 'celsius > 8.0'")
    .option('--longer <duration>', 'only those of such a length, such as 10m')
    .option('--gap <duration>', 'readings further apart end a stretch (default: none are)')
    .action((path: string, options: EpisodesOptions) => {
      const { when, longer, gap } = options
      if (when === undefined) throw new CliError('usage', "Cannot look for episodes without a condition: give one with --when 'celsius > 8.0'")
      return printLake(path, options, (reader, asking) => asking.sheets.episodesSheet(reader, { ...rowsAsk(options, asking), when, longerMs: longer === undefined ? null : lengthOf('longer', longer), gapMs: gap === undefined ? null : lengthOf('gap', gap) }))
    })
}

interface KeysOptions extends PrintOptions { readonly key?: readonly string[], readonly where?: readonly string[] }

/** `millrace lake keys`: which devices there are. */
export function addLakeKeys (lake: Command): void {
  addKeyOptions(addPrintOptions(lake.command('keys')))
    .description('devices, when they were first and last heard, and the last value of their text signals')
    .argument(...definition)
    .action((path: string, options: KeysOptions) => printLake(path, options, (reader, { abort, sheets }) => sheets.keysSheet(reader, { keys: keysOf(options), where: labelsWanted(options.where), abort })))
}

/** `millrace lake stats`: how much there is. */
export function addLakeStats (lake: Command): void {
  addPrintOptions(lake.command('stats'))
    .description('tables of the lake: rows, bytes, partitions, the oldest and the newest row')
    .argument(...definition)
    .action((path: string, options: PrintOptions) => printLake(path, options, (reader, { sheets }) => sheets.statsSheet(reader)))
}

interface ExportOptions extends ReadingsOptions { readonly what: string }

/** `millrace lake export`: a table as a file for other programs. */
export function addLakeExport (lake: Command): void {
  addRangeOptions(addPrintOptions(lake.command('export')))
    .description('readings, rollups, alerts or devices as a file: Parquet, CSV, JSON or JSON lines, by the ending of its name')
    .argument(...definition)
    .option('--what <table>', 'readings, alerts, keys, or a window by its name', 'readings')
    .option('--signals <names>', 'of readings: only these, with commas between (default: all)')
    .action((path: string, options: ExportOptions) => {
      if (options.output === undefined) throw new CliError('usage', 'Cannot export without a file: name one with --output')
      return printLake(path, options, (reader, asking) => {
        const ask = rowsAsk(options, asking)
        if (options.what === 'readings') return asking.sheets.readingsSheet(reader, { ...ask, columns: columnsOf(options) })
        if (options.what === 'alerts') return asking.sheets.alertsSheet(reader, { ...ask, rules: null, longerMs: null, brief: false })
        if (options.what === 'keys') return asking.sheets.keysSheet(reader, ask)
        return asking.sheets.rollupsSheet(reader, { ...ask, window: options.what })
      })
    })
}
