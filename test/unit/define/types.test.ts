import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { typesOf } from '../../../pipelines/define/types.ts'

const options = { subject: 's-value', version: 3 }

test('types: every Avro type has the TypeScript type of its decoded value', () => {
  const text = typesOf(JSON.stringify({
    type: 'record', name: 'all', namespace: 'x.y', doc: 'A record.\nOf all.', fields: [
      { name: 'a', type: 'boolean' }, { name: 'b', type: ['null', 'long'], default: null }, { name: 'c', type: { type: 'long', logicalType: 'timestamp-micros' }, doc: 'when' },
      { name: 'd', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } }, { name: 'e', type: { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 2 } },
      { name: 'f', type: { type: 'string', logicalType: 'uuid' } }, { name: 'g', type: 'bytes' }, { name: 'h', type: { type: 'fixed', name: 'Four', size: 4 } },
      { name: 'i', type: { type: 'enum', name: 'Door', symbols: ['OPEN', 'SHUT'] } }, { name: 'j', type: { type: 'array', items: ['null', 'int'] } },
      { name: 'k', type: { type: 'map', values: { type: 'record', name: 'Inner', fields: [{ name: 'x', type: 'double', unit: 'Cel' }, { name: 'again', type: ['null', 'x.y.all'] }] } } },
      { name: 'l', type: 'Inner' }, { name: 'm', type: 'Door' }, { name: 'n', type: 'Four' },
    ],
  }), options)
  assert.equal(text.slice(text.indexOf('/** A record'), text.indexOf('export const')), `/** A record. Of all. */
export interface All {
  readonly a: boolean
  readonly b: null | number
  /** when */
  readonly c: number
  readonly d: number
  readonly e: string
  readonly f: string
  readonly g: Uint8Array
  readonly h: Uint8Array
  readonly i: 'OPEN' | 'SHUT'
  readonly j: readonly (null | number)[]
  readonly k: Readonly<Record<string, Inner>>
  readonly l: Inner
  readonly m: 'OPEN' | 'SHUT'
  readonly n: Uint8Array
}

export interface Inner {
  /** Unit: Cel. */
  readonly x: number
  readonly again: null | All
}

`)
})

test('types: what is no record is refused', () => {
  for (const text of ['{', '"string"', '{"type":"enum","name":"e","symbols":["a"]}', '{"type":"record","name":"r","fields":[{"name":"a","type":"Missing"}]}']) {
    assert.throws(() => typesOf(text, options), { code: 'SCHEMA_INVALID' })
  }
})

const folder = 'schemas/cold-chain'
const topics: Readonly<Record<string, string>> = { polar: 'fleet.polar', arktis: 'fleet.arktis', tundra: 'fleet.tundra', device: 'fleet.devices' }
for (const file of readdirSync(folder).filter(name => name.endsWith('.avsc'))) {
  const name = file.slice(0, file.indexOf('.'))
  test(`types: ${folder}/${name}.v1.ts is what its schema says`, () => {
    const printed = typesOf(readFileSync(join(folder, file), 'utf8'), { subject: `${topics[name]}-value`, version: 1, from: '../contract.ts' })
    assert.equal(readFileSync(join(folder, file.replace('.avsc', '.ts')), 'utf8'), printed)
  })
}
