import { Box, type BoxOptions, type Cargo } from './box.ts'
import type { Measurement, Place } from './models.ts'
import type { Random } from './random.ts'
import type { Weather } from './weather.ts'

/** What is wrong with a reading on its way; `none` for most. */
export type Disturbance = 'none' | 'duplicate' | 'delayed' | 'backlog' | 'clock' | 'glitch' | 'missing'
/** A measurement that leaves the truck at `sendMs`, real time. */
export interface Sending { readonly sendMs: number, readonly measurement: Measurement, readonly disturbance: Disturbance }

export interface TruckOptions {
  readonly unit: string
  readonly cargo: Cargo
  readonly random: Random
  readonly weather: Weather
  readonly startMs: number
  readonly region: BoxOptions['region']
  readonly home: Place
  /** Mean real time between two of each for one truck: fleet rates stay the same whatever the fleet's size. */
  readonly every: { readonly failureMs: number, readonly doorMs: number, readonly outageMs: number, readonly clockMs: number }
}

const backlogMax = 300
const backlogGapMs = 50
/** Counters begin at the start's milliseconds, so that a demo started again repeats none of the last one's. */
const seqRoom = 2 ** 30
const roundMs = 120_000
const yearMs = 365 * 86_400_000
/** What the probe's chip says when it was read too early. */
const glitchC = -127
const odds = { duplicate: 0.008, delayed: 0.01, glitch: 0.001, missing: 0.002 } as const
const never = Number.POSITIVE_INFINITY

/**
 * One truck: a box, a clock that is a little or much off, and a radio link that drops, doubles and delays.
 *
 * Units:  real milliseconds since the epoch
 * State:  the box, what waits for the link, the times of what happens next; at most 300 readings wait
 */
export class Truck {
  readonly box: Box
  readonly #options: TruckOptions
  readonly #intervalMs: number
  readonly #skewMs: number
  /** After an outage new readings go out before the backlog is through. */
  readonly #liveFirst: boolean
  #seq: number
  #sampleAt: number
  #offlineAt: number
  #onlineAt = never
  /** Readings of this outage are kept, not lost. */
  #keeps = true
  #backlog: Measurement[] = []
  #backlogEndsAt = Number.NEGATIVE_INFINITY
  #clockAt: number
  #clockWrong: { readonly left: number, readonly shiftMs: number } | null = null

  constructor (options: TruckOptions) {
    const { random, startMs, every } = options
    this.#options = options
    this.box = new Box({ random: random.fork(), weather: options.weather, cargo: options.cargo, startMs, region: options.region, failureEveryMs: every.failureMs, doorEveryMs: every.doorMs })
    this.#intervalMs = random.between(1_000, 2_000)
    this.#skewMs = skewMs(random)
    this.#liveFirst = random.chance(0.5)
    this.#seq = startMs % seqRoom + random.below(1_000)
    this.#sampleAt = startMs + random.between(0, this.#intervalMs)
    this.#offlineAt = startMs + random.wait(every.outageMs)
    this.#clockAt = startMs + random.wait(every.clockMs)
  }

