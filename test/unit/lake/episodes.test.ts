import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { type Episode, type EpisodesAsk, episodesOf } from '../../../pipelines/lake/episodes.ts'
import { trucks } from '../../kit/lake-layouts.ts'
import { MemoryLake, type PlainReading } from '../../kit/memory-lake.ts'

type Cells = readonly (number | null)[]
/** A reading a second from `start` on. */
const series = (key: string, celsius: Cells, { start = 0, depot = 'north', doorOpen = null as boolean | null } = {}): PlainReading[] => celsius.map((value, i) => ({ key, source: 'trucks', at: start + i * 1_000, arrival: start + i * 1_000, partition: 0, offset: start + i, values: { celsius: value, doorOpen, depot } }))
const ask = (changes: Partial<EpisodesAsk>): EpisodesAsk => ({ keys: null, where: {}, from: 0, to: 1e6, when: 'celsius > 8.0', longerMs: null, gapMs: null, ...changes })

async function found (readings: readonly PlainReading[], changes: Partial<EpisodesAsk> = {}, pieceRows = 2): Promise<Episode[]> {
  const result: Episode[] = []
  for await (const episode of episodesOf(new MemoryLake({ layout: trucks, readings, pieceRows }), ask(changes))) result.push(episode)
  return result
}
const spans = (episodes: readonly Episode[]) => episodes.map(({ key, start, end, count }) => [key, start / 1_000, end / 1_000, count])

test('an episode lasts from the first to the last reading at which the condition held; pieces do not matter', async () => {
  //  s    0  1  2  3   4  5  6
  //  °C   4  9 10  9   5  9  4
  //          ├─────┤     ├┤
  const [first, second, ...rest] = await found(series('a', [4, 9, 10, 9, 5, 9, 4]))
  assert.deepEqual(first, { key: 'a', start: 1_000, end: 3_000, durationMs: 2_000, count: 3, min: { celsius: 9 }, max: { celsius: 10 }, labels: { depot: 'north' } })
  assert.deepEqual(spans([second!, ...rest]), [['a', 5, 5, 1]])
})

test('where the condition is unknown an episode neither begins nor ends', async () => {
  //  s    0  1  2  3  4  5
  //  °C   -  9  -  9  -  4
  //          ├─────┤
  assert.deepEqual(spans(await found(series('a', [null, 9, null, 9, null, 4]))), [['a', 1, 3, 2]])
  assert.deepEqual(spans(await found(series('a', [null, 9]), { when: 'celsius > 8.0 || doorOpen' })), [['a', 1, 1, 1]])
})

test('a gap ends an episode, and only those of the asked length count', async () => {
  //  s    0  1  2     ...   60 61
  //  °C   9  9  9           9  9
  const rows = [...series('a', [9, 9, 9]), ...series('a', [9, 9], { start: 60_000 })]
  assert.deepEqual(spans(await found(rows)), [['a', 0, 61, 5]])
  assert.deepEqual(spans(await found(rows, { gapMs: 58_000 })), [['a', 0, 61, 5]])
  assert.deepEqual(spans(await found(rows, { gapMs: 57_999 })), [['a', 0, 2, 3], ['a', 60, 61, 2]])
  assert.deepEqual(spans(await found(rows, { gapMs: 10_000, longerMs: 2_000 })), [['a', 0, 2, 3]])
})

test('devices are told apart, also in what a condition remembers, and narrowed by labels', async () => {
  const rows = [...series('a', [9, 9]), ...series('b', [9, 4], { depot: 'south' }), ...series('c', [4, 9])]
  assert.deepEqual(spans(await found(rows)), [['a', 0, 1, 2], ['b', 0, 0, 1], ['c', 1, 1, 1]])
  assert.deepEqual(spans(await found(rows, { where: { depot: 'south' } })), [['b', 0, 0, 1]])
  assert.deepEqual(spans(await found(rows, { keys: ['c', 'nobody'] })), [['c', 1, 1, 1]])
  assert.deepEqual(spans(await found(rows, { when: 'celsius > prev(celsius)' })), [['c', 1, 1, 1]], 'what came before of another device is not before')
  assert.deepEqual(spans(await found(rows, { when: "key == 'b'" })), [['b', 0, 1, 2]])
  assert.deepEqual(spans(await found(rows, { when: "depot == 'north' && celsius > 8.0" })), [['a', 0, 1, 2], ['c', 1, 1, 1]])
})

test('only the columns of the condition are read', async () => {
  const lake = new MemoryLake({ layout: trucks, readings: series('a', [9]) })
  for await (const { min } of episodesOf(lake, ask({ when: 'celsius > 8.0 && !doorOpen' }))) assert.fail(`unknown is not true: ${JSON.stringify(min)}`)
  assert.deepEqual(lake.asked, [{ table: 'readings', columns: ['celsius', 'doorOpen'], from: 0, to: 1e6 }])
})

test('a condition that is none, and a range that is none, are refused', async () => {
  const fails = (changes: Partial<EpisodesAsk>, code: string) => assert.rejects(found([], changes), (error: unknown) => error instanceof StreamError && error.code === code)
  await fails({ when: 'celcius > 8.0' }, 'EXPRESSION_NAME')
  await fails({ when: 'celsius' }, 'EXPRESSION_TYPE')
  await fails({ from: 1, to: 1 }, 'LAKE_ASK')
  await fails({ where: { celsius: '1' } }, 'LAKE_UNKNOWN')
})

test('episodes are those that a walk over all readings by hand finds', async () => {
  const cells = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom(4, 9, 9, null)), { maxLength: 40 })
  await fc.assert(fc.asyncProperty(cells, fc.constantFrom(null, 0, 1_000, 3_000), fc.constantFrom(null, 0, 2_000), fc.integer({ min: 1, max: 9 }), async (steps, gapMs, longerMs, pieceRows) => {
    let at = 0
    const rows = steps.map(([apart, celsius], offset): PlainReading => ({ key: 'a', source: 'trucks', at: at += apart * 1_000, arrival: at, partition: 0, offset, values: { celsius } }))
    const wanted: number[][] = []
    let before = -1e12
    let open: number[] | null = null
    for (const { at, values } of [...rows, { at: 1e12, values: { celsius: 4 } }]) {
      if (open !== null && (values.celsius === 4 || at - before > (gapMs ?? Number.POSITIVE_INFINITY))) { wanted.push(open); open = null }
      if (values.celsius === 9) open = [open?.[0] ?? at, at, (open?.[2] ?? 0) + 1]
      before = at
    }
    const episodes = await found(rows, { gapMs, longerMs }, pieceRows)
    assert.deepEqual(episodes.map(({ start, end, count }) => [start, end, count]), wanted.filter(([start, end]) => end! - start! >= (longerMs ?? 0)))
  }))
})
