import { readdirSync, readFileSync } from 'node:fs'
import { type Figure, shown } from '../bench/kit.ts'

type Kind = 'kafka' | 'cassandra' | 'outage' | 'machine'
interface Results { readonly commit: string, readonly kind?: Kind, readonly at: string, readonly machine: { readonly cpu?: string, readonly cores: number, readonly memoryGiB: number, readonly node: string, readonly loadBefore?: number, readonly loadMost?: number }, readonly figures: readonly Figure[] }

const results = new URL('../bench/results/', import.meta.url)
const marks: readonly (readonly [kind: Kind, begin: string, end: string])[] = [
  ['kafka', '<!-- figures of kafka -->', '<!-- end of figures of kafka -->'],
  ['cassandra', '<!-- figures of cassandra -->', '<!-- end of figures of cassandra -->'],
  ['outage', '<!-- figures of outage -->', '<!-- end of figures of outage -->'],
  ['machine', '<!-- figures -->', '<!-- end of figures -->'],
]

/** docs/performance.md with its tables of figures printed from the newest of each kind of bench/results; the rest of the page is written by hand. */
export function performancePage (): string {
  return marks.reduce((page, [kind, begin, end]) => {
    const [before, rest] = page.split(begin) as [string, string]
    const found = newest(kind)
    return `${before}${begin}\n${found === null ? 'No run is committed yet.\n' : table(found)}${end}${rest.split(end)[1]!}`
  }, readFileSync(new URL('performance.md', import.meta.url), 'utf8'))
}

function newest (kind: Kind): Results | null {
  const all = readdirSync(results).filter(file => file.endsWith('.json')).map(file => JSON.parse(readFileSync(new URL(file, results), 'utf8')) as Results)
  return all.filter(one => (one.kind ?? 'machine') === kind).reduce<Results | null>((last, one) => last === null || one.at > last.at ? one : last, null)
}

function table ({ commit, at, machine: { cpu, cores, memoryGiB, node, loadBefore, loadMost }, figures }: Results): string {
  const rows = figures.map(({ id, what, value, unit, peer, goal, met }) => {
    const beside = peer === undefined ? '' : `${(value / peer.value).toPrecision(2)}x ${peer.name} (${shown(peer.value)})`
    return `| ${[id, what, `${shown(value)} ${unit}`, beside, goal === undefined ? '' : met === undefined ? goal : `${goal}: ${met ? 'met' : '**not met**'}`].map(cell).join(' | ')} |`
  })
  return `Commit ${commit}, ${at.slice(0, 10)}, Node ${node}, ${cores} cores${cpu === undefined ? '' : ` (${cpu})`}, ${memoryGiB} GiB${loadBefore === undefined ? '' : `; load average ${loadBefore.toFixed(1)} before the run, at most ${loadMost!.toFixed(1)} during it`}.

| id | what | figure | beside | goal |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`
}

const cell = (text: string) => text.replaceAll('|', '\\|')
