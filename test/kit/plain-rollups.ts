import type { LakeWindow } from '../../pipelines/core/lake-ports.ts'
import type { PlainCell, PlainReading, PlainRollup } from './memory-lake.ts'

/** Windows of readings by the book: each of its own readings, none late. Parts of kind `sketch` and `distinct` are left to `more`. */
export function plainRollups (readings: readonly PlainReading[], { shape, parts }: LakeWindow, { intervalMs, more = () => null }: { readonly intervalMs: number | null, readonly more?: (part: 'sketch' | 'distinct', values: readonly number[]) => PlainCell }): PlainRollup[] {
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
          default: return more(part, values)
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
