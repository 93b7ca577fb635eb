import type { Random } from './random.ts'
import type { Weather } from './weather.ts'

/** What a truck carries, and how cold it must be. */
export interface Cargo { readonly name: string, readonly setpointC: number, readonly maxC: number }
export const cargoes: readonly Cargo[] = [
  { name: 'ice cream', setpointC: -22, maxC: -16 },
  { name: 'fish', setpointC: 0, maxC: 4 },
  { name: 'dairy', setpointC: 4, maxC: 8 },
  { name: 'vaccines', setpointC: 5, maxC: 8 },
  { name: 'bananas', setpointC: 13, maxC: 16 },
]

/**
 * The model's clock runs 600 times as fast as the devices': ten minutes of weather, cooling and warming pass in a second, so
 * that a failing compressor is an alert within a short look. Times on the wire are real.
 */
export const speedup = 600
const msPerHour = 3_600_000
const stepMs = 250
/** Noon of the 15th of July: the heat leak is worth cooling against. */
const firstHour = (195 * 24) + 12

/** Hours in which the difference to outside falls to 37 %: walls, and open door. */
const wallHours = 6
const doorHours = 5
/** Kelvin per hour of a healthy compressor at full duty. */
const coolingPerHour = 14
const proportionalK = 2
const wearMs = 2_500

export interface BoxOptions {
  readonly random: Random
  readonly weather: Weather
  readonly cargo: Cargo
  readonly startMs: number
  /** How far ahead of the weather's place this truck's region is, and how much warmer. */
  readonly region: { readonly hours: number, readonly warmerK: number }
  /** Mean real time between two failures of the compressor, and between two openings of the door. */
  readonly failureEveryMs: number
  readonly doorEveryMs: number
}

/**
 * A refrigerated box: heat leaks in through walls and door, a thermostat sets the compressor's duty, the compressor fails and
 * is mended.
 *
 * Units:  times in real milliseconds since the epoch, temperatures in Cel, duty 0..1
 * State:  box temperature and the times of what happens next
 */
export class Box {
  readonly #options: BoxOptions
  #now: number
  celsius: number
  duty = 0
  doorOpen = false
  outsideC = 0
  #doorChangesAt: number
  #failsAt: number
  #mendedAt = Number.POSITIVE_INFINITY

  constructor (options: BoxOptions) {
    const { random, startMs, cargo } = options
    this.#options = options
    this.#now = startMs
    this.celsius = cargo.setpointC + random.noise(0.5)
    this.#doorChangesAt = startMs + random.wait(options.doorEveryMs)
    this.#failsAt = startMs + random.wait(options.failureEveryMs)
  }

  get failing (): boolean { return this.#now >= this.#failsAt }

  /** Let time pass. */
  advance (toMs: number): void {
    while (this.#now < toMs) {
      const passed = Math.min(stepMs, toMs - this.#now)
      this.#now += passed
      this.#happen()
      this.#warm(passed * speedup / msPerHour)
    }
  }

  #happen (): void {
    const { random, failureEveryMs, doorEveryMs } = this.#options
    if (this.#now >= this.#doorChangesAt) {
      this.doorOpen = !this.doorOpen
      const openMs = random.chance(0.05) ? random.between(15_000, 25_000) : random.between(1_500, 4_000)
      this.#doorChangesAt = this.#now + (this.doorOpen ? openMs : random.wait(doorEveryMs))
    }
    if (this.failing && this.#mendedAt === Number.POSITIVE_INFINITY) this.#mendedAt = this.#now + (random.chance(0.15) ? random.between(80_000, 120_000) : random.between(15_000, 35_000))
    if (this.#now >= this.#mendedAt) {
      this.#mendedAt = Number.POSITIVE_INFINITY
      this.#failsAt = this.#now + random.wait(failureEveryMs)
    }
  }

  #warm (hours: number): void {
    const { weather, region, startMs, cargo } = this.#options
    this.outsideC = weather.celsius(firstHour + region.hours + (this.#now - startMs) * speedup / msPerHour) + region.warmerK
    const difference = this.outsideC - this.celsius
    const health = this.failing ? Math.max(0, 1 - (this.#now - this.#failsAt) / wearMs) : 1
    // The unit switches off while the door is open, or it would draw in moist air and ice up.
    this.duty = this.doorOpen ? 0 : Math.min(1, Math.max(0, (this.celsius - cargo.setpointC) / proportionalK + 0.5))
    this.celsius += hours * (difference / wallHours + (this.doorOpen ? difference / doorHours : 0) - this.duty * health * coolingPerHour)
  }
}
