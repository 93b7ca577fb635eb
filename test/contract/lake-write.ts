import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type ColumnSpec, createBatch } from '../../pipelines/core/batch.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'
import type { LakeLayout, LakePort, LakeRow } from '../../pipelines/core/lake-ports.ts'
import { createWindowBatch, growWindowBatch } from '../../pipelines/core/window-batch.ts'
import type { ControlEvent } from '../../schemas/control-event.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'

export const layout: LakeLayout = {
  pipeline: 'cold-chain', keyspace: 'fleet',
  signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'doorOpen', kind: 'bool', unit: null }, { name: 'site', kind: 'text', unit: null }],
  windows: [{
    name: 'minute', shape: { kind: 'tumbling', sizeMs: 60_000 }, parts: [],
    columns: [{ name: 'mean', kind: 'number', unit: 'Cel' }, { name: 'open', kind: 'bool' }, { name: 'worst', kind: 'text' }, { name: 'seen', kind: 'value' }],
  }],
  rawMode: 'rows', intervalMs: null, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
}

/** Columns that are where a row lies, and no value: a lake has them or not. */
const placing = ['bucket', 'shard', 'month', 'day']

export interface LakeUnderTest {
  readonly lake: LakePort
  /** Rows of a table (its name behind the pipeline's), columns by the names of the tables, times in milliseconds since the epoch. */
  readonly rows: (table: string) => Promise<readonly LakeRow[]>
  /** The same lake opened again by another process. */
  readonly another: () => Promise<LakePort>
}
export type OpenLakeUnderTest = (t: TestContext) => Promise<LakeUnderTest>

export const task = { source: 'polar', topic: 'fleet.polar', partition: 3 }
export const position = (offset: number, metadata = '') => ({ topic: task.topic, partition: task.partition, offset, metadata })

interface Reading { readonly key: string, readonly at: number, readonly celsius?: number | null, readonly doorOpen?: boolean | null, readonly site?: string | null, readonly arrival?: number }

export function addReadings (lake: LakePort, rows: readonly Reading[], { keys = new KeyTable(10_000), offset = 0 }: { readonly keys?: KeyTable, readonly offset?: number } = {}): void {
  const batch = createBatch(layout.signals, Math.max(1, rows.length))
  batch.count = rows.length
  let clock = 0
  rows.forEach((row, index) => {
    const { key, at, arrival = at + 5 } = row
    clock = Math.max(clock, arrival)
    batch.key[index] = keys.internText(key)
    batch.at[index] = at
    batch.arrival[index] = arrival
    batch.arrivalClock[index] = clock
    batch.position[index] = offset + index
    for (const column of batch.columns) putCell(column, index, row[column.name as keyof Reading] ?? null)
  })
  lake.addReadings({ ...task, batch, keys })
}

type Columns = ReturnType<typeof createBatch>['columns']

function putCell (column: Columns[number], row: number, value: unknown): void {
  column.known[row] = value === null ? 0 : 1
  if (column.kind === 'text') column.values[row] = value === null ? 0 : column.dictionary.internText(String(value))
  else if (column.kind === 'value') column.values[row] = value
  else column.values[row] = Number(value ?? Number.NaN)
}

interface Rollup { readonly key: string, readonly start: number, readonly end?: number, readonly mean?: number | null, readonly open?: boolean, readonly worst?: string, readonly seen?: unknown, readonly revision?: number, readonly retraction?: boolean, readonly clock?: number, readonly expected?: number }

