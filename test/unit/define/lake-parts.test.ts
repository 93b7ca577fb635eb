import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBatch, type Batch } from '../../../pipelines/core/batch.ts'
import { lakeParts } from '../../../pipelines/core/lake-parts.ts'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import { decodeDistinct, decodeSketch } from '../../../pipelines/core/sketch/sketch-bytes.ts'
import { checkDefinition } from '../../../pipelines/define/check.ts'
import { compileDefinition } from '../../../pipelines/define/compile.ts'
import { checkedDefinition } from '../../../pipelines/define/pipeline.ts'
import { Task } from '../../../pipelines/runtime/task.ts'
import { Random } from '../../../pipelines/cli/demo/random.ts'
import { contract } from '../../../schemas/contract.ts'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const reading = contract({ subject: 's', version: 1, schema: { type: 'record', name: 'R', fields: [{ name: 'id', type: 'string' }, { name: 'ts', type: 'long' }, { name: 'celsius', type: 'double' }, { name: 'site', type: 'string' }] } })
const pipeline = compileDefinition(checkedDefinition({
  name: 'x', source: { contract: reading }, key: 'id', time: { field: 'ts', lateness: '1h' }, lake: {},
  windows: {
    hour: { tumbling: '1h', keep: { p99: { quantile: ['celsius', 0.99] }, sites: { distinct: 'site' } } },
    day: { tumbling: '24h', keep: { p99: { quantile: ['celsius', 0.99] }, mean: { mean: 'celsius' }, sd: { stddev: 'celsius' }, sites: { distinct: 'site' } } },
  },
}))

interface Row { readonly window: string, readonly start: number, readonly cells: Readonly<Record<string, unknown>> }

/** Rows of the windows of one device, as the pond has them. */
function played (readings: readonly { readonly at: number, readonly celsius: number | null, readonly site: string }[]): readonly Row[] {
  const task = new Task(pipeline.createStages({ leg: 'pond', source: 'x', topic: 't', partition: 0, mode: 'live', tables: new Map() }))
  const out = new Outputs()
  const rows: Row[] = []
  const take = () => {
    for (const { name, rows: { count, start, columns } } of out.windows) {
      for (let row = 0; row < count; row += 1) rows.push({ window: name.replace('window.', ''), start: start[row]!, cells: Object.fromEntries(columns.map(column => [column.name, column.known[row] === 1 ? column.values[row] : null])) })
    }
    out.clear()
  }
  readings.forEach((reading, offset) => {
    task.readings(batchOf(reading, offset, task.keys.internText('a')), offset + 1, out)
    take()
  })
  task.drain(out)
  take()
  return rows
}

function batchOf ({ at, celsius, site }: Parameters<typeof played>[0][number], offset: number, key: number): Batch {
  const batch = createBatch(pipeline.signals, 1)
  batch.count = 1
  batch.key[0] = key
  batch.at[0] = batch.arrival[0] = at
  batch.position[0] = offset
  for (const column of batch.columns) {
    column.known[0] = column.name === 'celsius' && celsius === null ? 0 : 1
    if (column.kind === 'text') column.values[0] = column.dictionary.internText(column.name === 'site' ? site : 'a')
    else column.values[0] = column.name === 'celsius' ? celsius ?? Number.NaN : at
  }
  return batch
}

test('lake parts: number signals that a window reads carry what merges; sketches come where the window keeps what they answer', () => {
  assert.deepEqual(pipeline.windows.map(window => lakeParts(window, pipeline.signals).map(({ name }) => name)), [
    ['celsius_n', 'celsius_sum', 'celsius_m2', 'celsius_min', 'celsius_max', 'celsius_first', 'celsius_last', 'celsius_sketch', 'site_distinct'],
    ['celsius_n', 'celsius_sum', 'celsius_m2', 'celsius_min', 'celsius_max', 'celsius_first', 'celsius_last', 'celsius_sketch', 'site_distinct'],
  ])
})

