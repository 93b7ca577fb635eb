import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { openDuckReader } from '../../../connectors/duckdb/lake-reader.ts'
import { KeyTable } from '../../../pipelines/core/keys.ts'
import { type Batch, createBatch } from '../../../pipelines/core/batch.ts'
import { createWindowBatch } from '../../../pipelines/core/window-batch.ts'
import type { ControlEvent } from '../../../schemas/control-event.ts'
import { lakeFile, lakeFor, layout, readings, rollups } from './lake-kit.ts'

const task = { source: 'polar', topic: 'fleet.polar', partition: 3 }
const position = (offset: number, metadata = '') => ({ topic: 'fleet.polar', partition: 3, offset, metadata })

test('lake: readings come back as they went in, missing values as null', async t => {
  const lake = await lakeFor(t)
  const keys = new KeyTable(100)
  const long = 'a-refrigerated-truck-with-a-long-name'
  const batch = readings([
    { key: 'a', at: 1_700_000_000_000, celsius: 4.5, doorOpen: true, site: 'Oslo' },
    { key: long, at: -1, celsius: null, doorOpen: null, site: null },
    { key: 'twelve-bytes', at: 0, celsius: -0.25, doorOpen: false, site: 'a site whose name does not fit in place' },
    { key: long, at: 2 ** 40 + 5, celsius: 1e300, doorOpen: true, site: 'Å' },
  ], keys, { offset: 2 ** 33 })
  lake.addReadings({ ...task, batch, keys })
  await lake.commit([position(2 ** 33 + 4)])
  assert.deepEqual(await lake.query('SELECT * FROM cold_chain_readings ORDER BY "offset"'), [
    { key: 'a', at: 1_700_000_000_000, arrived_at: 1_700_000_000_005, source: 'polar', partition: 3, offset: 2 ** 33, celsius: 4.5, door_open: true, site: 'Oslo' },
    { key: long, at: -1, arrived_at: 4, source: 'polar', partition: 3, offset: 2 ** 33 + 1, celsius: null, door_open: null, site: null },
    { key: 'twelve-bytes', at: 0, arrived_at: 5, source: 'polar', partition: 3, offset: 2 ** 33 + 2, celsius: -0.25, door_open: false, site: 'a site whose name does not fit in place' },
    { key: long, at: 2 ** 40 + 5, arrived_at: 2 ** 40 + 10, source: 'polar', partition: 3, offset: 2 ** 33 + 3, celsius: 1e300, door_open: true, site: 'Å' },
  ])
})

test('lake: many batches with a reused batch, long names and a dictionary that begins anew are stored row for row', async t => {
  const lake = await lakeFor(t)
  const keys = new KeyTable(10_000)
  const batch = createBatch(layout.signals, 5_000)
  const site = batch.columns[2]!
  let offset = 0
  const expected: unknown[] = []
  for (let round = 0; round < 4; round += 1) {
    if (round % 2 === 1 && site.kind === 'text') site.dictionary.clear()
    const rows = Array.from({ length: 4_999 - round }, (_, row) => ({ key: row % 3 === 0 ? `truck-${row % 700}` : `a-truck-with-a-long-name-${row % 900}`, at: row, celsius: row % 7 === 0 ? null : row / 4, site: `site of round ${round} number ${row % 50}` }))
    lake.addReadings({ ...task, batch: readings(rows, keys, { offset, batch }), keys })
    expected.push(...rows.map((row, index) => [row.key, row.celsius, row.site, offset + index]))
    offset += rows.length
  }
  await lake.commit([position(offset)])
  const rows = await lake.query('SELECT key, celsius, site, "offset" FROM cold_chain_readings ORDER BY "offset"')
  assert.deepEqual(rows.map(row => Object.values(row)), expected)
})

