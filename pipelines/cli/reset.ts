import type { Command } from 'commander'
import { Option } from 'commander'
import type { LakePort } from '../core/lake-ports.ts'
import type { Leg } from '../runtime/names.ts'
import { boundOf } from './bound.ts'
import { CliError, exitCodes } from './exit.ts'
import { addTargetOptions, type TargetOptions } from './options.ts'
import type { LegReset, To } from './reset-leg.ts'
import { count, paint, plural, say } from './talk.ts'

interface ResetOptions extends TargetOptions { readonly to?: string, readonly leg?: Leg, readonly rekey?: true, readonly allowRepeat?: true, readonly yes?: true }

/** `millrace reset`: begin with empty state, at a position that somebody chose. */
export function addReset (program: Command): void {
  addTargetOptions(program.command('reset'), { runs: true })
    .description('begin with empty state at another position: deletes state, journal and committed positions, never input, events or lake')
    .argument('<definition>', 'a .yaml, .yml or .ts file')
    .option('--to <where>', 'required: earliest, latest, committed (where it is), an offset, a time (2026-01-31T12:00:00Z) or how long ago (10m)')
    .addOption(new Option('--leg <leg>', 'only this one').choices(['race', 'pond']))
    .option('--rekey', 'the input has been given other partitions')
    .option('--allow-repeat', 'even if events may be said twice')
    .option('--yes', 'do it; without, it is only told')
    .action(reset)
}

async function reset (definition: string, options: ResetOptions): Promise<void> {
  const to = toOf(options.to)
  const [{ targetOf, exportVariables }, { definitionAt }, { resolve }] = await Promise.all([import('./target.ts'), import('./pipeline-of.ts'), import('node:path')])
  const target = await targetOf(options, { definition })
  exportVariables(target.variables)
  const checked = await definitionAt(target, definition)
  const system = await target.open(resolve(options.data, checked.name, target.folder))
  const lakes: LakePort[] = []
  try {
    const { openLeg } = await import('./engine.ts')
    const { applyReset, planReset } = await import('./reset-leg.ts')
    const planned: { readonly reset: LegReset, readonly lake: LakePort | null }[] = []
    for (const leg of options.leg === undefined ? ['race', 'pond'] as const : [options.leg]) {
      const opened = await openLeg(leg, { definition: checked, system, partitions: null, reset: () => false, onEvent: () => {} })
      if (opened === null) continue
      if (opened.lake !== null) lakes.push(opened.lake)
      planned.push({ lake: opened.lake, reset: await planReset(opened.plan, { to, rekey: options.rekey === true, lake: opened.lake, nowMs: system.clock.wallMs() }) })
    }
    for (const { reset } of planned) tell(reset)
    const repeats = planned.some(({ reset: { plan, repeated } }) => plan.leg === 'race' && repeated !== 0)
    if (repeats && options.allowRepeat !== true) throw new CliError('usage', 'Refused: the race would process again what it has committed, and say events twice. Say --allow-repeat if those who act on them can bear it (same ids where the episode is the same, new ordinals)')
    if (options.yes !== true) {
      say('nothing was changed: say --yes')
      process.exitCode = exitCodes.failed.code
      return
    }
    for (const { reset, lake } of planned) {
      await applyReset(reset, lake)
      await sayClears(reset, system.registry)
      say(paint.green(`${reset.plan.leg} reset`))
    }
  } finally {
    for (const lake of lakes) await lake.close()
    await system.log.close()
  }
}

async function sayClears ({ plan: { log, pipeline }, clears }: LegReset, registry: import('../core/ports.ts').RegistryPort): Promise<void> {
  if (clears.length === 0 || pipeline.control === null) return
  const [{ raceCodecs }, said] = await Promise.all([import('./codecs.ts'), import('./said.ts')])
  const { event } = await raceCodecs(pipeline, registry)
  await said.say(log, pipeline.control.topic, clears, event)
}

function toOf (text: string | undefined): To {
  if (text === undefined) throw new CliError('usage', 'Cannot reset without --to: earliest, latest, committed, an offset, a time or how long ago')
  return text === 'earliest' || text === 'latest' || text === 'committed' ? text : boundOf(text)
}

function tell ({ plan: { leg, pipeline }, tasks, repeated, skipped, clears, rekey }: LegReset): void {
  say(`${paint.bold(`${pipeline.name} ${leg}`)}: state and journal of ${plural(tasks.length, 'task')} are deleted${rekey ? ', their topics made anew' : ''}, the committed positions replaced; input, control events and the lake stay`)
  for (const { place: { source, partition }, committed, to } of tasks) say(`  ${source}/${partition}  ${committed ?? 'nothing committed'} -> ${to}`)
  if (repeated === null) say('  nothing is committed, so that what has been processed before may be processed again')
  else if (repeated > 0) say(`  ${count(repeated)} records are processed again${leg === 'pond' ? '; windows that began before the position are counted from it on, and replace their rows' : ''}`)
  if (skipped > 0) say(`  ${count(skipped)} records are never processed`)
  if (clears.length > 0) say(`  ${plural(clears.length, 'open alert')} cleared, with the reason "reset"; ordinals go on`)
}
