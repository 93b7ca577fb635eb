import { test } from 'node:test'
import fc from 'fast-check'
import { lakeTables } from '../../../connectors/duckdb/tables.ts'
import { lakeWords } from '../../../pipelines/core/lake-names.ts'
import { checkedDefinition } from '../../../pipelines/define/pipeline.ts'
import { contract } from '../../../schemas/contract.ts'

const reading = contract({ subject: 's', version: 1, schema: { type: 'record', name: 'R', fields: [{ name: 'id', type: 'string' }, { name: 'ts', type: 'long' }] } })
const plain = { pipeline: 'x', keyspace: 'x', rawMode: 'rows', intervalMs: null, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null } as const
const fails = (run: () => unknown): boolean => { try { run(); return false } catch { return true } }

const word = fc.oneof(fc.constantFrom(...lakeWords.tables, ...lakeWords.readings, ...lakeWords.rollups, 'a', 'aB', 'a_b', 'AB', 'ab'), fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,5}$/))
  .filter(name => !fails(() => checkedDefinition({ name: 'x', source: { contract: reading }, key: 'id', time: { field: 'ts' }, signals: { [name]: 'number' }, normalise: { [name]: null } })))
const words = fc.uniqueArray(word, { minLength: 1, maxLength: 3 })

test('lake: a definition that is accepted has tables, whatever its names', () => {
  fc.assert(fc.property(words, words, words, (signals, windows, keep) => {
    const written = {
      name: 'x', source: { contract: reading }, key: 'id', time: { field: 'ts' }, lake: {},
      signals: Object.fromEntries(signals.map(name => [name, 'number'])), normalise: Object.fromEntries(signals.map(name => [name, null])),
      windows: Object.fromEntries(windows.map(name => [name, { tumbling: '1m', keep: Object.fromEntries(keep.map(one => [one, 'count'])) }])),
    }
    if (fails(() => checkedDefinition(written))) return
    const columns = keep.map(name => ({ name, kind: 'number' as const }))
    lakeTables({ ...plain, signals: signals.map(name => ({ name, kind: 'number', unit: null })), windows: windows.map(name => ({ name, shape: { kind: 'tumbling', sizeMs: 60_000 }, parts: [], columns })) })
  }))
})
