import { arktis } from '../../schemas/cold-chain/arktis.v1.ts'
import { device } from '../../schemas/cold-chain/device.v1.ts'
import { polar } from '../../schemas/cold-chain/polar.v1.ts'
import { tundra } from '../../schemas/cold-chain/tundra.v1.ts'
import { definePipeline } from '../define/pipeline.ts'

/**
 * Refrigerated trucks of three device models on one set of rules. The demo plays it, and it shows every part of a definition.
 * Its durations are seconds where a real fleet would say minutes: the demo's weather runs 600 times as fast.
 */
export default definePipeline({
  name: 'cold-chain',
  description: 'Refrigerated trucks: too warm, door open, spoiling, silent',
  signals: {
    celsius: { unit: 'Cel' },
    outside: { unit: 'Cel' },
    limit: { unit: 'Cel' },
    duty: { unit: '%' },
    doorOpen: 'bool',
    site: 'text',
    cargo: 'text',
  },
  tables: {
    devices: { topic: 'fleet.devices', contract: device, key: 'device' },
  },
  sources: {
    polar: {
      topic: 'fleet.polar', contract: polar, key: 'unitId', time: { field: 'ts', unit: 's' },
      interval: '1500ms', dedupe: { by: ['seq'], within: '5m' },
      normalise: {
        celsius: { field: 'tempF', from: '[degF]', range: [-60, 60] },
        outside: { field: 'ambientF' },
        limit: { table: 'devices', column: 'maxC', else: 8.0 },
        duty: { field: 'dutyPct' },
        doorOpen: 'door == 1',
        site: { table: 'devices', column: 'site', else: 'unknown' },
        cargo: { table: 'devices', column: 'cargo', else: 'unknown' },
      },
    },
    arktis: {
      topic: 'fleet.arktis', contract: arktis, key: 'device', time: { field: 'time' },
      interval: '1500ms', dedupe: { by: ['counter'], within: '5m' },
      normalise: {
        celsius: { field: 'temperature', range: [-60, 60] },
        outside: { field: 'outside' },
        limit: { table: 'devices', column: 'maxC', else: 8.0 },
        duty: { field: 'duty', from: '1' },
        doorOpen: { field: 'doorOpen' },
        site: { table: 'devices', column: 'site', else: 'unknown' },
        cargo: { table: 'devices', column: 'cargo', else: 'unknown' },
      },
    },
    tundra: {
      topic: 'fleet.tundra', contract: tundra, key: 'sn', time: { field: 'measuredAt' },
      interval: '1500ms', dedupe: { by: ['n'], within: '5m' },
      normalise: {
        celsius: { field: 'boxK', from: 'K', range: { min: -60, max: 60, outside: 'unknown' } },
        outside: { field: 'airK' },
        limit: { table: 'devices', column: 'maxC', else: 8.0 },
        duty: { field: 'duty', from: '1' },
        doorOpen: 'door == "OPEN"',
        site: { table: 'devices', column: 'site', else: 'unknown' },
        cargo: { table: 'devices', column: 'cargo', else: 'unknown' },
      },
    },
  },
  time: { lateness: '3s', idle: '10s', futureMax: '30s' },
  windows: {
    short: { tumbling: '10s', keep: { mean: { mean: 'celsius' }, max: { max: 'celsius' }, p99: { quantile: ['celsius', 0.99] }, n: 'count' } },
    trend: { hopping: ['1m', '10s'], keep: { min: { min: 'celsius' }, warming: { delta: 'celsius' }, limit: { last: 'limit' }, site: { last: 'site' }, n: 'count' } },
  },
  rules: {
    tooWarm: {
      when: 'celsius > limit', for: '2s', gap: '10s', clear: 'celsius < limit - 0.5',
      severity: 'critical', labels: ['site', 'cargo'], ttl: '1m', summary: '{{key}} is at {{celsius}} Cel, limit {{limit}}',
    },
    doorLeftOpen: { when: 'doorOpen', atLeast: [5, 6], severity: 'warning', labels: ['site'], ttl: '1m' },
    spoiling: { window: 'trend', when: 'min > limit && n >= 30', severity: 'critical', labels: ['site'], summary: '{{key}} has been too warm for a whole minute' },
    silent: { absent: '20s', registry: 'devices', severity: 'warning' },
  },
  control: { topic: 'fleet.control', delivery: 'exactly-once' },
  lake: { keyspace: 'fleet', raw: { ttl: '90d' }, rollups: ['short', 'trend'], allowedLateness: '48h' },
})
