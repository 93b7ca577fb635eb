/**
 * The valid name that a wrong one most likely stands for; null when none is close.
 *
 * Limits: at most one edit per three letters, at least one; letters' case and `_`/`-` cost nothing
 * Source: optimal string alignment distance (a swap of neighbours is one edit)
 */
export function nearest (wrong: string, names: Iterable<string>): string | null {
  const given = folded(wrong)
  let best: string | null = null
  let least = Math.max(1, Math.floor(given.length / 3)) + 1
  for (const name of names) {
    const distance = editDistance(given, folded(name))
    if (distance < least) [best, least] = [name, distance]
  }
  return best
}

const folded = (name: string) => name.toLowerCase().replace(/[_-]/g, '')

function editDistance (a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1
      let least = Math.min(above[column]! + 1, current[column - 1]! + 1, above[column - 1]! + cost)
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) least = Math.min(least, before[column - 2]! + 1)
      current.push(least)
    }
    before = above
    above = current
  }
  return above[b.length]!
}
