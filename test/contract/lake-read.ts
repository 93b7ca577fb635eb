import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { cell } from '../../pipelines/core/batch.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { LakeAlert, LakeKey, LakeLayout, LakePart, LakeReaderPort } from '../../pipelines/core/lake-ports.ts'
import { alertsOf } from '../../pipelines/lake/alerts.ts'
import type { LakeQuery, LakeStatistic } from '../../pipelines/lake/ask.ts'
import { episodesOf } from '../../pipelines/lake/episodes.ts'
import { queryLake } from '../../pipelines/lake/query.ts'
import { cutFrom, cutLake, cutLayout } from '../kit/cut-lake.ts'
import { all as list, assertSame } from '../kit/lake-answers.ts'
import { day, hour, minute } from '../kit/lake-oracle.ts'
import { alertsOfEvents, controlEvent, type PlainRows } from '../kit/lake-writing.ts'
import { MemoryLake, type PlainReading, type PlainRollup } from '../kit/memory-lake.ts'
import { plainRollups } from '../kit/plain-rollups.ts'

/** A lake under contract: stores rows, and opens what was stored for reading. */
export interface LakeUnderContract { open (layout: LakeLayout, rows: PlainRows, t: TestContext): Promise<LakeReaderPort> }

const partNames = ['n', 'sum', 'm2', 'min', 'max', 'first', 'last', 'sketch', 'distinct'] as const
const parts = partNames.map((part): LakePart => ({ name: `celsius${part[0]!.toUpperCase()}${part.slice(1)}`, signal: 'celsius', part }))
export const layout: LakeLayout = {
  pipeline: 'cold-chain', keyspace: 'millrace', rawMode: 'rows', intervalMs: 1_000, rawBucket: 'day', rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
  signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'doorOpen', kind: 'bool', unit: null }, { name: 'site', kind: 'text', unit: null }],
  windows: [
    { name: 'five-minutes', shape: { kind: 'tumbling', sizeMs: 5 * minute }, columns: [{ name: 'mean', kind: 'number' }, { name: 'anyOpen', kind: 'bool' }, { name: 'lastSite', kind: 'text' }, { name: 'tail', kind: 'value' }], parts },
    { name: 'hour', shape: { kind: 'tumbling', sizeMs: hour }, columns: [], parts: parts.filter(({ part }) => part !== 'sketch' && part !== 'distinct') },
  ],
}
/** Monday, 23 November 2026, 00:00 UTC. */
export const monday = Date.UTC(2026, 10, 23)
const odd = 'o\'brien "x" \\ %_ 🚚 ø'
const long = 'a-truck-with-a-name-of-more-than-twelve-bytes'

/** A reading every two seconds from 22:00 until past midnight, in partitions of two days. */
const many = Array.from({ length: 4_000 }, (_, i): PlainReading => reading('many', monday + 22 * hour + i * 2_000, { celsius: (i * 7 % 400) / 4 - 20, doorOpen: i % 3 === 0, site: i % 1_000 < 500 ? 'Oslo' : 'Bergen' }, { offset: i }))
const cells: readonly PlainReading['values'][] = [
  { celsius: null, doorOpen: null, site: null }, { celsius: Number.NaN, doorOpen: true, site: '' }, { celsius: Number.POSITIVE_INFINITY, doorOpen: false, site: 'a site whose name does not fit in place' },
  { celsius: -0, doorOpen: null, site: odd }, { celsius: 1e300, doorOpen: null, site: 'Å' }, { celsius: Number.NEGATIVE_INFINITY, doorOpen: true, site: null },
]
const readings: readonly PlainReading[] = [
  ...many,
  ...cells.map((values, i) => reading(odd, monday + 10 * hour - 3 + i, values, { offset: 20_000 + i })),
  // the edges of buckets: an hour, a day, a year
  ...[hour - 1, hour, 2 * hour - 1, 2 * hour, day - 1, day, -1, 0, 39 * day - 1, 39 * day].map((after, i) => reading(long, monday + after, { celsius: i, doorOpen: null, site: 'Oslo' }, { offset: 21_000 + i })),
  // one moment, in several partitions, and an arrival that is late
  reading('b', monday + 5, { celsius: 3, doorOpen: null, site: null }, { partition: 2, offset: 1 }), reading('b', monday + 5, { celsius: 2, doorOpen: null, site: null }, { partition: 1, offset: 9 }), reading('b', monday + 5, { celsius: 1, doorOpen: null, site: null }, { partition: 1, offset: 8 }),
  reading('b', monday + 1, { celsius: 0, doorOpen: null, site: 'late' }, { partition: 1, offset: 2 ** 40, arrival: monday + 3 * day }),
]
const rollups = Object.fromEntries(layout.windows.map(window => [window.name, plainRollups(readings.filter(({ values }) => Number.isFinite(values.celsius ?? 0)), window, { intervalMs: 1_000 })
  .map((row, i): PlainRollup => ({ ...row, expected: i % 5 === 0 ? Number.NaN : row.expected, revision: i % 3, final: i % 2 === 0, values: { ...row.values, mean: i % 4 === 0 ? null : i / 3, anyOpen: i % 4 === 1 ? null : i % 2 === 0, lastSite: i % 3 === 0 ? null : odd, tail: i % 2 === 0 ? null : [i, 'x'] as never } }))]))