test('lake: a buffer that comes back from a batch without gaps shows nothing of it in a batch of gaps', async t => {
  const lake = await lakeFor(t)
  const keys = new KeyTable(100)
  const rows = 3_000
  for (const round of [0, 1, 2]) {
    const full = round === 0
    const batch = readings(Array.from({ length: rows }, (_, row) => ({ key: 'a', at: row, celsius: full || row % 2 === 0 ? row : null, doorOpen: full ? true : null, site: full || row % 3 === 0 ? 'a site with a long name' : null })), keys, { offset: round * rows })
    lake.addReadings({ ...task, batch, keys })
    await lake.commit([position((round + 1) * rows)])
  }
  const after = await lake.query(`SELECT count(celsius) AS celsius, sum(celsius) AS sum, count(door_open) AS door, count(site) AS site, count(*) FILTER (site = '') AS empty FROM cold_chain_readings WHERE "offset" >= ${rows}`)
  assert.deepEqual(after, [{ celsius: rows, sum: 2 * (rows / 2) * (rows / 2 - 1), door: 0, site: 2 * rows / 3, empty: 0 }])
})

test('lake: nothing is there before commit, nor after discard', async t => {
  const lake = await lakeFor(t)
  const keys = new KeyTable(100)
  const count = async () => (await lake.query('SELECT count(*) AS n FROM cold_chain_readings'))[0]!.n
  lake.addReadings({ ...task, batch: readings([{ key: 'a', at: 1, celsius: 1 }], keys), keys })
  assert.equal(lake.pendingRows, 1)
  assert.equal(await count(), 0)
  lake.discard()
  assert.equal(lake.pendingRows, 0)
  lake.addReadings({ ...task, batch: readings([{ key: 'b', at: 1, celsius: 1 }], keys, { offset: 7 }), keys })
  await lake.commit([position(8, 'm')])
  assert.deepEqual(await lake.query('SELECT key, "offset" FROM cold_chain_readings'), [{ key: 'b', offset: 7 }])
  assert.deepEqual(await lake.query('SELECT key FROM cold_chain_keys'), [{ key: 'b' }])
  assert.deepEqual(await lake.committed('fleet.polar', 3), { offset: 8, metadata: 'm' })
  assert.equal(await lake.committed('fleet.polar', 4), null)
})

test('lake: after a failed commit nothing of the same run is written until discard', async t => {
  const lake = await lakeFor(t)
  const keys = new KeyTable(100)
  const add = (offset: number) => { lake.addReadings({ ...task, batch: readings([{ key: 'a', at: 1, celsius: 1 }], keys, { offset }), keys }) }
  add(0)
  const failing = lake.commit([{ ...position(1), partition: 2 ** 40 }])
  add(1)
  const after = lake.commit([position(2)])
  await assert.rejects(failing, { code: 'LAKE_UNAVAILABLE' })
  await assert.rejects(after, { code: 'LAKE_UNAVAILABLE' })
  assert.equal(await lake.committed('fleet.polar', 3), null)
  lake.discard()
  add(0)
  await lake.commit([position(1)])
  assert.deepEqual(await lake.query('SELECT "offset" FROM cold_chain_readings'), [{ offset: 0 }])
})

test('lake: a rollup of a higher revision replaces the row, a retraction removes it, the last of one commit wins', async t => {
  const lake = await lakeFor(t)
  const keys = new KeyTable(100)
  const add = (...rows: Parameters<typeof rollups>[0]) => { lake.addRollups({ ...task, window: 'minute', rows: rollups(rows, keys), keys }) }
  const table = () => lake.query('SELECT key, start, "end", mean, revision, received, expected, seen FROM cold_chain_minute ORDER BY key, start')
  const row = (key: string, start: number, end: number, mean: number | null, revision: number, seen = '[]') => ({ key, start, end, mean, revision, received: 2, expected: null, seen })
  add({ key: 'a', start: 0, end: 60, mean: 1, seen: [1, 2] }, { key: 'a', start: 60, end: 120, mean: null }, { key: 'b', start: 0, end: 60, mean: 3 })
  await lake.commit([position(1)])
  assert.deepEqual(await table(), [row('a', 0, 60, 1, 0, '[1,2]'), row('a', 60, 120, null, 0), row('b', 0, 60, 3, 0)])
  add({ key: 'a', start: 0, end: 60, mean: 1.5, revision: 1 }, { key: 'a', start: 0, end: 60, mean: 2, revision: 2 })
  add({ key: 'b', start: 0, end: 60, mean: null, retraction: true }, { key: 'b', start: -10, end: 70, mean: 9 })
  await lake.commit([position(2)])
  assert.deepEqual(await table(), [row('a', 0, 60, 2, 2), row('a', 60, 120, null, 0), row('b', -10, 70, 9, 0)])
  add({ key: 'b', start: -10, end: 70, mean: null, retraction: true }, { key: 'b', start: -10, end: 80, mean: 10 })
  await lake.commit([position(3)])
  assert.deepEqual((await table()).at(-1), row('b', -10, 80, 10, 0))
})

