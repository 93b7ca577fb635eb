import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTable, identifier, type LakeTable } from '../../../connectors/cassandra/table.ts'
import { lakeTables, shardOf } from '../../../connectors/cassandra/tables.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import type { LakeLayout } from '../../../pipelines/core/lake-ports.ts'

const day = 86_400_000
const layout: LakeLayout = {
  pipeline: 'cold-chain', keyspace: 'fleet', rawMode: 'rows', intervalMs: 30_000, rawBucket: null,
  rawTtlMs: 90 * day, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: 30 * day,
  signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'doorOpen', kind: 'bool', unit: null }, { name: 'site', kind: 'text', unit: null }, { name: 'order', kind: 'number', unit: null }],
  windows: [{
    name: 'minute', shape: { kind: 'tumbling', sizeMs: 60_000 },
    columns: [{ name: 'p99', kind: 'number' }, { name: 'recent', kind: 'value' }],
    parts: [{ name: 'celsius_n', signal: 'celsius', part: 'n' }, { name: 'celsius_sketch', signal: 'celsius', part: 'sketch' }],
  }],
}

test('readings: one row by device, bucket, time and position, a column for each signal, gone after the time to live', () => {
  const { readings } = lakeTables(layout)
  assert.equal(readings!.width, 'month')
  assert.equal(createTable('fleet', readings!), `CREATE TABLE IF NOT EXISTS fleet.cold_chain_readings (
  key text,
  bucket text,
  at timestamp,
  partition int,
  offset bigint,
  arrived_at timestamp,
  source text,
  celsius double,
  door_open boolean,
  site text,
  "order" double,
  PRIMARY KEY ((key, bucket), at, partition, offset)
) WITH comment = 'Millrace, pipeline cold-chain: a reading'
  AND compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': '3'}
  AND default_time_to_live = 7776000`)
})

test('rollups: what is kept, then the parts that merge; values without a form of their own are JSON', () => {
  const [minute] = lakeTables(layout).rollups
  assert.equal(minute!.width, 'month')
  assert.equal(createTable('fleet', minute!), `CREATE TABLE IF NOT EXISTS fleet.cold_chain_minute (
  key text,
  bucket text,
  start timestamp,
  end timestamp,
  source text,
  partition int,
  expected double,
  received double,
  revision int,
  final boolean,
  p99 double,
  recent text,
  celsius_n double,
  celsius_sketch blob,
  PRIMARY KEY ((key, bucket), start)
) WITH comment = 'Millrace, pipeline cold-chain: a window "minute" of a key'
  AND compaction = {'class': 'UnifiedCompactionStrategy'}`)
})

test('keys carry the last value of every text signal', () => {
  assert.deepEqual(lakeTables(layout).keys.columns.map(({ name, type }) => `${name} ${type}`), ['shard int', 'key text', 'source text', 'first_arrival timestamp', 'last_arrival timestamp', 'site text'])
})

test('every table has its key among its columns, first, and no name twice', () => {
  for (const rawMode of ['rows', 'chunks'] as const) {
    const { all } = lakeTables({ ...layout, rawMode })
    assert.equal(all.length, 10)
    for (const { name, columns, partitionKey, clustering } of all as readonly LakeTable[]) {
      const names = columns.map(column => column.name)
      assert.deepEqual(new Set(names.slice(0, partitionKey.length + clustering.length)), new Set([...partitionKey, ...clustering]), name)
      assert.equal(new Set(names).size, names.length, name)
    }
  }
})

test('chunks take the place of readings', () => {
  const tables = lakeTables({ ...layout, rawMode: 'chunks', intervalMs: 10 })
  assert.equal(tables.readings, null)
  assert.equal(tables.chunks!.name, 'cold_chain_chunks')
  assert.equal(tables.chunks!.width, 'hour', 'a million readings a partition at most')
  assert.match(createTable('fleet', tables.chunks!), /WITH compression = \{'enabled': false\}\n {2}AND comment = /)
})