const events = [
  controlEvent({ alertId: 'a1', key: 'many', raisedAt: monday + 22 * hour, labels: { team: 'cold', odd }, values: { celsius: 9.5, doorOpen: true, site: null }, units: { celsius: 'Cel' }, summary: 'warm', expiresAt: monday + 23 * hour }),
  controlEvent({ alertId: 'a1', key: 'many', raisedAt: monday + 22 * hour, seq: 1, at: monday + 22 * hour + 5 * minute, labels: { team: 'cold', odd }, values: { celsius: 1 }, units: { celsius: 'Cel' } }),
  controlEvent({ alertId: 'a2', key: odd, raisedAt: monday + 22 * hour, rule: 'door', window: { name: 'hour', start: monday, end: monday + hour, revision: 0, expected: null, received: 7 } }),
  controlEvent({ alertId: 'a3', key: 'many', raisedAt: monday + day, severity: 'warning', mode: 'shadow' }), controlEvent({ alertId: 'a4', key: long, raisedAt: monday + 9 * day }), controlEvent({ alertId: 'a0', key: long, raisedAt: monday - 1 }),
]

function reading (key: string, at: number, values: PlainReading['values'], { partition = 0, offset = 0, arrival = at + 40 } = {}): PlainReading { return { key, source: 'trucks', at, arrival, partition, offset, values } }

/** Everything that the lake of the tests above holds. */
export const contractRows: PlainRows = { readings, rollups, events }

/** The same over plain arrays. */
export const plainLake = (): MemoryLake => new MemoryLake({ layout, readings, rollups, alerts: alertsOfEvents(events), pieceRows: 1_000 })

const byName = (a: string, b: string) => a < b ? -1 : 1

/** Rows of all pieces, device by device, sorted by device alone; each device's come together and in the lake's order. */
async function readingsOf (lake: LakeReaderPort, ask: Parameters<LakeReaderPort['readings']>[0]): Promise<unknown[]> {
  const devices = new Map<string, unknown[]>()
  let before: string | null = null
  for await (const { key, source, count, at, arrival, partition, offset, columns } of lake.readings(ask)) {
    if (key !== before) assert(!devices.has(key), `the rows of ${key} come together`)
    before = key
    const rows = devices.get(key) ?? []
    for (let row = 0; row < count; row += 1) rows.push({ key, source, at: at[row], arrival: arrival[row], partition: partition[row], offset: offset[row], ...Object.fromEntries(columns.map(column => [column.name, cell(column, row)])) })
    devices.set(key, rows)
  }
  return [...devices.keys()].sort(byName).flatMap(key => devices.get(key)!)
}

async function rollupsOf (lake: LakeReaderPort, ask: Parameters<LakeReaderPort['rollups']>[0]): Promise<unknown[]> {
  const devices = new Map<string, unknown[]>()
  let before: string | null = null
  for await (const { key, source, count, start, end, expected, received, revision, final, columns } of lake.rollups(ask)) {
    if (key !== before) assert(!devices.has(key), `the rows of ${key} come together`)
    before = key
    const rows = devices.get(key) ?? []
    for (let row = 0; row < count; row += 1) rows.push({ key, source, start: start[row], end: end[row], expected: expected[row], received: received[row], revision: revision[row], final: final[row], ...Object.fromEntries(columns.map(column => [column.name, plainCell(cell(column, row))])) })
    devices.set(key, rows)
  }
  return [...devices.keys()].sort(byName).flatMap(key => devices.get(key)!)
}
const plainCell = (value: unknown) => value instanceof Uint8Array ? [...value] : value

const keysOf = async (lake: LakeReaderPort, keys?: readonly string[]): Promise<LakeKey[]> => (await list(lake.keys(keys && { keys }))).flat().toSorted((a, b) => byName(a.key, b.key))
const alerts = async (lake: LakeReaderPort, ask: Parameters<LakeReaderPort['alerts']>[0]): Promise<LakeAlert[]> => (await list(lake.alerts(ask))).flat()

