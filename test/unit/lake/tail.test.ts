import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import type { LakeLayout, LakePart, LakeRange } from '../../../pipelines/core/lake-ports.ts'
import type { LakeQuery } from '../../../pipelines/lake/ask.ts'
import { plannedQuery } from '../../../pipelines/lake/plan.ts'
import { queryLake } from '../../../pipelines/lake/query.ts'
import { all } from '../../kit/lake-answers.ts'
import { hour, minute } from '../../kit/lake-oracle.ts'
import { MemoryLake, type PlainReading } from '../../kit/memory-lake.ts'
import { plainRollups } from '../../kit/plain-rollups.ts'

const parts = (['n', 'sum', 'min', 'max', 'sketch'] as const).map((part): LakePart => ({ name: `celsius_${part}`, signal: 'celsius', part }))
const layout: LakeLayout = {
  pipeline: 'cold-chain', keyspace: 'millrace', rawMode: 'rows', intervalMs: minute, futureMaxMs: 0, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
  signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }],
  windows: [{ name: 'five', shape: { kind: 'tumbling', sizeMs: 5 * minute }, columns: [], parts }, { name: 'hour', shape: { kind: 'tumbling', sizeMs: hour }, columns: [], parts }],
}
/** A reading a minute from `from` to before `to`. */
const minutes = (key: string, from: number, to: number): PlainReading[] => Array.from({ length: (to - from) / minute }, (_, i) => ({ key, source: 'trucks', at: from + i * minute, arrival: from + i * minute, partition: 0, offset: from + i, values: { celsius: i } }))

interface Read { readonly table: string, readonly keys: readonly string[] | null, readonly from: number, readonly to: number }

/** A lake whose windows are those that end at `closedTo` or before, and what is read of it. */
function lakeOf (readings: readonly PlainReading[], closedTo: number, of: LakeLayout = layout): { readonly lake: MemoryLake, readonly read: Read[] } {
  const rollups = Object.fromEntries(of.windows.map(window => [window.name, plainRollups(readings, window, of).filter(({ end }) => end <= closedTo)]))
  const lake = new MemoryLake({ layout: of, readings, rollups })
  const read: Read[] = []
  const note = (table: string, { keys, from, to }: LakeRange) => { read.push({ table, keys, from, to }) }
  const { readings: raw, rollups: windows } = lake
  lake.readings = ask => { note('readings', ask); return raw.call(lake, ask) }
  lake.rollups = ask => { note(ask.window, ask); return windows.call(lake, ask) }
  return { lake, read }
}

const ask = (changes: Partial<LakeQuery>): LakeQuery => ({ keys: null, where: {}, signal: 'celsius', statistics: ['count'], from: 0, to: 4 * hour, resolution: null, points: null, by: [], source: 'auto', ...changes })

test('what is in no closed window comes from finer ones, then from readings; the row says where one ends and the other begins', async () => {
  //            hour      hour      hour     five    readings
  //        0 ├────────┤├────────┤├────────┤├────┤├────────┤ 03:53
  const { lake, read } = lakeOf(minutes('a', 0, 3 * hour + 53 * minute), 3 * hour + 47 * minute)
  const [row] = await all(queryLake(lake, ask({})))
  assert.deepEqual([row!.values[0], row!.received, row!.windowsTo, row!.readingsFrom], [233, 233, 3 * hour + 45 * minute, 3 * hour + 45 * minute])
  assert.deepEqual(read, [
    { table: 'hour', keys: ['a'], from: 0, to: 4 * hour }, { table: 'five', keys: ['a'], from: 3 * hour, to: 4 * hour }, { table: 'readings', keys: ['a'], from: 3 * hour + 45 * minute, to: 3 * hour + 52 * minute + 1 },
  ])
})

