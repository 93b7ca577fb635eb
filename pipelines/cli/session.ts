import { mkdirSync, readdirSync, watch } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { ControlEvent } from '../../schemas/control-event.ts'
import { StreamError } from '../core/errors.ts'
import type { LogPort } from '../core/ports.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import { durationMs } from '../core/time.ts'
import { compileDefinition } from '../define/compile.ts'
import type { CheckedDefinition } from '../define/schema.ts'
import type { Leg } from '../runtime/names.ts'
import type { LegStatus } from '../runtime/status.ts'
import { registryContracts } from './contracts.ts'
import { Engine, type RunningRace } from './engine.ts'
import { CliError, told } from './exit.ts'
import { definitionAt } from './pipeline-of.ts'
import { layoutOf } from './lake-layout.ts'
import { openLakeReaderOf } from './lake-of.ts'
import { SessionLake } from './session-lake.ts'
import type { System, Target } from './system.ts'
import { count, paint, say } from './talk.ts'
import { exportVariables } from './target.ts'
import { type Address, legViews, startMonitor } from './monitor.ts'
import { LiveView, type ViewState } from './view.ts'

/** Something that brings readings: the simulator, a file; null: other processes do. */
export interface Feeder {
  readonly start: (signal: AbortSignal) => Promise<void>
  readonly describe: string
}

export interface SessionOptions {
  readonly definition: string
  /** Where what a process keeps lies, in a folder of the pipeline's name. */
  readonly data: string
  readonly target: Target
  readonly partitions: number | null
  readonly legs?: readonly Leg[]
  /** Static name of this worker, which stays its own while the process runs. */
  readonly member?: (folder: string) => string
  /** Read the states of other workers ahead. */
  readonly standby?: boolean
  /** Worker threads in place of a race of this thread. */
  readonly race?: (parts: { readonly pipeline: CompiledPipeline, readonly folder: string, readonly member: string, readonly onEvent: (event: ControlEvent) => void }) => RunningRace
  /** Where to serve metrics and health; null: nowhere. */
  readonly http?: Address | null
  /** Milliseconds; null: until a signal. */
  readonly forMs: number | null
  /** Stop when what the feeder brings has come to its end, and is stored. */
  readonly once?: boolean
  readonly reload: boolean
  readonly reset: (stage: string) => boolean
  readonly feeder: (parts: { readonly system: System, readonly engine: Engine }) => Promise<Feeder | null>
  /** Said once everything runs. */
  readonly hints: readonly string[]
}

type Totals = { -readonly [Name in 'ingested' | 'normalised' | 'windows' | 'raised' | 'cleared' | 'late' | 'readings' | 'rollups' | 'events']: number }
const showEveryMs = 250
const settleMsMax = 10_000
const lingerMs = 2_000
const foldersMax = 50
const none: Totals = { ingested: 0, normalised: 0, windows: 0, raised: 0, cleared: 0, late: 0, readings: 0, rollups: 0, events: 0 }

/**
 * A running pipeline as `dev` and `run` show it: live view, reload on save, a summary at the end. One for the life of the process.
 *
 * Errors: those of the definition at the start; later ones leave the running definition as it is
 */
export class Session {
  readonly #options: SessionOptions
  readonly #view: LiveView
  readonly #stop = new AbortController()
  readonly #dead = new Map<string, number>()
  readonly #dropped = new Map<string, number>()
  #before: Totals = none
  #engine: Engine | null = null
  #recent: { at: number, ingested: number }[] = []
  #startedMs = 0
  #folder = ''
  #member: string | null = null
  #legs: Parameters<typeof legViews>[0] | null = null
  #monitor: Awaited<ReturnType<typeof startMonitor>> | null = null
  /** Of the lake that this process has open, for those who ask over HTTP. */
  readonly #lake = new SessionLake()
  #ended = false
  #firstAlertMs: number | null = null

  constructor (options: SessionOptions) {
    this.#options = options
    this.#view = new LiveView({ title: '', live: process.stderr.isTTY === true })
  }

