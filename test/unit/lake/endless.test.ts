import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lakeParts, partStatistic } from '../../../pipelines/core/lake-parts.ts'
import type { LakeLayout } from '../../../pipelines/core/lake-ports.ts'
import type { SignalSpec, StatisticSpec, WindowSpec } from '../../../pipelines/core/spec.ts'
import type { LakeQuery } from '../../../pipelines/lake/ask.ts'
import { queryLake } from '../../../pipelines/lake/query.ts'
import { windowColumns } from '../../../pipelines/window/stage.ts'
import { all } from '../../kit/lake-answers.ts'
import { MemoryLake, type PlainCell, type PlainReading } from '../../kit/memory-lake.ts'
import { playWindow } from '../../kit/window-driver.ts'

const signals: readonly SignalSpec[] = [{ name: 'x', kind: 'number', unit: null }]
const names = ['mean', 'sum', 'min', 'max', 'stddev'] as const
const keep = names.map((kind): WindowSpec['keep'][number] => ({ name: kind, statistic: { kind, signal: 'x' } as StatisticSpec }))
const windowOf = (sizeMs: number): WindowSpec => ({ name: 'w', shape: { kind: 'tumbling', sizeMs }, emit: { mode: 'close' }, keep, intervalMs: null, allowedLatenessMs: 0, panesMax: 100 })
const infinity = Number.POSITIVE_INFINITY
const size = 10

/** What the window of a race says of these readings, and the rows of a lake's windows of half the size. */
function played (values: readonly number[]) {
  const steps = [...values.map((x, at) => ({ key: 'a', at, values: { x } })), { drain: true } as const]
  const rows = (window: WindowSpec) => playWindow(window, steps, { signals }).flat().flatMap(one => one.kind === 'window' ? [one] : [])
  const half = windowOf(size / 2)
  const parts = lakeParts(half, signals)
  return { race: rows(windowOf(size))[0]!, halves: rows({ ...half, keep: [...keep, ...parts.map(part => ({ name: part.name, statistic: partStatistic(part) }))] }), parts, half }
}

for (const values of [[1, infinity, 3, 4, 5, 6], [1, 2, 3, 4, 5, infinity], [infinity, 1], [infinity, -infinity, 1, 1, 1, 2, 3], [1, 1, 1, 1, 1, infinity, -infinity], [-infinity, -infinity], [infinity, 0, 0, 0, 0, -infinity], [1, 2, Number.NaN, 4, 5, 6, 7]]) {
  test(`what is said of ${values.join(', ')} is the same of the race's window, of readings and of merged windows`, async () => {
    const { race, halves, parts, half } = played(values)
    const layout: LakeLayout = {
      pipeline: 'p', keyspace: 'p', rawMode: 'rows', intervalMs: null, rawBucket: null, rawTtlMs: null, rollupsTtlMs: null, eventsTtlMs: null, lettersTtlMs: null,
      signals, windows: [{ name: 'w', shape: half.shape, columns: windowColumns(half, signals), parts }],
    }
    const readings = values.map((x, at): PlainReading => ({ key: 'a', source: 's', at, arrival: at, partition: 0, offset: at, values: { x } }))
    const rollups = { w: halves.map(row => ({ key: 'a', source: 's', start: row.start, end: row.end, expected: Number.NaN, received: row.received, revision: 0, final: true, values: row.values as Record<string, PlainCell> })) }
    const lake = new MemoryLake({ layout, readings, rollups })
    const ask: LakeQuery = { keys: null, where: {}, signal: 'x', statistics: [...names, 'count'], from: 0, to: size, resolution: null, points: null, by: [], source: 'auto' }
    const wanted = names.map(name => race.values[name] ?? null)
    for (const source of ['readings', 'w']) {
      const [row] = await all(queryLake(lake, { ...ask, source }))
      assert.deepEqual(row!.values.slice(0, -1).map(near), wanted.map(near), source)
      assert.equal(row!.values.at(-1), values.filter(value => !Number.isNaN(value)).length)
      const [mean] = await all(queryLake(lake, { ...ask, statistics: ['mean', 'sum'], source }))
      assert.deepEqual(mean!.values.map(near), wanted.slice(0, 2).map(near), `${source}, without spread`)
    }
  })
}

const near = (value: unknown) => typeof value === 'number' && Number.isFinite(value) ? Math.round(value * 1e9) / 1e9 : value
