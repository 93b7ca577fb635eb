import { lakeWords, snakeCase } from '../core/lake-names.ts'
import { lakeParts } from '../core/lake-parts.ts'
import type { SignalSpec, WindowSpec } from '../core/spec.ts'
import type { LakeSpec } from '../core/stage.ts'
import { durationMs } from '../core/time.ts'
import type { Path, Problems } from './problem.ts'
import type { Resolving } from './resolve.ts'
import type { CheckedDefinition } from './schema.ts'
import { wanted } from './wanted.ts'

/** Where the pond keeps readings and rollups; names that would become one table or column are refused. */
export function resolveLake ({ definition, problems }: Resolving, { signals, windows: specs }: { readonly signals: readonly SignalSpec[], readonly windows: readonly WindowSpec[] }): LakeSpec | null {
  const { lake, windows, name } = definition
  if (lake === undefined) return null
  const names = Object.keys(windows)
  const rollups = lake.rollups ?? names
  rollups.forEach((rollup, index) => {
    wanted({ problems, path: ['lake', 'rollups', index], thing: 'window', name: rollup, names })
    if (rollups.indexOf(rollup) < index) problems.add(['lake', 'rollups', index], `"${rollup}" stands here twice`)
  })
  const stored = names.filter(window => rollups.includes(window))
  const signalPlace = (signal: string): Path => definition.signals !== undefined && Object.hasOwn(definition.signals, signal) ? ['signals', signal] : ['lake']
  distinct(problems, { thing: 'signal', names: signals.map(signal => signal.name), taken: [...lakeWords.readings, ...lakeWords.keys], place: signalPlace })
  const raw = lake.raw.fields ? rawSources(definition, problems) : []
  distinct(problems, { thing: 'window', names: stored, taken: [...lakeWords.tables, ...raw], place: window => ['windows', window] })
  for (const window of stored) distinct(problems, { thing: 'statistic', names: Object.keys(windows[window]!.keep), taken: [...lakeWords.rollups, ...specs.filter(spec => spec.name === window).flatMap(spec => lakeParts(spec, signals)).map(part => snakeCase(part.name))], place: keep => ['windows', window, 'keep', keep] })
  return {
    keyspace: lake.keyspace ?? snakeCase(name),
    rawMode: lake.raw.mode,
    rawBucket: lake.raw.bucket ?? null,
    rawFields: lake.raw.fields,
    rawTtlMs: ttl(lake.raw.ttl),
    rollupsTtlMs: ttl(lake.ttl.rollups),
    eventsTtlMs: ttl(lake.ttl.events),
    lettersTtlMs: ttl(lake.ttl.letters),
    rollups,
    chunks: { rowsMax: lake.raw.chunk.readings, withinMs: durationMs(lake.raw.chunk.within), openRowsMax: definition.limits.open },
    allowedLatenessMs: durationMs(lake.allowedLateness),
  }
}

/** Ends of the names of their tables. The only source of a definition has none of its own. */
function rawSources ({ lake, sources }: CheckedDefinition, problems: Problems): readonly string[] {
  if (lake!.raw.mode === 'chunks') problems.add(['lake', 'raw', 'fields'], '"fields" goes with "mode: rows"')
  const names = Object.keys(sources ?? {})
  distinct(problems, { thing: 'source', names, taken: [], place: source => ['sources', source] })
  return names.map(name => `raw_${snakeCase(name)}`)
}

const ttl = (text: string | undefined) => text === undefined ? null : durationMs(text)

interface Naming { readonly thing: string, readonly names: readonly string[], readonly taken: readonly string[], place (name: string): Path }

function distinct (problems: Problems, { thing, names, taken, place }: Naming): void {
  const seen = new Map(taken.map(word => [word, 'a name that the lake needs itself']))
  for (const name of names) {
    const word = snakeCase(name)
    const other = seen.get(word)
    const path = place(name)
    if (other === undefined) seen.set(word, `also the ${thing} "${name}"`)
    else problems.add(path, `in the lake the ${thing} "${name}" becomes "${word}", which is ${other}: ${path.length === 1 ? 'declare signals, under other names' : 'give it another name'}`, { at: 'key' })
  }
}
