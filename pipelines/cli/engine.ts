import { openLake } from '../../connectors/duckdb/lake.ts'
import { type ControlEvent, controlEventCodec } from '../../schemas/control-event.ts'
import { deadLetterCodec } from '../../schemas/dead-letter.ts'
import { lateReadingCodec } from '../../schemas/late-reading.ts'
import type { Codec } from '../../schemas/codec.ts'
import type { StreamError } from '../core/errors.ts'
import type { LakePort, RegistryPort } from '../core/ports.ts'
import type { Headers } from '../core/record-batch.ts'
import type { CompiledPipeline } from '../core/stage.ts'
import type { TableRow } from '../core/table.ts'
import { createDisplay } from '../decode/display.ts'
import { compileDefinition } from '../define/compile.ts'
import type { CheckedDefinition } from '../define/schema.ts'
import { retireRule } from '../rules/retire.ts'
import type { LegPlan } from '../runtime/lead.ts'
import { type Leg, names } from '../runtime/names.ts'
import { type PondCodecs, PondLeg } from '../runtime/pond.ts'
import { type RaceCodecs, RaceLeg } from '../runtime/race.ts'
import { Table } from '../runtime/tables.ts'
import { windowColumns } from '../window/stage.ts'
import type { Embedded } from './embedded.ts'

export interface EngineOptions {
  readonly definition: CheckedDefinition
  readonly embedded: Embedded
  /** Of topics that are not there yet. */
  readonly partitions: number
  readonly reset: (stage: string) => boolean
  readonly onEvent: (event: ControlEvent) => void
  /** Told when a leg begins anew after an error of the world around it. */
  readonly onRetry?: (leg: Leg, error: StreamError, pauseMs: number) => void
  readonly timing?: Partial<EngineTiming>
}

export interface EngineTiming { readonly snapshotEveryMs: number, readonly raceCommitEveryMs: number, readonly pondCommitEveryMs: number, readonly expireEveryMs: number }

const timingDefaults: EngineTiming = { snapshotEveryMs: 5_000, raceCommitEveryMs: 100, pondCommitEveryMs: 500, expireEveryMs: 60_000 }

/**
 * One definition running on the embedded log: the race, and the pond where the definition has a lake.
 *
 * Errors: `failed` rejects with what ended a leg
 */
export class Engine {
  readonly pipeline: CompiledPipeline
  readonly race: RaceLeg
  readonly pond: PondLeg | null
  readonly lake: LakePort | null
  readonly failed: Promise<never>
  readonly #stopRace = new AbortController()
  readonly #stopPond = new AbortController()
  readonly #raceDone: Promise<void>
  readonly #pondDone: Promise<void>

  private constructor (parts: { readonly pipeline: CompiledPipeline, readonly race: RaceLeg, readonly pond: PondLeg | null, readonly lake: LakePort | null, readonly ready: () => void }) {
    this.pipeline = parts.pipeline
    this.race = parts.race
    this.pond = parts.pond
    this.lake = parts.lake
    this.#raceDone = this.race.run(this.#stopRace.signal, parts.ready)
    this.#pondDone = this.pond === null ? Promise.resolve() : this.pond.run(this.#stopPond.signal)
    this.failed = new Promise((_, reject) => {
      this.#raceDone.catch(reject)
      this.#pondDone.catch(reject)
    })
    this.failed.catch(() => {})
  }

  /** Settles when the race reads. */
  static async start ({ definition, embedded, partitions, reset, onEvent, onRetry, timing }: EngineOptions): Promise<Engine> {
    const { snapshotEveryMs, raceCommitEveryMs, pondCommitEveryMs, expireEveryMs } = { ...timingDefaults, ...timing }
    const retried = (leg: Leg) => onRetry === undefined ? {} : { onRetry: (error: StreamError, pauseMs: number) => { onRetry(leg, error, pauseMs) } }
    const { log, registry, clock, lakeFile } = embedded
    const pipeline = compileDefinition(definition)
    await createTopics(pipeline, embedded, partitions)
    const tables = new Map(pipeline.tables.map(({ name, topic, key }) => [name, new Table({ name, topic, key, decode: rowDecoder(registry) })]))
    const plan: Omit<LegPlan, 'leg'> = {
      pipeline, definition: asData(definition), compile: text => compileDefinition(JSON.parse(text) as CheckedDefinition), retire: retireRule, reset,
      log, clock, schema: id => registry.byId(id), tables, mode: 'live', zones: zonesOf(definition),
    }
    const lake = pipeline.lake === null ? null : await openLake({ file: lakeFile, layout: layoutOf(pipeline) })
    const race = new RaceLeg({ ...plan, leg: 'race' }, { codecs: await raceCodecs(pipeline, registry), member: `process-${process.pid}`, snapshotEveryMs, commitEveryMs: raceCommitEveryMs, onEvent, ...retried('race') })
    const pond = lake === null ? null : new PondLeg({ ...plan, leg: 'pond' }, { codecs: pondCodecs, lake, commitEveryMs: pondCommitEveryMs, snapshotEveryMs, expireEveryMs, ...retried('pond') })
    const ready = Promise.withResolvers<void>()
    const engine = new Engine({ pipeline, race, pond, lake, ready: ready.resolve })
    try {
      await Promise.race([ready.promise, engine.failed])
    } catch (error) {
      await engine.stop().catch(() => {})
      throw error
    }
    return engine
  }

