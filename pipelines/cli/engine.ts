import type { ControlEvent } from '../../schemas/control-event.ts'
import type { StreamError } from '../core/errors.ts'
import type { LakeLayout, LakePort } from '../core/lake-ports.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import { compileDefinition } from '../define/compile.ts'
import type { CheckedDefinition } from '../define/schema.ts'
import { retireRule } from '../rules/retire.ts'
import type { LegPlan } from '../runtime/lead.ts'
import type { Leg } from '../runtime/names.ts'
import { PondLeg } from '../runtime/pond.ts'
import { RaceLeg } from '../runtime/race.ts'
import type { LegStatus } from '../runtime/status.ts'
import { Table } from '../runtime/tables.ts'
import { pondCodecs, raceCodecs, rowDecoder, schemaBy } from './codecs.ts'
import { layoutOf } from './lake-layout.ts'
import { openLakeOf } from './lake-of.ts'
import { type KnownSchemas, remembered } from './raw-decode.ts'
import type { System } from './system.ts'
import { createTopics } from './topics.ts'

export interface EngineOptions {
  readonly definition: CheckedDefinition
  readonly system: System
  /** Of topics that are not there yet; null: the default, whatever is there. */
  readonly partitions: number | null
  readonly reset: (stage: string) => boolean
  readonly onEvent: (event: ControlEvent) => void
  /** Told when a leg begins anew after an error of the world around it. */
  readonly onRetry?: (leg: Leg, error: StreamError, pauseMs: number) => void
  /** Told what is not as it should be, and can be lived with. */
  readonly onWarning?: (text: string) => void
  readonly timing?: Partial<EngineTiming>
  /** Static name of this worker in its groups. */
  readonly member?: string
  /** Whether the race reads the states of other workers ahead. */
  readonly standby?: boolean
  /** Which legs this process runs; the pond where the definition has a lake. */
  readonly legs?: readonly Leg[]
  /** In place of a race of this thread: those of worker threads. */
  readonly race?: RunningRace
  /** Told of the legs before they begin to restore. */
  readonly onLegs?: (legs: Pick<Engine, 'pipeline' | 'race' | 'pond'>) => void
}

export interface EngineTiming { readonly snapshotEveryMs: number, readonly raceCommitEveryMs: number, readonly pondCommitEveryMs: number, readonly expireEveryMs: number }

/** What runs a race until `signal` aborts, then drains. */
export interface RunningRace { readonly status: LegStatus, /** As of the last commit. */ readonly committed: LegStatus, run (signal: AbortSignal, ready?: () => void): Promise<void> }

const timingDefaults: EngineTiming = { snapshotEveryMs: 5_000, raceCommitEveryMs: 100, pondCommitEveryMs: 500, expireEveryMs: 60_000 }

interface EngineParts { readonly pipeline: CompiledPipeline, readonly race: RunningRace | null, readonly pond: PondLeg | null, readonly lake: LakePort | null }

/**
 * One definition running on a log: the race, and the pond where the definition has a lake.
 *
 * Errors: `failed` rejects with what ended a leg
 */
export class Engine {
  readonly pipeline: CompiledPipeline
  readonly race: RunningRace | null
  readonly pond: PondLeg | null
  readonly lake: LakePort | null
  readonly failed: Promise<never>
  readonly #stopRace = new AbortController()
  readonly #stopPond = new AbortController()
  readonly #raceDone: Promise<void>
  readonly #pondDone: Promise<void>

  private constructor ({ pipeline, race, pond, lake }: EngineParts, ready: Readonly<Record<Leg, () => void>>) {
    this.pipeline = pipeline
    this.race = race
    this.pond = pond
    this.lake = lake
    this.#raceDone = race?.run(this.#stopRace.signal, ready.race) ?? Promise.resolve()
    this.#pondDone = pond?.run(this.#stopPond.signal, ready.pond) ?? Promise.resolve()
    this.failed = new Promise((_, reject) => {
      this.#raceDone.catch(reject)
      this.#pondDone.catch(reject)
    })
    this.failed.catch(() => {})
  }

