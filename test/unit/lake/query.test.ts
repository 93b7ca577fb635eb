import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamError } from '../../../pipelines/core/errors.ts'
import type { LakeLayout, LakePart } from '../../../pipelines/core/lake-ports.ts'
import type { LakeQuery } from '../../../pipelines/lake/ask.ts'
import { plannedQuery } from '../../../pipelines/lake/plan.ts'
import { queryLake } from '../../../pipelines/lake/query.ts'
import { all, assertSame } from '../../kit/lake-answers.ts'
import { hour, minute, plainAnswer } from '../../kit/lake-oracle.ts'
import { MemoryLake, type PlainReading } from '../../kit/memory-lake.ts'
import { plainRollups } from '../../kit/plain-rollups.ts'

const partNames = ['n', 'sum', 'm2', 'min', 'max', 'first', 'last', 'sketch', 'distinct'] as const
const parts = ['celsius', 'open'].flatMap(signal => partNames.map((part): LakePart => ({ name: `${signal}_${part}`, signal, part })))
const layout: LakeLayout = {
  pipeline: 'cold-chain', keyspace: 'millrace', rawMode: 'rows', intervalMs: 1_000, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
  signals: [{ name: 'celsius', kind: 'number', unit: 'Cel' }, { name: 'open', kind: 'bool', unit: null }, { name: 'depot', kind: 'text', unit: null }],
  windows: [
    { name: 'minute', shape: { kind: 'tumbling', sizeMs: minute }, columns: [], parts },
    { name: 'quarter', shape: { kind: 'hopping', sizeMs: 15 * minute, advanceMs: 5 * minute }, columns: [], parts },
    { name: 'hour', shape: { kind: 'tumbling', sizeMs: hour }, columns: [], parts },
  ],
}
const depots = { a: 'north', b: 'south', 'ç🚚\'"': 'north', d: null } as const
const keys = Object.keys(depots)
const statistics = ['count', 'mean', 'sum', 'min', 'max', 'stddev', 'first', 'last', 'distinct', 'p50', 'p99'] as const

/** Quarters, so that sums are exact. */
const reading = fc.record({
  key: fc.constantFrom(...keys), at: fc.oneof(fc.integer({ min: -hour, max: 4 * hour }), fc.integer({ min: -60, max: 240 }).map(m => m * minute)),
  celsius: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: -40, max: 40 }).map(n => n / 4) }, { weight: 1, arbitrary: fc.constantFrom(null, Number.NaN) }), open: fc.constantFrom(true, false, null), partition: fc.integer({ min: 0, max: 2 }),
})
const readings = fc.array(reading, { maxLength: 120 }).map(all => all.map(({ celsius, open, ...rest }, offset): PlainReading => ({ ...rest, source: 'trucks', arrival: rest.at + offset, offset, values: { celsius, open, depot: depots[rest.key as keyof typeof depots] } })))
const edge = fc.oneof(fc.integer({ min: -hour, max: 5 * hour }), fc.integer({ min: -4, max: 20 }).map(q => q * 15 * minute))
const asks = fc.record({
  keys: fc.oneof(fc.constant(null), fc.subarray(keys)), where: fc.constantFrom<Record<string, string>>({}, { depot: 'north' }, { depot: 'nowhere' }), signal: fc.constantFrom('celsius', 'open'), statistics: fc.oneof({ weight: 3, arbitrary: fc.subarray<LakeQuery['statistics'][number]>(['count', 'mean', 'sum', 'min', 'max', 'stddev'], { minLength: 1 }) }, fc.subarray<LakeQuery['statistics'][number]>([...statistics], { minLength: 1 })),
  resolution: fc.constantFrom(null, 1_000, minute, 7 * minute, 15 * minute, hour), by: fc.constantFrom([], ['key'], ['depot'], ['key', 'depot']), source: fc.constantFrom('auto', 'readings'), ends: fc.tuple(edge, edge),
}).map(({ ends, ...rest }): LakeQuery => ({ ...rest, points: null, from: Math.min(...ends), to: Math.max(...ends) + 1 }))

test('an answer is that of all readings counted by hand, wherever it comes from', async () => {
  await fc.assert(fc.asyncProperty(readings, asks, async (rows, ask) => {
    const lake = new MemoryLake({ layout, readings: rows, rollups: Object.fromEntries(layout.windows.map(window => [window.name, plainRollups(rows, window, layout)])) })
    const found = await all(queryLake(lake, ask))
    assertSame(found, plainAnswer(rows, ask, { intervalMs: layout.intervalMs, labels: Object.fromEntries(keys.map(key => [key, { depot: depots[key as keyof typeof depots] }])) }), ask)
  }), { numRuns: 300 })
})

const some = (count: number): PlainReading[] => Array.from({ length: count }, (_, i) => ({ key: keys[i % 3]!, source: 'trucks', at: i * 1_000, arrival: i * 1_000, partition: 0, offset: i, values: { celsius: i % 10, open: null, depot: depots[keys[i % 3]! as keyof typeof depots] } }))
const ask = (changes: Partial<LakeQuery>): LakeQuery => ({ keys: null, where: {}, signal: 'celsius', statistics: ['mean'], from: 0, to: 4 * hour, resolution: null, points: null, by: [], source: 'auto', ...changes })

test('only the asked columns and the ranges of the plan are read', async () => {
  const rows = some(7_300)
  const lake = new MemoryLake({ layout, readings: rows, rollups: Object.fromEntries(layout.windows.map(window => [window.name, plainRollups(rows, window, layout)])) })
  const question = ask({ statistics: ['mean', 'max'], to: 2 * hour + 30_000 })
  await all(queryLake(lake, question))
  assert.deepEqual(lake.asked, [
    { table: 'hour', columns: ['celsius_n', 'celsius_sum', 'celsius_max'], from: 0, to: 2 * hour }, { table: 'readings', columns: ['celsius'], from: 2 * hour, to: 2 * hour + 30_000 },
  ])
  assert.equal(plannedQuery(layout, question).segments.length, 2)
})

test('rows of a key are given out before the next key is read', async () => {
  const lake = new MemoryLake({ layout, readings: some(900), pieceRows: 10 })
  let pieces = 0
  const { readings } = lake
  lake.readings = async function * (range) { for await (const piece of readings.call(lake, range)) { pieces += 1; yield piece } }
  const rows = queryLake(lake, ask({ by: ['key'], resolution: minute, source: 'readings' }))
  await rows.next()
  assert.equal(pieces, 31, 'the 30 pieces of the first key and the one that showed the second')
  await rows.return(undefined)
})

test('groups times intervals are bounded, and the error says so', async () => {
  const lake = new MemoryLake({ layout, readings: some(30) })
  const fails = (changes: Partial<LakeQuery>) => assert.rejects(all(queryLake(lake, ask(changes))), (error: unknown) => error instanceof StreamError && error.code === 'LAKE_LIMIT')
  await fails({ resolution: 1, to: 2 ** 20 + 1 })
  await fails({ resolution: 1, to: 2 ** 19 + 1, by: ['depot'] })
  assert.equal((await all(queryLake(lake, ask({ resolution: 1, to: 2 ** 20, by: ['key'] })))).length, 30, 'a key has its own')
})

test('a question that was given up ends with the reason', async () => {
  const given = new AbortController()
  const rows = queryLake(new MemoryLake({ layout, readings: some(900) }), ask({ by: ['key'], resolution: minute, source: 'readings', abort: given.signal }))
  await rows.next()
  given.abort(new Error('closed'))
  await assert.rejects(all(rows), /closed/)
})
