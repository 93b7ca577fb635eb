import { type Command, InvalidArgumentError } from 'commander'
import { CliError } from './exit.ts'
import { addTargetOptions } from './options.ts'
import { lineKinds } from './output.ts'
import type { PastOptions } from './replay-past.ts'
import { plural, put, say } from './talk.ts'

interface ReplayCliOptions extends Omit<PastOptions, 'emit' | 'codegen'> {
  readonly fromTopic?: true
  readonly fromLake?: true
  readonly input?: string
  readonly emit: readonly string[]
  readonly batch: number
  readonly snapshotEvery?: number
  readonly restartEvery?: number
  readonly crashEvery?: number
  readonly drain: boolean
  readonly table?: readonly string[]
  readonly codegen: boolean
}

/** `millrace replay`: a recording through the real path, and what comes out. docs/replay.md is the contract. */
export function addReplay (program: Command): void {
  addTargetOptions(program.command('replay'))
    .description('play a recording, or what the log still holds, through a pipeline and print windows, events, late readings and dead letters')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .option('--input <file>', 'readings in order of arrival: .csv, or one JSON object a line; - reads stdin')
    .option('--from-topic', 'in place of --input: what the input topics hold, with the journal, so that events equal those that were emitted')
    .option('--from-lake', 'the same from the readings of the lake, where the topics hold them no longer')
    .option('--from <where>', 'with --from-topic: "start", an offset, a time (2026-01-31T12:00:00Z) or how long ago (10m), by arrival; with --from-lake a time of the readings themselves', 'start')
    .option('--to <where>', 'with --from-topic or --from-lake: before this place; "end" goes beyond what the race has committed (default: as far as it has)')
    .option('--source <name...>', 'of --from-topic or --from-lake only these sources')
    .option('--partition <n...>', 'of --from-topic or --from-lake only these partitions', partitions)
    .option('--rate <rate>', 'with --from-topic or --from-lake: readings a second (5000), or times the speed at which they came (1x, 60x); default: as fast as it goes')
    .option('--compare', 'with --from-topic or --from-lake: hold the events against those of the control topic; exit 1 when they differ')
    .option('--emit <kinds>', `what to print: ${lineKinds.join(',')}`, kinds, ['windows', 'events', 'late', 'dead-letters'])
    .option('--batch <n>', 'records in one record batch', positive, 4096)
    .option('--snapshot-every <n>', 'take a snapshot every n lines', positive)
    .option('--restart-every <n>', 'every n lines: snapshot, drop all state, restore', positive)
    .option('--crash-every <n>', 'every n lines: drop all state without a snapshot, restore the last one, play again without emitting', positive)
    .option('--table <name=file...>', 'rows of a table of the definition: .csv or JSON lines')
    .option('--no-drain', 'leave open windows open at the end of input')
    .option('--no-codegen', 'without generated code: slower, the same output')
    .action(replay)
}

function kinds (text: string): readonly string[] {
  const wanted = text.split(',').map(kind => kind.trim()).filter(Boolean)
  const unknown = wanted.find(kind => !(lineKinds as readonly string[]).includes(kind))
  if (unknown !== undefined) throw new InvalidArgumentError(`there is no kind ${JSON.stringify(unknown)}; there are ${lineKinds.join(', ')}`)
  return wanted
}

export function positive (text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('a whole number from 1 to 999999999')
  return Number(text)
}

async function replay (definition: string, options: ReplayCliOptions): Promise<void> {
  const { input } = options
  const kept = options.fromTopic === true ? 'topic' : options.fromLake === true ? 'lake' : null
  if (kept !== null) {
    refuse(options, ['input', 'snapshotEvery', 'restartEvery', 'crashEvery', 'table', ...kept === 'topic' ? ['fromLake'] as const : []], `--from-${kept}`)
    const { replayPast } = await import('./replay-past.ts')
    await replayPast(definition, kept, options)
    return
  }
  refuse(options, ['to', 'source', 'partition', 'rate', 'compare'], '--input')
  // A required option of commander's would hide what is said of a misspelt one.
  if (input === undefined) throw new CliError('usage', 'Cannot play without --input: name a .csv or JSON lines file, - for stdin, or say --from-topic or --from-lake')
  const { play } = await import('./play.ts')
  let open = true
  let text = ''
  const summary = await play({
    ...options, input, definition, emit: new Set(options.emit), tables: new Map((options.table ?? []).map(pair)),
    snapshotEvery: options.snapshotEvery ?? null, restartEvery: options.restartEvery ?? null, crashEvery: options.crashEvery ?? null,
    print: line => { text += `${line}\n` },
    turn: async () => {
      if (text.length < 1 << 16) return open
      open = await put(text)
      text = ''
      return open
    },
  })
  await put(text)
  const counted = [...summary.counts].map(([reason, many]) => `${reason} ${many}`).join(', ')
  say(`${plural(summary.readings, 'reading')} in, ${plural(summary.lines, 'line')} out${counted === '' ? '' : `; ${counted}`}`)
}

function refuse (options: ReplayCliOptions, words: readonly (keyof ReplayCliOptions)[], beside: string): void {
  const word = words.find(name => options[name] !== undefined)
  if (word !== undefined) throw new CliError('usage', `--${word.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)} does not go with ${beside}`)
}

function partitions (text: string, before: readonly number[] = []): readonly number[] {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('a partition\'s number')
  return [...before, Number(text)]
}

function pair (text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new CliError('usage', `--table takes name=file, not ${JSON.stringify(text)}`)
  return [text.slice(0, at), text.slice(at + 1)]
}
