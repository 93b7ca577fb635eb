import type { BoolColumn, Column, NumberColumn, TextColumn, ValueColumn } from '../core/batch.ts'
import { addBytes, addNumber } from '../core/sketch/distinct-value.ts'
import { HyperLogLog } from '../core/sketch/hyper-log-log.ts'
import { decodeDistinct, decodeSketch } from '../core/sketch/sketch-bytes.ts'
import { QuantileSketch } from '../core/sketch/quantile-sketch.ts'
import type { PartName } from './ask.ts'
import type { Cells } from './cells.ts'

/** Rows of one piece, each with its cell; -1: not of the answer. */
export interface Placed { readonly key: string, readonly count: number, readonly cell: Int32Array, /** Event time. */ readonly time: Float64Array }

/**
 * Take values of readings into their cells. NaN is no value, as in windows; true is 1.
 *
 * Shape: rows of one key in order of time
 */
export function foldReadings (cells: Cells, placed: Placed, column: Column): void {
  const { parts } = cells
  if (column.kind === 'text') {
    if (parts.has('n')) for (let row = 0; row < placed.count; row += 1) if (placed.cell[row]! >= 0 && column.known[row] === 1) cells.n[placed.cell[row]!]! += 1
    if (parts.has('distinct')) foldDistinct(cells, placed, column)
    return
  }
  const values = column as NumberColumn | BoolColumn
  if (parts.has('m2')) foldSpread(cells, placed, values)
  else if (parts.has('n')) foldSum(cells, placed, values)
  if (parts.has('min') || parts.has('max')) foldEnds(cells, placed, values)
  if (parts.has('first') || parts.has('last')) foldTimes(cells, placed, values)
  if (parts.has('sketch')) foldQuantiles(cells, placed, values)
  if (parts.has('distinct')) foldDistinct(cells, placed, values)
}

function foldSum ({ n, sum, parts }: Cells, { count, cell }: Placed, { values, known }: NumberColumn | BoolColumn): void {
  const sums = parts.has('sum')
  for (let row = 0; row < count; row += 1) {
    const at = cell[row]!
    const value = values[row]!
    if (at < 0 || known[row] === 0 || Number.isNaN(value)) continue
    n[at]! += 1
    if (sums) sum[at]! += value
  }
}

/** A value without end leaves no spread, as in windows. Source: Welford's update */
function foldSpread ({ n, sum, m2 }: Cells, { count, cell }: Placed, { values, known }: NumberColumn | BoolColumn): void {
  for (let row = 0; row < count; row += 1) {
    const at = cell[row]!
    const value = values[row]!
    if (at < 0 || known[row] === 0 || Number.isNaN(value)) continue
    const before = n[at]!
    const off = before === 0 ? 0 : value - sum[at]! / before
    n[at] = before + 1
    sum[at]! += value
    if (!Number.isFinite(value)) m2[at] = Number.NaN
    else if (before > 0) m2[at]! += off * (value - sum[at]! / (before + 1))
  }
}

function foldEnds ({ min, max, parts }: Cells, { count, cell }: Placed, { values, known }: NumberColumn | BoolColumn): void {
  const [mins, maxs] = [parts.has('min'), parts.has('max')]
  for (let row = 0; row < count; row += 1) {
    const at = cell[row]!
    const value = values[row]!
    if (at < 0 || known[row] === 0 || Number.isNaN(value)) continue
    if (mins && !(min[at]! <= value)) min[at] = value
    if (maxs && !(max[at]! >= value)) max[at] = value
  }
}

/** Of several values of one moment the first to arrive is the first, the last to arrive the last. */
function foldTimes (cells: Cells, { key, count, cell, time }: Placed, { values, known }: NumberColumn | BoolColumn): void {
  const [firsts, lasts] = [cells.parts.has('first'), cells.parts.has('last')]
  const { first, firstAt, firstKey, last, lastAt, lastKey } = cells
  for (let row = 0; row < count; row += 1) {
    const at = cell[row]!
    const value = values[row]!
    const ms = time[row]!
    if (at < 0 || known[row] === 0 || Number.isNaN(value)) continue
    if (firsts && !(firstAt[at]! < ms || (firstAt[at] === ms && firstKey[at]! <= key))) {
      firstKey[at] = key
      firstAt[at] = ms
      first[at] = value
    }
    if (lasts && !(lastAt[at]! > ms || (lastAt[at] === ms && lastKey[at]! > key))) {
      lastKey[at] = key
      lastAt[at] = ms
      last[at] = value
    }
  }
}

function foldQuantiles (cells: Cells, { count, cell }: Placed, { values, known }: NumberColumn | BoolColumn): void {
  for (let row = 0; row < count; row += 1) {
    const at = cell[row]!
    const value = values[row]!
    if (at >= 0 && known[row] === 1 && !Number.isNaN(value)) sketchOf(cells, at).add(value)
  }
}

function foldDistinct (cells: Cells, { count, cell }: Placed, column: NumberColumn | BoolColumn | TextColumn): void {
  for (let row = 0; row < count; row += 1) {
    const at = cell[row]!
    if (at < 0 || column.known[row] === 0 || Number.isNaN(column.values[row]!)) continue
    if (column.kind === 'text') addBytes(distinctOf(cells, at), column.dictionary.bytes(column.values[row]!))
    else addNumber(distinctOf(cells, at), column.values[row]!)
  }
}

