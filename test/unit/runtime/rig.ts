import { StreamError } from '../../../pipelines/core/errors.ts'
import type { Assignment, LogPort } from '../../../pipelines/core/ports.ts'
import { RecordBatchWriter, records } from '../../../pipelines/core/record-batch.ts'
import { createEncoder } from '../../../pipelines/decode/encode.ts'
import { type CheckedDefinition, compileDefinition, definePipeline } from '../../../pipelines/define/public.ts'
import { retireRule } from '../../../pipelines/rules/retire.ts'
import type { LegPlan } from '../../../pipelines/runtime/lead.ts'
import { names } from '../../../pipelines/runtime/names.ts'
import { type Encoded, RaceLeg, type RaceOptions } from '../../../pipelines/runtime/race.ts'
import { Table } from '../../../pipelines/runtime/tables.ts'
import { contract } from '../../../schemas/contract.ts'
import { ManualClock } from '../../kit/clock.ts'
import { type FailurePoint, MemoryLog } from '../../kit/memory-log.ts'
import { batchWith, text, topicSpec } from './kit.ts'

interface Reading { readonly id: string, readonly ts: number, readonly value: number }
const avro = { type: 'record', name: 'Reading', fields: [{ name: 'id', type: 'string' }, { name: 'ts', type: 'long' }, { name: 'value', type: 'double' }] }
const reading = contract<Reading>({ subject: 'reading-value', version: 1, schema: avro })
const device = contract<{ device: string }>({ subject: 'device-value', version: 1, schema: { type: 'record', name: 'Device', fields: [{ name: 'device', type: 'string' }] } })
export const readingSchema = reading.schema
const startMs = 1_700_000_000_000

const source = (topic: string) => ({ topic, contract: reading, key: 'id', time: { field: 'ts' }, normalise: { value: { field: 'value' } } })

export interface RigWords { /** Topic by source. */ readonly sources?: Readonly<Record<string, string>>, readonly limit?: number, readonly windowSeconds?: number, readonly registry?: boolean }

export function definitionOf ({ sources = { north: 'rig.north', south: 'rig.south' }, limit = 10, windowSeconds = 10, registry = false }: RigWords = {}): CheckedDefinition {
  return definePipeline({
    name: 'rig', signals: { value: 'number' }, sources: Object.fromEntries(Object.entries(sources).map(([name, topic]) => [name, source(topic)])),
    time: { lateness: '1s', idle: registry ? '2s' : '1d' }, ...registry && { tables: { devices: { topic: 'rig.devices', contract: device, key: 'device' } } },
    windows: { ten: { tumbling: `${windowSeconds}s`, keep: { n: 'count' } } },
    rules: { hot: { when: `value > ${limit.toFixed(1)}` }, full: { window: 'ten', when: 'n > 4' }, ...registry && { silent: { absent: '10s', registry: 'devices' } } },
  } as never) as CheckedDefinition
}

/** One race at a time (or two, on purpose) on a log in memory, with a clock that stands still until moved. */
export class Rig {
  readonly clock = new ManualClock(startMs)
  readonly log: MemoryLog
  /** As both legs of a process share it. */
  readonly devices = new Table({ name: 'devices', topic: 'rig.devices', key: 'device', decode: async value => this.rows?.() ?? { device: Buffer.from(value).toString() } })
  /** What keeps rows from being read. */
  rows: (() => Promise<never>) | null = null
  at: (point: FailurePoint, detail: string) => void = () => {}
  /** What the registry says. */
  registry: LegPlan['schema'] = async id => id === 1 ? reading.schema : null
  #sent = 0

  constructor () { this.log = new MemoryLog({ clock: this.clock, at: (point, detail) => { this.at(point, detail) } }) }

  static async make (): Promise<Rig> {
    const rig = new Rig()
    for (const topic of ['rig.north', 'rig.south']) await rig.log.createTopic(topicSpec(topic, { timestamps: 'LogAppendTime' }))
    await rig.log.createTopic(topicSpec('rig.devices', { cleanup: 'compact' }))
    for (const topic of ['rig.control', names.deadLetters('rig'), names.late('rig')]) await rig.log.createTopic(topicSpec(topic))
    return rig
  }

