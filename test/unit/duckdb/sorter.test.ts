import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReadingSorter, type SortedReadings } from '../../../connectors/duckdb/sorter.ts'
import { cell, type ColumnSpec, createColumn } from '../../../pipelines/core/batch.ts'
import type { LakeReadingRows } from '../../../pipelines/core/lake-ports.ts'

const signals: readonly ColumnSpec[] = [{ name: 'celsius', kind: 'number' }, { name: 'open', kind: 'bool' }, { name: 'site', kind: 'text' }]

/** Rows of one device, at the offsets given. */
function rowsOf (key: string, partition: number, offsets: readonly number[]): LakeReadingRows {
  const columns = signals.map(signal => createColumn(signal, offsets.length))
  offsets.forEach((offset, row) => {
    for (const column of columns) column.known[row] = offset % 5 === 0 ? 0 : 1
    columns[0]!.values[row] = offset % 5 === 0 ? Number.NaN : offset % 7 === 0 ? Number.NEGATIVE_INFINITY : offset / 3
    columns[1]!.values[row] = offset % 2
    const site = columns[2]!
    if (site.kind === 'text') site.values[row] = site.dictionary.internText(offset % 3 === 0 ? `a site with a long name ${offset}` : `s${offset % 4}`)
  })
  const numbers = (of: (offset: number) => number) => Float64Array.from(offsets, of)
  return { key, source: partition < 2 ? 'polar' : 'tundra', count: offsets.length, at: numbers(offset => offset * 1_000.5), arrival: numbers(offset => offset * 1_001), partition: new Int32Array(offsets.length).fill(partition), offset: numbers(offset => offset), columns }
}

test('sorter: readings of many devices come back by task, in the order of the log, every value as it was', async t => {
  const sorter = await ReadingSorter.open(signals)
  t.after(() => { sorter.close() })
  const devices = 40
  const each = 300
  for (let device = 0; device < devices; device += 1) {
    const partition = device % 3
    await sorter.add(rowsOf(`truck ${device}, "quoted" 🚚 and long enough`, partition, Array.from({ length: each }, (_, i) => i * devices + device + 2 ** 33)))
  }
  const tasks = await sorter.tasks()
  assert.deepEqual(tasks.map(({ source, partition }) => [source, partition]), [['polar', 0], ['polar', 1], ['tundra', 2]])
  assert.equal(tasks.reduce((sum, { rows }) => sum + rows, 0), devices * each)
  for (const task of tasks) {
    const expected = Array.from({ length: devices * each }, (_, i) => i + 2 ** 33).filter(offset => ((offset - 2 ** 33) % devices) % 3 === task.partition)
    const found: unknown[] = []
    for await (const piece of sorter.sorted(task)) for (let row = 0; row < piece.count; row += 1) found.push(asRow(piece, row))
    assert.deepEqual(found, expected.map(offset => {
      const device = (offset - 2 ** 33) % devices
      const [celsius, open, site] = rowsOf('', 0, [offset]).columns.map(column => cell(column, 0))
      return [`truck ${device}, "quoted" 🚚 and long enough`, offset * 1_000.5, offset * 1_001, offset, celsius, open, site]
    }))
  }
})

const asRow = ({ key, at, arrival, offset, columns }: SortedReadings, row: number) => [key[row], at[row], arrival[row], offset[row], ...columns.map(column => cell(column, row))]