  async run (): Promise<void> {
    const { data, forMs, target } = this.#options
    let asked = 0
    const stop = () => {
      asked += 1
      if (asked > 1) process.exit(130)
      this.#stop.abort()
    }
    process.on('SIGINT', stop).on('SIGTERM', stop)
    this.#startedMs = performance.now()
    exportVariables(target.variables)
    const first = await this.#load(target.contracts)
    const folder = resolve(data, first.name, target.folder)
    makeFolder(folder)
    this.#folder = folder
    await this.#serve()
    const system = await target.open(folder)
    const feeding = new AbortController()
    try {
      this.#member = this.#options.member?.(folder) ?? null
      this.#engine = await this.#start(first, system)
      const feeder = await this.#options.feeder({ system, engine: this.#engine })
      this.#greet(first, folder, feeder)
      const fed = feeder?.start(feeding.signal) ?? Promise.resolve()
      fed.catch(() => {})
      const { once = false } = this.#options
      if (once) fed.then(() => { this.#stop.abort() }, () => {})
      const reloading = this.#options.reload ? this.#reloadOnSave(first, system) : Promise.resolve()
      await this.#show(forMs, [fed, reloading])
      this.#stop.abort()
      feeding.abort()
      await fed
      await reloading
      // What others send has no end to wait for.
      if (feeder !== null) await this.#settle(system.log, once && asked === 0 ? Number.POSITIVE_INFINITY : settleMsMax)
      await this.#finish()
    } finally {
      this.#stop.abort()
      feeding.abort()
      // After an error: what still runs would keep the process, and the folder, for ever.
      if (!this.#ended) await this.#engine?.stop().catch(() => {})
      process.off('SIGINT', stop).off('SIGTERM', stop)
      await system.log.close()
      await this.#monitor?.close()
      // A client that is closed while its cluster is away may have some seconds to wait yet (Cassandra's driver has): that must not keep the process.
      setTimeout(() => { process.exit() }, lingerMs).unref()
    }
  }

  /** From the beginning: that it is not ready yet is something to know too. */
  async #serve (): Promise<void> {
    const { http = null } = this.#options
    if (http !== null) this.#monitor = await startMonitor(http, {
      legs: () => this.#legs === null ? [] : legViews(this.#legs), member: () => this.#member, lake: () => this.#lake.reader, onError: error => { this.#view.note(paint.red(`a question to the lake: ${told(error)}`)) },
    })
  }

