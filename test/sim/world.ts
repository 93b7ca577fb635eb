import assert from 'node:assert/strict'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { Commit, JoinRequest, LogPort, Membership } from '../../pipelines/core/ports.ts'
import { partitionOf } from '../../pipelines/core/murmur2.ts'
import { RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { type CheckedDefinition, compileDefinition } from '../../pipelines/define/public.ts'
import { retireRule } from '../../pipelines/rules/retire.ts'
import type { LegPlan } from '../../pipelines/runtime/lead.ts'
import { type Leg, names } from '../../pipelines/runtime/names.ts'
import { type PondCodecs, PondLeg } from '../../pipelines/runtime/pond.ts'
import { RaceLeg } from '../../pipelines/runtime/race.ts'
import { ManualClock } from '../kit/clock.ts'
import { type FailurePoint, MemoryLog } from '../kit/memory-log.ts'
import { Devices, raceCodecs, schemas, tablesOf, unknownSchema } from './devices.ts'
import { MemoryLake, Stored } from './lake.ts'
import { allRecords, type TaskName } from './oracle.ts'
import type { Random } from './random.ts'
import { shown } from './rows.ts'

/** The process is dead: whatever it tries afterwards fails too, until the test has seen it end. */
export class Crash extends Error {}

export const partitions = 2
const stepMs = 100
const text = new TextEncoder()

/** The `countdown`th time that the log comes to such a point, it fails. */
export interface Trap { readonly at: RegExp, readonly countdown: number, readonly kind: 'crash' | 'retry' }
interface Process { readonly leg: RaceLeg | PondLeg, readonly stop: AbortController, readonly ended: Promise<Error | null>, over: boolean }

/** A log that outlives the processes on it, a clock that a test moves, devices that send, and one process of the race at most. */
export class World {
  readonly clock = new ManualClock(1_700_000_000_000)
  readonly log: MemoryLog
  readonly leg: Leg
  stored = new Stored()
  readonly #random: Random
  readonly #snapshotEveryMs: number
  #process: Process | null = null
  #trap: Trap | null = null
  #passed = 0
  #dead = false
  #outside = false
  readonly #devices: Devices
  /** Where processes failed, to see that a seed reached what it was meant to. */
  readonly failed: string[] = []

  constructor (random: Random, { leg, snapshotEveryMs }: { readonly leg: Leg, readonly snapshotEveryMs: number }) {
    this.#random = random
    this.leg = leg
    this.#snapshotEveryMs = snapshotEveryMs
    this.log = new MemoryLog({ clock: this.clock, at: (point, detail) => { this.#at(point, detail) } })
    this.#devices = new Devices({ random, clock: this.clock, partitions, append: (topic, partition, bytes) => this.#append(topic, partition, bytes) })
  }

  async createTopics (): Promise<void> {
    const topic = (name: string, count: number, rest: { cleanup?: 'compact', timestamps?: 'CreateTime' } = {}) =>
      this.log.createTopic({ name, partitions: count, retentionMs: null, cleanup: 'delete', timestamps: 'LogAppendTime', ...rest })
    for (const name of ['sim.north', 'sim.south']) await topic(name, partitions)
    for (const name of ['sim.devices', 'sim.yards']) await topic(name, 1, { cleanup: 'compact' })
    for (const name of ['sim.control', names.deadLetters('sim'), names.late('sim')]) await topic(name, 1, { timestamps: 'CreateTime' })
  }

  get tasks (): readonly TaskName[] {
    return ['north', 'south'].flatMap(source => Array.from({ length: partitions }, (_, partition) => ({ source, topic: `sim.${source}`, partition })))
  }

  arm (trap: Trap | null): void {
    this.#passed = 0
    this.#trap = trap
  }

  start (definition: CheckedDefinition, { reset = [], asCode = false }: { readonly reset?: readonly string[], readonly asCode?: boolean } = {}): void {
    assert(this.#process === null, 'one process at a time')
    const tables = tablesOf()
    const plan: LegPlan = {
      leg: this.leg, pipeline: compileDefinition(definition), definition: asCode ? null : JSON.stringify(definition), compile: data => compileDefinition(JSON.parse(data)),
      retire: retireRule, reset: stage => reset.includes(stage), log: this.#slow(), clock: this.clock, schema: async id => this.#schema(Number(id)), schemaPatienceMs: 3_000, tables, mode: 'live',
    }
    const pace = { snapshotEveryMs: this.#snapshotEveryMs, commitEveryMs: 300 }
    const leg = this.leg === 'race' ? new RaceLeg(plan, { ...pace, codecs: raceCodecs, member: 'm' }) : new PondLeg(plan, { ...pace, codecs: pondCodecs, lake: this.#connect(), expireEveryMs: 10_000 })
    const stop = new AbortController()
    const process: Process = { leg, stop, ended: leg.run(stop.signal).then(() => null, error => error as Error), over: false }
    this.#process = process
    process.ended.then(() => { process.over = true })
  }

  /** Let time pass. Gives the error that ended the process meanwhile. */
  async pass (ms: number): Promise<Error | null> {
    for (let past = 0; past < ms; past += stepMs) {
      await this.clock.advance(stepMs)
      const ended = await this.#buryIfOver()
      if (ended !== null) return ended
    }
    return null
  }

  async stop (): Promise<Error | null> {
    const process = this.#process
    if (process === null) return null
    process.stop.abort()
    for (let waited = 0; !process.over; waited += 1) {
      assert(waited < 2_000, 'a process that is told to stop ends')
      await this.clock.advance(stepMs)
    }
    this.#process = null
    this.#dead = false
    return process.ended
  }

  /** Another process takes the lead while this one still runs. Gives what ended the one that lost: it may be the new one, where the old one was about to begin anew. */
  async takeOver (definition: CheckedDefinition, reset: readonly string[]): Promise<Error | null> {
    this.arm(null)
    const old = this.#process!
    this.#process = null
    this.start(definition, { reset })
    const started: Process = this.#process!
    for (let waited = 0; !old.over && !started.over; waited += 1) {
      assert(waited < 2_000, 'a process that has lost the lead ends')
      await this.clock.advance(stepMs)
    }
    if (old.over) return old.ended
    this.#process = old
    return started.ended
  }

  /** What the tables say now of the devices of a task. */
  async enrolled ({ partition }: TaskName): Promise<readonly string[]> {
    const rows = new Map<string, boolean>()
    for (const { key, value } of await allRecords(this.log, 'sim.devices', 0)) rows.set(Buffer.from(key!).toString(), value !== null)
    return [...rows].filter(([key, present]) => present && partitionOf(text.encode(key), partitions) === partition).map(([key]) => key).sort()
  }

  get running (): boolean { return this.#process !== null }
  get lag (): number { return this.#process?.leg.status.lag ?? Number.NaN }

  send (source: 'north' | 'south', count: number, devices = 6): Promise<void> { return this.#devices.send(source, count, devices) }
  enrol (): Promise<void> { return this.#devices.enrol() }

  /** As the race would: something to store on one of its topics. */
  async announce (): Promise<void> {
    const { pick } = this.#random
    const writer = new RecordBatchWriter()
    writer.append(this.clock.wallMs(), null, text.encode(JSON.stringify({ number: this.#devices.next() })))
    await this.#append(pick(['sim.control', names.deadLetters('sim'), names.late('sim')]), 0, writer.finish())
  }

  /** What stands on a topic of the race's, of one task, in order. */
  async said (topic: string, { topic: from, partition }: TaskName): Promise<readonly string[]> {
    const said = (await allRecords(this.log, topic, 0)).map(({ value }) => JSON.parse(Buffer.from(value!).toString()))
    return said.filter(one => (one.source ?? one.place).topic === from && (one.source ?? one.place).partition === partition).map(({ place, ...one }) => shown(one))
  }

  /** Journal entries that are committed. */
  async entries ({ topic, partition }: TaskName): Promise<number> {
    const committed = this.leg === 'race' ? await this.log.committed(names.group('sim', 'race'), topic, partition) : this.stored.offsets.get(`${topic}/${partition}`) ?? null
    return committed === null ? 0 : JSON.parse(committed.metadata).journal
  }

  /** The registry is away for two seconds of nine; what it did not know, it knows in the end. */
  #schema (id: number): string | null {
    const now = this.clock.monotonicMs()
    if (now % 9_000 > 7_000) throw new StreamError('REGISTRY_UNAVAILABLE', { id })
    return schemas.get(id === unknownSchema && now > 40_000 ? 1 : id) ?? null
  }

  #connect (): MemoryLake { return new MemoryLake(this.stored, { clock: this.clock, random: this.#random, at: point => { this.#at(point, 'lake') } }) }

  /** The log as a process sees it: its commits take their time, in order, while it goes on. */
  #slow (): LogPort {
    const { log, clock } = this
    const random = this.#random
    const join = async (request: JoinRequest): Promise<Membership> => {
      const member = await log.join(request)
      let before: Promise<unknown> = Promise.resolve()
      const commit = ({ appends, offsets }: Commit) => {
        const copy = { appends: appends.map(({ bytes, ...place }) => ({ ...place, bytes: bytes.slice() })), offsets }
        const done = before.then(() => random.chance(0.5) ? undefined : clock.sleep(random.whole(1, 400))).then(() => member.commit(copy))
        before = done.catch(() => {})
        return done
      }
      return { assignments: member.assignments, revoked: member.revoked, release: () => member.release(), commit, leave: () => member.leave() }
    }
    const bound = (found: unknown) => typeof found === 'function' ? found.bind(log) : found
    return new Proxy<LogPort>(log, { get: (target, name) => name === 'join' ? join : bound(target[name as keyof LogPort]) })
  }

  async #append (topic: string, partition: number, bytes: Uint8Array): Promise<void> {
    this.#outside = true
    const done = this.log.append(topic, partition, bytes)
    this.#outside = false
    await done
  }

  async #buryIfOver (): Promise<Error | null> {
    const process = this.#process
    if (process === null) return null
    if (this.#dead) while (!process.over) await this.clock.advance(stepMs)
    if (!process.over) return null
    this.#process = null
    this.#dead = false
    return process.ended
  }

  #at (point: FailurePoint | 'lake:before' | 'lake:after', detail: string): void {
    if (this.#outside) return
    if (this.#dead) throw new Crash('dead')
    if (this.#trap === null || !this.#trap.at.test(`${point} ${detail}`)) return
    this.#passed += 1
    if (this.#passed < this.#trap.countdown) return
    const { kind } = this.#trap
    this.#trap = null
    this.failed.push(`${kind} ${point} ${detail}`)
    if (kind === 'retry') throw new StreamError('LOG_UNAVAILABLE', { point })
    this.#dead = true
    throw new Crash(`${point} ${detail}`)
  }
}

const parsed = (value: Uint8Array) => JSON.parse(Buffer.from(value).toString())
const pondCodecs: PondCodecs = { event: parsed, deadLetter: parsed, late: parsed }