const all = { keys: null, from: monday - 2 * day, to: monday + 40 * day }
const everyColumn = layout.signals.map(({ name }) => name)

/** Every lake answers as one over plain arrays does. */
export function lakeReadContract (name: string, { open }: LakeUnderContract): void {
  test(`${name}: what is read is what was stored`, async t => {
    const lake = await open(layout, contractRows, t)
    const plain = plainLake()
    await t.test('keys, with first and last arrival and the last value of texts', () => compareKeys(lake, plain))
    await t.test('readings by device, of any cell, in order, each once', () => compareReadings(lake, plain))
    await t.test('ranges are half-open, also at the edges of partitions', () => compareRanges(lake, plain))
    await t.test('windows, with what is missing, texts, JSON and bytes', () => compareRollups(lake, plain))
    await t.test('alerts as they stand, open and cleared', () => compareAlerts(lake, plain))
    await t.test('statistics, episodes and alerts of people\'s questions', () => compareAnswers(lake, plain))
    await t.test('random questions', () => compareRandom(lake, plain))
    await t.test('several scans at once do not disturb one another', () => interleaved(lake, plain))
    await t.test('a scan that is given up ends, and the lake goes on', () => givenUp(lake))
    await t.test('a name that there is not is refused', () => refused(lake))
    await t.test('figures of its tables', () => checkStats(lake))
  })

  test(`${name}: an empty lake answers with nothing`, async t => {
    const lake = await open(layout, {}, t)
    assert.deepEqual(await keysOf(lake), [])
    assert.deepEqual(await readingsOf(lake, { ...all, columns: ['celsius'] }), [])
    assert.deepEqual(await rollupsOf(lake, { ...all, window: 'hour', columns: [] }), [])
    assert.deepEqual(await alerts(lake, { ...all, rules: null }), [])
    assert.deepEqual(await list(queryLake(lake, question({}))), [])
  })
}

/** Any answer from windows and what is in none is that of readings alone, wherever the windows end. */
export function lakeTailContract (name: string, { open }: LakeUnderContract, { lakes, questions, devices }: { readonly lakes: number, readonly questions: number, readonly devices: number }): void {
  test(`${name}: an answer from windows, cut at any moment, and from the readings that they lack is that of all readings`, async t => {
    const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1e9)
    for (let lake = 0; lake < lakes; lake += 1) {
      const rows = cutLake(seed + lake, devices)
      const reader = await open(cutLayout, rows, t)
      await t.test(`MILLRACE_SEED=${seed + lake}`, () => compareTails(reader, rows, { seed: seed + lake, questions }))
    }
  })
}

async function compareTails (lake: LakeReaderPort, { readings = [] }: PlainRows, { seed, questions }: { readonly seed: number, readonly questions: number }): Promise<void> {
  const keys = [...new Set(readings.map(({ key }) => key))]
  const edge = fc.oneof(fc.integer({ min: -hour, max: 38 * hour }), fc.integer({ min: -12, max: 38 * 12 }).map(five => five * 5 * minute), fc.constant(36 * hour)).map(after => cutFrom + after)
  const asks = fc.record({
    keys: fc.oneof(fc.constant(null), fc.subarray(keys, { minLength: 1 }), fc.constantFrom(...keys).map(key => [key])), where: fc.constantFrom<Record<string, string>>({}, {}, { site: 'Oslo' }), signal: fc.constantFrom('celsius', 'celsius', 'celsius', 'doorOpen', 'site'), by: fc.constantFrom([], ['key'], ['site']),
    statistics: fc.subarray<LakeStatistic>(['count', 'mean', 'sum', 'min', 'max', 'stddev', 'first', 'last', 'distinct', 'p50', 'p99'], { minLength: 1, maxLength: 4 }), resolution: fc.constantFrom(null, 5 * minute, 35 * minute, hour, 6 * hour, day, 7 * minute), ends: fc.tuple(edge, edge),
  })
  await fc.assert(fc.asyncProperty(asks, async ({ ends, statistics, ...rest }) => {
    const wanted = rest.signal === 'celsius' ? statistics : ['distinct' as const]
    const ask: LakeQuery = { ...rest, statistics: wanted, from: Math.min(...ends), to: Math.max(...ends) + 1, points: null, source: 'auto' }
    const found = await list(queryLake(lake, ask))
    assertSame(found, await list(queryLake(lake, { ...ask, source: 'readings' })), ask)
    for (const { start, end, windowsTo, readingsFrom } of found) assert((windowsTo === null || (windowsTo > start && windowsTo <= end)) && (readingsFrom === null || (readingsFrom >= start && readingsFrom < end)) && (windowsTo ?? readingsFrom) !== null)
  }), { seed, numRuns: questions })
}