function addRollups (lake: LakePort, rows: readonly Rollup[], keys = new KeyTable(10_000)): void {
  const batch = createWindowBatch(layout.windows[0]!.columns as readonly ColumnSpec[], 1)
  for (const given of rows) {
    growWindowBatch(batch)
    const row = batch.count
    const { key, start, end = start + 60_000, revision = 0, retraction = false, clock = end, expected = Number.NaN } = given
    batch.key[row] = keys.internText(key)
    batch.start[row] = start
    batch.end[row] = end
    batch.arrival[row] = batch.arrivalClock[row] = clock
    batch.position[row] = row
    batch.expected[row] = expected
    batch.received[row] = 2
    batch.revision[row] = revision
    batch.final[row] = 1
    batch.retraction[row] = retraction ? 1 : 0
    for (const column of batch.columns) putCell(column, row, given[column.name as keyof Rollup] ?? null)
    batch.count += 1
  }
  lake.addRollups({ ...task, window: 'minute', rows: batch, keys })
}

const event = (more: Partial<ControlEvent>): ControlEvent => ({
  id: `${more.alertId ?? 'a1'}-${more.seq ?? 0}`, alertId: 'a1', seq: 0, ordinal: 1, pipeline: 'cold-chain', rule: 'tooWarm', ruleVersion: 'v1', key: 'truck', state: 'raised', severity: 'critical', reason: null,
  labels: { site: 'Oslo "north"' }, summary: null, at: 1_700_000_000_000, raisedAt: 1_700_000_000_000, arrivedAt: 1_700_000_000_500, expiresAt: null, mode: 'live', values: { celsius: 9.5, door: true, text: '𝔞', none: null }, units: { celsius: 'Cel' },
  window: null, source: { topic: 'fleet.polar', partition: 3, offset: 7 }, ...more,
})

const letter = (more: Partial<DeadLetter>): DeadLetter => ({
  pipeline: 'cold-chain', step: 'decode', reason: 'DECODE_TRUNCATED', message: 'Cannot "decode" 🚚', arrival: 1_700_000_000_000, schemaId: 4, key: Uint8Array.of(0, 255), value: Uint8Array.of(1, 2, 3), headers: [['h', Uint8Array.of(9)]],
  source: { topic: 'fleet.polar', partition: 3, offset: 11 }, ...more,
})

