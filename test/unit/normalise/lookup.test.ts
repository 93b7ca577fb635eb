import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JournalContent } from '../../../pipelines/core/journal.ts'
import { Bench, field, type Reading, signal, specOf, Table } from './kit.ts'

const spec = specOf({
  fields: [field('x', 'number')], signals: [signal('site', 'text'), signal('limit', 'number', 'Cel'), signal('cold', 'bool')],
  mappings: [
    { kind: 'table', table: 'devices', column: 'site', otherwise: 'unknown' },
    { kind: 'table', table: 'devices', column: 'maxC', otherwise: 8 },
    { kind: 'table', table: 'devices', column: 'cold', otherwise: null },
  ],
})
const reading = (key: string): Reading => ({ key, at: 0, arrival: 0, fields: { x: 1 } })
const signals = (rows: ReturnType<Bench['feed']>) => rows.map(row => Object.values(row.signals))

test('lookup: a row of the table gives signals by key, a missing row or cell the `else`', () => {
  const table = new Table('devices')
  table.set('a', { site: 'north', maxC: 4, cold: true, other: 1 })
  table.set('b', { site: null, maxC: 5 })
  const bench = new Bench(spec, { tables: [table] })
  assert.deepEqual(signals(bench.feed(['a', 'b', 'c', 'a'].map(reading))), [['north', 4, true], ['unknown', 5, null], ['unknown', 8, null], ['north', 4, true]])
})

test('lookup: a row is journaled once, with the used columns alone, before the record that first used it', () => {
  const table = new Table('devices')
  table.set('a', { site: 'north', maxC: 4, cold: true, other: 1 })
  const bench = new Bench(spec, { tables: [table] })
  bench.feed(['c', 'a', 'a'].map(reading), 10)
  assert.deepEqual(bench.journal, [{ position: 11, kind: 'lookup', table: 'devices', key: 'a', row: { site: 'north', maxC: 4, cold: true } }])
  table.set('a', { site: 'north', maxC: 4, cold: true, other: 2 })
  table.set('z', { site: 'south' })
  bench.feed([reading('a')], 13)
  assert.equal(bench.journal.length, 1, 'a change of what is not used is none')
  table.set('a', { site: 'south', maxC: 4, cold: true })
  assert.deepEqual(signals(bench.feed([reading('a')], 14)), [['south', 4, true]])
  table.set('a', null)
  assert.deepEqual(signals(bench.feed([reading('a')], 15)), [['unknown', 8, null]])
  assert.deepEqual(bench.journal.slice(1).map(entry => [entry.position, (entry as JournalContent & { kind: 'lookup' }).row]), [[14, { site: 'south', maxC: 4, cold: true }], [15, null]])
})

test('lookup: in replay the table is not read and the journal rules', () => {
  const table = new Table('devices')
  table.set('a', { site: 'wrong', maxC: 99 })
  const bench = new Bench(spec, { tables: [table], live: false })
  assert.deepEqual(signals(bench.feed([reading('a')])), [['unknown', 8, null]])
  bench.stage.lookup({ kind: 'lookup', table: 'devices', key: 'a', row: { site: 'north', maxC: 4, cold: null } })
  bench.stage.lookup({ kind: 'lookup', table: 'devices', key: 'new', row: { site: 'east', maxC: 3, cold: false } })
  assert.deepEqual(signals(bench.feed(['a', 'new'].map(reading), 1)), [['north', 4, null], ['east', 3, false]])
})

test('lookup: rows in use survive a restart, also when the table has changed meanwhile', () => {
  const table = new Table('devices')
  table.set('a', { site: 'north', maxC: 4, cold: true })
  table.set('b', { site: 'east', maxC: 5, cold: null })
  const bench = new Bench(spec, { tables: [table] })
  bench.feed(['a', 'b'].map(reading))
  bench.restart()
  table.set('b', { site: 'west', maxC: 5, cold: null })
  assert.deepEqual(signals(bench.feed(['a', 'b', 'c'].map(reading), 2)), [['north', 4, true], ['west', 5, null], ['unknown', 8, null]])
  assert.deepEqual(bench.journal.map(({ position }) => position), [0, 1, 3])
})

test('lookup: texts no longer in use do not pile up', () => {
  const table = new Table('devices')
  const bench = new Bench(spec, { tables: [table] })
  for (let i = 0; i < 5_000; i += 1) {
    table.set('a', { site: `site ${i}`, maxC: 1, cold: null })
    table.set('b', { site: 'fixed', maxC: 1, cold: null })
    assert.deepEqual(signals(bench.feed(['b', 'a', 'c'].map(reading), i * 3)).map(([site]) => site), ['fixed', `site ${i}`, 'unknown'])
  }
  const [column] = bench.last!.columns
  assert(column?.kind === 'text' && column.dictionary.size < 2_000)
})

test('lookup: a cell of another kind counts as missing', () => {
  const table = new Table('devices')
  table.set('a', { site: 5, maxC: 'warm', cold: 1 })
  const bench = new Bench(spec, { tables: [table] })
  assert.deepEqual(signals(bench.feed([reading('a')])), [['unknown', 8, true]])
})