async function compareKeys (lake: LakeReaderPort, plain: LakeReaderPort): Promise<void> {
  assert.deepEqual(await keysOf(lake), await keysOf(plain))
  assert.deepEqual(await keysOf(lake, [odd, 'nobody', 'b']), await keysOf(plain, [odd, 'b']))
  assert.deepEqual(await keysOf(lake, []), [])
}

export async function compareReadings (lake: LakeReaderPort, plain: LakeReaderPort): Promise<void> {
  for (const columns of [everyColumn, ['site'], ['doorOpen', 'celsius'], []]) assert.deepEqual(await readingsOf(lake, { ...all, columns }), await readingsOf(plain, { ...all, columns }), String(columns))
  for (const keys of [[odd], ['many', long, 'nobody'], [], ['b']]) assert.deepEqual(await readingsOf(lake, { ...all, keys, columns: everyColumn }), await readingsOf(plain, { ...all, keys, columns: everyColumn }), String(keys))
}

export async function compareRanges (lake: LakeReaderPort, plain: LakeReaderPort): Promise<void> {
  const edges = [-1, 0, 1, hour, 23 * hour, day - 1, day, 39 * day]
  for (const from of edges) {
    for (const to of edges.filter(to => to > from).slice(0, 3)) {
      const range = { keys: from < 0 ? null : [long, 'many'], from: monday + from, to: monday + to }
      assert.deepEqual(await readingsOf(lake, { ...range, columns: ['celsius'] }), await readingsOf(plain, { ...range, columns: ['celsius'] }), `${from} to ${to}`)
    }
  }
  assert.deepEqual(await readingsOf(lake, { ...all, from: monday + 5, to: monday + 5, columns: [] }), [])
}

async function compareRollups (lake: LakeReaderPort, plain: LakeReaderPort): Promise<void> {
  const [five] = layout.windows
  const names = [...five!.columns, ...five!.parts].map(column => column.name)
  for (const columns of [names, ['celsiusSum', 'celsiusN'], ['tail'], []]) assert.deepEqual(await rollupsOf(lake, { ...all, window: 'five-minutes', columns }), await rollupsOf(plain, { ...all, window: 'five-minutes', columns }), String(columns))
  for (const [from, to] of [[0, hour], [1, hour], [22 * hour, 22 * hour + 5 * minute], [22 * hour, 22 * hour + 5 * minute + 1], [day, day]] as const) {
    const range = { keys: ['many', long], from: monday + from, to: monday + to, window: 'five-minutes', columns: ['celsiusN'] }
    assert.deepEqual(await rollupsOf(lake, range), await rollupsOf(plain, range), `${from} to ${to}`)
  }
}

async function compareAlerts (lake: LakeReaderPort, plain: LakeReaderPort): Promise<void> {
  for (const ask of [all, { ...all, from: monday + 22 * hour, to: monday + day }, { ...all, from: monday + 22 * hour + 1 }, { ...all, to: monday }]) {
    for (const rules of [null, ['door', 'none']]) assert.deepEqual(await alerts(lake, { ...ask, rules }), await alerts(plain, { ...ask, rules }))
    for (const keys of [['many'], [odd, 'nobody']]) assert.deepEqual(await alerts(lake, { ...ask, keys, rules: null }), await alerts(plain, { ...ask, keys, rules: null }))
  }
}

const question = (changes: Partial<LakeQuery>): LakeQuery => ({ keys: null, where: {}, signal: 'celsius', statistics: ['count', 'min', 'max'], from: monday, to: monday + day, resolution: null, points: null, by: [], source: 'auto', ...changes })

