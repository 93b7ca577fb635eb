import { StreamError } from '../core/errors.ts'
import { grown } from '../core/keys.ts'
import type { HyperLogLog } from '../core/sketch/hyper-log-log.ts'
import type { QuantileSketch } from '../core/sketch/quantile-sketch.ts'
import type { PartName, Statistic } from './ask.ts'

/** 120 bytes each with every part. */
export const cellsMax = 1 << 20
/** A kilobyte or two each, 20 at the worst. */
export const sketchesMax = 1 << 16

/**
 * What is known of each group and interval so far: the parts that the asked statistics need, each an array over all cells.
 *
 * Units:  m2 the sum of squared distances from the mean; firstAt, lastAt event time of `first` and `last`; windowsTo and readingsFrom as of a row, NaN for null
 * Limits: `cellsMax` cells; `sketchesMax` of them have sketches
 * Errors: LAKE_LIMIT
 */
export class Cells {
  count = 0
  received = new Float64Array(0)
  expected = new Float64Array(0)
  windowsTo = new Float64Array(0)
  readingsFrom = new Float64Array(0)
  n = new Float64Array(0)
  sum = new Float64Array(0)
  m2 = new Float64Array(0)
  min = new Float64Array(0)
  max = new Float64Array(0)
  first = new Float64Array(0)
  firstAt = new Float64Array(0)
  last = new Float64Array(0)
  lastAt = new Float64Array(0)
  /** Whose value that is: of several devices at one moment the first by name has the first, the last the last. */
  readonly firstKey: string[] = []
  readonly lastKey: string[] = []
  sketch: (QuantileSketch | null)[] = []
  distinct: (HyperLogLog | null)[] = []
  #sketches = 0
  readonly parts: ReadonlySet<PartName>

  constructor (parts: ReadonlySet<PartName>) { this.parts = parts }

  /** The first of so many new cells. */
  add (count: number): number {
    const from = this.count
    const to = from + count
    if (to > cellsMax) throw tooMany('cells', to, cellsMax)
    this.count = to
    const { parts } = this
    this.received = cleared(this.received, from, to, 0)
    this.expected = cleared(this.expected, from, to, 0)
    this.windowsTo = cleared(this.windowsTo, from, to, Number.NaN)
    this.readingsFrom = cleared(this.readingsFrom, from, to, Number.NaN)
    if (parts.has('n')) this.n = cleared(this.n, from, to, 0)
    if (parts.has('sum')) this.sum = cleared(this.sum, from, to, 0)
    if (parts.has('m2')) this.m2 = cleared(this.m2, from, to, 0)
    if (parts.has('min')) this.min = cleared(this.min, from, to, Number.NaN)
    if (parts.has('max')) this.max = cleared(this.max, from, to, Number.NaN)
    if (parts.has('first')) this.first = cleared(this.first, from, to, Number.NaN)
    if (parts.has('first')) this.firstAt = cleared(this.firstAt, from, to, Number.NaN)
    if (parts.has('last')) this.last = cleared(this.last, from, to, Number.NaN)
    if (parts.has('last')) this.lastAt = cleared(this.lastAt, from, to, Number.NaN)
    if (parts.has('sketch')) for (let cell = from; cell < to; cell += 1) this.sketch[cell] = null
    if (parts.has('distinct')) for (let cell = from; cell < to; cell += 1) this.distinct[cell] = null
    return from
  }

  clear (): void {
    this.count = 0
    this.#sketches = 0
    this.sketch.length = 0
    this.distinct.length = 0
    this.firstKey.length = 0
    this.lastKey.length = 0
  }

  /** Called before a cell gets its first sketch. */
  countSketch (): void {
    this.#sketches += 1
    if (this.#sketches > sketchesMax) throw tooMany('sketches', this.#sketches, sketchesMax)
  }

  value (cell: number, { name, q }: Statistic): number | null {
    switch (name) {
      case 'count': return this.n[cell]!
      case 'sum': return this.n[cell]! > 0 ? known(this.sum[cell]!) : null
      case 'mean': return this.n[cell]! > 0 ? known(this.sum[cell]! / this.n[cell]!) : null
      case 'stddev': return this.n[cell]! > 0 ? known(Math.sqrt(Math.max(0, this.m2[cell]! / this.n[cell]!))) : null
      case 'min': return known(this.min[cell]!)
      case 'max': return known(this.max[cell]!)
      case 'first': return known(this.first[cell]!)
      case 'last': return known(this.last[cell]!)
      case 'distinct': return this.distinct[cell]?.estimate() ?? 0
      default: return known(this.#within(cell, this.sketch[cell]?.quantile(q) ?? Number.NaN))
    }
  }

  /** A sketch is within 1 %: no value lies beyond the least and the greatest. */
  #within (cell: number, value: number): number {
    return this.parts.has('min') && this.parts.has('max') ? Math.min(Math.max(value, this.min[cell]!), this.max[cell]!) : value
  }
}

const known = (value: number) => Number.isNaN(value) ? null : value

export function tooMany (what: string, asked: number, max: number): StreamError { return new StreamError('LAKE_LIMIT', { what, asked, max }) }

function cleared (array: Float64Array<ArrayBuffer>, from: number, to: number, value: number): Float64Array<ArrayBuffer> {
  const room = to <= array.length ? array : grown(array, to)
  return room.fill(value, from, to)
}