  async #load (contracts: Target['contracts']): Promise<CheckedDefinition> {
    const { definition, target } = this.#options
    return definitionAt({ ...target, contracts }, definition)
  }

  async #start (definition: CheckedDefinition, system: System): Promise<Engine> {
    const engine = await this.#startEngine(definition, system)
    if (this.#monitor !== null && engine.pipeline.lake !== null) await this.#lake.open(() => engine.lake?.openReader?.() ?? openLakeReaderOf(system, layoutOf(engine.pipeline)))
    return engine
  }

  #startEngine (definition: CheckedDefinition, system: System): Promise<Engine> {
    const { partitions, reset, legs, race, standby = false } = this.#options
    const member = this.#member
    const onEvent = (event: ControlEvent) => { this.#onEvent(event) }
    return Engine.start({
      definition, system, partitions, reset, onEvent, onLegs: legs => { this.#legs = legs },
      standby, ...member !== null && { member }, ...legs !== undefined && { legs },
      ...race !== undefined && { race: race({ pipeline: compileDefinition(definition), folder: this.#folder, member: member!, onEvent }) },
      onWarning: text => { this.#view.note(paint.yellow(text)) },
      onRetry: (leg, error, pauseMs) => { this.#view.note(paint.yellow(`the ${leg} begins again in ${pauseMs} ms: ${error.message}`)) },
    })
  }

  #onEvent (event: ControlEvent): void {
    this.#firstAlertMs ??= performance.now() - this.#startedMs
    this.#view.alert(event)
  }

  #greet (definition: CheckedDefinition, folder: string, feeder: Feeder | null): void {
    const file = relative('.', this.#options.definition)
    say(`${paint.bold(definition.name)}${definition.description === undefined ? '' : `  ${definition.description}`}`)
    if (feeder !== null) say(`  input       ${feeder.describe}`)
    if (this.#options.target.kind !== 'embedded') say(`  log         ${this.#options.target.describe}`)
    if (this.#member !== null) say(`  worker      ${this.#member}`)
    if (this.#monitor !== null) say(`  monitoring  ${this.#monitor.url}/metrics`)
    if (this.#monitor !== null && this.#engine!.pipeline.lake !== null) say(`  lake        ${this.#monitor.url}/docs`)
    say(`  data        ${relative('.', folder)}`)
    say(`  definition  ${paint.bold(file)}${this.#options.reload ? '  (edit and save: it takes effect at once)' : ''}`)
    for (const hint of this.#options.hints) say(`  ${hint}`)
    say('')
  }

  /** Until the time is over, a signal, the end of a bounded input, or an error of a leg. */
  async #show (forMs: number | null, beside: readonly Promise<void>[]): Promise<void> {
    let failure: Error | null = null
    for (const work of beside) work.catch(error => { failure ??= error as Error })
    const untilMs = forMs === null ? Number.POSITIVE_INFINITY : this.#startedMs + forMs
    while (!this.#stop.signal.aborted && performance.now() < untilMs) {
      if (failure !== null) throw failure
      const { failed } = this.#engine!
      await Promise.race([failed, new Promise(done => setTimeout(done, Math.min(showEveryMs, Math.max(1, untilMs - performance.now()))))])
      this.#view.show(this.#state(), performance.now())
    }
  }

  /** Of the race; of the pond where this process runs no race. */
  get #status (): LegStatus { return (this.#engine!.race ?? this.#engine!.pond)!.status }

  #totals (): Totals {
    const status = this.#status
    const stored = this.#engine!.pond?.status.stored ?? { readings: 0, rollups: 0, events: 0 }
    const now = { ...none, ingested: status.readings, ...status, ...stored }
    return Object.fromEntries(Object.keys(none).map(name => [name, this.#before[name as keyof Totals] + now[name as keyof Totals]])) as Totals
  }

  #state (): ViewState {
    const totals = this.#totals()
    const { race, pond } = this.#engine!
    const at = performance.now()
    this.#recent = [...this.#recent.filter(one => at - one.at < 3_000), { at, ingested: totals.ingested }]
    const [oldest] = this.#recent
    const rate = oldest === undefined || at - oldest.at < 1 ? 0 : (totals.ingested - oldest.ingested) * 1000 / (at - oldest.at)
    return {
      ...totals, rate, deadLetters: merged(this.#dead, this.#status.deadLetters), watermark: this.#status.watermark,
      lag: { race: race?.status.lag ?? 0, pond: pond?.status.lag ?? 0 }, stored: { readings: totals.readings, rollups: totals.rollups, alerts: totals.raised },
    }
  }

  /** A changed definition takes over at a drained position; a wrong one is told and changes nothing. */
  async #reloadOnSave (first: CheckedDefinition, system: System): Promise<void> {
    const { definition } = this.#options
    const changes = new Changes(definition, this.#stop.signal)
    let running = first
    while (await changes.next()) {
      const next = await this.#changed(system).catch(this.#refuse)
      if (next === null || !await this.#replace(running, next, system)) continue
      running = next
      this.#view.note(paint.green(`${basename(definition)} reloaded`))
    }
  }

  /** Null: what was saved changes nothing. */
  async #changed ({ registry }: System): Promise<CheckedDefinition | null> {
    const next = await this.#load(registryContracts(registry))
    return compileDefinition(next).hash === this.#engine!.pipeline.hash ? null : next
  }

  /** False where the next definition cannot take over, for its state or the lake: the one before goes on. */
  async #replace (running: CheckedDefinition, next: CheckedDefinition, system: System): Promise<boolean> {
    await this.#lake.close()
    await this.#engine!.stop()
    this.#keepTotals()
    const engine = await this.#start(next, system).catch(this.#refuse)
    this.#engine = engine ?? await this.#start(running, system)
    return engine !== null
  }

  readonly #refuse = (error: unknown): null => {
    if (!(error instanceof StreamError)) throw error
    this.#view.note(paint.red(`${basename(this.#options.definition)} was not reloaded: ${told(error)}`))
    return null
  }

  #keepTotals (): void {
    this.#before = this.#totals()
    for (const [reason, many] of this.#status.deadLetters) this.#dead.set(reason, (this.#dead.get(reason) ?? 0) + many)
    for (const [reason, many] of this.#status.dropped) this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + many)
  }

  /** What was appended before the end is processed and stored. */
  async #settle (log: LogPort, withinMs: number): Promise<void> {
    const untilMs = performance.now() + withinMs
    for (let quiet = 0; quiet < 3 && performance.now() < untilMs;) {
      await Promise.race([this.#engine!.failed, new Promise(done => setTimeout(done, 50))])
      quiet = await this.#isBehind(log) ? 0 : quiet + 1
    }
  }

  /** A leg that waits for its lake has not seen where the log ends now. */
  async #isBehind (log: LogPort): Promise<boolean> {
    const { behind, race, pond } = this.#engine!
    if (behind > 0) return true
    for (const { topic, partition, position } of [race, pond].flatMap(leg => leg?.status.health.tasks() ?? [])) if (position < (await log.range(topic, partition)).end) return true
    return false
  }

  async #finish (): Promise<void> {
    const engine = this.#engine!
    const seconds = (performance.now() - this.#startedMs) / 1000
    this.#ended = true
    await this.#lake.close()
    await engine.stop()
    this.#view.show(this.#state(), Number.POSITIVE_INFINITY)
    this.#view.close()
    const totals = this.#totals()
    const dead = merged(this.#dead, this.#status.deadLetters)
    const dropped = merged(this.#dropped, this.#status.dropped)
    const list = (counts: ReadonlyMap<string, number>) => [...counts].map(([reason, many]) => `${reason} ${count(many)}`).join(', ')
    const lines: readonly (readonly [string, string])[] = [
      ['ran', `${seconds.toFixed(1)} s`],
      ['ingested', `${count(totals.ingested)} records, ${count(totals.ingested / seconds)}/s`],
      ['normalised', `${count(totals.normalised)} readings${dropped.size === 0 ? '' : `  (${list(dropped)})`}`],
      ['late', `${count(totals.late)}`],
      ['dead-lettered', `${count([...dead.values()].reduce((sum, many) => sum + many, 0))}${dead.size === 0 ? '' : `  (${list(dead)})`}`],
      ['windows', `${count(totals.windows)} closed`],
      ['raised', `${count(totals.raised)}${this.#firstAlertMs === null ? '' : `  (first after ${(this.#firstAlertMs / 1000).toFixed(1)} s)`}`],
      ['cleared', `${count(totals.cleared)}`],
      ['stored', `${count(totals.readings)} readings, ${count(totals.rollups)} rollup rows, ${count(totals.events)} events, late readings and dead letters`],
    ]
    process.stdout.write(`${lines.map(([name, value]) => `${name.padEnd(14)}${value}`).join('\n')}\n`)
  }
}

function makeFolder (folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw new CliError('external', `Cannot make the data folder: folder=${JSON.stringify(folder)} code=${(cause as NodeJS.ErrnoException).code}; name another one with --data`)
  }
}

function merged (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const sum = new Map(a)
  for (const [reason, many] of b) sum.set(reason, (sum.get(reason) ?? 0) + many)
  return sum
}

/**
 * Saves of the definition and of what lies beside it or one folder below: contracts, functions. Editors that write a new file in its place
 * are seen too; several saves within a moment count once, and one that changes nothing of the definition is found out by its hash.
 */
class Changes {
  readonly #waiting: (() => void)[] = []
  readonly #signal: AbortSignal
  #pending = false

  constructor (file: string, signal: AbortSignal) {
    this.#signal = signal
    const wake = () => {
      this.#pending = true
      for (const resolve of this.#waiting.splice(0)) resolve()
    }
    const folder = dirname(resolve(file))
    const below = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.')).map(({ name }) => join(folder, name))
    const watchers = [folder, ...below].slice(0, foldersMax).map(one => watch(one, (_, name) => { if (name === null || /\.(ya?ml|[cm]?[jt]s|avsc|json)$/.test(name)) wake() }))
    signal.addEventListener('abort', () => {
      for (const watcher of watchers) watcher.close()
      wake()
    }, { once: true })
  }

  /** False once the signal has aborted. */
  async next (): Promise<boolean> {
    if (!this.#pending) await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    await new Promise(done => setTimeout(done, this.#signal.aborted ? 0 : 100))
    this.#pending = false
    return !this.#signal.aborted
  }
}

/** The argument of --for. */
export function forOption (text: string): number {
  try { return durationMs(text) } catch { throw new CliError('usage', `--for takes a duration such as 30s or 5m, not ${JSON.stringify(text)}`) }
}
