import assert from 'node:assert/strict'
import { test } from 'node:test'
import coldChain from '../../../pipelines/catalog/cold-chain.ts'
import { explain } from '../../../pipelines/define/explain.ts'
import { definePipeline } from '../../../pipelines/define/pipeline.ts'
import { contract } from '../../../schemas/contract.ts'

interface Reading { readonly id: string, readonly ts: number, readonly value: number }
const reading = contract<Reading>({ subject: 'readings-value', version: 1, schema: { type: 'record', name: 'Reading', fields: [{ name: 'id', type: 'string' }, { name: 'ts', type: 'long' }, { name: 'value', type: 'double', unit: 'Cel' }] } })

test('explain: the drawing follows the data from source to topics', () => {
  const text = explain(definePipeline({
    name: 'small', description: 'a small one', source: { topic: 'readings', contract: reading }, key: 'id', time: { field: 'ts', unit: 's', lateness: '10s' }, interval: '30s', dedupe: { by: ['ts'], within: '1h' },
    signals: { celsius: { unit: 'K' } }, normalise: { celsius: { field: 'value', scale: 1.5, offset: 1, range: { max: 9, outside: 'dead-letter' } } },
    windows: { hour: { hopping: ['1h', '5m'], keep: { top: { quantile: ['celsius', 0.9] }, all: { collect: 'celsius' } }, emit: { every: '5s' }, allowedLateness: '1m' }, trip: { session: '5m', keep: { n: 'count' } } },
    rules: { hot: { when: 'celsius > 300.0', for: '5m', clear: 'celsius < 290.0', severity: 'critical' }, rising: { window: 'hour', when: 'top > 300.0', for: 3 } },
    lake: { rollups: ['hour'], raw: { ttl: '90d' } },
  }))
  assert.equal(text.replace(/small {2}[\da-f]{12}/, 'small  HASH'), `small  HASH  a small one

race
├─ source small  <- readings (readings-value)
│  ├─ key id, time ts in seconds, at most 5m ahead, a reading every 30s
│  ├─ dedupe by ts within 1h
│  └─ celsius = value * 1.5 + 1  Cel -> K, in [-Infinity, 9] else dead-letter
├─ signals  celsius K
│  └─ watermark = highest time - 10s, going on after 1m of silence
├─ window hour  1h long, every 5m, early every 5s, corrected for 1m
│  ├─ top = quantile 0.9 of celsius
│  ├─ all = up to 1000 of celsius
│  └─ rule rising  warning  when top > 300.0, 3 in a row
├─ window trip  sessions apart by more than 5m
│  └─ n = count
├─ rule hot  critical  when celsius > 300.0, for 5m, clear when celsius < 290.0
├─ -> small.control  control events, exactly-once
├─ -> millrace.small.dead-letter
└─ -> millrace.small.late

pond
├─ small: readings  celsius, kept 90d
├─ small: hour  top, all, corrected for 2d
└─ small: alerts`)
})

test('explain: the shipped pipeline names every source, window, rule and table', () => {
  const text = explain(coldChain)
  for (const name of ['source polar', 'source arktis', 'source tundra', 'window short', 'window trend', 'rule tooWarm', 'rule doorLeftOpen', 'rule spoiling', 'rule silent', 'devices  <- fleet.devices']) assert(text.includes(name), name)
})
