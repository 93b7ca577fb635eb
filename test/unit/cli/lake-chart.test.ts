import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timeAxis, valueAxis } from '../../../pipelines/cli/lake/axis.ts'
import { barChart } from '../../../pipelines/cli/lake/bar-chart.ts'
import { chartOf } from '../../../pipelines/cli/lake/chart.ts'
import { lineChart } from '../../../pipelines/cli/lake/line-chart.ts'
import type { LakeQuery } from '../../../pipelines/lake/ask.ts'
import { trucks } from '../../kit/lake-layouts.ts'
import { MemoryLake, type PlainReading } from '../../kit/memory-lake.ts'

const from = Date.parse('2026-11-23T06:00:00Z')
const quarter = 900_000
const to = from + 96 * quarter
const times = Array.from({ length: 96 }, (_, index) => from + index * quarter)
/** A saw and a line: exact everywhere, whatever the machine's sine. */
const saw = (index: number) => Math.abs(index % 48 - 24) / 3

const golden = {
  line: `\
celsius mean [Cel]
8 ┤⠑⣄                                                     ⣀⠆
  │  ⠑⢄                          ⠐⢄                     ⢠⠊
6 ┤   ⠈⠢⡀                          ⠑⢄                 ⢀⠔⠁
4 ┤     ⠈⠢⡀             ⡠⠔⠁         ⠈⠢⢄             ⢀⠔⠁
  │       ⠘⠤⡀         ⢀⠔⠁              ⠣⡀         ⢀⠤⠊
2 ┤         ⠘⢄      ⢀⠔⠊                 ⠘⠢⡀      ⡠⠊
  │           ⠓⢄   ⡠⠊                     ⠘⢄   ⡠⠒⠁
0 ┤             ⠱⡠⠊                         ⠑⢄⠜
  └┴─────────────┴─────────────┴─────────────┴─────────────┴
   06:00       12:00         18:00         11-24       06:00
   2026-11-23 06:00:00Z to 2026-11-24 06:00:00Z, UTC
`,
  panels: `\
celsius [Cel]  truck-1  * mean   + p50
 10 ┤**                        ***                        *
    │++++++++++++++++++++++++++++++++++++++++++++++++++++++
  0 ┤          ********                   ********
    │
-10 ┤
    └┴─────────────┴────────────┴─────────────┴────────────┴
     06:00       12:00        18:00         11-24      06:00

celsius [Cel]  truck-2  * mean   + p50
 10 ┤
    │++++++++++++++++++++++++++++++++++++++++++++++++++++++
  0 ┤   *********    *********     *********    *********
    │           ******                     ******
-10 ┤
    └┴─────────────┴────────────┴─────────────┴────────────┴
     06:00       12:00        18:00         11-24      06:00
     2026-11-23 06:00:00Z to 2026-11-24 06:00:00Z, UTC
`,
  depots: `\
celsius mean [Cel]  2026-11-23 06:00:00Z to 2026-11-23 07:00:00Z, UTC
depot=north ██████████████████████████████████▋ 5.475
depot=south █████████████████████████████████████████ 6.475
`,
}

test('a line in dots, broken where there is nothing, with axes, unit and zone', () => {
  const values = times.map((_, index) => index >= 40 && index < 52 ? null : saw(index))
  assert.equal(lineChart([{ title: 'celsius mean [Cel]', series: [{ name: 'mean', times, values }] }], { width: 60, height: 8, from, to, stepMs: quarter }), golden.line)
})

test('several lines by marks of their own, a panel for each group, all with the same axes', () => {
  const flat = times.map(() => 4)
  const panel = (title: string, offset: number) => ({ title, series: [{ name: 'mean', times, values: times.map((_, index) => saw(index) + offset) }, { name: 'p50', times, values: flat }] })
  assert.equal(lineChart([panel('celsius [Cel]  truck-1', 0), panel('celsius [Cel]  truck-2', -4)], { width: 60, height: 5, from, to, stepMs: quarter }), golden.panels)
})

test('bars, also below zero and where there is no value', () => {
  assert.equal(barChart('celsius p99 [Cel]', [{ name: 'Oslo', value: 8.5 }, { name: 'Bergen 北', value: -3.25 }, { name: 'Kiruna', value: null }, { name: 'Å', value: 2 }], 60), `\
celsius p99 [Cel]
Oslo                  │███████████████████████████████ 8.50
Bergen 北 ████████████│ -3.25
Kiruna                │ -
Å                     │███████▎ 2.00
`)
})

test('axes have round ticks that hold all values, and a flat line has one too', () => {
  assert.deepEqual(valueAxis(0.2, 9.7, 5).ticks, [0, 2, 4, 6, 8, 10])
  assert.deepEqual(valueAxis(4, 4, 4).ticks.every(Number.isFinite), true)
  assert.deepEqual(valueAxis(0, 0, 4).ticks.length > 1, true)
  const axis = timeAxis(from, from + 6 * 3_600_000, 6)
  assert.deepEqual(axis.ticks.map(axis.text), ['06:00', '07:00', '08:00', '09:00', '10:00', '11:00', '12:00'])
  const days = timeAxis(from, from + 10 * 86_400_000, 5)
  assert.deepEqual(days.ticks.map(days.text), ['11-25', '11-27', '11-29', '12-01', '12-03'])
})

const readings = ['truck-1', 'truck-2'].flatMap((key, device) => Array.from({ length: 60 }, (_, index): PlainReading => ({
  key, source: 'trucks', at: from + index * 60_000, arrival: from + index * 60_000, partition: 0, offset: device * 60 + index, values: { celsius: 4 + device + index / 20, doorOpen: false, depot: device === 0 ? 'north' : 'south' },
})))
const ask: LakeQuery = { keys: null, where: {}, signal: 'celsius', statistics: ['mean'], from, to: from + 3_600_000, resolution: null, points: null, by: ['depot'], source: 'auto' }

test('a question whose range is one interval is drawn as bars', async () => {
  const { text, left } = await chartOf(new MemoryLake({ layout: trucks, readings }), ask, { width: 60 })
  assert.equal(left, 0)
  assert.equal(text, golden.depots)
})

test('groups that do not fit are counted, and no readings are no chart', async () => {
  const many = Array.from({ length: 20 }, (_, device): PlainReading => ({ ...readings[0]!, key: `truck-${device}`, offset: device }))
  const { text, left } = await chartOf(new MemoryLake({ layout: trucks, readings: many }), { ...ask, by: ['key'], resolution: 60_000 }, { width: 60 })
  assert.equal(left, 8)
  assert.equal(text.split('celsius mean [Cel]').length - 1, 12)
  assert.equal((await chartOf(new MemoryLake({ layout: trucks, readings: [] }), ask, { width: 60 })).text, '')
})
