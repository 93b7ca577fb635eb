import { type Command, Option } from 'commander'
import { durationMs } from '../core/time.ts'
import { spanText } from '../runtime/lake-wait.ts'
import { CliError } from './exit.ts'
import { addTargetOptions, type TargetOptions } from './options.ts'
import type { LegStanding, PipelineStanding, TaskStanding } from './standing.ts'
import { plural, put, say } from './talk.ts'

interface StatusOptions extends TargetOptions { readonly output: 'table' | 'json', readonly every?: string }

/** `millrace status`: where the tasks of a pipeline stand, seen from another process. */
export function addStatus (program: Command): void {
  addTargetOptions(program.command('status'))
    .description('members, tasks, offsets, lag, watermark, last commit and snapshot of the pipelines on a log, and what the pond waits for')
    .argument('[pipeline]', 'its name; without, all that have run here')
    .addOption(new Option('--output <form>', 'json: an object for each pipeline').choices(['table', 'json']).default('table'))
    .option('--every <duration>', 'again and again, for example every 2s')
    .action(status)
}

async function status (pipeline: string | undefined, options: StatusOptions): Promise<void> {
  const everyMs = options.every === undefined ? null : everyOption(options.every)
  const [{ targetOf }, { pipelinesIn, standingOf }] = await Promise.all([import('./target.ts'), import('./standing.ts')])
  const { log } = await (await targetOf(options)).openReader()
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort())
  try {
    for (;;) {
      const found = await pipelinesIn(log)
      if (pipeline !== undefined && !found.includes(pipeline)) throw new CliError('usage', `Cannot find the pipeline ${JSON.stringify(pipeline)}; there are ${found.join(', ') || 'none'}`)
      const standings = await Promise.all(found.filter(name => pipeline === undefined || name === pipeline).map(name => standingOf(log, name, Date.now())))
      if (standings.length === 0) say('no pipeline has run here')
      const clear = everyMs !== null && options.output === 'table' && process.stdout.isTTY ? '\u001b[2J\u001b[H' : ''
      if (!await put(clear + (options.output === 'json' ? standings.map(one => `${JSON.stringify(one)}\n`).join('') : await tableOf(standings))) || everyMs === null) return
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, everyMs)
        stop.signal.addEventListener('abort', () => { clearTimeout(timer); resolve() }, { once: true })
      })
      if (stop.signal.aborted) return
    }
  } finally {
    await log.close()
  }
}

function everyOption (text: string): number {
  try { return Math.max(100, durationMs(text)) } catch { throw new CliError('usage', `--every takes a duration such as 2s, not ${JSON.stringify(text)}`) }
}

async function tableOf (standings: readonly PipelineStanding[]): Promise<string> {
  const { columns } = await import('./columns.ts')
  const nowMs = Date.now()
  const head = ['LEG', 'TASK', 'TOPIC', 'WORKER', 'POSITION', 'END', 'LAG', 'LAG s', 'WATERMARK', 'COMMIT', 'SNAPSHOT', 'STATE']
  return standings.map(({ pipeline, legs }) => {
    const notes = legs.some(({ tasks }) => tasks.some(({ positionOf }) => positionOf === 'snapshot')) ? '~ as of the last snapshot\n' : ''
    return `${pipeline}\n${legs.map(membersLine).join('')}${legs.map(leg => waitsLine(leg, nowMs)).join('')}${columns(head, legs.flatMap(({ tasks }) => tasks.map(task => rowOf(task, nowMs))), process.stdout.columns)}${notes}`
  }).join('\n')
}

function membersLine ({ leg, members }: LegStanding): string {
  if (members === null) return `${leg}  its client cannot tell the members\n`
  return `${leg}  ${members.length === 0 ? 'nobody' : members.map(({ name, host, assignments }) => `${name}@${host}${assignments === null ? '' : ` (${assignments.length})`}`).join(', ')}\n`
}

/** What it waits for and since when, how much is behind it, and how long that will be there. */
function waitsLine ({ leg, tasks, waits }: LegStanding, nowMs: number): string {
  if (waits === null) return ''
  const { code, message, sinceMs, toldAt } = waits
  const behind = tasks.length === 0 ? 'nothing is stored yet' : behindText(tasks)
  const indent = ' '.repeat(leg.length + 2)
  return `${leg}  waits for ${spanText(nowMs - sinceMs)}, since ${new Date(sinceMs).toISOString()} (told ${spanText(nowMs - toldAt)} ago): ${code}\n${indent}${message}\n${indent}${behind}\n`
}

function behindText (tasks: readonly TaskStanding[]): string {
  const records = tasks.reduce((sum, { lagRecords }) => sum + lagRecords, 0)
  const oldest = Math.max(0, ...tasks.map(({ lagSeconds }) => lagSeconds ?? 0))
  const first = tasks.filter(({ leftSeconds }) => leftSeconds !== null).toSorted((a, b) => a.leftSeconds! - b.leftSeconds!)[0]
  const left = first === undefined ? 'nothing of it is ever deleted' : first.leftSeconds! > 0 ? `${first.topic} begins to delete it in ${spanText(first.leftSeconds! * 1_000)}` : `${first.topic} has begun to delete it`
  return `${plural(records, 'record')} behind, the oldest came ${spanText(oldest * 1_000)} ago; ${left}`
}

function rowOf ({ leg, source, topic, partition, member, position, positionOf, end, lagRecords, lagSeconds, watermark, committedAt, snapshotAt, stateBytes }: TaskStanding, nowMs: number): readonly (string | number)[] {
  const ago = (at: number | null) => at === null ? '-' : `${((nowMs - at) / 1_000).toFixed(1)} s ago`
  return [
    leg, source === null ? '-' : `${source}/${partition}`, source === null ? `${topic}/${partition}` : topic, member ?? '-', positionOf === 'snapshot' ? `~${position}` : position, end, lagRecords, lagSeconds === null ? '-' : Number(lagSeconds.toFixed(1)),
    watermark === null ? '-' : new Date(watermark).toISOString(), ago(committedAt), ago(snapshotAt), stateBytes === null ? '-' : sizeOf(stateBytes),
  ]
}

function sizeOf (bytes: number): string {
  for (const [unit, size] of [['GB', 1e9], ['MB', 1e6], ['kB', 1e3]] as const) if (bytes >= size) return `${(bytes / size).toFixed(1)} ${unit}`
  return `${bytes} B`
}
