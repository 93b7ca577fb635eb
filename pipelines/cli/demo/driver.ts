import { StreamError } from '../../core/errors.ts'
import { partitionOf } from '../../core/murmur2.ts'
import type { ClockPort, LogPort } from '../../core/ports.ts'
import { RecordBatchWriter } from '../../core/record-batch.ts'
import type { Encoder } from '../../decode/encode.ts'
import type { DeviceRow, Emission, Fleet } from './fleet.ts'
import type { Model } from './models.ts'
import { poisonNames, poisons } from './poison.ts'
import { Random } from './random.ts'

export interface DriverTopic { readonly topic: string, readonly encode: Encoder }

export interface DriverOptions {
  readonly fleet: Fleet
  readonly seed: number
  readonly sources: Readonly<Record<Model, DriverTopic>>
  /** The device registry's topic, written once at the start; null: none. */
  readonly devices: DriverTopic | null
  readonly log: LogPort
  readonly clock: ClockPort
  /** Mean time between two records that nobody can read; null: none. */
  readonly poisonEveryMs: number | null
}

/** What has been appended so far. */
export interface Driven { readonly readings: number, readonly poison: number, readonly devices: number, readonly disturbances: ReadonlyMap<string, number> }

interface OpenBatch { readonly topic: string, readonly partition: number, readonly writer: RecordBatchWriter }
interface Place { readonly topic: string, readonly key: Uint8Array, readonly batch: OpenBatch }

const sliceMs = 50
const burstPerSliceMax = 25_000
/** After a suspended machine wakes, the fleet goes on from about now. */
const catchUpMsMax = 10_000

/**
 * Appends what the fleet sends to the topics of its sources, as it is sent, until told to stop.
 *
 * Delivery: what `readings` counts is in the log
 * Limits:   a slice of 50 ms is appended before the next one begins; a burst gives at most 25,000 readings a slice
 */
export class Driver {
  readonly #options: DriverOptions
  readonly #random: Random
  readonly #disturbances = new Map<string, number>()
  readonly #batches = new Map<string, OpenBatch>()
  /** Where a device's records go. */
  readonly #places = new Map<string, Place>()
  readonly #partitions = new Map<string, number>()
  #readings = 0
  #poison = 0
  #devices = 0
  #burst = { perSecond: 0, untilMs: 0 }
  #poisonAt = Number.POSITIVE_INFINITY

  constructor (options: DriverOptions) {
    this.#options = options
    this.#random = new Random(options.seed ^ 0x5eed)
  }

  get driven (): Driven { return { readings: this.#readings, poison: this.#poison, devices: this.#devices, disturbances: this.#disturbances } }

  /** From now on and for a while, this many readings a second on top: shows throughput. */
  burst (perSecond: number, lastsMs: number): void {
    this.#burst = { perSecond, untilMs: this.#options.clock.wallMs() + lastsMs }
  }

  get bursting (): boolean { return this.#options.clock.wallMs() < this.#burst.untilMs }

  /** The registry, so that the first readings find their rows. */
  async introduce (): Promise<void> {
    const { devices, fleet, clock } = this.#options
    if (devices === null) return
    await this.#open()
    const rows: readonly DeviceRow[] = fleet.devices()
    for (const row of rows) this.#put(devices.topic, row.device, devices.encode(row), clock.wallMs())
    await this.#flush()
    this.#devices += rows.length
  }

  /** Until `signal` aborts. Errors: LOG_TOPIC_UNKNOWN and those of LogPort.append */
  async run (signal: AbortSignal): Promise<Driven> {
    const { clock, fleet, poisonEveryMs } = this.#options
    await this.#open()
    let lastMs = clock.wallMs()
    if (poisonEveryMs !== null) this.#poisonAt = lastMs + Math.min(poisonEveryMs, 2_000)
    while (!signal.aborted) {
      await clock.sleep(Math.max(1, lastMs + sliceMs - clock.wallMs()), signal)
      const nowMs = clock.wallMs()
      if (nowMs - lastMs > catchUpMsMax) fleet.step(nowMs - catchUpMsMax)
      for (const emission of fleet.step(nowMs)) this.#append(emission, nowMs)
      this.#appendBurst(nowMs, nowMs - lastMs)
      if (nowMs >= this.#poisonAt) this.#appendPoison(nowMs)
      await this.#flush()
      lastMs = nowMs
    }
    return this.driven
  }

  #append ({ source, key, value, disturbance }: Emission, nowMs: number): void {
    const { topic, encode } = this.#options.sources[source]
    this.#put(topic, key, encode(value), nowMs)
    this.#readings += 1
    this.#disturbances.set(disturbance, (this.#disturbances.get(disturbance) ?? 0) + 1)
  }

  #appendBurst (nowMs: number, passedMs: number): void {
    if (nowMs >= this.#burst.untilMs) return
    const count = Math.min(burstPerSliceMax, Math.round(this.#burst.perSecond * passedMs / 1_000))
    for (const emission of this.#options.fleet.burst(nowMs, count)) this.#append(emission, nowMs)
  }

  /** A good record of some device, spoilt. */
  #appendPoison (nowMs: number): void {
    const { fleet, sources, poisonEveryMs } = this.#options
    const [{ source, key, value }] = fleet.burst(nowMs, 1) as readonly [Emission]
    const name = poisonNames[this.#poison % poisonNames.length]!
    this.#put(sources[source].topic, key, poisons[name]!(sources[source].encode(value), this.#random), nowMs)
    this.#poison += 1
    this.#poisonAt = nowMs + this.#random.wait(poisonEveryMs!)
  }

  #put (topic: string, key: string, value: Uint8Array | null, nowMs: number): void {
    let place = this.#places.get(key)
    if (place?.topic !== topic) this.#places.set(key, place = this.#place(topic, Buffer.from(key)))
    place.batch.writer.append(nowMs, place.key, value)
  }

  #place (topic: string, key: Uint8Array): Place {
    const partition = partitionOf(key, this.#partitions.get(topic)!)
    const name = `${topic} ${partition}`
    let batch = this.#batches.get(name)
    if (batch === undefined) this.#batches.set(name, batch = { topic, partition, writer: new RecordBatchWriter() })
    return { topic, key, batch }
  }

  async #open (): Promise<void> {
    const { sources, devices, log } = this.#options
    for (const { topic } of [...Object.values(sources), ...devices === null ? [] : [devices]]) {
      const found = await log.topic(topic)
      if (found === null) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic })
      this.#partitions.set(topic, found.partitions)
    }
  }

  async #flush (): Promise<void> {
    await Promise.all([...this.#batches.values()].filter(({ writer }) => writer.count > 0).map(async ({ topic, partition, writer }) => {
      await this.#options.log.append(topic, partition, writer.finish())
      writer.reset()
    }))
  }
}
