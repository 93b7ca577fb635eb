import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planOf } from '../../../connectors/cassandra/plan.ts'
import type { Present, PresentColumn, PresentTable } from '../../../connectors/cassandra/present.ts'
import { type LakeTable, ttlSeconds } from '../../../connectors/cassandra/table.ts'
import { lakeTables } from '../../../connectors/cassandra/tables.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import type { LakeLayout } from '../../../pipelines/core/lake-ports.ts'

const layout: LakeLayout = {
  pipeline: 'cold-chain', keyspace: 'fleet', rawMode: 'rows', intervalMs: 30_000, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
  signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }],
  windows: [{ name: 'hour', shape: { kind: 'tumbling', sizeMs: 3_600_000 }, columns: [{ name: 'mean', kind: 'number' }], parts: [] }],
}
const wanted = (change: Partial<LakeLayout> = {}) => lakeTables({ ...layout, ...change })
const options = { replication: { berlin: 3 } }
const nowMs = Date.parse('2026-11-25T08:00:00Z')
const nothing: Present = { keyspace: false, tables: new Map(), lastMigration: 0, made: new Set(), eras: new Map(), nowMs }

function presentOf (table: LakeTable): PresentTable {
  const kindOf = (name: string): Pick<PresentColumn, 'kind' | 'position'> => {
    if (table.partitionKey.includes(name)) return { kind: 'partition_key', position: table.partitionKey.indexOf(name) }
    return table.clustering.includes(name) ? { kind: 'clustering', position: table.clustering.indexOf(name) } : { kind: 'regular', position: -1 }
  }
  return { comment: table.comment, ttlSeconds: ttlSeconds(table.ttlMs), columns: new Map(table.columns.map(({ name, type }) => [name, { type, ...kindOf(name) }])), dropped: new Map() }
}

function there (change: (tables: Map<string, PresentTable>) => void = () => {}, rest: Partial<Present> = {}): Present {
  const tables = new Map(wanted().all.map(table => [table.name, presentOf(table)]))
  change(tables)
  return { keyspace: true, tables, lastMigration: 13, made: new Set(), nowMs, eras: new Map([['cold_chain_readings', [{ from: Number.NEGATIVE_INFINITY, width: 'month' }]], ['cold_chain_hour', [{ from: Number.NEGATIVE_INFINITY, width: 'year' }]]]), ...rest }
}

const refused = (present: Present, details: object, change: Partial<LakeLayout> = {}) => assert.throws(() => planOf(present, wanted(change), options), error => {
  assert(error instanceof StreamError && error.code === 'LAKE_LAYOUT', String(error))
  assert.partialDeepStrictEqual(error.details, details)
  return true
})

test('from nothing: the keyspace, migrations, then every table, then the widths of partitions, numbered', () => {
  const steps = planOf(nothing, wanted(), options)
  assert.equal(steps[0]!.cql, "CREATE KEYSPACE IF NOT EXISTS fleet WITH replication = {'class': 'NetworkTopologyStrategy', 'berlin': 3}")
  assert.deepEqual(steps.map(({ id, table }) => [id, table]), [
    [1, null], [2, 'cold_chain_migrations'], [3, 'cold_chain_buckets'], [4, 'millrace_offsets'], [5, 'cold_chain_keys'], [6, 'cold_chain_readings'], [7, 'cold_chain_hour'],
    [8, 'cold_chain_alerts'], [9, 'cold_chain_alerts_by_day'], [10, 'cold_chain_dead_letters'], [11, 'cold_chain_late'], [12, 'cold_chain_buckets'], [13, 'cold_chain_buckets'],
  ])
  assert.equal(steps[12]!.cql, "INSERT INTO fleet.cold_chain_buckets (table_name, from_day, width) VALUES ('cold_chain_hour', '1970-01-01', 'year') IF NOT EXISTS")
})

test('what is as it should be needs nothing, whatever more is there', () => {
  const more = (tables: Map<string, PresentTable>) => {
    tables.set('somebody_s', presentOf(wanted().late))
    const readings = tables.get('cold_chain_readings')!
    tables.set('cold_chain_readings', { ...readings, columns: new Map([...readings.columns, ['no_longer', { type: 'double', kind: 'regular', position: -1 }]]) })
  }
  assert.deepEqual(planOf(there(more), wanted(), options), [])
})

