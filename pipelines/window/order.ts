/**
 * Sort `items` by `rank[item index]`: both arrays are permuted together. A natural merge sort: what is nearly in order costs little.
 *
 * Limits: ranks are distinct
 */
export function sortByRank (items: Int32Array, rank: Float64Array, count: number): void {
  let runs = runStarts(rank, count)
  if (runs.length <= 2) return
  let source: Ranked = { items, rank }
  let target: Ranked = { items: new Int32Array(count), rank: new Float64Array(count) }
  while (runs.length > 2) {
    const next = [0]
    for (let run = 0; run + 1 < runs.length; run += 2) {
      const end = runs[run + 2] ?? count
      mergeRuns(source, target, { from: runs[run]!, middle: runs[run + 1]!, end })
      next.push(end)
    }
    if (next.at(-1) !== count) throw new Error('runs cover all items')
    runs = next
    const emptied = source
    source = target
    target = emptied
  }
  if (source.items !== items) {
    items.set(source.items)
    rank.set(source.rank)
  }
}

interface Ranked { readonly items: Int32Array, readonly rank: Float64Array }

/** Where ascending runs begin, and `count` at the end. */
function runStarts (rank: Float64Array, count: number): number[] {
  const starts = [0]
  for (let i = 1; i < count; i += 1) if (rank[i]! < rank[i - 1]!) starts.push(i)
  starts.push(count)
  return starts
}

function mergeRuns (source: Ranked, target: Ranked, { from, middle, end }: { readonly from: number, readonly middle: number, readonly end: number }): void {
  let left = from
  let right = middle
  for (let to = from; to < end; to += 1) {
    const of = right >= end || (left < middle && source.rank[left]! < source.rank[right]!) ? left++ : right++
    target.items[to] = source.items[of]!
    target.rank[to] = source.rank[of]!
  }
}
