import type { LakeWindow } from '../../pipelines/core/lake-ports.ts'
import { addNumber } from '../../pipelines/core/sketch/distinct-value.ts'
import { HyperLogLog } from '../../pipelines/core/sketch/hyper-log-log.ts'
import { QuantileSketch } from '../../pipelines/core/sketch/quantile-sketch.ts'
import { encodeDistinct, encodeSketch } from '../../pipelines/core/sketch/sketch-bytes.ts'
import type { PlainReading, PlainRollup } from './memory-lake.ts'

/** Windows of readings by the book: each of its own readings, none late. */
export function plainRollups (readings: readonly PlainReading[], { shape, parts }: LakeWindow, { intervalMs }: { readonly intervalMs: number | null }): PlainRollup[] {
  if (shape.kind === 'session') return []
  const advance = shape.kind === 'tumbling' ? shape.sizeMs : shape.advanceMs
  const result: PlainRollup[] = []
  for (const [key, own] of Map.groupBy(readings, reading => reading.key)) {
    const starts = new Set(own.flatMap(({ at }) => Array.from({ length: shape.sizeMs / advance }, (_, back) => (Math.floor(at / advance) - back) * advance)))
    for (const start of starts) {
      const end = start + shape.sizeMs
      const inside = own.filter(({ at }) => at >= start && at < end)
      const value = (signal: string, part: LakeWindow['parts'][number]['part']) => {
        const values = inOrder(inside).map(({ values }) => values[signal] ?? null).filter(cell => cell !== null && !Number.isNaN(cell)).map(Number)
        const sum = values.reduce((a, b) => a + b, 0)
        switch (part) {
          case 'n': return values.length
          case 'sum': return sum
          case 'm2': return values.reduce((all, one) => all + (one - sum / values.length) ** 2, 0)
          case 'min': return values.length === 0 ? null : Math.min(...values)
          case 'max': return values.length === 0 ? null : Math.max(...values)
          case 'first': return values[0] ?? null
          case 'last': return values.at(-1) ?? null
          case 'sketch': {
            const sketch = new QuantileSketch()
            for (const one of values) sketch.add(one)
            return encodeSketch(sketch)
          }
          case 'distinct': {
            const sketch = new HyperLogLog()
            for (const one of values) addNumber(sketch, one)
            return encodeDistinct(sketch)
          }
        }
      }
      result.push({
        key, source: own[0]!.source, start, end, expected: intervalMs === null ? Number.NaN : shape.sizeMs / intervalMs, received: inside.length, revision: 0, final: true,
        values: Object.fromEntries(parts.map(({ name, signal, part }) => [name, value(signal, part)])),
      })
    }
  }
  return result
}

/** As a lake has them: of one moment by partition and offset. */
export const inOrder = <Row extends PlainReading>(readings: readonly Row[]): Row[] => readings.toSorted((a, b) => a.at - b.at || a.partition - b.partition || a.offset - b.offset)