test('each row of a coarse resolution says it for itself', async () => {
  const { lake } = lakeOf([...minutes('a', 0, 4 * hour), ...minutes('b', 0, 90 * minute)], 3 * hour + 20 * minute)
  const rows = await all(queryLake(lake, ask({ resolution: 2 * hour, by: ['key'] })))
  assert.deepEqual(rows.map(({ group, start, received, windowsTo, readingsFrom }) => [group.key, start / hour, received, windowsTo! / hour, readingsFrom]), [['a', 0, 120, 2, null], ['a', 2, 120, 3 + 1 / 3, 3 * hour + 20 * minute], ['b', 0, 90, 2, null]])
})

test('a device that has fallen silent costs nothing once its windows have closed', async () => {
  const silent = Array.from({ length: 50 }, (_, i) => minutes(`silent-${i}`, 0, 90 * minute)).flat()
  const { lake, read } = lakeOf([...silent, ...minutes('alive', 0, 4 * hour)], 3 * hour)
  assert.equal((await all(queryLake(lake, ask({}))))[0]!.received, 50 * 90 + 240)
  for (const { table, keys } of read.slice(1)) assert.deepEqual(keys, ['alive'], table)
})

test('a device that was silent in a range of long ago, and has windows since, is not looked for in readings again', async () => {
  const { lake, read } = lakeOf([...minutes('a', 0, hour), ...minutes('a', 50 * hour, 60 * hour)], 60 * hour)
  assert.equal((await all(queryLake(lake, ask({}))))[0]!.received, 60)
  assert.deepEqual(read.map(({ table }) => table), ['hour', 'hour'], 'the second is a look at its last windows')
})

test('a window that is younger than a device leaves what was before to finer ones and to readings', async () => {
  const readings = minutes('a', 0, 4 * hour)
  const rollups = Object.fromEntries(layout.windows.map(window => [window.name, plainRollups(readings, window, layout).filter(({ start }) => start >= 2 * hour)]))
  const [row] = await all(queryLake(new MemoryLake({ layout, readings, rollups }), ask({})))
  assert.deepEqual([row!.received, row!.windowsTo, row!.readingsFrom], [240, 4 * hour, null], 'none but windows have the newest')
})

test('closed windows alone: no reading is looked at, and the range is theirs', async () => {
  const { lake, read } = lakeOf(minutes('a', 0, 4 * hour), 3 * hour)
  const rows = await all(queryLake(lake, ask({ closed: true, from: 1, to: 4 * hour - 1 })))
  assert.deepEqual(rows.map(({ start, end, received, windowsTo, readingsFrom }) => [start, end, received, windowsTo, readingsFrom]), [[5 * minute, 4 * hour - 5 * minute, 175, 3 * hour, null]])
  assert.deepEqual([...new Set(read.map(({ table }) => table))], ['five', 'hour'])
  const refused = (changes: Partial<LakeQuery>) => assert.throws(() => plannedQuery(layout, ask({ closed: true, ...changes })), (error: unknown) => error instanceof StreamError && error.code === 'LAKE_ASK')
  refused({ resolution: minute })
  refused({ source: 'readings' })
})

test('the plan says how long readings are kept, which have the rest', () => {
  assert.match(plannedQuery(layout, ask({})).why, /in no stored window from finer ones and readings$/)
  assert.match(plannedQuery({ ...layout, rawTtlMs: 2 * hour }, ask({})).why, /readings, which are kept for 2h$/)
  assert.doesNotMatch(plannedQuery(layout, ask({ closed: true })).why, /readings/)
})

test('a quantile lies between the least and the greatest value', async () => {
  const readings = minutes('a', 0, 4 * hour).map(reading => ({ ...reading, values: { celsius: 10.37 } }))
  const bare: LakeLayout = { ...layout, windows: layout.windows.map(window => ({ ...window, parts: parts.filter(({ part }) => part !== 'max') })) }
  for (const given of [layout, bare]) {
    const { lake } = lakeOf(readings, 3 * hour, given)
    const [row] = await all(queryLake(lake, ask({ statistics: ['p0', 'p50', 'p100'] })))
    if (given === layout) assert.deepEqual(row!.values, [10.37, 10.37, 10.37])
    else assert(row!.values.every(value => value !== 10.37 && Math.abs(value! / 10.37 - 1) < 0.01), 'where windows lack one of the two it is the sketch alone')
  }
})
