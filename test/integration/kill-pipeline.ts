import { definePipeline } from '../../pipelines/define/public.ts'
import { contract } from '../../schemas/contract.ts'

interface Reading { readonly id: string, readonly ts: number, readonly seq: number, readonly celsius: number | null }
interface Device { readonly device: string, readonly max: number }
export const readingAvro = JSON.stringify({ type: 'record', name: 'Reading', fields: [{ name: 'id', type: 'string' }, { name: 'ts', type: 'long' }, { name: 'seq', type: 'long' }, { name: 'celsius', type: ['null', 'double'], default: null }] })
export const deviceAvro = JSON.stringify({ type: 'record', name: 'Device', fields: [{ name: 'device', type: 'string' }, { name: 'max', type: 'double' }] })

export const partitions = 2
const define = (raw: { readonly mode?: 'chunks', readonly chunk?: { readonly readings: number, readonly within: `${number}ms` } }) => definePipeline({
  name: 'killed',
  signals: { celsius: { unit: 'Cel' }, limit: { unit: 'Cel' } },
  tables: { devices: { topic: 'killed.devices', contract: contract<Device>({ subject: 'killed.devices-value', version: 1, schema: deviceAvro }), key: 'device' } },
  sources: {
    fleet: {
      topic: 'killed.readings', contract: contract<Reading>({ subject: 'killed.readings-value', version: 1, schema: readingAvro }), key: 'id', time: { field: 'ts' },
      dedupe: { by: ['seq'], within: '1m' },
      normalise: { celsius: { field: 'celsius' }, limit: { table: 'devices', column: 'max', else: 8.0 } },
    },
  },
  time: { lateness: '100ms', idle: '200ms', futureMax: '1s' },
  windows: {
    short: { tumbling: '250ms', keep: { mean: { mean: 'celsius' }, n: 'count', p90: { quantile: ['celsius', 0.9] } } },
    visit: { session: '80ms', keep: { n: 'count', warmest: { max: 'celsius' } } },
  },
  rules: {
    hot: { when: 'celsius > limit', for: '20ms', gap: '1s', clear: 'celsius < limit - 1.0', severity: 'critical', ttl: '1m' },
    warm: { window: 'short', when: 'mean > 7.0 && n > 2' },
    silent: { absent: '400ms', registry: 'devices' },
  },
  control: { topic: 'killed.control', delivery: 'exactly-once' },
  lake: { keyspace: 'killed', raw, rollups: ['short', 'visit'], allowedLateness: '1m' },
})
/** Short enough that every part of it does something between two kills. */
export const definition = define({})
/** Its readings in chunks, which end by count and by time. */
export const chunkedDefinition = define({ mode: 'chunks', chunk: { readings: 12, within: '300ms' } })
