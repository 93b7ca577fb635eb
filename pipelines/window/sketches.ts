import type { Column } from '../core/batch.ts'
import type { StateTree } from '../core/state.ts'
import type { ObjectKind } from './accumulate-objects.ts'
import { finishNumbers, type Statistic } from './accumulator.ts'
import { addBytes, addNumber } from '../core/sketch/distinct-value.ts'
import { HyperLogLog } from '../core/sketch/hyper-log-log.ts'
import type { PaneStore } from './pane-store.ts'
import { Bins, QuantileSketch } from '../core/sketch/quantile-sketch.ts'
import { encodeDistinct, encodeSketch } from '../core/sketch/sketch-bytes.ts'

export const distinctKind: ObjectKind<HyperLogLog> = {
  create: () => new HyperLogLog(),
  add (sketch, column, row) {
    if (column.kind === 'text') addBytes(sketch, column.dictionary.bytes(column.values[row]!))
    else addNumber(sketch, column.values[row] as number)
    return sketch
  },
  merge (left, right) {
    left.merge(right)
    return left
  },
  copy: sketch => sketch.copy(),
  save: sketches => sketches.map(({ sparse, sparseCount, dense }) => sparse === null ? dense! : sparse.slice(0, sparseCount)).map(array => array.slice()),
  load: saved => (saved as readonly (Uint32Array | Uint8Array)[]).map(array => {
    const sketch = new HyperLogLog()
    if (array instanceof Uint8Array) {
      sketch.sparse = null
      sketch.dense = array.slice()
    } else {
      sketch.sparse = new Uint32Array(Math.max(4, array.length))
      sketch.sparse.set(array)
      sketch.sparseCount = array.length
    }
    return sketch
  }),
}

export function distinctStatistic (object: number): Statistic {
  return {
    finish ({ objects, objectStride }: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      finishNumbers(column, row, count, index => (objects[slots[index]! * objectStride + object] as HyperLogLog | null)?.estimate() ?? 0)
    },
  }
}

export const quantileKind: ObjectKind<QuantileSketch> = {
  create: () => new QuantileSketch(),
  add (sketch, column, row) {
    sketch.add(column.values[row] as number)
    return sketch
  },
  merge (left, right) {
    left.merge(right)
    return left
  },
  copy: sketch => sketch.copy(),
  save: sketches => ({
    zeros: Float64Array.from(sketches, ({ zeros }) => zeros),
    firsts: Int32Array.from(sketches.flatMap(({ positive, negative }) => [positive.first, negative.first])),
    lengths: Int32Array.from(sketches.flatMap(({ positive, negative }) => [positive.counts.length, negative.counts.length])),
    counts: Int32Array.from(sketches.flatMap(({ positive, negative }) => [...positive.counts, ...negative.counts])),
  }),
  load (saved, count) {
    const { zeros, firsts, lengths, counts } = saved as StateTree & { zeros: Float64Array, firsts: Int32Array, lengths: Int32Array, counts: Int32Array }
    let from = 0
    const bins = (i: number) => {
      const part = counts.slice(from, from + lengths[i]!)
      from += lengths[i]!
      return new Bins(part, firsts[i])
    }
    return Array.from({ length: count }, (_, i) => {
      const positive = bins(i * 2)
      return new QuantileSketch(positive, bins(i * 2 + 1), zeros[i])
    })
  },
}

export function quantileStatistic (object: number, q: number): Statistic {
  return {
    finish ({ objects, objectStride }: PaneStore, slots: Int32Array, count: number, column: Column, row: number): void {
      finishNumbers(column, row, count, index => (objects[slots[index]! * objectStride + object] as QuantileSketch | null)?.quantile(q) ?? Number.NaN)
    },
  }
}

export const sketchBytesStatistic = (object: number): Statistic => bytesStatistic(object, sketch => encodeSketch(sketch as QuantileSketch))
export const distinctBytesStatistic = (object: number): Statistic => bytesStatistic(object, sketch => encodeDistinct(sketch as HyperLogLog))

/** A pane's sketch as bytes; unknown where it has seen nothing. */
function bytesStatistic (object: number, encode: (sketch: unknown) => Uint8Array): Statistic {
  return {
    finish ({ objects, objectStride }: PaneStore, slots: Int32Array, count: number, { values, known }: Column, row: number): void {
      const results = values as unknown[]
      for (let i = 0; i < count; i += 1) {
        const sketch = objects[slots[i]! * objectStride + object] ?? null
        results[row + i] = sketch === null ? null : encode(sketch)
        known[row + i] = sketch === null ? 0 : 1
      }
    },
  }
}
