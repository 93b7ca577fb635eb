import assert from 'node:assert/strict'
import { partitionOf } from '../../pipelines/core/murmur2.ts'
import { RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { type CheckedDefinition, compileDefinition } from '../../pipelines/define/public.ts'
import { names } from '../../pipelines/runtime/names.ts'
import { points } from '../../pipelines/runtime/points.ts'
import { readSnapshot } from '../../pipelines/runtime/state-reader.ts'
import { ClusterWorld, type Doom, partitions, sessionMs, type Slot, type Trap } from './cluster-world.ts'
import { definitionOf } from './definition.ts'
import { Devices } from './devices.ts'
import { assertSame, saidFrom, truthOf } from './oracle.ts'
import type { Place } from './process.ts'
import { type Random, randomOf } from './random.ts'
import { datumAvro, encodeDatum, judge, relationDefinition, relationPipeline } from './relation.ts'
import { shown } from './rows.ts'

const text = new TextEncoder()
const requests = ['init', 'add', 'add-offsets', 'produce', 'commit-offsets', 'end', 'join', 'sync', 'heartbeat', 'committed', 'describe', 'fetch', 'trim', 'offsets', 'metadata'] as const
export const places: readonly Place[] = [...points, ...requests.flatMap(request => (['before', 'sent', 'answered'] as const).map((stage): Place => `${request}:${stage}`))]
/** Where a process comes often, it may come some times before it is met. */
const often = /^(fetch|offsets|heartbeat|metadata|apply|commit|ahead|produce|end)/

export interface LifeOptions {
  readonly workers: number
  readonly steps: number
  /** Each record told of once, as Kafka's judge has it; else a definition with all that remembers. */
  readonly relation: boolean
}

/** A life of a group of workers, from one seed, and what it must come to. */
export class Life {
  readonly world: ClusterWorld
  readonly #random: Random
  readonly #options: LifeOptions
  readonly #definition: CheckedDefinition
  readonly #devices: { readonly north: Devices, readonly south: Devices }

  constructor (seed: number, options: LifeOptions) {
    const random = randomOf(seed)
    const { relation, workers } = options
    this.#random = random
    this.#options = options
    // Of what is committed both say the same.
    const delivery = random.pick(['exactly-once', 'express'] as const)
    const definition = relation ? relationDefinition(delivery) : definitionOf({ delivery })
    this.#definition = definition
    const compiled = this.#compiled(definition)
    this.world = new ClusterWorld(random, {
      pipeline: () => compiled, definition: JSON.stringify(definition), compile: data => this.#compiled(JSON.parse(data) as CheckedDefinition),
      ...relation && { schema: () => datumAvro }, workers, snapshotEveryMs: random.pick([400, 1_500, 4_000]), transactionVersion: random.chance(0.3) ? 0 : 2, strictMarkers: random.chance(0.3),
    })
    const { clock } = this.world
    const append = (topic: string, partition: number, bytes: Uint8Array) => this.world.append(topic, partition, bytes)
    this.#devices = { north: new Devices({ random, clock, partitions: partitions.north, append }), south: new Devices({ random, clock, partitions: partitions.south, append }) }
  }

  async live (): Promise<void> {
    const { world } = this
    const { whole, chance } = this.#random
    world.lossy = chance(0.5) ? 0 : 0.004
    world.slow = chance(0.7) ? 0 : 0.02
    world.slowMarkers = chance(0.6) ? 0 : 0.5
    world.twiceMarkers = chance(0.6) ? 0 : 0.5
    for (const slot of world.slots) if (chance(0.8)) world.start(slot)
    for (let step = 0; step < this.#options.steps; step += 1) {
      for (const slot of world.slots) this.#disturb(slot)
      await this.#send()
      if (chance(0.06)) world.killNode()
      if (chance(0.1)) world.moveLeader()
      if (chance(0.02)) world.isBrokerDown = !world.isBrokerDown
      else if (world.isBrokerDown && chance(0.3)) world.isBrokerDown = false
      if (chance(world.isRegistryDown ? 0.3 : 0.03)) world.isRegistryDown = !world.isRegistryDown
      if (chance(0.03)) world.clock.setWall(world.clock.wallMs() + whole(-3_000, 3_000))
      await world.pass(chance(0.08) ? whole(2_000, 9_000) : whole(10, 700))
    }
    await this.#settle()
    await this.#check()
  }

  /** Something is made to go wrong for a worker, or set right. */
  #disturb (slot: Slot): void {
    const { world } = this
    const { whole, chance, pick } = this.#random
    if (slot.process === null && chance(slot.wanted ? 0.02 : 0.1)) world.start(slot)
    if (slot.trap === null ? chance(0.9) : chance(0.2)) slot.trap = this.#trap()
    if (slot.doom === null ? chance(0.2) : chance(0.1)) slot.doom = this.#doom()
    if (chance(0.04)) this.#strand(slot)
    if (chance(slot.isCut ? 0.4 : 0.015)) {
      slot.isCut = !slot.isCut
      if (slot.isCut) world.tally.count('cut off')
    }
    if (slot.process !== null && chance(0.02)) {
      slot.stop.abort()
      world.tally.count('told to stop')
      if (chance(0.5)) slot.trap = { place: pick(['drain.before', 'drain.committed', 'drain.saved', 'leave.before'] as const), countdown: 1, stopMs: null }
      if (chance(0.8)) void world.clock.sleep(whole(500, 5_000)).then(() => { slot.wanted = true; world.start(slot) })
    }
    if (chance(0.01)) world.halt(slot, pick([whole(1, sessionMs), whole(sessionMs, 4 * sessionMs)]))
  }

  /** It dies having asked for the end of a transaction, which comes when another has taken over, or before the markers are there. */
  #strand (slot: Slot): void {
    const { whole, chance, pick } = this.#random
    slot.isDoomed = true
    slot.trap = { place: pick(['end:sent', 'end:answered']), countdown: 1, stopMs: null }
    slot.doom = chance(0.5) ? { request: 'end', countdown: 1, fate: { kind: 'late', ms: whole(sessionMs, 3 * sessionMs) } } : null
  }

  #trap (): Trap {
    const { whole, chance, pick } = this.#random
    const place = chance(0.6) ? pick(places) : null
    return { place, countdown: whole(1, place === null ? 300 : often.test(place) ? 12 : 2), stopMs: chance(0.9) ? null : whole(1, 3 * sessionMs) }
  }

  #doom (): Doom {
    const { whole, pick } = this.#random
    const kind = pick(['refused', 'lost', 'unanswered', 'late'] as const)
    return { request: pick(requests), countdown: whole(1, 6), fate: kind === 'late' ? { kind, ms: whole(1, 8_000) } : { kind } }
  }

  async #send (): Promise<void> {
    const { whole, chance, pick } = this.#random
    const source = pick(['north', 'south'] as const)
    if (this.#options.relation) {
      if (chance(0.8)) await this.#sendData(source, whole(1, 12))
      return
    }
    if (chance(0.7)) await this.#devices[source].send(source, whole(1, 15))
    if (chance(0.3)) await this.#devices[source].enrol()
  }

  async #sendData (source: 'north' | 'south', count: number): Promise<void> {
    const { whole } = this.#random
    const writers = Array.from({ length: partitions[source] }, () => new RecordBatchWriter(1 << 10))
    for (let i = 0; i < count; i += 1) {
      const key = `${source[0]}${whole(0, 9)}`
      writers[partitionOf(text.encode(key), writers.length)]!.append(0, text.encode(key), encodeDatum({ key, ts: this.world.clock.wallMs(), value: whole(-1_000, 1_000) }))
    }
    for (const [partition, writer] of writers.entries()) {
      if (writer.count === 0) continue
      if (this.#random.chance(0.05)) this.world.appendAborted(`sim.${source}`, partition, writer.finish().slice())
      else await this.world.append(`sim.${source}`, partition, writer.finish())
    }
  }

  /** The world turns kind; whoever lives takes everything to its end. */
  async #settle (): Promise<void> {
    const { world } = this
    const { chance } = this.#random
    world.heal()
    // Some stay dead: their share goes to others.
    for (const slot of world.slots.slice(1)) if (slot.process === null && chance(0.3)) slot.wanted = false
    for (const slot of world.slots) if (slot.process === null && slot.wanted) world.start(slot)
    do {
      await this.#finish()
      for (const slot of world.slots) await this.#stop(slot)
      // A request that came late may have fenced one while it had nothing to say; one that waits to join again ends without a word.
      for (const slot of world.slots) if (slot.wanted && !slot.hasDrained) world.start(slot)
    } while (world.slots.some(({ process }) => process !== null))
    assert.equal(world.zombies, 0, 'no zombie goes on for ever')
  }

  async #finish (): Promise<void> {
    const { world } = this
    let quiet = 0
    for (let waited = 0; quiet < 4; waited += 1) {
      assert(waited < 240, `comes to the end of its input within two minutes of peace: ${this.#standing()}`)
      // Of a name that is nobody's, the process that came back last is the rightful one: until it is started again.
      for (const slot of world.slots) if (slot.wanted || world.zombies > 0) world.start(slot)
      if (world.slots.every(({ process, wanted }) => process === null && !wanted)) world.start(world.slots[0]!)
      await world.pass(500)
      quiet = this.#isDone() ? quiet + 1 : 0
    }
  }

  async #stop (slot: Slot): Promise<void> {
    if (slot.process === null) return
    slot.stop.abort()
    for (let waited = 0; slot.process !== null; waited += 1) {
      assert(waited < 120, `${slot.name} ends within a minute of being told to`)
      await this.world.pass(500)
    }
  }

  #isDone (): boolean {
    const { world } = this
    if (world.zombies > 0 || world.late > 0 || world.brokers.transactions.unsettled > 0) return false
    if (world.slots.some(({ process, wanted, leg }) => process?.isStopped || (process === null ? wanted : leg === null || leg.status.health.readingSinceMs === null))) return false
    const led = new Set(world.slots.flatMap(({ leg }) => leg?.status.health.tasks() ?? []).map(({ topic, partition }) => `${topic}/${partition}`))
    return world.tasks.every(task => led.has(`${task.topic}/${task.partition}`) && (world.committed(task)?.offset ?? 0) === world.brokers.partition(task.topic, task.partition).end)
  }

  #standing (): string {
    const { world } = this
    const tasks = world.tasks.map(task => `${task.topic}/${task.partition} ${world.committed(task)?.offset ?? 0} of ${world.brokers.partition(task.topic, task.partition).end}`)
    const slots = world.slots.map(({ name, process, wanted, leg }) => `${name} ${process === null ? (wanted ? 'waits to start' : 'is gone') : leg === null ? 'opens' : leg.status.health.readingSinceMs !== null ? 'reads' : JSON.stringify(leg.status.health.trouble)}`)
    return [...tasks, ...slots, `${world.brokers.transactions.unsettled} transactions unsettled`, `${world.zombies} zombies`].join(', ')
  }

  async #check (): Promise<void> {
    const { world } = this
    const log = await world.reader()
    const said = (topic: string) => [...world.brokers.partition(topic, 0).committed()].map(({ value }) => JSON.parse(Buffer.from(value!).toString()))
    for (const name of world.tasks) {
      const of = (topic: string) => said(topic).filter(one => { const { topic, partition } = one.source ?? one.place; return topic === name.topic && partition === name.partition })
      if (this.#options.relation) {
        const sent = [...world.brokers.partition(name.topic, name.partition).committed()].map(({ value }) => datumOf(value!))
        judge(sent, of('sim.control'), `${name.topic}/${name.partition}`)
      }
      const lines = (topic: string) => of(topic).map(({ place, ...one }) => shown(one))
      const truth = await truthOf(log, this.#compiled(this.#definition), { name, leg: 'race', entries: world.committed(name)?.journal ?? 0 })
      assertSame(lines('sim.control'), truth.events, 'events')
      assertSame(lines(names.late('sim')), truth.late, 'late readings')
      assertSame(lines(names.deadLetters('sim')), truth.deadLetters, 'dead letters')
      const snapshot = await readSnapshot(log, { topic: names.state('sim', 'race'), partition: name.partition, source: name.source })
      // Whoever is told to stop while it joins again ends with what is committed: its successor plays the rest.
      if (snapshot!.facts.position === world.brokers.partition(name.topic, name.partition).end) assertSame(saidFrom(this.#compiled(this.#definition), { name, leg: 'race' }, snapshot!.state).events, truth.afterwards.events, 'events of the restored state')
      else world.tally.count('ended without a last snapshot')
      world.tally.count('records', world.brokers.partition(name.topic, name.partition).end)
      world.tally.count('events', truth.events.length)
    }
    for (const { counts } of world.brokers.groups) {
      world.tally.count('rebalances', counts.rebalances)
      world.tally.count('sessions that ran out', counts.expired)
    }
    world.tally.count('simulated seconds', Math.round(world.clock.monotonicMs() / 1_000))
  }

  #compiled (definition: CheckedDefinition) { return this.#options.relation ? relationPipeline(definition) : compileDefinition(definition) }
}

/** A record of the relation's, read by hand: magic byte, schema id, then Avro's string, long and int. */
function datumOf (value: Uint8Array): { readonly key: string, readonly value: number } {
  let at = 5
  const varint = () => {
    let result = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = value[at++]!
      result |= BigInt(byte & 127) << shift
      if (byte < 128) return Number((result >> 1n) ^ -(result & 1n))
    }
  }
  const length = varint()
  const key = Buffer.from(value.subarray(at, at += length)).toString()
  varint()
  return { key, value: varint() }
}