  start (definition: CheckedDefinition, { asCode = false, reset = [], zones = null, log = this.log, ...options }: Partial<RaceOptions> & { readonly asCode?: boolean, readonly reset?: readonly string[], readonly zones?: string | null, readonly log?: LogPort } = {}): Running {
    const plan: LegPlan = {
      leg: 'race', pipeline: compileDefinition(definition), definition: asCode ? null : JSON.stringify(definition), compile: data => compileDefinition(JSON.parse(data) as CheckedDefinition),
      retire: retireRule, reset: stage => reset.includes(stage), log, clock: this.clock, schema: id => this.registry(id), tables: new Map(definition.tables === undefined ? [] : [['devices', this.devices]]), mode: 'live', zones,
    }
    const json = (value: object): Encoded => ({ key: null, value: text(JSON.stringify(value)), headers: [] })
    const codecs = { event: (event: object) => json(event), late: () => json({}), deadLetter: () => json({}) }
    return new Running(new RaceLeg(plan, { codecs, member: 'm', snapshotEveryMs: 1_000, commitEveryMs: 100, ...options }), this.clock)
  }

  /** Readings of `device`, a second apart. */
  send (topic: string, device: string, ...values: readonly number[]): Promise<void> { return this.sendAs(1, topic, device, ...values) }

  /** The same under another schema id. */
  sendAs (schemaId: number, topic: string, device: string, ...values: readonly number[]): Promise<void> { return this.sendTo({ topic, partition: 0 }, device, values, schemaId) }

  async sendTo ({ topic, partition }: Assignment, device: string, values: readonly number[], schemaId = 1): Promise<void> {
    const encode = createEncoder(reading.schema, schemaId)
    const writer = new RecordBatchWriter()
    for (const value of values) {
      this.#sent += 1
      writer.append(0, text(device), encode({ id: device, ts: startMs + this.#sent * 1_000, value }))
    }
    this.clock.setWall(startMs + this.#sent * 1_000)
    await this.log.append(topic, partition, writer.finish())
  }

  /** A device enters the table, or leaves it. */
  async enrol (key: string, present = true): Promise<void> { await this.log.append('rig.devices', 0, batchWith(text(key), present ? text(key) : null)) }

  /** Events on the control topic as `rule key state #ordinal reason`. */
  async events (): Promise<readonly string[]> {
    const { bytes } = await this.log.fetch({ topic: 'rig.control', partition: 0, offset: 0, bytesMax: 1 << 28, waitMs: 0 })
    return [...records(bytes)].map(({ value }) => {
      const { rule, key, state, ordinal, seq, reason } = JSON.parse(Buffer.from(value!).toString())
      return `${rule} ${key} ${state} #${ordinal}.${seq}${reason === null ? '' : ` ${reason}`}`
    })
  }
}

/** A race that runs. */
export class Running {
  readonly race: RaceLeg
  readonly #clock: ManualClock
  readonly #stop = new AbortController()
  readonly #done: Promise<Error | null>
  #ended: Error | 'drained' | null = null

  constructor (race: RaceLeg, clock: ManualClock) {
    this.race = race
    this.#clock = clock
    this.#done = race.run(this.#stop.signal).then(() => null, error => error as Error)
    this.#done.then(error => { this.#ended = error ?? 'drained' })
  }

  /** Let time pass; the error that ended it, if one did. */
  async pass (ms: number): Promise<Error | 'drained' | null> {
    await this.#clock.advance(ms)
    return this.#ended
  }

  async drain (): Promise<void> {
    this.#stop.abort()
    await this.#clock.advance(1_000)
    const error = await this.#done
    if (error !== null) throw error
  }

  /** As kill -9: whatever the race does from now on fails, and nothing of it is noticed. */
  async crash (rig: Rig): Promise<void> {
    rig.at = () => { throw new Error('crashed') }
    this.#stop.abort()
    await this.#clock.advance(1_000)
    await this.#done
    rig.at = () => {}
  }

  /** Its error's code, once it has ended with one. */
  async code (): Promise<string> {
    await this.#clock.advance(0)
    const error = await this.#done
    return error instanceof StreamError ? error.code : String(error)
  }
}