  /** Settles when every leg reads: whatever refuses to start says so here. */
  static async start (options: EngineOptions): Promise<Engine> {
    const { definition, system, partitions, onWarning = () => {}, legs = ['race', 'pond'] } = options
    const pipeline = compileDefinition(definition)
    await createTopics(pipeline, system, { partitions, warn: onWarning })
    const tables = tablesOf(pipeline, system)
    const race = legs.includes('race') ? options.race ?? await raceOf(pipeline, options, tables) : null
    const schemas: KnownSchemas = new Map()
    const lake = pipeline.lake === null || !legs.includes('pond') ? null : await openLakeOf(system, layoutOf(pipeline), schemas)
    const away = Promise.withResolvers<void>()
    const onRetry: EngineOptions['onRetry'] = (leg, error, pauseMs) => {
      if (leg === 'pond' && error.code.startsWith('LAKE_')) away.resolve()
      options.onRetry?.(leg, error, pauseMs)
    }
    const pond = lake === null ? null : pondOf(lake, planOf('pond', pipeline, options, tables, schemas), { ...options, onRetry })
    options.onLegs?.({ pipeline, race, pond })
    const [raceReady, pondReady] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    // Alerts do not wait for a lake that is away; the pond begins when it comes.
    void away.promise.then(pondReady.resolve)
    const engine = new Engine({ pipeline, race, pond, lake }, { race: raceReady.resolve, pond: pondReady.resolve })
    try {
      await Promise.race([Promise.all([race === null ? null : raceReady.promise, pond === null ? null : pondReady.promise]), engine.failed])
    } catch (error) {
      await engine.stop().catch(() => {})
      throw error
    }
    return engine
  }

  /** Records that no leg of this process has processed. */
  get behind (): number { return (this.race?.status.lag ?? 0) + (this.pond?.status.lag ?? 0) }

  /** Drain: the race first, so that the pond stores its last events too. */
  async stop (): Promise<void> {
    this.#stopRace.abort()
    const race = await this.#raceDone.then(() => null, error => error as Error)
    this.#stopPond.abort()
    const pond = await this.#pondDone.then(() => null, error => error as Error)
    await this.lake?.close()
    if (race !== null || pond !== null) throw race ?? pond!
  }
}

/** A leg's plan, and how its lake is laid out, without running it. Null: the definition has no such leg. */
export function legOf (leg: Leg, options: EngineOptions): { readonly plan: LegPlan, readonly layout: LakeLayout | null } | null {
  const pipeline = compileDefinition(options.definition)
  if (leg === 'pond' && pipeline.lake === null) return null
  return { plan: planOf(leg, pipeline, options, tablesOf(pipeline, options.system)), layout: leg === 'pond' ? layoutOf(pipeline) : null }
}

/** The race of this thread. */
export async function raceOf (pipeline: CompiledPipeline, options: EngineOptions, tables = tablesOf(pipeline, options.system)): Promise<RaceLeg> {
  const { system: { registry }, onEvent, timing, standby = false, member = `process-${process.pid}` } = options
  const { snapshotEveryMs, raceCommitEveryMs } = { ...timingDefaults, ...timing }
  return new RaceLeg(planOf('race', pipeline, options, tables), { codecs: await raceCodecs(pipeline, registry), member, standby, snapshotEveryMs, commitEveryMs: raceCommitEveryMs, onEvent, ...retried('race', options) })
}

function pondOf (lake: LakePort, plan: LegPlan, options: EngineOptions): PondLeg {
  const { snapshotEveryMs, pondCommitEveryMs, expireEveryMs } = { ...timingDefaults, ...options.timing }
  return new PondLeg(plan, { codecs: pondCodecs(plan.pipeline, options.system.registry), lake, commitEveryMs: pondCommitEveryMs, snapshotEveryMs, expireEveryMs, ...options.member !== undefined && { member: options.member }, ...retried('pond', options), ...options.onWarning !== undefined && { onWarning: options.onWarning } })
}

const retried = (leg: Leg, { onRetry }: EngineOptions) => onRetry === undefined ? {} : { onRetry: (error: StreamError, pauseMs: number) => { onRetry(leg, error, pauseMs) } }

function planOf (leg: Leg, pipeline: CompiledPipeline, { definition, system: { log, registry, clock }, reset }: EngineOptions, tables: ReadonlyMap<string, Table>, schemas: KnownSchemas = new Map()): LegPlan {
  return {
    leg, pipeline, definition: asData(definition), compile: text => compileDefinition(JSON.parse(text) as CheckedDefinition), retire: retireRule, reset,
    log, clock, schema: async id => remembered(schemas, id, await schemaBy(registry, id)), tables, mode: 'live', zones: zonesOf(definition),
  }
}

/** Both legs of a process share them. */
function tablesOf (pipeline: CompiledPipeline, { registry }: Pick<System, 'registry'>): ReadonlyMap<string, Table> {
  return new Map(pipeline.tables.map(({ name, topic, key }) => [name, new Table({ name, topic, key, decode: rowDecoder(registry) })]))
}

/** Definitions are data, unless they name code. */
function asData (definition: CheckedDefinition): string | null {
  return definition.functions === undefined ? JSON.stringify(definition) : null
}

/** Version of the time-zone data, for definitions whose expressions ask for the time of day. */
function zonesOf (definition: CheckedDefinition): string | null {
  return /\b(hour|minute|dayOfWeek) ?\(/.test(JSON.stringify(definition)) ? process.versions.tz ?? null : null
}
