import type { Command } from 'commander'
import { Option } from 'commander'
import type { LakeLayout, LakePort } from '../core/lake-ports.ts'
import type { CheckedDefinition } from '../define/schema.ts'
import type { Leg } from '../runtime/names.ts'
import { boundOf } from './bound.ts'
import { CliError, exitCodes } from './exit.ts'
import { addTargetOptions, type TargetOptions } from './options.ts'
import type { LegReset, To } from './reset-leg.ts'
import type { System } from './system.ts'
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
    const planned = await planLegs(checked, system, { to, options })
    for (const { reset } of planned) tell(reset)
    const repeats = planned.some(({ reset: { plan, repeated } }) => plan.leg === 'race' && repeated !== 0)
    if (repeats && options.allowRepeat !== true) throw new CliError('usage', 'Refused: the race would process again what it has committed, and say events twice. Say --allow-repeat if those who act on them can bear it (same ids where the episode is the same, new ordinals)')
    if (options.yes !== true) {
      say('nothing was changed: say --yes')
      process.exitCode = exitCodes.failed.code
      return
    }
    const [{ openLakeOf }, { applyReset }] = await Promise.all([import('./lake-of.ts'), import('./reset-leg.ts')])
    // Before anything else: a lake whose tables are not to be changed refuses here.
    for (const { layout } of planned) if (layout !== null) lakes.push(await openLakeOf(system, layout))
    for (const { reset, layout } of planned) {
      await applyReset(reset, layout === null ? null : lakes[0]!)
      await sayClears(reset, system.registry)
      say(paint.green(`${reset.plan.leg} reset`))
    }
  } finally {
    for (const lake of lakes) await lake.close()
    await system.log.close()
  }
}

interface Planned { readonly reset: LegReset, /** Of the lake, where the leg has one. */ readonly layout: LakeLayout | null }

/** Looks, and changes nothing: neither tables nor a file is made. */
async function planLegs (definition: CheckedDefinition, system: System, { to, options: { leg, rekey } }: { readonly to: To, readonly options: ResetOptions }): Promise<readonly Planned[]> {
  const [{ legOf }, { openLakePositionsOf }, { planReset }] = await Promise.all([import('./engine.ts'), import('./lake-of.ts'), import('./reset-leg.ts')])
  const planned: Planned[] = []
  for (const one of leg === undefined ? ['race', 'pond'] as const : [leg]) {
    const found = legOf(one, { definition, system, partitions: null, reset: () => false, onEvent: () => {} })
    if (found === null) continue
    const { plan, layout } = found
    const lake = layout === null ? null : await openLakePositionsOf(system, layout)
    try {
      planned.push({ layout, reset: await planReset(plan, { to, rekey: rekey === true, lake, nowMs: system.clock.wallMs() }) })
    } finally {
      await lake?.close()
    }
  }
  return planned
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
