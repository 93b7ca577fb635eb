import { type CheckedDefinition, definePipeline } from '../../pipelines/define/public.ts'
import { contract } from '../../schemas/contract.ts'

interface Reading { readonly id: string, readonly ts: number, readonly seq: number, readonly celsius: number | null }
interface Device { readonly device: string, readonly max: number, readonly site: string }

const number = { name: 'celsius', type: ['null', 'double'], default: null }
const fields = [{ name: 'id', type: 'string' }, { name: 'ts', type: 'long' }, { name: 'seq', type: 'int' }, number]
export const readingAvro = JSON.stringify({ type: 'record', name: 'Reading', fields })
/** The same as a later model of the device writes it. */
export const readingAvroLater = JSON.stringify({ type: 'record', name: 'Reading', fields: [{ name: 'firmware', type: 'string' }, ...fields] })
export const deviceAvro = JSON.stringify({ type: 'record', name: 'Device', fields: [{ name: 'device', type: 'string' }, { name: 'max', type: 'double' }, { name: 'site', type: 'string' }] })
const reading = contract<Reading>({ subject: 'reading-value', version: 1, schema: readingAvro })
const device = contract<Device>({ subject: 'device-value', version: 1, schema: deviceAvro })

const source = (topic: string) => ({
  topic, contract: reading, key: 'id', time: { field: 'ts' }, interval: '1s', dedupe: { by: ['seq'], within: '20s' },
  normalise: {
    celsius: { field: 'celsius', range: [-50, 50] },
    limit: { table: 'devices', column: 'max', else: 8.0 },
    site: { table: 'yards', column: 'site', else: 'none' },
  },
} as const)

/** What a test changes of it. */
export interface Edit { readonly limitRise?: number, readonly windowSeconds?: 10 | 15, readonly rattling?: boolean, readonly south?: boolean, readonly delivery?: 'exactly-once' | 'express', /** Readings in chunks of at most so many. */ readonly chunk?: number | null }

/** Small, with all that remembers: dedupe, look-ups, a registry, windows that close, correct and merge, rules on readings, on windows and on silence. */
export function definitionOf ({ limitRise = 0, windowSeconds = 10, rattling = true, south = true, delivery = 'exactly-once', chunk = null }: Edit = {}): CheckedDefinition {
  const others = {
    tooWarm: { when: `celsius > limit + ${limitRise.toFixed(1)}`, for: '2s', gap: '10s', clear: 'celsius < limit - 1.0', severity: 'critical', labels: ['site'], ttl: '1m' },
    warmWindow: { window: 'ten', when: 'mean > 7.0', severity: 'warning' },
    silent: { absent: '15s', registry: 'devices', severity: 'warning' },
  } as const
  return definePipeline({
    name: 'sim',
    signals: { celsius: { unit: 'Cel' }, limit: { unit: 'Cel' }, site: 'text' },
    tables: { devices: { topic: 'sim.devices', contract: device, key: 'device' }, yards: { topic: 'sim.yards', contract: device, key: 'device' } },
    sources: { north: source('sim.north'), ...south && { south: source('sim.south') } },
    time: { lateness: '2s', idle: '5s', futureMax: '1m' },
    windows: {
      ten: { tumbling: `${windowSeconds}s`, keep: { mean: { mean: 'celsius' }, n: 'count', p90: { quantile: ['celsius', 0.9] } }, allowedLateness: '3s' },
      visit: { session: '4s', keep: { n: 'count', warmest: { max: 'celsius' } } },
    },
    rules: rattling ? { ...others, rattling: { when: 'celsius > limit && site != "bergen"', atLeast: [2, 4], severity: 'warning' } } : others,
    control: { topic: 'sim.control', delivery },
    lake: { rollups: ['ten', 'visit'], allowedLateness: '30s', ...chunk !== null && { raw: { mode: 'chunks', chunk: { readings: chunk, within: '20s' } } } },
  })
}