test('lake: the keys table keeps first and last arrival over commits and tasks', async t => {
  const lake = await lakeFor(t)
  const one = new KeyTable(100)
  const two = new KeyTable(100)
  const add = (keys: KeyTable, key: string, at: number) => { lake.addReadings({ ...task, batch: readings([{ key, at, celsius: 1 }], keys, { arrivalDelayMs: 0 }), keys }) }
  add(one, 'a', 50)
  add(one, 'a', 40)
  add(two, 'b', 0)
  await lake.commit([position(1)])
  add(one, 'a', 90)
  add(two, 'a', 45)
  await lake.commit([position(2)])
  assert.deepEqual(await lake.query('SELECT * FROM cold_chain_keys ORDER BY key'), [
    { key: 'a', source: 'polar', first_arrival: 40, last_arrival: 90, site: null }, { key: 'b', source: 'polar', first_arrival: 0, last_arrival: 0, site: null },
  ])
})

test('lake: the keys table has the last value of every text signal, whatever commit, batch or dictionary it came in', async t => {
  const lake = await lakeFor(t)
  const keys = new KeyTable(100)
  const batch = createBatch(layout.signals, 10)
  const site = batch.columns[2]!
  const add = (...rows: readonly [string, number, string | null][]) => { lake.addReadings({ ...task, batch: readings(rows.map(([key, at, site]) => ({ key, at, celsius: 1, site })), keys, { arrivalDelayMs: 0, batch }), keys }) }
  const sites = async () => Object.fromEntries((await lake.query('SELECT key, site FROM cold_chain_keys ORDER BY key')).map(({ key, site }) => [key, site]))
  add(['a', 1, 'Oslo'], ['b', 2, null], ['a', 3, 'a site whose name does not fit in place'], ['c', 4, 'Bergen'], ['a', 5, null])
  await lake.commit([position(5)])
  assert.deepEqual(await sites(), { a: 'a site whose name does not fit in place', b: null, c: 'Bergen' })
  if (site.kind === 'text') site.dictionary.clear()
  add(['a', 6, null], ['b', 7, 'Tromso'], ['c', 8, 'Narva'])
  if (site.kind === 'text') site.dictionary.clear()
  add(['c', 9, ''])
  await lake.commit([position(9)])
  assert.deepEqual(await sites(), { a: 'a site whose name does not fit in place', b: 'Tromso', c: '' })
  const other = new KeyTable(100)
  lake.addReadings({ ...task, partition: 4, batch: readings([{ key: 'b', at: 3, celsius: 1, site: 'of long ago' }, { key: 'd', at: 3, celsius: 1, site: 'Kiruna' }], other, { arrivalDelayMs: 0 }), keys: other })
  await lake.commit([position(9)])
  assert.deepEqual(await sites(), { a: 'a site whose name does not fit in place', b: 'Tromso', c: '', d: 'Kiruna' })
})