test('the width of partitions: as told, else by the rate of readings and of windows', () => {
  const widthOf = (change: Partial<LakeLayout>) => lakeTables({ ...layout, ...change }).readings!.width
  assert.equal(widthOf({ rawBucket: 'hour' }), 'hour')
  assert.equal(widthOf({ intervalMs: null }), 'day')
  const windowOf = (shape: LakeLayout['windows'][number]['shape']) => lakeTables({ ...layout, windows: [{ ...layout.windows[0]!, shape }] }).rollups[0]!.width
  assert.equal(windowOf({ kind: 'tumbling', sizeMs: 3_600_000 }), 'year')
  assert.equal(windowOf({ kind: 'hopping', sizeMs: 3_600_000, advanceMs: 60_000 }), 'month')
  assert.equal(windowOf({ kind: 'session', gapMs: 5_000 }), 'day')
})

test('a source whose fields are kept has a table of them beside the readings, by the same key', () => {
  const contract = '{"type":"record","name":"Truck","fields":[{"name":"unitId","type":"string"},{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"tempF","type":["null","float"]},{"name":"probes","type":{"type":"array","items":"double"}}]}'
  const { raw: [polar, ...none], all } = lakeTables({ ...layout, raw: [{ source: 'polarA', contract }] })
  assert.deepEqual(none, [])
  assert(all.includes(polar!))
  assert.equal(polar!.width, 'month')
  assert.equal(createTable('fleet', polar!), `CREATE TABLE IF NOT EXISTS fleet.cold_chain_raw_polar_a (
  key text,
  bucket text,
  at timestamp,
  partition int,
  offset bigint,
  arrived_at timestamp,
  unit_id text,
  at_field timestamp,
  temp_f float,
  probes frozen<list<double>>,
  PRIMARY KEY ((key, bucket), at, partition, offset)
) WITH comment = 'Millrace, pipeline cold-chain: a reading of the source polarA as it was sent'
  AND compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': '3'}
  AND default_time_to_live = 7776000`)
})

test('files of rows that expire are about thirty, whatever the time to live', () => {
  const compactionOf = (rawTtlMs: number) => /unit': '(\w+)', 'compaction_window_size': '(\d+)'/.exec(createTable('fleet', lakeTables({ ...layout, rawTtlMs }).readings!))!.slice(1).join(' ')
  assert.deepEqual([365 * day, 30 * day, 7 * day, day, 60_000].map(compactionOf), ['DAYS 12', 'DAYS 1', 'HOURS 6', 'MINUTES 48', 'MINUTES 1'])
})

test('reserved words and odd names are quoted', () => {
  assert.deepEqual(['order', 'token', 'at', 'key', '2nd', 'Ä"b'].map(identifier), ['"order"', '"token"', 'at', 'key', '"2nd"', '"Ä""b"'])
})

test('names that become one, are taken or too long are refused', () => {
  const refused = (change: Partial<LakeLayout>, details: RegExp) => assert.throws(() => lakeTables({ ...layout, ...change }), error => {
    assert(error instanceof StreamError)
    assert.equal(error.code, 'LAKE_LAYOUT')
    assert.match(error.message.replaceAll('"', ''), details)
    return true
  })
  const signal = (name: string) => ({ name, kind: 'text', unit: null } as const)
  refused({ signals: [signal('doorOpen'), signal('door_open')] }, /signal=door_open becomes=door_open as=doorOpen/)
  refused({ signals: [signal('bucket')] }, /signal=bucket/)
  refused({ signals: [signal('firstArrival')] }, /signal=firstArrival/)
  refused({ windows: [{ ...layout.windows[0]!, name: 'late' }] }, /window=late/)
  refused({ windows: [{ ...layout.windows[0]!, parts: [{ name: 'p99', signal: 'celsius', part: 'n' }] }] }, /statistic=p99/)
  refused({ pipeline: 'a-pipeline-whose-name-is-a-little-too-long-for-it' }, /letters=\d+ max=48/)
  refused({ pipeline: 'millrace', windows: [{ ...layout.windows[0]!, name: 'offsets' }] }, /table=millrace_offsets/)
  refused({ rawTtlMs: 21 * 365 * day }, /20 years/)
})

test('a key lies in the same shard for ever', () => {
  assert.deepEqual(['truck-1', 'truck-2', 'Kühl 🧊', ''].map(key => shardOf(key, 16)), [0, 2, 4, 9])
  const used = new Set(Array.from({ length: 500 }, (_, index) => shardOf(`truck-${index}`, 16)))
  assert.equal(used.size, 16)
})
