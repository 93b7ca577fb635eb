import assert from 'node:assert/strict'
import { crc32c } from '../../connectors/kafka/crc.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { stamp } from '../../connectors/kafka/stamp.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { SchemaName } from '../../pipelines/core/journal.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import type { CompiledPipeline } from '../../pipelines/core/stage.ts'
import { retireRule } from '../../pipelines/rules/retire.ts'
import type { LegPlan } from '../../pipelines/runtime/lead.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { RaceLeg } from '../../pipelines/runtime/race.ts'
import { ManualClock } from '../kit/clock.ts'
import { Brokers } from '../kit/cluster/brokers.ts'
import { openSimulatedLog } from '../kit/cluster/log.ts'
import { type Fate, SimulatedWire } from '../kit/cluster/network.ts'
import { raceCodecs, schemas, tablesOf } from './devices.ts'
import type { TaskName } from './oracle.ts'
import { Killed, type Place, SimulatedProcess } from './process.ts'
import type { Random } from './random.ts'
import { Tally } from './tally.ts'
import { Trace } from './trace.ts'

/** Short, so that much happens in little simulated time. */
export const sessionMs = 2_000
const timeouts = { sessionTimeoutMs: sessionMs, rebalanceTimeoutMs: 3_000, transactionTimeoutMs: 6_000, requestTimeoutMs: 1_000, patienceMs: 8_000 }
const retry = { pauseMs: 50, pauseMaxMs: 1_000, giveUpMs: 600_000, shutdownMs: 60_000 }
const nodes = 3
export const partitions = { north: 3, south: 2 } as const

/** The `countdown`th time that a process comes to the place, or to any, it is killed, or stopped for a while. */
export interface Trap { readonly place: Place | null, countdown: number, readonly stopMs: number | null }
/** The `countdown`th request of a name meets this fate. */
export interface Doom { readonly request: string, countdown: number, readonly fate: Fate }

/** A worker's place in the group: of its processes, at most one is meant to run at a time. */
export interface Slot { readonly name: string, process: SimulatedProcess | null, leg: RaceLeg | null, stop: AbortController, trap: Trap | null, doom: Doom | null, isCut: boolean, wanted: boolean, /** Its last process did all that one does that is told to stop. */ hasDrained: boolean, /** Once it is killed, nobody starts it again before its session is over. */ isDoomed: boolean }

export interface ClusterOptions {
  readonly pipeline: () => CompiledPipeline
  readonly definition: string
  readonly compile: (definition: string) => CompiledPipeline
  readonly schema?: (id: SchemaName) => string | null
  readonly workers: number
  readonly transactionVersion: 0 | 2
  readonly strictMarkers: boolean
  readonly snapshotEveryMs: number
}

/** Brokers in memory, workers of one group on them, and a world that is not kind to them. One seed decides everything. */
export class ClusterWorld {
  readonly clock = new ManualClock(1_700_000_000_000)
  readonly brokers: Brokers
  readonly tally = new Tally()
  readonly trace = new Trace()
  readonly slots: readonly Slot[]
  /** Of everything that can go wrong on the way, unasked. */
  lossy = 0
  slow = 0
  slowMarkers = 0
  /** Of markers that come twice. */
  twiceMarkers = 0
  /** Requests that nobody reckons with any more, and that are still on their way. */
  late = 0
  isBrokerDown = false
  isRegistryDown = false
  readonly #random: Random
  readonly #options: ClusterOptions
  #failure: Error | null = null
  /** Processes that have neither ended nor been killed, zombies included. */
  #started = 0
  readonly #living = new Set<SimulatedProcess>()

