import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { cassandraEnvironment as properties, cassandraSettings } from '../../connectors/cassandra/config.ts'
import { applyPlan, lakePlan, prepareTables } from '../../connectors/cassandra/migrate.ts'
import { readEras } from '../../connectors/cassandra/present.ts'
import { type CassandraSession, openSession } from '../../connectors/cassandra/session.ts'
import { lakeTables } from '../../connectors/cassandra/tables.ts'
import coldChain from '../../pipelines/catalog/cold-chain.ts'
import { layoutOf } from '../../pipelines/cli/lake-layout.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { LakeLayout } from '../../pipelines/core/lake-ports.ts'
import { compileDefinition } from '../../pipelines/define/compile.ts'
import { cassandraEnvironment, noCassandra } from '../kit/cassandra.ts'
import { millrace } from '../kit/cli.ts'
import { rooms, roomsFolder } from '../kit/rooms.ts'

const skip = noCassandra ?? false

/** A session, and the name of a keyspace that is not there; dropped at the end. */
async function room (t: TestContext, more: Readonly<Record<string, string>> = {}): Promise<{ readonly session: CassandraSession, readonly open: () => Promise<CassandraSession>, readonly layout: (change?: Partial<LakeLayout>) => LakeLayout, readonly keyspace: string }> {
  const keyspace = `t${randomBytes(6).toString('hex')}`
  const settings = cassandraSettings({ ...properties(await cassandraEnvironment()), ...more })
  const session = await openSession(settings)
  t.after(async () => {
    await session.client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`, [], { readTimeout: 60_000 })
    await session.close()
  })
  const layout = (change: Partial<LakeLayout> = {}): LakeLayout => ({
    pipeline: 'cold-chain', keyspace, rawMode: 'rows', intervalMs: 30_000, rawBucket: null, rawTtlMs: 90 * 86_400_000, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
    signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'site', kind: 'text', unit: null }],
    windows: [{ name: 'hour', shape: { kind: 'tumbling', sizeMs: 3_600_000 }, columns: [{ name: 'mean', kind: 'number' }], parts: [{ name: 'celsius_sketch', signal: 'celsius', part: 'sketch' }] }],
    ...change,
  })
  return { session, layout, keyspace, open: () => openSession(settings) }
}

const refused = (code: string, details: object = {}) => (error: unknown) => {
  assert(error instanceof StreamError, String(error))
  assert.equal(error.code, code, error.message)
  assert.partialDeepStrictEqual(error.details, details)
  return true
}

test('a plan that is applied leaves nothing to do, and every statement of it on record', { skip }, async t => {
  const { session, layout, keyspace } = await room(t)
  const tables = lakeTables(layout())
  const steps = await lakePlan(session, tables)
  assert.match(steps[0]!.cql, /CREATE KEYSPACE IF NOT EXISTS \w+ WITH replication = \{'class': 'NetworkTopologyStrategy', 'datacenter1': 1\}/)
  await applyPlan(session, tables, steps)
  assert.deepEqual(await lakePlan(session, tables), [])
  const { rows } = await session.execute(`SELECT id, what, cql, applied_at FROM ${keyspace}.cold_chain_migrations`)
  assert.deepEqual(rows.map(row => [row.id, row.what, row.cql]), steps.map(({ id, what, cql }) => [id, what, cql]))
  assert(rows.every(row => Math.abs((row.applied_at as Date).getTime() - Date.now()) < 3_600_000))
  assert.deepEqual((await readEras(session, keyspace, 'cold_chain_buckets')).get('cold_chain_readings'), [{ from: Number.NEGATIVE_INFINITY, width: 'month' }])
})

test('in chunks, and with every kind of signal and time to live, the tables are made too', { skip }, async t => {
  const { session, layout } = await room(t)
  const day = 86_400_000
  const signals = [{ name: 'order', kind: 'text', unit: null }, { name: 'doorOpen', kind: 'bool', unit: null }, { name: 'token', kind: 'number', unit: null }] as const
  for (const rawMode of ['chunks', 'rows'] as const) {
    const tables = lakeTables(layout({ rawMode, signals, pipeline: `p-${rawMode}`, rawTtlMs: day, rollupsTtlMs: 3_600_000, eventsTtlMs: 400 * day, lettersTtlMs: 1 }))
    await prepareTables(session, tables)
    assert.deepEqual(await lakePlan(session, tables), [])
  }
})

test('the shipped pipeline has its tables, and every query of docs/lake.md runs on them', { skip }, async t => {
  const { session, keyspace } = await room(t)
  await prepareTables(session, lakeTables({ ...layoutOf(compileDefinition(coldChain)), keyspace }))
  const queries = [...readFileSync('docs/lake.md', 'utf8').matchAll(/```sql\n([^`]*)```/g)].flatMap(([, block]) => block!.split(';\n')).filter(query => query.trim() !== '')
  assert(queries.length >= 6)
  for (const query of queries) await session.execute(query.replaceAll('fleet.', `${keyspace}.`), [], { prepare: false })
})

test('a signal more is a column more; another time to live and another width are taken over', { skip }, async t => {
  const { session, layout, keyspace } = await room(t)
  await prepareTables(session, lakeTables(layout()))
  await session.execute(`INSERT INTO ${keyspace}.cold_chain_readings (key, bucket, at, partition, offset, celsius) VALUES ('a', '2026-11', 0, 0, 0, 4.5)`)
  const changed = lakeTables(layout({ signals: [...layout().signals, { name: 'doorOpen', kind: 'bool', unit: null }], rawTtlMs: 30 * 86_400_000, rawBucket: 'day' }))
  const steps = await lakePlan(session, changed)
  assert.deepEqual(steps.map(({ table }) => table), ['cold_chain_readings', 'cold_chain_readings', 'cold_chain_buckets'])
  await applyPlan(session, changed, steps)
  assert.deepEqual(await lakePlan(session, changed), [])
  const { rows: [row] } = await session.execute(`SELECT celsius, door_open FROM ${keyspace}.cold_chain_readings WHERE key = 'a' AND bucket = '2026-11'`)
  assert.deepEqual([row!.celsius, row!.door_open], [4.5, null])
  const eras = (await readEras(session, keyspace, 'cold_chain_buckets')).get('cold_chain_readings')!
  assert.deepEqual(eras.map(({ width }) => width), ['month', 'day'])
  assert(eras[1]!.from > Date.now() && eras[1]!.from <= Date.now() + 2 * 86_400_000)
  const { rows } = await session.execute(`SELECT id FROM ${keyspace}.cold_chain_migrations`)
  assert.deepEqual(rows.map(({ id }) => id), Array.from({ length: rows.length }, (_, index) => index + 1))
})

test('a table that somebody else made is left alone', { skip }, async t => {
  const { session, layout, keyspace } = await room(t)
  await session.execute(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
  await session.client.execute(`CREATE TABLE ${keyspace}.cold_chain_readings (id int PRIMARY KEY, note text)`, [], { readTimeout: 60_000 })
  await assert.rejects(prepareTables(session, lakeTables(layout())), refused('LAKE_LAYOUT', { keyspace, table: 'cold_chain_readings', there: 'no comment' }))
  const { rows } = await session.execute('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [keyspace])
  assert.deepEqual(rows.map(row => row.table_name), ['cold_chain_readings'])
})

test('a signal whose type has changed is refused, with what is there and what is wanted', { skip }, async t => {
  const { session, layout } = await room(t)
  await prepareTables(session, lakeTables(layout()))
  const changed = layout({ signals: [{ name: 'celsius', kind: 'text', unit: null }, layout().signals[1]!] })
  await assert.rejects(prepareTables(session, lakeTables(changed)), refused('LAKE_LAYOUT', { table: 'cold_chain_readings', column: 'celsius', there: 'double', wanted: 'text' }))
})

test('processes that apply at the same time make each table once, and record each statement once', { skip }, async t => {
  const { session, layout, open, keyspace } = await room(t)
  const tables = lakeTables(layout())
  const others = await Promise.all([open(), open()])
  t.after(() => Promise.all(others.map(other => other.close())))
  await Promise.all([session, ...others].map(one => prepareTables(one, tables)))
  assert.deepEqual(await lakePlan(session, tables), [])
  const { rows } = await session.execute(`SELECT id, cql FROM ${keyspace}.cold_chain_migrations`)
  assert.equal(new Set(rows.map(({ cql }) => cql)).size, rows.length)
  assert.equal(rows.length, tables.all.length + 3)
})

test('what another process recorded under a lower number, while one was cut off before it recorded, is not recorded again', { skip }, async t => {
  const { session, layout, keyspace } = await room(t)
  const tables = lakeTables(layout())
  const steps = await lakePlan(session, tables)
  for (const { cql } of steps.slice(0, 4)) await session.execute(cql, [], { prepare: false })
  await prepareTables(session, tables)
  await applyPlan(session, tables, steps)
  const { rows } = await session.execute(`SELECT id, cql FROM ${keyspace}.cold_chain_migrations`)
  assert.deepEqual(rows.map(({ id }) => id), steps.map(({ id }) => id))
  assert.deepEqual(rows.map(({ cql }) => cql).toSorted(), steps.map(({ cql }) => cql).toSorted())
})

test('where changing tables is left to people, a pipeline says what would change and does nothing', { skip }, async t => {
  const { session, layout, keyspace } = await room(t, { migrations: 'manual' })
  const tables = lakeTables(layout())
  await assert.rejects(prepareTables(session, tables), refused('LAKE_MIGRATIONS', { keyspace, changes: 13 }))
  assert.equal((await session.execute('SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?', [keyspace])).rowLength, 0)
  await applyPlan(session, tables, await lakePlan(session, tables))
  await prepareTables(session, tables)
})

test('a data centre that is not there is told with those that are', { skip }, async () => {
  const settings = cassandraSettings({ ...properties(await cassandraEnvironment()), 'local.data.center': 'berlin' })
  await assert.rejects(openSession(settings), refused('LAKE_CONFIG', { property: 'local.data.center', is: 'berlin', there: ['datacenter1'] }))
})

test('a Cassandra that is not there is said to be unreachable, by name and by address', { skip }, async () => {
  const at = (points: string) => openSession(cassandraSettings({ 'contact.points': points, 'local.data.center': 'datacenter1' }))
  await assert.rejects(at('127.0.0.1:1'), refused('LAKE_UNREACHABLE', { contactPoints: '127.0.0.1:1', why: 'ECONNREFUSED' }))
  await assert.rejects(at('nowhere.invalid:9042'), refused('LAKE_UNREACHABLE', { contactPoints: 'nowhere.invalid:9042' }))
})

test('lake plan prints what cqlsh would run and ends with 2, lake apply does it when told --yes, and then there is nothing to change', { skip }, async t => {
  const { keyspace } = await room(t)
  const { write, folder: cwd } = roomsFolder()
  const definition = write('lake.yaml', `${rooms}signals: { celsius: { unit: Cel } }\nlake: { keyspace: ${keyspace}, raw: { ttl: 90d } }\n`)
  const env = await cassandraEnvironment()
  const lake = (...args: readonly string[]) => millrace(['lake', ...args], { env, cwd })
  const planned = await lake('plan', definition)
  assert.equal(planned.status, 2, planned.stderr)
  assert.match(planned.stdout, new RegExp(`^-- 1: make the keyspace ${keyspace}\nCREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = .*;\n`))
  assert.match(planned.stdout, /\n {2}celsius double,\n/)
  const told = await lake('apply', definition)
  assert.deepEqual([told.status, told.stdout], [2, planned.stdout])
  assert.match(told.stderr, /nothing was changed: say --yes/)
  const applied = await lake('apply', definition, '--yes')
  assert.equal(applied.status, 0, applied.stderr)
  assert.match(applied.stderr, /done 6: make rooms_readings: a reading/)
  const after = await lake('plan', definition)
  assert.deepEqual([after.status, after.stdout], [0, ''])
  const embedded = await lake('plan', definition, '--data', '.')
  assert.equal(embedded.status, 0)
  assert.match(embedded.stdout, /CREATE TABLE IF NOT EXISTS rooms_readings \("key" VARCHAR/)
})
