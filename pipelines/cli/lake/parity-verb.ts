import type { Command } from 'commander'
import type { CompiledPipeline } from '../../core/stage.ts'
import { exitCodes } from '../exit.ts'
import { addTargetOptions, type TargetOptions } from '../options.ts'
import { pipelineOf } from '../pipeline-of.ts'
import { paint, plural, put, say } from '../talk.ts'
import { amountOf, rangeOf } from './words.ts'

interface ParityOptions extends TargetOptions { readonly from: string, readonly to: string, readonly limit: string }

/** `millrace lake parity`: does the lake say what its readings say, and what was told? */
export function addLakeParity (lake: Command): void {
  addTargetOptions(lake.command('parity'))
    .description('hold rollups against the readings of the lake, and its alerts against the control topic; prints what differs, and ends with 1 when something does')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .option('--from <when>', 'event time, included: now, -7d, -1h30m, today, 2026-11-23, 2026-11-23T14:05 (UTC where it names no zone)', '-1d')
    .option('--to <when>', 'event time, not included; a pipeline that runs may be behind by its lateness', 'now')
    .option('--limit <lines>', 'print so many differences, and count the others', '100')
    .action(parity)
}

async function parity (path: string, options: ParityOptions): Promise<void> {
  const { from, to } = rangeOf(options, Date.now())
  const linesMax = amountOf('limit', options.limit)
  const [{ withLake }, { rollupParity, alertParity }, { untilStopped }] = await Promise.all([import('./open.ts'), import('./parity.ts'), import('./print.ts')])
  const { target, pipeline } = await pipelineOf(path, options)
  let differences = 0
  const lines: string[] = []
  const differs = (difference: string) => {
    differences += 1
    if (differences <= linesMax) lines.push(`${difference}\n`)
  }
  await untilStopped(abort => withLake(path, options, async reader => {
    const ask = { pipeline, reader, from: withinTtl(pipeline, from), to, abort, differs }
    const counts = [...await rollupParity(ask)]
    if (pipeline.control !== null) {
      const { log } = await target.openReader()
      try { counts.push(await alertParity(ask, log)) } finally { await log.close() }
    }
    await put(lines.join(''))
    if (differences > lines.length) say(`... and ${plural(differences - lines.length, 'difference')} more`)
    for (const { what, compared, note } of counts) say(`${what}: ${plural(compared, 'row')} compared${note === null ? '' : `; ${note}`}`)
    say(differences === 0 ? paint.green('no difference') : paint.red(plural(differences, 'difference')))
    if (differences > 0) process.exitCode = exitCodes.failed.code
  }))
}

/** Rollups outlive their readings: nothing can be said of what has none any more. */
function withinTtl ({ lake }: CompiledPipeline, from: number): number {
  const oldest = lake?.rawTtlMs == null ? from : Date.now() - lake.rawTtlMs + 3_600_000
  if (oldest > from) say(`Readings are kept since ${new Date(oldest).toISOString()}: rollups are compared from there on`)
  return Math.max(from, oldest)
}
