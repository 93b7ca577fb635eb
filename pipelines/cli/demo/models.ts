/** Degrees. */
export interface Place { readonly lat: number, readonly lon: number }

/** What a truck measures, before its device puts it in its own words. */
export interface Measurement {
  readonly unit: string
  readonly seq: number
  /** By the device's clock, milliseconds since the epoch. */
  readonly atMs: number
  /** Null: the probe gave nothing. */
  readonly celsius: number | null
  readonly outsideC: number
  readonly setpointC: number
  readonly doorOpen: boolean
  readonly duty: number
  readonly place: Place
}

const tenths = (value: number) => Math.round(value * 10) / 10
const fahrenheit = (celsius: number) => tenths(celsius * 9 / 5 + 32)

/**
 * Three device models, three contracts: other names, units, resolutions and ways to say that a door is open.
 *
 * Shape:  a measurement -> an object of the contract `cold-chain.<model>`
 */
export const models = {
  /** Whole seconds, degrees Fahrenheit, door 0 or 1. */
  polar: (reading: Measurement) => ({
    unitId: reading.unit, ts: Math.floor(reading.atMs / 1_000), seq: reading.seq, tempF: reading.celsius === null ? null : fahrenheit(reading.celsius),
    ambientF: fahrenheit(reading.outsideC), door: reading.doorOpen ? 1 : 0, dutyPct: Math.round(reading.duty * 100),
  }),
  /** Milliseconds, degrees Celsius, booleans. */
  arktis: (reading: Measurement) => ({
    device: reading.unit, time: Math.floor(reading.atMs), counter: reading.seq, temperature: reading.celsius === null ? null : tenths(reading.celsius),
    outside: tenths(reading.outsideC), doorOpen: reading.doorOpen, duty: Math.round(reading.duty * 1_000) / 1_000,
    location: { lat: Math.round(reading.place.lat * 1e5) / 1e5, lon: Math.round(reading.place.lon * 1e5) / 1e5 },
  }),
  /** Microseconds, kelvins, an enum for the door. */
  tundra: (reading: Measurement) => ({
    sn: reading.unit, measuredAt: Math.floor(reading.atMs) * 1_000, n: reading.seq, boxK: reading.celsius === null ? null : Math.round((reading.celsius + 273.15) * 100) / 100,
    airK: Math.round((reading.outsideC + 273.15) * 100) / 100, door: reading.doorOpen ? 'OPEN' : 'CLOSED', duty: Math.round(reading.duty * 1_000) / 1_000,
  }),
} as const

export type Model = keyof typeof models
export const modelNames = Object.keys(models) as readonly Model[]