test('lake: event time keeps its microseconds, before the epoch and far ahead too, and never rounds into the next millisecond', async t => {
  const file = lakeFile(t)
  const lake = await lakeFor(t, file)
  const keys = new KeyTable(100)
  const times = [1_700_000_000_000.123, 59_999.9999, -0.5, -1_700_000_000_000.25, 4_294_967.2965, 4_294_967.2955, 0, 8.64e15 - 1, -8.64e15 + 1, 2 ** 40 + 5]
  lake.addReadings({ ...task, batch: readings(times.map(at => ({ key: 'a', at, celsius: 1 })), keys), keys })
  await lake.commit([position(times.length)])
  const micros = [1_700_000_000_000.123, 59_999.999, -0.5, -1_700_000_000_000.25, 4_294_967.297, 4_294_967.296, 0, 8.64e15 - 1, -8.64e15 + 1, 2 ** 40 + 5]
  assert.deepEqual((await lake.query('SELECT "at" FROM cold_chain_readings ORDER BY "offset"')).map(({ at }) => at), micros)
  await lake.close()
  const reader = await openDuckReader({ file, layout })
  t.after(() => reader.close())
  const at: number[] = []
  for await (const rows of reader.readings({ keys: null, from: -9e15, to: 9e15, columns: [] })) at.push(...rows.at)
  assert.deepEqual(at, micros.toSorted((a, b) => a - b))
})

test('lake: a file of whole milliseconds takes fractions from then on', async t => {
  const file = lakeFile(t)
  const instance = await DuckDBInstance.create(file)
  const connection = await instance.connect()
  await connection.run('CREATE TABLE cold_chain_readings (key VARCHAR, "at" TIMESTAMP_MS, arrived_at TIMESTAMP_MS, source VARCHAR, "partition" INTEGER, "offset" BIGINT, celsius DOUBLE, door_open BOOLEAN, site VARCHAR)')
  await connection.run(`INSERT INTO cold_chain_readings SELECT 'a', make_timestamp(5000)::TIMESTAMP_MS, make_timestamp(5000)::TIMESTAMP_MS, 'polar', 0, 0, 1, NULL, NULL`)
  connection.closeSync()
  instance.closeSync()
  const lake = await lakeFor(t, file)
  const keys = new KeyTable(100)
  lake.addReadings({ ...task, batch: readings([{ key: 'a', at: 6.5, celsius: 1 }], keys, { offset: 1 }), keys })
  await lake.commit([position(2)])
  assert.deepEqual(await lake.query('SELECT "at", arrived_at FROM cold_chain_readings ORDER BY "offset"'), [{ at: 5, arrived_at: 5 }, { at: 6.5, arrived_at: 11 }])
})

test('lake: expire deletes readings by arrival', async t => {
  const lake = await lakeFor(t)
  const keys = new KeyTable(100)
  lake.addReadings({ ...task, batch: readings([{ key: 'a', at: 1_000, celsius: 1 }, { key: 'a', at: 2_000, celsius: 2 }], keys, { arrivalDelayMs: 0 }), keys })
  await lake.commit([position(2)])
  lake.addReadings({ ...task, batch: readings([{ key: 'a', at: 3_000, celsius: 3 }], keys, { arrivalDelayMs: 0, offset: 2 }), keys })
  assert.equal(await lake.expire(2_500), 1)
  await lake.commit([position(3)])
  assert.deepEqual(await lake.query('SELECT celsius FROM cold_chain_readings ORDER BY celsius'), [{ celsius: 2 }, { celsius: 3 }])
})

