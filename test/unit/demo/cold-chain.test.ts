import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFleet, type DeviceRow, type Emission } from '../../../pipelines/cli/demo/fleet.ts'
import { poisons } from '../../../pipelines/cli/demo/poison.ts'
import { Random } from '../../../pipelines/cli/demo/random.ts'
import { type Batch, cell } from '../../../pipelines/core/batch.ts'
import type { TableRow, TableView } from '../../../pipelines/core/table.ts'
import { createEncoder } from '../../../pipelines/decode/encode.ts'
import { compileDefinition } from '../../../pipelines/define/compile.ts'
import { Replay } from '../../../pipelines/runtime/replay.ts'
import coldChain from '../../../pipelines/catalog/cold-chain.ts'

const startMs = 1_800_000_000_000
const lastsMs = 90_000
const seed = 42

const pipeline = compileDefinition(coldChain)
const ids = new Map(pipeline.sources.map(({ name }, index) => [name, index + 1]))
const encoders = new Map(pipeline.sources.map(({ name, contract }) => [name, createEncoder(contract, ids.get(name)!)]))

function tableOf (rows: readonly DeviceRow[]): TableView {
  const byKey = new Map<string, TableRow>(rows.map(row => [row.device, { ...row }]))
  return { name: 'devices', version: 1, get: key => byKey.get(key), keys: () => byKey.keys() }
}

const rowOf = (batch: Batch, row: number) => [batch.key[row], batch.at[row], ...batch.columns.map(column => cell(column, row))]

interface Played { readonly lines: readonly string[], readonly count: (kind: string, word?: string) => number, readonly counts: ReadonlyMap<string, number> }

/** The fleet's first minute and a half through the shipped definition. */
function play (emissions: readonly Emission[], devices: readonly DeviceRow[], { batch = 64, restartEvery = null, snapshotEvery = null, crashEvery = null }: { readonly batch?: number, readonly [every: `${string}Every`]: number | null } = {}): Played {
  const lines: string[] = []
  const replay = new Replay({
    pipeline, tables: new Map([['devices', tableOf(devices)]]), schema: id => pipeline.sources.find(({ name }) => ids.get(name) === id)?.contract ?? null,
    batch, snapshotEvery, restartEvery, crashEvery, readings: true,
  }, output => {
    switch (output.kind) {
      case 'event': return ['event', output.output.event.rule, output.output.event.state, output.output.event.key, output.output.event.at, output.output.event.summary].join(' ')
      case 'dead-letter': return ['dead-letter', output.output.reason, output.output.step].join(' ')
      case 'late': return ['late', output.output.window, output.output.key].join(' ')
      case 'window': return ['window', output.window, ...rowOf(output.rows, output.row)].join(' ')
      case 'reading': return ['reading', ...rowOf(output.batch, output.row)].join(' ')
    }
  }, line => { lines.push(line) })
  const random = new Random(seed)
  let sequence = 0
  emissions.forEach(({ source, key, value, sendMs }, index) => {
    const record = (bytes: Uint8Array | null) => { replay.take({ kind: 'record', sequence: sequence++, source, arrival: Math.floor(sendMs), key: Buffer.from(key), value: bytes }) }
    const good = encoders.get(source)!(value)
    record(good)
    if (index % 1_000 === 500) for (const spoil of Object.values(poisons)) record(spoil(good, random))
    if (index % 100 === 0) replay.take({ kind: 'tick', sequence: sequence++, ms: Math.floor(sendMs) })
  })
  replay.finish({ drain: true })
  return { lines, counts: replay.counts, count: (kind, word = '') => lines.filter(line => line.startsWith(kind) && line.includes(word)).length }
}

const fleet = createFleet({ trucks: 200, seed, startMs })
const emissions = fleet.step(startMs + lastsMs)
const played = play(emissions, fleet.devices())

test('cold-chain: within a minute and a half alerts of every rule rise, and most clear', () => {
  for (const rule of ['tooWarm', 'silent', 'doorLeftOpen', 'spoiling']) assert(played.count('event', `${rule} raised`) > 0, `${rule} raised`)
  for (const rule of ['tooWarm', 'silent', 'doorLeftOpen']) assert(played.count('event', `${rule} cleared`) > 0, `${rule} cleared`)
  const raised = played.count('event', 'tooWarm raised')
  assert(raised >= 10 && raised <= 120, `${raised} trucks too warm`)
})

test('cold-chain: an alert is there within five seconds', () => {
  const early = emissions.filter(({ sendMs }) => sendMs <= startMs + 5_000)
  assert(play(early, fleet.devices()).count('event', 'tooWarm raised') > 0)
})

test('cold-chain: wrong clocks make dead letters and late readings, poison dead letters of its own', () => {
  assert(played.count('dead-letter', 'NORMALISE_FUTURE') > 0)
  assert(played.count('late', 'short') > 0)
  assert.equal(played.count('dead-letter', ' decode'), Object.keys(poisons).length * Math.floor((emissions.length + 500) / 1_000))
})

test('cold-chain: duplicates are dropped and wrong temperatures are unknown, both counted', () => {
  const sent = (disturbance: string) => emissions.filter(emission => emission.disturbance === disturbance).length
  assert(played.counts.get('duplicate')! > 0 && played.counts.get('duplicate')! <= sent('duplicate'))
  assert(played.counts.get('out-of-range')! > 0 && played.counts.get('out-of-range')! <= sent('glitch'))
  assert.equal(played.count('reading') + played.counts.get('duplicate')! + played.count('dead-letter', 'NORMALISE_FUTURE'), emissions.length)
})

test('cold-chain: the three device models speak of the same temperatures, sites and limits', () => {
  const rows = played.lines.filter(line => line.startsWith('reading'))
  assert(rows.every(line => fleet.devices().some(({ site }) => line.includes(site))))
  assert.equal(rows.filter(line => line.includes('unknown')).length, 0)
})

test('cold-chain: windows close for every truck that speaks', () => {
  assert(played.count('window', 'short') > 1_000)
  assert(played.count('window', 'trend') > 1_000)
})

test('cold-chain: batches, restarts and crashes change nothing', () => {
  const some = emissions.slice(0, 2_000)
  const { lines, counts } = play(some, fleet.devices(), { batch: 4096 })
  for (const options of [{ batch: 7 }, { restartEvery: 97 }, { snapshotEvery: 301, crashEvery: 211 }]) {
    const again = play(some, fleet.devices(), options)
    assert.deepEqual(again.lines, lines)
    assert.deepEqual(new Map([...again.counts].sort()), new Map([...counts].sort()))
  }
})