/**
 * Take parts of windows into their cells. A window that has values, but no sum or spread (of those without end), leaves none in its cell.
 *
 * Shape:  `columns` by part; rows of one key in order of time
 * Source: Chan's merge of n, mean and m2
 */
export function foldRollups (cells: Cells, placed: Placed, columns: ReadonlyMap<PartName, Column>): void {
  const number = (part: PartName) => columns.get(part) as NumberColumn
  if (columns.has('m2')) mergeSpread(cells, placed, { n: number('n'), sum: number('sum'), m2: number('m2') })
  else {
    if (columns.has('n')) mergeCount(cells.n, placed, number('n'))
    if (columns.has('sum')) mergeSum(cells.sum, placed, { n: number('n'), sum: number('sum') })
  }
  if (columns.has('min')) mergeMin(cells.min, placed, number('min'))
  if (columns.has('max')) mergeMax(cells.max, placed, number('max'))
  if (columns.has('first') || columns.has('last')) mergeTimes(cells, placed, columns)
  if (columns.has('sketch')) mergeSketches(cells, placed, columns.get('sketch') as ValueColumn)
  if (columns.has('distinct')) mergeDistinct(cells, placed, columns.get('distinct') as ValueColumn)
}

function mergeSpread ({ n, sum, m2 }: Cells, { count, cell }: Placed, from: { readonly n: NumberColumn, readonly sum: NumberColumn, readonly m2: NumberColumn }): void {
  for (let row = 0; row < count; row += 1) {
    const at = cell[row]!
    const right = from.n.values[row]!
    if (at < 0 || from.n.known[row] === 0 || !(right > 0)) continue
    const left = n[at]!
    const total = knownOf(from.sum, row)
    const off = left === 0 ? 0 : total / right - sum[at]! / left
    m2[at]! += knownOf(from.m2, row) + off * off * left * right / (left + right)
    n[at] = left + right
    sum[at]! += total
  }
}

const knownOf = ({ known, values }: NumberColumn, row: number): number => known[row] === 1 ? values[row]! : Number.NaN

function mergeCount (into: Float64Array, { count, cell }: Placed, { values, known }: NumberColumn): void {
  for (let row = 0; row < count; row += 1) if (cell[row]! >= 0 && known[row] === 1) into[cell[row]!]! += values[row]!
}

function mergeSum (into: Float64Array, { count, cell }: Placed, { n, sum }: { readonly n: NumberColumn, readonly sum: NumberColumn }): void {
  for (let row = 0; row < count; row += 1) if (cell[row]! >= 0 && n.known[row] === 1 && n.values[row]! > 0) into[cell[row]!]! += knownOf(sum, row)
}

function mergeMin (into: Float64Array, { count, cell }: Placed, { values, known }: NumberColumn): void {
  for (let row = 0; row < count; row += 1) {
    const at = cell[row]!
    const value = values[row]!
    if (at >= 0 && known[row] === 1 && !Number.isNaN(value) && !(into[at]! <= value)) into[at] = value
  }
}

function mergeMax (into: Float64Array, { count, cell }: Placed, { values, known }: NumberColumn): void {
  for (let row = 0; row < count; row += 1) {
    const at = cell[row]!
    const value = values[row]!
    if (at >= 0 && known[row] === 1 && !Number.isNaN(value) && !(into[at]! >= value)) into[at] = value
  }
}

/** Windows of one key lie side by side, so that the earliest that has a value has the first. */
function mergeTimes (cells: Cells, placed: Placed, columns: ReadonlyMap<PartName, Column>): void {
  for (const part of ['first', 'last'] as const) {
    const column = columns.get(part) as NumberColumn | undefined
    if (column === undefined) continue
    const [into, at] = part === 'first' ? [cells.first, cells.firstAt] : [cells.last, cells.lastAt]
    for (let row = 0; row < placed.count; row += 1) {
      const cell = placed.cell[row]!
      const ms = placed.time[row]!
      if (cell < 0 || column.known[row] === 0 || Number.isNaN(column.values[row]!)) continue
      if (part === 'first' ? at[cell]! <= ms : at[cell]! > ms) continue
      at[cell] = ms
      into[cell] = column.values[row]!
    }
  }
}

function mergeSketches (cells: Cells, { count, cell }: Placed, { values, known }: ValueColumn): void {
  for (let row = 0; row < count; row += 1) {
    const at = cell[row]!
    if (at < 0 || known[row] === 0) continue
    const sketch = decodeSketch(values[row] as Uint8Array)
    const has = cells.sketch[at]!
    if (has !== null) has.merge(sketch)
    else {
      cells.countSketch()
      cells.sketch[at] = sketch
    }
  }
}

function mergeDistinct (cells: Cells, { count, cell }: Placed, { values, known }: ValueColumn): void {
  for (let row = 0; row < count; row += 1) {
    if (cell[row]! >= 0 && known[row] === 1) distinctOf(cells, cell[row]!).merge(decodeDistinct(values[row] as Uint8Array))
  }
}

function sketchOf (cells: Cells, cell: number): QuantileSketch {
  const sketch = cells.sketch[cell]!
  if (sketch !== null) return sketch
  cells.countSketch()
  return cells.sketch[cell] = new QuantileSketch()
}

function distinctOf (cells: Cells, cell: number): HyperLogLog {
  const sketch = cells.distinct[cell]!
  if (sketch !== null) return sketch
  cells.countSketch()
  return cells.distinct[cell] = new HyperLogLog()
}