test('lake: expire deletes by class, rollups by their end, alerts once they are cleared, letters by arrival', async t => {
  const lake = await lakeFor(t, lakeFile(t), { ...layout, rawTtlMs: null, rollupsTtlMs: 1_000, eventsTtlMs: 2_000, lettersTtlMs: 3_000 })
  const keys = new KeyTable(100)
  const event = (alertId: string, state: 'raised' | 'cleared', at: number): ControlEvent => ({
    id: `${alertId}-0`, alertId, seq: 0, ordinal: 0, pipeline: 'cold-chain', rule: 'tooWarm', ruleVersion: 'v', key: 'a', state, severity: 'warning', reason: null, labels: {}, summary: null,
    at, raisedAt: 0, arrivedAt: at, expiresAt: null, mode: 'live', values: {}, units: {}, window: null, source: { topic: 't', partition: 0, offset: 0 },
  })
  lake.addReadings({ ...task, batch: readings([{ key: 'a', at: 1, celsius: 1 }], keys), keys })
  lake.addRollups({ ...task, window: 'minute', rows: rollups([{ key: 'a', start: 0, end: 8_999, mean: 1 }, { key: 'a', start: 60, end: 9_000, mean: 2 }], keys), keys })
  lake.addEvents([event('old', 'cleared', 7_999), event('open', 'raised', 1), event('new', 'cleared', 8_000)])
  lake.addDeadLetters([6_999, 7_000].map(arrival => ({ pipeline: 'cold-chain', step: 'decode', reason: 'r', message: '', arrival, source: { topic: 't', partition: 0, offset: arrival }, schemaId: null, key: null, value: null, headers: [] })))
  lake.addLate([6_999, 7_000].map(arrival => ({ pipeline: 'cold-chain', window: 'minute', key: 'a', at: 1, arrival, source: { topic: 't', partition: 0, offset: arrival }, value: Uint8Array.of(1) })))
  await lake.commit([position(1)])
  assert.equal(await lake.expire(10_000), 4)
  const left = async (what: string, table: string) => (await lake.query(`SELECT ${what} AS one FROM cold_chain_${table} ORDER BY one`)).map(({ one }) => one)
  assert.deepEqual([await left('key', 'readings'), await left('mean', 'minute'), await left('alert_id', 'alerts'), await left('"offset"', 'dead_letters'), await left('"offset"', 'late')], [['a'], [2], ['new', 'open'], [7_000], [7_000]])
})

test('lake: signals that come between, go and come back are stored under their own names', async t => {
  const file = lakeFile(t)
  const number = (name: string) => ({ name, kind: 'number', unit: null }) as const
  const store = async (offset: number, signals: readonly string[], window: readonly string[]) => {
    const own = { ...layout, signals: signals.map(number), windows: [{ ...layout.windows[0]!, parts: [], columns: window.map(number) }] }
    const lake = await lakeFor(t, file, own)
    const keys = new KeyTable(100)
    const fill = <B extends Batch>(batch: B): B => {
      batch.count = 1
      batch.key[0] = keys.internText('a')
      batch.position[0] = offset
      for (const column of batch.columns) {
        column.values[0] = Number(column.name.slice(1)) + offset
        column.known[0] = 1
      }
      return batch
    }
    lake.addReadings({ ...task, batch: fill(createBatch(own.signals, 1)), keys })
    const rows = fill(createWindowBatch(own.windows[0]!.columns, 1))
    rows.start[0] = offset
    lake.addRollups({ ...task, window: 'minute', rows, keys })
    await lake.commit([position(offset + 1)])
    const found = [await lake.query('SELECT * EXCLUDE (key, "at", arrived_at, source, "partition", "offset") FROM cold_chain_readings ORDER BY "offset"'), await lake.query('SELECT * EXCLUDE (key, "start", "end", source, "partition", expected, received, revision, final) FROM cold_chain_minute ORDER BY "start"')]
    await lake.close()
    return found
  }
  assert.deepEqual(await store(0, ['s100', 's300'], ['k100', 'k300']), [[{ s100: 100, s300: 300 }], [{ k100: 100, k300: 300 }]])
  await store(1, ['s100', 's200', 's300'], ['k200', 'k100', 'k300'])
  await store(2, ['s300'], ['k200'])
  assert.deepEqual(await store(3, ['s300', 's200', 's100'], ['k300', 'k200', 'k100']), [
    [{ s100: 100, s300: 300, s200: null }, { s100: 101, s300: 301, s200: 201 }, { s100: null, s300: 302, s200: null }, { s100: 103, s300: 303, s200: 203 }],
    [{ k100: 100, k300: 300, k200: null }, { k100: 101, k300: 301, k200: 201 }, { k100: null, k300: null, k200: 202 }, { k100: 103, k300: 303, k200: 203 }],
  ])
})