test('a new signal and a new statistic are columns more, under the next numbers', () => {
  const signals = [...layout.signals, { name: 'doorOpen', kind: 'bool', unit: null } as const]
  const windows = [{ ...layout.windows[0]!, columns: [...layout.windows[0]!.columns, { name: 'recent', kind: 'value' } as const] }]
  assert.deepEqual(planOf(there(), wanted({ signals, windows }), options).map(({ id, cql }) => [id, cql]), [
    [14, 'ALTER TABLE fleet.cold_chain_readings ADD IF NOT EXISTS door_open boolean'],
    [15, 'ALTER TABLE fleet.cold_chain_hour ADD IF NOT EXISTS recent text'],
  ])
})

test('a column of another type, or dropped with another type, is refused', () => {
  refused(there(), { table: 'cold_chain_readings', column: 'celsius', there: 'double', wanted: 'text' }, { signals: [{ name: 'celsius', kind: 'text', unit: null }] })
  const dropped = there(tables => { tables.set('cold_chain_readings', { ...tables.get('cold_chain_readings')!, dropped: new Map([['site', 'double']]) }) })
  refused(dropped, { column: 'site', there: 'dropped, it was double', wanted: 'text' }, { signals: [...layout.signals, { name: 'site', kind: 'text', unit: null }] })
})

test('another key is refused', () => {
  const present = there(tables => {
    const columns = new Map(tables.get('cold_chain_readings')!.columns)
    columns.set('bucket', { type: 'text', kind: 'clustering', position: 0 })
    columns.set('at', { type: 'timestamp', kind: 'clustering', position: 1 })
    tables.set('cold_chain_readings', { ...tables.get('cold_chain_readings')!, columns })
  })
  refused(present, { table: 'cold_chain_readings', wanted: '(key, bucket), at, partition, offset' })
})

test('a table that another program made, or another pipeline, is refused; one whose comment was changed is known by its migration', () => {
  const commented = (comment: string, rest: Partial<Present> = {}) => there(tables => { tables.set('cold_chain_readings', { ...tables.get('cold_chain_readings')!, comment }) }, rest)
  refused(commented(''), { table: 'cold_chain_readings', there: 'no comment' })
  refused(commented('the fleet\'s own'), { there: 'the fleet\'s own' })
  refused(commented('Millrace, pipeline cold_chain: a reading'), { madeFor: 'cold_chain' })
  assert.deepEqual(planOf(commented('mind the gap', { made: new Set(['cold_chain_readings']) }), wanted(), options), [])
})

test('another time to live holds for rows from now on', () => {
  const [step, ...none] = planOf(there(), wanted({ rawTtlMs: 30 * 86_400_000 }), options)
  assert.deepEqual(none, [])
  assert.match(step!.what, /keep rows of cold_chain_readings 30d instead of for ever/)
  assert.equal(step!.cql, "ALTER TABLE fleet.cold_chain_readings WITH default_time_to_live = 2592000\n  AND compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': '1'}")
})

test('another width holds from the next day on, and never for a day that has one', () => {
  const daysOf = (present: Present, rawBucket: LakeLayout['rawBucket']) => planOf(present, wanted({ rawBucket }), options).map(({ cql }) => /'(\d{4}-\d\d-\d\d)', '(\w+)'/.exec(cql)!.slice(1))
  assert.deepEqual(daysOf(there(), 'day'), [['2026-11-26', 'day']])
  assert.deepEqual(daysOf(there(), 'month'), [])
  assert.deepEqual(daysOf(there(() => {}, { nowMs: Date.parse('2026-11-25T22:00:00Z') }), 'day'), [['2026-11-27', 'day']], 'the next day is too near for those who look every hour')
  const changed = there(() => {}, { eras: new Map([['cold_chain_readings', [{ from: Number.NEGATIVE_INFINITY, width: 'month' }, { from: Date.parse('2026-11-26T00:00:00Z'), width: 'day' }]], ['cold_chain_hour', [{ from: Number.NEGATIVE_INFINITY, width: 'year' }]]]) })
  assert.deepEqual(daysOf(changed, 'day'), [])
  assert.deepEqual(daysOf(changed, 'month'), [['2026-11-27', 'month']])
})
