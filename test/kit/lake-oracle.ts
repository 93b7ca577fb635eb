import { durationMs } from '../../pipelines/core/time.ts'
import type { LakeQuery } from '../../pipelines/lake/ask.ts'
import type { AnswerRow } from './lake-answers.ts'
import type { PlainReading } from './memory-lake.ts'
import { inOrder } from './plain-rollups.ts'

/** The answer from readings alone, in the plainest way. `labels` by key. Range, resolution and keys as the plan has them. */
export function plainAnswer (readings: readonly PlainReading[], ask: LakeQuery, { intervalMs, labels }: { readonly intervalMs: number | null, readonly labels: Readonly<Record<string, Readonly<Record<string, string | null>>>> }): AnswerRow[] {
  const { keys, where, from, to, resolution, by } = ask
  const wanted = readings.filter(({ key, at }) => (keys === null || keys.includes(key)) && at >= from && at < to && Object.entries(where).every(([label, value]) => labels[key]?.[label] === value))
  const startOf = (at: number) => resolution === null ? from : Math.floor(at / resolution) * resolution
  const groupOf = (key: string) => Object.fromEntries(by.map(name => [name, name === 'key' ? key : labels[key]?.[name] ?? null]))
  const cells = Map.groupBy(wanted, ({ key, at }) => JSON.stringify([groupOf(key), startOf(at)]))
  return [...cells.values()].map(rows => {
    const group = groupOf(rows[0]!.key)
    const start = Math.max(from, startOf(rows[0]!.at))
    const end = resolution === null ? to : Math.min(to, startOf(rows[0]!.at) + resolution)
    const devices = new Set(rows.map(({ key }) => key)).size
    return { start, end, group, values: ask.statistics.map(name => statistic(rows, ask.signal, name)), received: rows.length, expected: intervalMs === null ? null : devices * (end - start) / intervalMs }
  })
}

function statistic (rows: readonly PlainReading[], signal: string, name: LakeQuery['statistics'][number]): number | null {
  const value = ({ values }: PlainReading) => values[signal] ?? null
  const has = rows.filter(row => value(row) !== null && !Number.isNaN(value(row)))
  if (name === 'count') return has.length
  if (name === 'distinct') return new Set(has.map(value)).size
  if (has.length === 0) return null
  const values = has.map(row => Number(value(row)))
  const sum = values.reduce((a, b) => a + b, 0)
  const mean = sum / values.length
  const ordered = inOrder(has.toSorted((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const first = ordered.find(({ at }) => at === ordered[0]!.at)!
  const last = inOrder(has.filter(({ at }) => at === ordered.at(-1)!.at)).toSorted((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0).at(-1)!
  switch (name) {
    case 'sum': return sum
    case 'mean': return mean
    case 'min': return Math.min(...values)
    case 'max': return Math.max(...values)
    case 'stddev': return Math.sqrt(values.reduce((all, one) => all + (one - mean) ** 2, 0) / values.length)
    case 'first': return Number(value(inOrder(has.filter(({ key, at }) => at === first.at && key === [...new Set(has.filter(row => row.at === first.at).map(row => row.key))].sort()[0]))[0]!))
    case 'last': return Number(value(last))
    default: return values.toSorted((a, b) => a - b)[Math.floor(Number(name.slice(1)) / 100 * (values.length - 1))]!
  }
}

export const minute = durationMs('1m')
export const hour = durationMs('1h')
export const day = durationMs('1d')