test('lake: a file opened again holds what was committed, and takes new signals', async t => {
  const file = lakeFile(t)
  const keys = new KeyTable(100)
  const first = await lakeFor(t, file)
  first.addReadings({ ...task, batch: readings([{ key: 'a', at: 1, celsius: 1 }], keys), keys })
  await first.commit([position(1, 'here')])
  first.addReadings({ ...task, batch: readings([{ key: 'lost', at: 1, celsius: 1 }], keys), keys })
  await first.close()
  const wider = { ...layout, signals: [...layout.signals, { name: 'limit', kind: 'number', unit: 'Cel' } as const] }
  const second = await lakeFor(t, file, wider)
  assert.deepEqual(await second.committed('fleet.polar', 3), { offset: 1, metadata: 'here' })
  assert.deepEqual(await second.query('SELECT key, "limit" FROM cold_chain_readings'), [{ key: 'a', limit: null }])
  await second.close()
  await assert.rejects(lakeFor(t, file, { ...layout, signals: [{ name: 'celsius', kind: 'text', unit: null }] }), { code: 'LAKE_LAYOUT' })
})

test('lake: names that become one are refused', async t => {
  const signals = (...names: string[]) => ({ ...layout, signals: names.map(name => ({ name, kind: 'number', unit: null }) as const) })
  for (const clash of [signals('doorOpen', 'door_open'), signals('arrivedAt'), { ...layout, windows: [{ ...layout.windows[0]!, name: 'keys' }] }]) {
    await assert.rejects(lakeFor(t, lakeFile(t), clash), { code: 'LAKE_LAYOUT' })
  }
})

test('lake: a second opening of the same file is refused', async t => {
  const file = lakeFile(t)
  await lakeFor(t, file)
  await assert.rejects(lakeFor(t, file), { code: 'LAKE_LOCKED' })
})

test('lake: a file of something else or cut short is an error, one left unfinished by a crash is made anew', async t => {
  const file = lakeFile(t)
  writeFileSync(file, 'holiday '.repeat(1_000))
  await assert.rejects(lakeFor(t, file), { code: 'LAKE_DAMAGED' })
  assert.equal(readFileSync(file, 'utf8').slice(0, 8), 'holiday ')
  writeFileSync(file, '')
  const lake = await lakeFor(t, file)
  const keys = new KeyTable(100)
  lake.addReadings({ ...task, batch: readings(Array.from({ length: 4_000 }, (_, row) => ({ key: 'a', at: row, celsius: Math.sin(row) })), keys), keys })
  await lake.commit([position(4_000)])
  await lake.close()
  const whole = readFileSync(file)
  writeFileSync(file, whole.subarray(0, 20_000))
  await assert.rejects(lakeFor(t, file), { code: 'LAKE_DAMAGED' })
  writeFileSync(file, whole.subarray(0, 5_000))
  assert.deepEqual(await (await lakeFor(t, file)).query('SELECT count(*) AS n FROM cold_chain_readings'), [{ n: 0 }])
})

test('lake: bytes of a sketch come back as they went in, short and long, whatever they are', async t => {
  const lake = await lakeFor(t)
  const keys = new KeyTable(1_000)
  const sketches = Array.from({ length: 600 }, (_, i) => Uint8Array.from({ length: i % 40 }, (_, at) => (at * 37 + i * 101) % 256))
  for (let round = 0; round < 3; round += 1) {
    lake.addRollups({ window: 'minute', ...task, keys, rows: rollups(sketches.map((sketch, i) => ({ key: `k${i}`, start: round * 60_000, end: (round + 1) * 60_000, mean: i, ...i % 50 !== 0 && { sketch } })), keys) })
    await lake.commit([position(round + 1)])
  }
  const rows = await lake.query('SELECT CAST(mean AS INTEGER) AS i, celsius_n, celsius_sketch FROM cold_chain_minute ORDER BY start, i')
  assert.equal(rows.length, 1_800)
  rows.forEach(({ i, celsius_n: n, celsius_sketch: sketch }) => {
    assert.equal(n, 2)
    assert.deepEqual(sketch === null ? null : [...sketch as Uint8Array], Number(i) % 50 === 0 ? null : [...sketches[Number(i)]!])
  })
})
