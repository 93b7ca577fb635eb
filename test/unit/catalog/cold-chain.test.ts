import assert from 'node:assert/strict'
import { test } from 'node:test'
import coldChain from '../../../pipelines/catalog/cold-chain.ts'
import { models } from '../../../pipelines/cli/demo/models.ts'
import { cell } from '../../../pipelines/core/batch.ts'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import { RecordBatchWriter } from '../../../pipelines/core/record-batch.ts'
import { createEncoder } from '../../../pipelines/decode/encode.ts'
import { compileDefinition } from '../../../pipelines/define/compile.ts'

const pipeline = compileDefinition(coldChain)
const rows = new Map([['truck', { device: 'truck', model: 'polar', site: 'Yakima', cargo: 'fish', maxC: 4 }]])
const devices = { name: 'devices', version: 1, get: (key: string) => rows.get(key), keys: () => rows.keys() }

/** The signals that one measurement becomes on its way through a model's own words. */
function signalsOf (model: keyof typeof models, measured: Partial<Parameters<typeof models.polar>[0]>): Readonly<Record<string, unknown>> {
  const { contract, topic } = pipeline.sources.find(({ name }) => name === model)!
  const { decode, normalise } = pipeline.createStages({ leg: 'race', source: model, topic, partition: 0, mode: 'replay', tables: new Map([['devices', devices]]) })
  const value = models[model]({ unit: 'truck', seq: 1, atMs: 1_700_000_000_000, celsius: 5, outsideC: 30, setpointC: 4, doorOpen: true, duty: 0.5, place: { lat: 47.6, lon: -122.3 }, ...measured })
  const writer = new RecordBatchWriter()
  writer.append(1_700_000_000_100, null, createEncoder(contract, 1)(value))
  decode.schema(1, contract)
  decode.load(writer.finish(0), 0, 1)
  const out = new Outputs()
  const batch = normalise.process(decode.next(out)!, out, () => {})
  assert.deepEqual(out.deadLetters, [])
  assert.equal(batch.at[0], 1_700_000_000_000)
  assert.equal(decode.keys.text(batch.key[0]!), 'truck')
  return Object.fromEntries(batch.columns.map(column => {
    const found = cell(column, 0)
    return [column.name, typeof found === 'number' ? Math.round(found * 100) / 100 : found]
  }))
}

for (const model of ['polar', 'arktis', 'tundra'] as const) {
  test(`cold-chain: what ${model} sends becomes the same signals as from the other models`, () => {
    assert.deepEqual(signalsOf(model, {}), { celsius: 5, outside: 30, limit: 4, duty: 50, doorOpen: true, site: 'Yakima', cargo: 'fish' })
  })

  test(`cold-chain: a ${model} that is in no table has the default limit, and no temperature that cannot be`, () => {
    const { celsius, limit, site, doorOpen } = signalsOf(model, { unit: 'truck', celsius: -127, doorOpen: false })
    assert.deepEqual({ celsius, limit, site, doorOpen }, { celsius: null, limit: 4, site: 'Yakima', doorOpen: false })
    rows.delete('truck')
    const stranger = signalsOf(model, { celsius: null })
    rows.set('truck', { device: 'truck', model: 'polar', site: 'Yakima', cargo: 'fish', maxC: 4 })
    assert.deepEqual([stranger.celsius, stranger.limit, stranger.site], [null, 8, 'unknown'])
  })
}