  /** Records that neither leg has processed. */
  get behind (): number { return this.race.status.lag + (this.pond?.status.lag ?? 0) }

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

/** Definitions are data, unless they name code. */
function asData (definition: CheckedDefinition): string | null {
  return definition.functions === undefined ? JSON.stringify(definition) : null
}

/** Version of the time-zone data, for definitions whose expressions ask for the time of day. */
function zonesOf (definition: CheckedDefinition): string | null {
  return /\b(hour|minute|dayOfWeek) ?\(/.test(JSON.stringify(definition)) ? process.versions.tz ?? null : null
}

async function createTopics (pipeline: CompiledPipeline, { log, registry }: Embedded, partitions: number): Promise<void> {
  const missing = async (name: string, cleanup: 'delete' | 'compact', timestamps: 'LogAppendTime' | 'CreateTime', count: number) => {
    if (await log.topic(name) === null) await log.createTopic({ name, partitions: count, cleanup, retentionMs: null, timestamps })
  }
  for (const { topic, subject, contract } of pipeline.sources) {
    await missing(topic, 'delete', 'LogAppendTime', partitions)
    await registry.register(subject, contract)
  }
  for (const { topic, subject, contract } of pipeline.tables) {
    await missing(topic, 'compact', 'LogAppendTime', 1)
    await registry.register(subject, contract)
  }
  for (const topic of [pipeline.control?.topic, names.deadLetters(pipeline.name), names.late(pipeline.name)]) {
    if (topic !== undefined) await missing(topic, 'delete', 'CreateTime', 1)
  }
}

function layoutOf (pipeline: CompiledPipeline) {
  const { name, signals, windows, lake } = pipeline
  return {
    pipeline: name, signals, rawTtlMs: lake!.rawTtlMs,
    windows: windows.filter(window => lake!.rollups.includes(window.name)).map(window => ({ name: window.name, columns: windowColumns(window, signals) })),
  }
}

/** Rows of a table: whatever schema wrote them, as plain values. */
function rowDecoder (registry: RegistryPort) {
  const displays = new Map<number, (value: Uint8Array) => unknown>()
  return async (value: Uint8Array): Promise<TableRow | null> => {
    if (value.length < 5 || value[0] !== 0) return null
    const id = new DataView(value.buffer, value.byteOffset, value.byteLength).getInt32(1)
    if (!displays.has(id)) {
      const schema = await registry.byId(id)
      if (schema === null) return null
      displays.set(id, createDisplay(schema))
    }
    try { return displays.get(id)!(value) as TableRow } catch { return null }
  }
}

const text = new TextEncoder()

async function raceCodecs (pipeline: CompiledPipeline, registry: RegistryPort): Promise<RaceCodecs> {
  const register = (topic: string, { schema }: Codec<never>) => registry.register(`${topic}-value`, schema)
  const eventId = pipeline.control === null ? 0 : await register(pipeline.control.topic, controlEventCodec as Codec<never>)
  const letterId = await register(names.deadLetters(pipeline.name), deadLetterCodec as Codec<never>)
  const lateId = await register(names.late(pipeline.name), lateReadingCodec as Codec<never>)
  const origin = ({ topic, partition }: { readonly topic: string, readonly partition: number }, offset: number) => ({ topic, partition, offset })
  return {
    event: event => ({ key: text.encode(event.key), value: controlEventCodec.encode(event, eventId), headers: cloudEvent(event) }),
    late: ({ window, key, at, arrival, value, position }, place) => ({
      key: text.encode(key), headers: [['window', text.encode(window)]],
      value: lateReadingCodec.encode({ pipeline: pipeline.name, window, key, at, arrival, value, source: origin(place, position) }, lateId),
    }),
    deadLetter: ({ step, reason, message, arrival, schemaId, key, value, headers, position }, place) => ({
      key, headers: [['reason', text.encode(reason)]],
      value: deadLetterCodec.encode({ pipeline: pipeline.name, step, reason, message, arrival, schemaId, key, value, headers, source: origin(place, position) }, letterId),
    }),
  }
}

/** Source: CloudEvents 1.0, Kafka protocol binding, binary mode. */
function cloudEvent ({ id, pipeline, rule, key, state, arrivedAt }: ControlEvent): Headers {
  const fields = {
    ce_specversion: '1.0', ce_id: id, ce_type: `millrace.alert.${state}`, ce_source: `/millrace/${pipeline}/${encodeURIComponent(rule)}`, ce_subject: key,
    ce_time: new Date(arrivedAt).toISOString(), 'content-type': 'application/avro',
  }
  return Object.entries(fields).map(([name, value]) => [name, text.encode(value)] as const)
}

function orNull<T> (codec: Codec<T>) {
  return (value: Uint8Array): T | null => { try { return codec.decode(value) } catch { return null } }
}
const pondCodecs: PondCodecs = { event: orNull(controlEventCodec), deadLetter: orNull(deadLetterCodec), late: orNull(lateReadingCodec) }
