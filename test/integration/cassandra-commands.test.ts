import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cassandraKeyspace, noCassandra } from '../kit/cassandra.ts'
import { millrace } from '../kit/cli.ts'
import { assertAltered, assertSame, elevenMinutes } from '../kit/parity.ts'
import { asLines, readings, rooms, roomsFolder } from '../kit/rooms.ts'

const skip = noCassandra ?? false

for (const mode of ['rows', 'chunks'] as const) {
  test(`lake parity on Cassandra, in ${mode}: nothing differs in what was stored; a rollup, an alert and a reading altered by hand do, with 1`, { skip }, async t => {
    const { environment: env, keyspace, client, finish } = await cassandraKeyspace()
    t.after(finish)
    const { write, folder: cwd } = roomsFolder()
    const definition = write('kept.yaml', `${rooms}signals: { celsius: { unit: Cel } }\nlake: { keyspace: ${keyspace}, raw: { mode: ${mode}, chunk: { readings: 60 } } }\n`)
    const stored = await millrace(['run', definition, '--input', write('input.jsonl', elevenMinutes), '--rate', '5000', '--once'], { env, cwd })
    assert.equal(stored.status, 0, stored.stderr)
    const parity = () => millrace(['lake', 'parity', definition, '--from', '2023-11-14', '--to', '2023-11-14T10:09'], { env, cwd })
    assertSame(await parity())

    const table = (name: string) => `${keyspace}.rooms_${name}`
    const { rows } = await client.execute(`SELECT key, bucket, start FROM ${table('minute')}`)
    const minute = rows.find(({ key, start }) => key === 'b' && (start as Date).toISOString() === '2023-11-14T10:03:00.000Z')!
    await client.execute(`UPDATE ${table('minute')} SET mean = 7 WHERE key = ? AND bucket = ? AND start = ?`, [minute.key, minute.bucket, minute.start], { prepare: true })
    const alerts = await client.execute(`SELECT day, shard, raised_at, alert_id FROM ${table('alerts_by_day')}`)
    const [severe, gone] = ['10:02', '10:04'].map(time => alerts.rows.find(({ raised_at: at }) => (at as Date).toISOString() === `2023-11-14T${time}:00.000Z`)!)
    const place = (row: typeof severe) => [row!.day, row!.shard, row!.raised_at, row!.alert_id]
    await client.execute(`UPDATE ${table('alerts_by_day')} SET severity = 'info' WHERE day = ? AND shard = ? AND raised_at = ? AND alert_id = ?`, place(severe), { prepare: true })
    await client.execute(`DELETE FROM ${table('alerts_by_day')} WHERE day = ? AND shard = ? AND raised_at = ? AND alert_id = ?`, place(gone), { prepare: true })
    assertAltered(await parity())
    if (mode === 'chunks') return

    const reading = (await client.execute(`SELECT key, bucket, at, partition, offset FROM ${table('readings')}`)).rows.find(({ key, at }) => key === 'a' && (at as Date).toISOString() === '2023-11-14T10:05:30.000Z')
    await client.execute(`DELETE FROM ${table('readings')} WHERE key = ? AND bucket = ? AND at = ? AND partition = ? AND offset = ?`, [reading!.key, reading!.bucket, reading!.at, reading!.partition, reading!.offset], { prepare: true })
    assert.match((await parity()).stdout, /^minute of a at 2023-11-14T10:05:00\.000Z: received is 60, from readings 59$/m)
  })
}

test('reset with the lake in Cassandra: without --yes no table is made or changed, and it begins where it was told to with it', { skip }, async t => {
  const { environment: env, keyspace, client, finish } = await cassandraKeyspace()
  t.after(finish)
  const { write, folder: cwd } = roomsFolder()
  const lake = `lake: { keyspace: ${keyspace} }\n`
  const definition = write('kept.yaml', `${rooms}signals: { celsius: { unit: Cel } }\n${lake}`)
  const tables = async () => (await client.execute('SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = ?', [keyspace])).rows.map(row => `${row.table_name}.${row.column_name}`).toSorted()
  const migrations = async () => (await client.execute(`SELECT id FROM ${keyspace}.rooms_migrations`)).rowLength
  const reset = (file: string, ...args: readonly string[]) => millrace(['reset', file, '--leg', 'pond', ...args], { env, cwd })

  const early = await reset(definition, '--to', 'earliest')
  assert.notEqual(early.status, 0, early.stderr)
  assert.deepEqual(await tables(), [])

  const stored = await millrace(['run', definition, '--partitions', '1', '--input', write('input.jsonl', asLines(readings)), '--once'], { env, cwd })
  assert.equal(stored.status, 0, stored.stderr)
  const before = { tables: await tables(), migrations: await migrations() }
  // A signal and a window more: columns and a table that a start would make.
  const grown = write('grown.yaml', `${rooms.replace('rules:', '  hour: { tumbling: 1h, keep: { most: { max: celsius } } }\nrules:')}signals: { celsius: { unit: Cel }, fahrenheit: { unit: '[degF]' } }\n${lake}`
    .replace('key: room, time: { field: at } }', 'key: room, time: { field: at }, normalise: { celsius: { field: celsius }, fahrenheit: \'celsius * 1.8 + 32.0\' } }'))
  const told = await reset(grown, '--to', 'earliest')
  assert.equal(told.status, 1, told.stderr)
  assert.match(told.stderr, /rooms\/0 {2}6 -> 0\n[\s\S]*nothing was changed: say --yes/)
  assert.deepEqual({ tables: await tables(), migrations: await migrations() }, before)

  const refused = await millrace(['reset', grown, '--leg', 'pond', '--to', 'earliest', '--yes'], { env: { ...env, CASSANDRA_MIGRATIONS: 'manual' }, cwd })
  assert.equal(refused.status, 78, refused.stderr)
  assert.match(refused.stderr, /the tables of the lake are not those of the definition/)
  assert.deepEqual({ tables: await tables(), migrations: await migrations() }, before)

  const done = await reset(definition, '--to', '2', '--yes')
  assert.equal(done.status, 0, done.stderr)
  const [position] = (await client.execute(`SELECT offset FROM ${keyspace}.millrace_offsets WHERE pipeline = 'rooms' AND topic = 'rooms' AND partition = 0`)).rows
  assert.equal(Number(position?.offset), 2)
})