/** What every lake must do with what it is given to keep. */
export function lakeWriteContract (name: string, open: OpenLakeUnderTest, skip: string | false = false): void {
  const it = (what: string, body: (lake: LakeUnderTest, t: TestContext) => Promise<void>) => { test(`${name}: ${what}`, { skip }, async t => { await body(await open(t), t) }) }
  const sorted = async ({ rows }: LakeUnderTest, table: string, by: string) => (await rows(table)).map(row => Object.fromEntries(Object.entries(row).filter(([column]) => !placing.includes(column)))).toSorted((a, b) => compare(a[by], b[by]))

  it('readings come back as they went in, of every kind, missing ones as null', async under => {
    const site = `Ålesund "quai" O'Brien 🚚 ${'x'.repeat(70_000)}`
    const readings: Required<Reading>[] = [
      { key: 'a', at: 1_700_000_000_000, arrival: 1_700_000_000_005, celsius: 4.5, doorOpen: true, site: 'Oslo' },
      { key: 'a', at: 1_700_000_000_000, arrival: 1_700_000_000_006, celsius: Number.NaN, doorOpen: false, site: '' },
      { key: '🚚 "quoted" \'twice\' \\ ; --', at: -1, arrival: 4, celsius: null, doorOpen: null, site: null },
      { key: 'x'.repeat(60_000), at: 0, arrival: 5, celsius: Number.POSITIVE_INFINITY, doorOpen: null, site },
      { key: 'a', at: 2 ** 40 + 5, arrival: 2 ** 40 + 5, celsius: Number.NEGATIVE_INFINITY, doorOpen: true, site: 'Å' },
      { key: 'b', at: 951_782_400_000, arrival: 951_782_400_000, celsius: -0, doorOpen: null, site: 'Oslo' },
      { key: 'b', at: 951_782_400_000, arrival: 951_782_400_000, celsius: 5e-324, doorOpen: null, site: 'Oslo' },
    ]
    addReadings(under.lake, readings, { offset: 2 ** 33 })
    await under.lake.commit([position(2 ** 33 + readings.length, '{"a":1}')])
    assert.deepEqual(await sorted(under, 'readings', 'offset'), readings.map(({ key, at, arrival, celsius, doorOpen, site }, index) => (
      { key, at, partition: 3, offset: 2 ** 33 + index, arrived_at: arrival, source: 'polar', celsius, door_open: doorOpen, site }
    )))
    assert.deepEqual(await under.lake.committed(task.topic, 3), { offset: 2 ** 33 + readings.length, metadata: '{"a":1}' })
    assert.equal(await under.lake.committed(task.topic, 4), null)
    assert.equal(await under.lake.committed('other', 3), null)
  })

  it('many keys over many days and commits are there row for row, and once when they are written again', async under => {
    const keys = new KeyTable(10_000)
    const rows = Array.from({ length: 6_000 }, (_, n) => ({ key: `truck-${n % 97}`, at: 1_700_000_000_000 + Math.floor(n / 50) * 40_000_000 + n, celsius: n % 11 === 0 ? null : n / 8, site: n % 3 === 0 ? `site ${n % 40}` : null }))
    for (let round = 0; round < 2; round += 1) {
      for (let from = 0; from < rows.length; from += 1_500) {
        addReadings(under.lake, rows.slice(from, from + 700), { keys, offset: from })
        addReadings(under.lake, rows.slice(from + 700, from + 1_500), { keys, offset: from + 700 })
        await under.lake.commit([position(from + 1_500)])
      }
      if (under.lake.name === 'duckdb') break
      under.lake.discard()
    }
    const found = await sorted(under, 'readings', 'offset')
    assert.deepEqual(found.map(({ key, at, offset, celsius, site }) => [key, at, offset, celsius, site]), rows.map(({ key, at, celsius, site }, n) => [key, at, n, celsius, site]))
  })

  it('a rollup of a higher revision takes the place of the row, with all of its columns', async under => {
    const { lake } = under
    const empty = { open: null, worst: null, seen: null }
    const row = (key: string, start: number, more: LakeRow) => ({ key, start, end: start + 60_000, source: 'polar', partition: 3, expected: null, received: 2, revision: 0, final: true, ...empty, mean: null, ...more })
    addRollups(lake, [{ key: 'a', start: 0, mean: 1, seen: [1, 'two', null], worst: 'Oslo', open: true, expected: 3 }, { key: 'a', start: 60_000, mean: Number.NaN }, { key: 'b', start: 0, mean: Number.POSITIVE_INFINITY }])
    await lake.commit([position(1)])
    assert.deepEqual(await sorted(under, 'minute', 'start').then(rows => rows.toSorted((a, b) => compare(`${a.key}${a.start}`, `${b.key}${b.start}`))), [
      row('a', 0, { mean: 1, open: true, worst: 'Oslo', seen: '[1,"two",null]', expected: 3 }), row('a', 60_000, { mean: Number.NaN }), row('b', 0, { mean: Number.POSITIVE_INFINITY }),
    ])
    addRollups(lake, [{ key: 'a', start: 0, mean: 1.5, revision: 1, seen: [], clock: 70_000 }, { key: 'a', start: 0, revision: 2, clock: 70_000 }])
    addRollups(lake, [{ key: 'b', start: 0, revision: 1, retraction: true, clock: 70_000 }, { key: 'b', start: -10, end: 70, mean: 9, revision: 2, clock: 70_000 }])
    await lake.commit([position(2)])
    addRollups(lake, [{ key: 'b', start: -10, revision: 3, retraction: true, clock: 70_001 }, { key: 'b', start: -10, end: 80, mean: 10, revision: 4, clock: 70_001 }])
    await lake.commit([position(3)])
    assert.deepEqual((await sorted(under, 'minute', 'start')), [row('b', -10, { end: 80, mean: 10, revision: 4 }), row('a', 0, { revision: 2 }), row('a', 60_000, { mean: Number.NaN })])
  })

  it('an episode is one row: what is said of it last, and when it was raised and cleared', async under => {
    const { lake } = under
    const raised = event({})
    const cleared = event({ seq: 2, state: 'cleared', severity: 'warning', reason: 'stale', at: 1_700_000_090_000, arrivedAt: 1_700_000_091_000, expiresAt: 1_700_000_100_000, summary: 'over', values: { celsius: 3 }, source: { topic: 'fleet.polar', partition: 3, offset: 30 } })
    const updated = event({ seq: 1, state: 'updated', at: 1_700_000_050_000, arrivedAt: 1_700_000_051_000, source: { topic: 'fleet.polar', partition: 3, offset: 20 } })
    lake.addEvents([raised, updated])
    await lake.commit([position(1)])
    lake.addEvents([cleared])
    await lake.commit([position(2)])
    lake.addEvents([updated, raised, event({ alertId: 'a2', key: 'van', window: { name: 'minute', start: 0, end: 60_000, revision: 0, expected: null, received: 2 } })])
    await lake.commit([position(3)])
    for (const table of ['alerts', 'alerts_by_day']) {
      const [one, two, ...more] = await sorted(under, table, 'alert_id')
      assert.deepEqual(more, [])
      const { labels, values, units, window, ...facts } = one!
      assert.deepEqual([labels, values, units, window].map(parsed), [{ site: 'Oslo "north"' }, { celsius: 3 }, { celsius: 'Cel' }, null])
      assert.deepEqual(facts, {
        key: 'truck', raised_at: 1_700_000_000_000, alert_id: 'a1', rule: 'tooWarm', rule_version: 'v1', severity: 'warning', state: 'cleared', seq: 2, ordinal: 1, reason: 'stale', summary: 'over',
        raised_arrival: 1_700_000_000_500, cleared_at: 1_700_000_090_000, updated_at: 1_700_000_090_000, expires_at: 1_700_000_100_000, mode: 'live', topic: 'fleet.polar', partition: 3, offset: 30,
      })
      assert.deepEqual([two!.key, two!.state, two!.cleared_at, two!.summary, two!.expires_at], ['van', 'raised', null, null, null])
      assert.deepEqual(parsed(two!.window), { name: 'minute', start: 0, end: 60_000, revision: 0, expected: null, received: 2 })
    }
  })

  it('dead letters and late readings keep their bytes', async under => {
    const { lake } = under
    lake.addDeadLetters([letter({}), letter({ source: { topic: 'fleet.polar', partition: 3, offset: 12 }, key: null, value: null, headers: [], schemaId: null, step: 'sink' })])
    lake.addLate([{ pipeline: 'cold-chain', window: 'minute', key: 'truck 🚚', at: 5, arrival: 1_700_000_000_001, value: Uint8Array.of(0, 1, 255), source: { topic: 'fleet.polar', partition: 3, offset: 13 } }])
    await lake.commit([position(1)])
    const [one, two, ...more] = await sorted(under, 'dead_letters', 'offset')
    assert.deepEqual(more, [])
    const { headers, ...facts } = one!
    assert.deepEqual(facts, { arrived_at: 1_700_000_000_000, topic: 'fleet.polar', partition: 3, offset: 11, step: 'decode', reason: 'DECODE_TRUNCATED', message: 'Cannot "decode" 🚚', schema_id: 4, key: Uint8Array.of(0, 255), value: Uint8Array.of(1, 2, 3) })
    assert.deepEqual(parsed(headers), [['h', '09']])
    assert.deepEqual([two!.key, two!.value, two!.schema_id, two!.step], [null, null, null, 'sink'])
    assert.deepEqual(await sorted(under, 'late', 'offset'), [{ arrived_at: 1_700_000_000_001, topic: 'fleet.polar', partition: 3, offset: 13, window: 'minute', key: 'truck 🚚', at: 5, value: Uint8Array.of(0, 1, 255) }])
  })

  it('the keys table keeps first and last arrival over commits, tasks and openings', async under => {
    const { lake } = under
    const [one, two] = [new KeyTable(100), new KeyTable(100)]
    const add = (keys: KeyTable, key: string, arrival: number) => { addReadings(lake, [{ key, at: 1, arrival }], { keys, offset: arrival }) }
    add(one, 'a', 50)
    add(one, 'a', 40)
    add(two, 'b', 0)
    await lake.commit([position(1)])
    add(one, 'a', 90)
    add(two, 'a', 45)
    await lake.commit([position(2)])
    lake.discard()
    add(one, 'a', 60)
    await lake.commit([position(3)])
    const rows = await sorted(under, 'keys', 'key')
    assert.deepEqual(rows.map(({ key, source, first_arrival, last_arrival }) => ({ key, source, first_arrival, last_arrival })), [
      { key: 'a', source: 'polar', first_arrival: 40, last_arrival: 90 }, { key: 'b', source: 'polar', first_arrival: 0, last_arrival: 0 },
    ])
  })

  it('nothing is there before commit, nor after discard; positions are, once it has', async under => {
    const { lake } = under
    addReadings(lake, [{ key: 'a', at: 1, celsius: 1 }])
    assert.equal(lake.pendingRows, 1)
    assert.deepEqual(await under.rows('readings'), [])
    lake.discard()
    assert.equal(lake.pendingRows, 0)
    addReadings(lake, [{ key: 'b', at: 1, celsius: 1 }], { offset: 7 })
    await lake.commit([position(8, 'm'), { ...position(3, 'n'), topic: 'other' }])
    assert.deepEqual((await under.rows('readings')).map(({ key, offset }) => [key, offset]), [['b', 7]])
    assert.deepEqual((await under.rows('keys')).map(({ key }) => key), ['b'])
    assert.deepEqual(await lake.committed(task.topic, 3), { offset: 8, metadata: 'm' })
    assert.deepEqual(await lake.committed('other', 3), { offset: 3, metadata: 'n' })
  })

  it('a position may stay while what goes with it changes, and be set back', async under => {
    const { lake } = under
    const now = () => lake.committed(task.topic, 3)
    for (const [offset, metadata] of [[10, '9'], [10, '10'], [10, '1'], [20, ''], [5, 'back'], [6, 'on'], [6, 'a']] as const) {
      await lake.commit([position(offset, metadata)])
      assert.deepEqual(await now(), { offset, metadata })
    }
  })

  it('rows may be added while a commit is under way', async under => {
    const { lake } = under
    const keys = new KeyTable(100)
    let committing = Promise.resolve()
    for (let n = 0; n < 20; n += 1) {
      addReadings(lake, Array.from({ length: 100 }, (_, row) => ({ key: `k${row % 7}`, at: n * 100 + row, celsius: n })), { keys, offset: n * 100 })
      await committing
      committing = lake.commit([position((n + 1) * 100)])
    }
    await committing
    assert.deepEqual((await sorted(under, 'readings', 'offset')).map(({ offset }) => offset), Array.from({ length: 2_000 }, (_, offset) => offset))
  })

  it('another opening goes on where the first one stopped', async under => {
    addReadings(under.lake, [{ key: 'a', at: 1 }])
    await under.lake.commit([position(1, 'here')])
    addReadings(under.lake, [{ key: 'lost', at: 1 }], { offset: 1 })
    await under.lake.close()
    const lake = await under.another()
    assert.deepEqual(await lake.committed(task.topic, 3), { offset: 1, metadata: 'here' })
    addReadings(lake, [{ key: 'b', at: 1 }], { offset: 1 })
    await lake.commit([position(2)])
    assert.deepEqual((await sorted(under, 'readings', 'offset')).map(({ key }) => key), ['a', 'b'])
  })
}

const parsed = (value: unknown): unknown => typeof value === 'string' ? JSON.parse(value) : value
function compare (a: unknown, b: unknown): number { return a === b ? 0 : (a as number) < (b as number) ? -1 : 1 }