  /** Measure and send until `toMs`; what leaves, perhaps later, goes to `sink`. */
  run (toMs: number, sink: (sending: Sending) => void): void {
    for (;;) {
      const at = Math.min(this.#sampleAt, this.#offlineAt, this.#onlineAt)
      if (at > toMs) return
      if (at === this.#onlineAt) this.#reconnect(sink)
      else if (at === this.#offlineAt) this.#disconnect()
      else this.#sample(sink)
    }
  }

  /** A reading beside the schedule, for bursts. */
  extra (atMs: number): Measurement {
    const { random } = this.#options
    return this.#measure(atMs, this.box.celsius + random.noise(0.1))
  }

  #disconnect (): void {
    const { random } = this.#options
    this.#onlineAt = this.#offlineAt + (random.chance(0.15) ? random.between(25_000, 50_000) : random.between(3_000, 12_000))
    this.#keeps = random.chance(0.7)
    this.#offlineAt = never
  }

  #reconnect (sink: (sending: Sending) => void): void {
    const { random, every } = this.#options
    this.#backlog.forEach((measurement, index) => { sink({ sendMs: this.#onlineAt + index * backlogGapMs, measurement, disturbance: 'backlog' }) })
    this.#backlogEndsAt = this.#onlineAt + this.#backlog.length * backlogGapMs
    this.#backlog = []
    this.#offlineAt = this.#onlineAt + random.wait(every.outageMs)
    this.#onlineAt = never
  }

  #sample (sink: (sending: Sending) => void): void {
    const { random } = this.#options
    const atMs = this.#sampleAt
    this.#sampleAt += this.#intervalMs + random.between(-50, 50)
    this.box.advance(atMs)
    const luck = random.next()
    const disturbed = luck < odds.glitch ? 'glitch' : luck < odds.glitch + odds.missing ? 'missing' : 'none'
    const celsius = disturbed === 'glitch' ? glitchC : disturbed === 'missing' ? null : this.box.celsius + random.noise(0.1)
    const wrong = this.#clock(atMs)
    const measurement = this.#measure(atMs + wrong, celsius)
    if (this.#onlineAt !== never) {
      if (this.#keeps && this.#backlog.length < backlogMax) this.#backlog.push(measurement)
      return
    }
    this.#send(atMs, measurement, wrong === 0 ? disturbed : 'clock', sink)
  }

  #send (atMs: number, measurement: Measurement, disturbance: Disturbance, sink: (sending: Sending) => void): void {
    const { random } = this.#options
    const sendMs = Math.max(atMs + random.between(20, 120), this.#liveFirst ? 0 : this.#backlogEndsAt + 1)
    const delayed = disturbance === 'none' && random.chance(odds.delayed)
    sink(delayed ? { sendMs: sendMs + random.between(2_000, 4_000), measurement, disturbance: 'delayed' } : { sendMs, measurement, disturbance })
    if (random.chance(odds.duplicate)) sink({ sendMs: sendMs + random.between(100, 3_000), measurement, disturbance: 'duplicate' })
  }

  /** How far off the clock is just now beyond its usual skew: after a restart it may say 1970, or next year. */
  #clock (atMs: number): number {
    const { random, every } = this.#options
    if (this.#clockWrong === null && atMs >= this.#clockAt) {
      this.#clockWrong = { left: 2 + random.below(3), shiftMs: random.chance(0.5) ? yearMs : -atMs + random.between(0, 60_000) }
      this.#clockAt = atMs + random.wait(every.clockMs)
    }
    if (this.#clockWrong === null) return 0
    const { left, shiftMs } = this.#clockWrong
    this.#clockWrong = left > 1 ? { left: left - 1, shiftMs } : null
    return shiftMs
  }

  #measure (atMs: number, celsius: number | null): Measurement {
    const { unit, cargo } = this.#options
    this.#seq += 1
    return { unit, seq: this.#seq, atMs: atMs + this.#skewMs, celsius, outsideC: this.box.outsideC, setpointC: cargo.setpointC, doorOpen: this.box.doorOpen, duty: this.box.duty, place: this.#place(atMs) }
  }

  /** Round and round near home. */
  #place (atMs: number): Place {
    const { home, startMs } = this.#options
    const turn = (atMs - startMs) / roundMs * 2 * Math.PI
    return { lat: home.lat + 0.1 * Math.sin(turn), lon: home.lon + 0.15 * Math.cos(turn) }
  }
}

/** Most clocks are a little off, some seconds slow, a few seconds fast. */
function skewMs (random: Random): number {
  const luck = random.next()
  if (luck < 0.04) return -random.between(5_000, 20_000)
  if (luck < 0.07) return random.between(1_500, 3_500)
  return random.noise(120)
}
