import assert from 'node:assert/strict'
import type { LakeQuery, LakeQueryRow } from '../../pipelines/lake/ask.ts'

export async function all<Item> (items: AsyncIterable<Item>): Promise<Item[]> {
  const result: Item[] = []
  for await (const item of items) result.push(item)
  return result
}

/** What an answer says, but for where it comes from. */
export type AnswerRow = Omit<LakeQueryRow, 'windowsTo' | 'readingsFrom'>

const name = ({ group, start }: AnswerRow) => `${JSON.stringify(group)} ${start + 1e15}`
export const ordered = (rows: readonly AnswerRow[]): AnswerRow[] => rows.toSorted((a, b) => name(a) < name(b) ? -1 : 1)

/** The same rows in any order: quantiles within 1 %, what is divided or summed over devices within rounding, all else to the bit. */
export function assertSame (some: readonly AnswerRow[], others: readonly AnswerRow[], { statistics }: LakeQuery): void {
  const [found, wanted] = [ordered(some), ordered(others)]
  assert.deepEqual(found.map(({ start, end, group, received }) => ({ start, end, group, received })), wanted.map(({ start, end, group, received }) => ({ start, end, group, received })))
  found.forEach((row, index) => {
    const other = wanted[index]!
    assert(row.expected === other.expected || Math.abs(row.expected! / other.expected! - 1) < 1e-9, `expected ${row.expected} ${other.expected}`)
    statistics.forEach((statistic, column) => {
      const [is, should] = [row.values[column]!, other.values[column]!]
      if (Object.is(is, should) || is === should) return
      const near = statistic.startsWith('p') ? Math.abs(should) * 0.0101 : ['stddev', 'mean', 'sum'].includes(statistic) ? 1e-9 * Math.max(1, Math.abs(should)) : 0
      assert(is !== null && should !== null && Math.abs(is - should) <= near, `${statistic}: ${is} instead of ${should}`)
    })
  })
}