test('lake parts: the race does not carry them', () => {
  const stages = pipeline.createStages({ leg: 'race', source: 'x', topic: 't', partition: 0, mode: 'live', tables: new Map() })
  assert.deepEqual(stages.windows.map(({ rows }) => rows.columns.map(({ name }) => name)), [['p99', 'sites'], ['p99', 'mean', 'sd', 'sites']])
})

/**
 *     readings   . ..  .   ... . .  ...          24 hours
 *     hour       [n sum m2 ...][n sum m2 ...]    merged: the same as
 *     day        [n sum m2 ...................]
 */
test('lake parts: those of the hours of a day merge to those of the day, and to what the readings say', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = new Random(seed)
    const readings = Array.from({ length: 400 }, (_, i) => ({ at: Math.floor(i * dayMs / 400), celsius: random.below(12) === 0 ? null : 1_000_000 + random.between(-5, 5), site: `site ${random.below(20)}` }))
    const rows = played(readings)
    const hours = rows.filter(({ window }) => window === 'hour').sort((a, b) => a.start - b.start)
    const [day] = rows.filter(({ window }) => window === 'day')
    const values = readings.flatMap(({ celsius }) => celsius === null ? [] : [celsius])
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const number = (row: Row, part: string) => row.cells[`celsius_${part}`] as number
    const close = (is: number, wanted: number, what: string) => { assert(Math.abs(is - wanted) <= 1e-9 * Math.abs(wanted), `${what} with seed ${seed}: ${is}, not ${wanted}`) }

    const merged = hours.filter(row => number(row, 'n') > 0).reduce((left, row) => {
      const [n, sum, m2] = [number(row, 'n'), number(row, 'sum'), number(row, 'm2')]
      const off = left.n === 0 ? 0 : sum / n - left.sum / left.n
      return { n: left.n + n, sum: left.sum + sum, m2: left.m2 + m2 + (left.n === 0 ? 0 : off * off * left.n * n / (left.n + n)) }
    }, { n: 0, sum: 0, m2: 0 })
    for (const { n, sum, m2 } of [merged, { n: number(day!, 'n'), sum: number(day!, 'sum'), m2: number(day!, 'm2') }]) {
      assert.equal(n, values.length)
      close(sum, mean * values.length, 'sum')
      close(Math.sqrt(m2 / n), Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) * (1 + 1e-12), 'stddev')
    }
    assert.equal(number(day!, 'min'), Math.min(...values))
    assert.equal(number(day!, 'max'), Math.max(...values))
    assert.equal(number(day!, 'first'), values[0])
    assert.equal(number(day!, 'last'), values.at(-1))
    const sketch = decodeSketch(hours[0]!.cells.celsius_sketch as Uint8Array)
    const sites = decodeDistinct(hours[0]!.cells.site_distinct as Uint8Array)
    for (const hour of hours.slice(1)) {
      sketch.merge(decodeSketch(hour.cells.celsius_sketch as Uint8Array))
      sites.merge(decodeDistinct(hour.cells.site_distinct as Uint8Array))
    }
    assert.equal(sketch.quantile(0.99), day!.cells.p99)
    assert.equal(sites.estimate(), day!.cells.sites)
  }
})

test('lake parts: a statistic whose name is that of a part is refused where it stands', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-parts-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  writeFileSync(join(folder, 'r.avsc'), JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'id', type: 'string' }, { name: 'ts', type: 'long' }, { name: 'celsius', type: 'double' }] }))
  writeFileSync(join(folder, 'x.yaml'), `name: x
source: { contract: r.avsc }
key: id
time: { field: ts }
windows:
  hour:
    tumbling: 1h
    keep: { celsiusMax: { max: celsius } }
lake: {}
`)
  const problems = await checkDefinition(join(folder, 'x.yaml'))
  assert.deepEqual(problems.map(({ line, message }) => [line, message]), [[8, 'windows.hour.keep.celsiusMax: in the lake the statistic "celsiusMax" becomes "celsius_max", which is a name that the lake needs itself: give it another name']])
})