  constructor (random: Random, options: ClusterOptions) {
    this.#random = random
    this.#options = options
    this.brokers = new Brokers({ clock: this.clock, nodes, transactionVersion: options.transactionVersion, strictMarkers: options.strictMarkers, markerAgainMs: () => random.chance(this.twiceMarkers) ? this.#twiceMs(random) : null, addMs: () => random.chance(0.05 + this.slow) ? random.whole(5, 1_500) : random.whole(0, 2), markerMs: () => random.chance(this.slowMarkers) ? random.whole(200, 3 * sessionMs) : random.whole(1, 20) })
    this.slots = Array.from({ length: options.workers }, (_, at) => ({ name: `w${at}`, process: null, leg: null, stop: new AbortController(), trap: null, doom: null, isCut: false, wanted: false, hasDrained: false, isDoomed: false }))
    const topic = (name: string, count: number, configs: Readonly<Record<string, string>> = {}) => this.brokers.createTopic(name, { partitions: count, configs: new Map(Object.entries({ 'cleanup.policy': 'delete', 'message.timestamp.type': 'CreateTime', ...configs })) })
    for (const [source, count] of Object.entries(partitions)) topic(`sim.${source}`, count, { 'message.timestamp.type': 'LogAppendTime' })
    for (const name of ['sim.devices', 'sim.yards']) topic(name, 1, { 'cleanup.policy': 'compact' })
    for (const name of ['sim.control', names.deadLetters('sim'), names.late('sim')]) topic(name, 1)
  }

  /** Mostly soon enough to meet the next transaction of the id. */
  #twiceMs (random: Random): number {
    this.tally.count('markers that came twice')
    return random.chance(0.7) ? random.whole(0, 2_000) : random.whole(2_000, 2 * sessionMs)
  }

  get tasks (): readonly TaskName[] {
    return Object.entries(partitions).flatMap(([source, count]) => Array.from({ length: count }, (_, partition) => ({ source, topic: `sim.${source}`, partition })))
  }

  append (topic: string, partition: number, bytes: Uint8Array): Promise<unknown> {
    const { errorCode } = this.brokers.append(topic, partition, bytes)
    assert.equal(errorCode, 0)
    return Promise.resolve()
  }

  /** Records of a transaction of somebody's that is aborted: nobody may ever see them. */
  appendAborted (topic: string, partition: number, bytes: Uint8Array): void {
    const { producerId, epoch } = this.brokers.transactions.initialise(null, 0)
    const batch = stamp({ topic, partition, bytes, count: 1 }, { producerId, epoch, sequence: 0, transactional: true }, crc32c)
    this.brokers.append(topic, partition, batch)
    this.brokers.partition(topic, partition).mark(producerId, epoch + 1, { committed: false, nowMs: this.clock.wallMs() })
  }

  start (slot: Slot): void {
    if (slot.process !== null) return
    this.#started += 1
    const process = new SimulatedProcess(`${slot.name}.${this.#started}`, this.clock, { at: (one, place) => { this.#at(slot, one, place) } })
    process.skewMs = this.#random.chance(0.3) ? this.#random.whole(-3_600_000, 3_600_000) : 0
    slot.process = process
    this.#living.add(process)
    slot.stop = new AbortController()
    slot.wanted = true
    slot.hasDrained = false
    this.trace.say(`${this.clock.monotonicMs()} ${process.name} starts`)
    this.tally.count('starts')
    void this.#run(slot, process)
  }

  kill (slot: Slot): void {
    const { process } = slot
    if (process === null) return
    process.kill()
    this.#living.delete(process)
    slot.process = slot.leg = null
    this.#again(slot)
  }

  /** As a zombie, beyond its session; another process of the name may start meanwhile. */
  halt (slot: Slot, ms: number): void {
    const { process } = slot
    if (process === null || process.isStopped) return
    process.stop()
    this.tally.count(ms > sessionMs ? 'zombies' : 'pauses')
    this.trace.say(`${this.clock.monotonicMs()} ${process.name} stands still for ${ms}`)
    void this.clock.sleep(ms).then(() => { process.continue() })
    if (!this.#random.chance(0.2)) return
    // Whoever watches over it takes it for dead.
    void this.clock.sleep(this.#random.whole(0, ms)).then(() => {
      if (slot.process !== process) return
      slot.process = slot.leg = null
      this.tally.count('doubles')
      this.start(slot)
    })
  }

  /** Processes whose place another one has taken, and that have not noticed yet. */
  get zombies (): number { return this.#living.size - this.slots.filter(({ process }) => process !== null).length }

  /** Let time pass. Errors: what a process may never end with */
  async pass (ms: number): Promise<void> {
    await this.clock.advance(ms)
    if (this.#failure !== null) throw this.#failure
  }

  /** A node dies, and comes back; what it led others lead some time later, if it is not back by then. Never all of them at once. */
  killNode (): void {
    const { whole, pick } = this.#random
    const { nodes } = this.brokers
    const up = nodes.all.filter(({ isUp }) => isUp)
    if (up.length < 2) return
    const node = pick(up)
    nodes.kill(node)
    this.tally.count('nodes killed')
    this.trace.say(`${this.clock.monotonicMs()} node ${node.nodeId} is killed`)
    void this.clock.sleep(whole(50, sessionMs)).then(() => { nodes.elect(pick) })
    void this.clock.sleep(whole(50, 3 * sessionMs)).then(() => { node.isUp = true })
  }

  moveLeader (): void {
    this.brokers.nodes.move(this.#random.pick)
    this.tally.count('leaders moved')
  }

  /** Nothing goes wrong any more. */
  heal (): void {
    for (const node of this.brokers.nodes.all) node.isUp = true
    this.lossy = this.slow = this.slowMarkers = 0
    this.isBrokerDown = this.isRegistryDown = false
    for (const slot of this.slots) {
      slot.trap = slot.doom = null
      slot.isCut = false
    }
  }

  /** What a group has committed for a task, as the runtime gave it. */
  committed ({ topic, partition }: TaskName): { readonly offset: number, readonly journal: number } | null {
    const found = this.brokers.group(names.group('sim', 'race')).offsets.of(topic, partition)
    return found === null ? null : { offset: found.offset, journal: (JSON.parse(found.metadata.slice(found.metadata.indexOf('|') + 1)) as { journal: number }).journal }
  }

  /** A client for whom nothing goes wrong, and nothing takes time. */
  reader (): Promise<LogPort> { return openSimulatedLog(this.brokers, { clock: this.clock }) }

  async #run (slot: Slot, process: SimulatedProcess): Promise<void> {
    try {
      const log = await this.#open(slot, process)
      const leg = new RaceLeg(this.#plan(process, log), { codecs: raceCodecs, member: slot.name, snapshotEveryMs: this.#options.snapshotEveryMs, commitEveryMs: 300, retry, onRetry: error => { this.tally.count(`retry ${error.code}`) } })
      if (slot.process === process) slot.leg = leg
      await leg.run(slot.stop.signal)
      await log.close()
      this.trace.say(`${this.clock.monotonicMs()} ${process.name} ends`)
    } catch (error) {
      if (!process.isAlive || error instanceof Killed) return
      const isExpected = error instanceof StreamError && (error.code === 'LOG_FENCED' || error.action === 'retry')
      if (!isExpected) this.#failure ??= error as Error
      this.trace.say(`${this.clock.monotonicMs()} ${process.name} ends with ${(error as Error).message}`)
      this.tally.count(`end ${error instanceof StreamError ? error.code : 'bug'}`)
    }
    process.kill()
    this.#living.delete(process)
    if (slot.process !== process) return
    slot.process = slot.leg = null
    if (!slot.stop.signal.aborted) this.#again(slot)
    else slot.wanted = !slot.hasDrained
  }

  #open (slot: Slot, process: SimulatedProcess): Promise<LogPort> {
    const { whole, chance } = this.#random
    const wire = new SimulatedWire(this.brokers, this.clock, {
      latencyMs: () => chance(0.02 + this.slow) ? whole(5, 400) : chance(0.5) ? 1 : 2,
      noticeMs: () => whole(0, timeouts.requestTimeoutMs),
      fate: request => this.#fate(slot, process, request),
      at: (request, stage) => process.passing(request, stage),
    })
    return openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': 'broker:9092' }), ...timeouts, clock: process, wire })
  }

  #plan (process: SimulatedProcess, log: LogPort): LegPlan {
    const { pipeline, definition, compile, schema = id => schemas.get(id as number) ?? null } = this.#options
    const asked = async (id: SchemaName) => {
      await process.sleep(this.#random.whole(0, 30))
      if (this.isRegistryDown) throw new StreamError('REGISTRY_UNAVAILABLE', { id })
      return schema(id)
    }
    return { leg: 'race', pipeline: pipeline(), definition, compile, retire: retireRule, reset: () => false, log, clock: process, schema: asked, tables: tablesOf(), mode: 'live', at: point => { process.at(point) } }
  }

  #fate (slot: Slot, process: SimulatedProcess, request: string): Fate {
    const { whole, chance, pick } = this.#random
    if (this.isBrokerDown) return { kind: 'refused' }
    if (slot.isCut) return { kind: 'lost' }
    const { doom } = slot
    if (doom !== null && slot.process === process && doom.request === request && (doom.countdown -= 1) <= 0) {
      slot.doom = null
      return this.#told(process, request, doom.fate)
    }
    if (this.lossy === 0 || !chance(this.lossy)) return { kind: 'served' }
    const kind = pick(['refused', 'lost', 'unanswered', 'late'] as const)
    return this.#told(process, request, kind === 'late' ? { kind, ms: whole(1, 6_000) } : { kind })
  }

  #told ({ name }: SimulatedProcess, request: string, fate: Fate): Fate {
    if (fate.kind === 'late') {
      this.late += 1
      void this.clock.sleep(fate.ms + 1_000).then(() => { this.late -= 1 })
    }
    this.tally.count(`${fate.kind} ${request}`)
    this.trace.say(`${this.clock.monotonicMs()} ${name} ${request} is ${fate.kind}`)
    return fate
  }

  #at (slot: Slot, process: SimulatedProcess, place: Place): void {
    this.trace.say(`${this.clock.monotonicMs()} ${process.name} ${place}`)
    if (place === 'drain.saved' && slot.process === process) slot.hasDrained = true
    const { trap } = slot
    if (trap === null || slot.process !== process || (trap.place !== null && trap.place !== place) || (trap.countdown -= 1) > 0) return
    slot.trap = null
    if (trap.stopMs !== null) { this.halt(slot, trap.stopMs); return }
    this.tally.crash(place)
    this.trace.say(`${this.clock.monotonicMs()} ${process.name} is killed`)
    this.kill(slot)
  }

  /** Somebody starts it again: mostly at once, at times when its session is over. */
  #again (slot: Slot): void {
    const { whole, chance } = this.#random
    const afterMs = slot.isDoomed ? whole(sessionMs, 4 * sessionMs) : chance(0.7) ? whole(0, 300) : chance(0.7) ? whole(300, 2_000) : whole(2_000, 6_000)
    slot.isDoomed = false
    void this.clock.sleep(afterMs).then(() => { if (slot.wanted) this.start(slot) })
  }
}