async function compareAnswers (lake: LakeReaderPort, plain: LakeReaderPort): Promise<void> {
  const questions: Partial<LakeQuery>[] = [
    { resolution: hour, by: ['key'] }, { resolution: hour, by: ['site'], source: 'readings' }, { where: { site: 'Oslo' }, by: ['key'], resolution: 15 * minute }, { keys: ['many'], statistics: ['count', 'mean', 'stddev', 'first', 'last'], from: monday + 22 * hour + 1, to: monday + 23 * hour + 90_000 }, { statistics: ['p50', 'p99', 'distinct'], resolution: hour, by: ['key'], keys: ['many', 'b'] },
    { keys: ['many'], statistics: ['p50', 'p99', 'distinct'], source: 'readings', points: 10 }, { signal: 'site', statistics: ['distinct', 'count'] }, { signal: 'doorOpen', statistics: ['mean', 'sum'], keys: ['many', odd] },
  ]
  const sorted = async (of: LakeReaderPort, ask: LakeQuery) => (await list(queryLake(of, ask))).toSorted((a, b) => byName(JSON.stringify([a.group, a.start]), JSON.stringify([b.group, b.start])))
  for (const ask of questions.map(question)) {
    const found = await sorted(lake, ask)
    assert(found.length > 0, JSON.stringify(ask))
    assert.deepEqual(found, await sorted(plain, ask), JSON.stringify(ask))
  }
  const episodes = { keys: null, where: {}, from: monday, to: monday + 2 * day, when: 'celsius > 60.0 && doorOpen', longerMs: null, gapMs: minute }
  const spans = async (of: LakeReaderPort) => (await list(episodesOf(of, episodes))).toSorted((a, b) => byName(a.key, b.key) || a.start - b.start)
  assert((await spans(lake)).length > 10)
  assert.deepEqual(await spans(lake), await spans(plain))
  const asked = { keys: null, where: {}, rules: null, from: all.from, to: all.to, longerMs: 5 * minute }
  assert.deepEqual(await list(alertsOf(lake, asked)), await list(alertsOf(plain, asked)))
}

async function compareRandom (lake: LakeReaderPort, plain: LakeReaderPort): Promise<void> {
  const edge = fc.oneof(fc.integer({ min: 21 * hour, max: 25 * hour }), fc.integer({ min: -12, max: 30 * 12 }).map(five => five * 5 * minute)).map(after => monday + after)
  const asks = fc.record({
    keys: fc.oneof(fc.constant(null), fc.subarray(['many', odd, long, 'b'])), where: fc.constantFrom<Record<string, string>>({}, {}, { site: 'Oslo' }), signal: fc.constantFrom('celsius', 'celsius', 'doorOpen'), by: fc.constantFrom([], ['key'], ['site']),
    statistics: fc.subarray<LakeStatistic>(['count', 'mean', 'min', 'max', 'stddev', 'last', 'distinct', 'p90'], { minLength: 1, maxLength: 3 }), resolution: fc.constantFrom(null, 5 * minute, hour, 7 * minute), source: fc.constantFrom('auto', 'auto', 'readings'), ends: fc.tuple(edge, edge),
  })
  await fc.assert(fc.asyncProperty(asks, async ({ ends, ...rest }) => {
    const ask = question({ ...rest, from: Math.min(...ends), to: Math.max(...ends) + 1 })
    assertSame(await list(queryLake(lake, ask)), await list(queryLake(plain, ask)), ask)
  }), { numRuns: 25 })
}

async function interleaved (lake: LakeReaderPort, plain: LakeReaderPort): Promise<void> {
  const wanted = await readingsOf(plain, { ...all, columns: ['celsius'] })
  const scans = await Promise.all(Array.from({ length: 4 }, () => readingsOf(lake, { ...all, columns: ['celsius'] })))
  for (const scan of scans) assert.deepEqual(scan, wanted)
}

async function givenUp (lake: LakeReaderPort): Promise<void> {
  for await (const _ of lake.readings({ ...all, columns: ['celsius'] })) break
  const given = new AbortController()
  given.abort(new Error('enough'))
  await assert.rejects(readingsOf(lake, { ...all, columns: ['celsius'], signal: given.signal }), /enough/)
  assert.equal((await readingsOf(lake, { ...all, keys: ['b'], columns: [] })).length, 4)
}

async function refused (lake: LakeReaderPort): Promise<void> {
  const unknown = (error: unknown) => error instanceof StreamError && error.code === 'LAKE_UNKNOWN'
  await assert.rejects(readingsOf(lake, { ...all, columns: ['celcius'] }), unknown)
  await assert.rejects(rollupsOf(lake, { ...all, window: 'houre', columns: [] }), unknown)
  await assert.rejects(rollupsOf(lake, { ...all, window: 'hour', columns: ['celsiusSketch'] }), unknown)
}

async function checkStats (lake: LakeReaderPort): Promise<void> {
  const stats = await lake.stats()
  const of = (name: string) => stats.find(({ table }) => table.endsWith(name))
  for (const name of [lake.layout.rawMode === 'chunks' && lake.name === 'cassandra' ? 'chunks' : 'readings', 'five_minutes', 'hour', 'alerts', 'keys']) assert(of(name), `${name} is among ${stats.map(({ table }) => table)}`)
  for (const { rows, isEstimate, table } of stats) assert(rows === null || Number.isInteger(rows), `${table} ${rows} ${isEstimate}`)
}
