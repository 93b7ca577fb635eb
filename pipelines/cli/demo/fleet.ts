import { cargoes } from './box.ts'
import { type Measurement, type Model, models } from './models.ts'
import { Random } from './random.ts'
import { type Disturbance, Truck } from './truck.ts'
import { loadWeather, type Weather } from './weather.ts'

/** A reading as its device sends it: `value` is an object of the source's contract. */
export interface Emission {
  readonly source: Model
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
  /** When it left the truck, real milliseconds. */
  readonly sendMs: number
  readonly disturbance: Disturbance
}

/** A row of the device registry, the topic `fleet.devices`. */
export interface DeviceRow { readonly device: string, readonly source: Model, readonly site: Site, readonly cargo: string, readonly maxC: number }

export interface FleetOptions {
  readonly trucks: number
  readonly seed: number
  readonly startMs: number
  readonly weather?: Weather
}

export interface Fleet {
  /** Everything that leaves the trucks after the last step and until `nowMs`, in that order. */
  step (nowMs: number): readonly Emission[]
  /** `count` more readings, truck by truck, as fast as anybody wants: a depot that uploads its loggers. */
  burst (nowMs: number, count: number): readonly Emission[]
  /** The device registry; one device in it never speaks. */
  devices (): readonly DeviceRow[]
  readonly weather: Weather
}

const sites = {
  Bellingham: { lat: 48.75, lon: -122.48 }, Olympia: { lat: 47.04, lon: -122.9 }, Seattle: { lat: 47.61, lon: -122.33 },
  Spokane: { lat: 47.66, lon: -117.43 }, Tacoma: { lat: 47.25, lon: -122.44 }, Yakima: { lat: 46.6, lon: -120.51 },
} as const
type Site = keyof typeof sites
const siteNames = Object.keys(sites) as readonly Site[]
/** Somewhere in the fleet, on average every so often. */
const fleetEveryMs = { failure: 2_500, door: 700, outage: 1_500, clock: 8_000 } as const
/** The trucks are on the road before the first reading is seen: some are in trouble already, some have a backlog. */
const headStartMs = 60_000
const prefixes: Readonly<Record<Model, string>> = { polar: 'PL', arktis: 'AK', tundra: 'TN' }
/** Of ten trucks, how many of each model. */
const shares: readonly Model[] = ['polar', 'polar', 'polar', 'polar', 'polar', 'arktis', 'arktis', 'arktis', 'tundra', 'tundra']

/**
 * Refrigerated trucks of three device models on the road. The same options give the same readings, however often `step` is
 * called in between.
 *
 * Units:  real milliseconds since the epoch; see box.ts for the pace of the weather
 * State:  per truck its box and link, and the readings under way
 */
export function createFleet ({ trucks, seed, startMs, weather = loadWeather() }: FleetOptions): Fleet {
  const random = new Random(seed)
  const beganMs = startMs - headStartMs
  const every = { failureMs: fleetEveryMs.failure * trucks, doorMs: fleetEveryMs.door * trucks, outageMs: fleetEveryMs.outage * trucks, clockMs: fleetEveryMs.clock * trucks }
  const rows = Array.from({ length: trucks }, (_, index) => deviceRow(index, random))
  const fleet = rows.map(({ device, cargo, site }) => new Truck({
    unit: device, cargo: cargoes.find(({ name }) => name === cargo)!, random: random.fork(), weather, startMs: beganMs,
    region: { hours: random.between(-4, 4), warmerK: random.between(0, 8) }, home: sites[site], every,
  }))
  let under: (Emission & { readonly truck: number, readonly number: number })[] = []
  let made = 0
  let turn = 0

  const emission = (truck: number, measurement: Measurement) => ({ source: rows[truck]!.source, key: measurement.unit, value: models[rows[truck]!.source](measurement) })
  const run = (nowMs: number) => {
    fleet.forEach((truck, index) => {
      truck.run(nowMs, ({ sendMs, measurement, disturbance }) => { under.push({ ...emission(index, measurement), sendMs, disturbance, truck: index, number: made++ }) })
    })
  }
  run(startMs)
  under = under.filter(({ sendMs }) => sendMs > startMs)

  return {
    weather,
    step (nowMs) {
      run(nowMs)
      const due = under.filter(({ sendMs }) => sendMs <= nowMs)
      under = under.filter(({ sendMs }) => sendMs > nowMs)
      return due.sort((a, b) => a.sendMs - b.sendMs || a.truck - b.truck || a.number - b.number).map(({ truck: _truck, number: _number, ...rest }) => rest)
    },
    burst (nowMs, count) {
      return Array.from({ length: count }, () => {
        turn = (turn + 1) % fleet.length
        return { ...emission(turn, fleet[turn]!.extra(nowMs)), sendMs: nowMs, disturbance: 'none' as const }
      })
    },
    devices: () => [...rows, { device: 'PL-9999', source: 'polar', site: 'Seattle', cargo: 'dairy', maxC: 8 }],
  }
}

function deviceRow (index: number, random: Random): DeviceRow {
  const source = shares[index % shares.length]!
  const cargo = random.pick(cargoes)
  return { device: `${prefixes[source]}-${String(index + 1).padStart(4, '0')}`, source, site: random.pick(siteNames), cargo: cargo.name, maxC: cargo.maxC }
}
