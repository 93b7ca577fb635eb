import type { Path, Problems } from './problem.ts'

/** Words that are promised and not there yet, by the place where they would stand. Nothing else may take their names. */
const planned: readonly { readonly place: RegExp, readonly words: Readonly<Record<string, string>> }[] = [
  { place: /^signals\.[^.]+$/, words: { where: 'narrow messages', hold: 'holding a signal\'s last value' } },
  {
    place: /^windows\.[^.]+$/,
    words: { calendar: 'calendar days and months', zone: 'calendar windows in a time zone', of: 'windows made of windows', by: 'grouping by another signal', registry: 'empty groups', sliding: 'sliding windows', count: 'windows of a count of readings', state: 'windows of a state' },
  },
  { place: /^windows\.[^.]+\.keep\.[^.]+$/, words: { increase: 'the increase of a counter', timeWeighted: 'time-weighted means', duration: 'how long a condition held', histogram: 'histograms' } },
  { place: /^rules\.[^.]+$/, words: { levels: 'escalation by levels', remind: 'reminders', after: 'sequences', without: 'sequences', within: 'sequences', where: 'narrow messages', hold: 'holding a signal\'s last value' } },
]

/** Refuse planned words; gives the dotted places found, so that they are not told twice. */
export function refusePlanned (raw: unknown, problems: Problems): ReadonlySet<string> {
  const found = new Set<string>()
  walk(raw, [])
  return found

  function walk (value: unknown, path: Path): void {
    if (typeof value !== 'object' || value === null || path.length > 4) return
    const words = planned.find(({ place }) => place.test(path.join('.')))?.words
    for (const [name, member] of Object.entries(value)) {
      const here = [...path, name]
      const meaning = words !== undefined && Object.hasOwn(words, name) ? words[name] : undefined
      if (meaning === undefined) walk(member, here)
      else {
        problems.add(here, `"${name}" is planned (${meaning}) and not there yet`, { at: 'key' })
        found.add(here.join('.'))
      }
    }
  }
}
