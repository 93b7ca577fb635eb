import { StreamError } from '../core/errors.ts'
import type { SignalSpec, StatisticSpec, UserStatistic, WindowSpec } from '../core/spec.ts'
import { durationMs } from '../core/time.ts'
import type { Path } from './problem.ts'
import type { Resolving } from './resolve.ts'
import type { CheckedWindow } from './schema.ts'
import { type CheckedStatistic, nearestStatistic, numericStatistics, type PlainStatistic, plainStatistics, statisticWords } from './schema-keep.ts'
import { wanted } from './wanted.ts'

const collectLimit = 1_000

export function resolveWindows (resolving: Resolving, signals: readonly SignalSpec[]): readonly WindowSpec[] {
  const { definition: { windows, limits }, problems } = resolving
  return Object.entries(windows).map(([name, window]) => {
    const path = ['windows', name]
    const keep = Object.entries(window.keep).flatMap(([keepName, statistic]) => {
      const spec = resolveStatistic(resolving, { statistic, signals, path: [...path, 'keep', keepName] })
      return spec === null ? [] : [{ name: keepName, statistic: spec }]
    })
    const shape = problems.attempt(path, () => shapeOf(window)) ?? { kind: 'tumbling', sizeMs: 1 }
    checkShape(resolving, path, shape)
    return {
      name, shape, keep,
      emit: typeof window.emit === 'string' ? { mode: window.emit } : { mode: 'every', everyMs: durationMs(window.emit.every) },
      allowedLatenessMs: durationMs(window.allowedLateness),
      intervalMs: null,
      panesMax: limits.panes,
    }
  })
}

function shapeOf ({ tumbling, hopping, session }: CheckedWindow): WindowSpec['shape'] {
  if (tumbling !== undefined) return { kind: 'tumbling', sizeMs: durationMs(tumbling) }
  if (hopping !== undefined) return { kind: 'hopping', sizeMs: durationMs(hopping[0]), advanceMs: durationMs(hopping[1]) }
  return { kind: 'session', gapMs: durationMs(session!) }
}

/** More panes than this per reading is a mistake in the definition, not a wish. */
const overlapsMax = 100_000

function checkShape ({ problems }: Resolving, path: Path, shape: WindowSpec['shape']): void {
  const sizeMs = shape.kind === 'session' ? shape.gapMs : shape.sizeMs
  if (sizeMs === 0) problems.add([...path, shape.kind], 'a window is longer than nothing')
  if (shape.kind !== 'hopping') return
  if (shape.advanceMs === 0) problems.add([...path, 'hopping', 1], 'a window advances by more than nothing')
  else if (shape.advanceMs > shape.sizeMs) problems.add([...path, 'hopping', 1], 'the advance is at most the size, or readings would fall between windows')
  else if (shape.sizeMs / shape.advanceMs > overlapsMax) problems.add([...path, 'hopping', 1], `at most ${overlapsMax} windows overlap`)
}

interface StatisticPlace { readonly statistic: CheckedStatistic, readonly signals: readonly SignalSpec[], readonly path: Path }

function resolveStatistic (resolving: Resolving, { statistic, signals, path }: StatisticPlace): StatisticSpec | null {
  if (statistic === 'count') return { kind: 'count' }
  const word = Object.keys(statistic).find(key => key !== 'limit' && statistic[key] !== undefined)!
  const { quantile, collect, limit } = statistic
  const argument = quantile ?? collect ?? statistic[word] as string
  const signal = typeof argument === 'string' ? argument : argument[0]
  const place = [...path, word, ...(typeof argument === 'string' ? [] : [0])]
  const known = (statisticWords as readonly string[]).includes(word)
  const user = known ? null : userStatistic(resolving, word, [...path, word])
  if (!signalFits(resolving, { word, signal, signals, place })) return null
  if (quantile !== undefined) return { kind: 'quantile', signal, q: quantile[1] }
  if (collect !== undefined) return { kind: 'collect', signal, limit: typeof collect === 'string' ? limit ?? collectLimit : collect[1] }
  if (isPlain(word)) return { kind: word, signal }
  return user === null ? null : { kind: 'user', signal, statistic: user }
}

const isPlain = (word: string): word is PlainStatistic => (plainStatistics as readonly string[]).includes(word)

function signalFits ({ problems }: Resolving, { word, signal, signals, place }: { readonly word: string, readonly signal: string, readonly signals: readonly SignalSpec[], readonly place: Path }): boolean {
  if (!wanted({ problems, path: place, thing: 'signal', name: signal, names: signals.map(({ name }) => name) })) return false
  const { kind } = signals.find(({ name }) => name === signal)!
  if (numericStatistics.has(word) && kind !== 'number') {
    problems.add(place, `"${word}" reads numbers, and the signal "${signal}" is ${kind}`)
    return false
  }
  return true
}

/** A statistic the user wrote, by its exported name; null when there is none. */
function userStatistic ({ definition, problems, functions }: Resolving, word: string, path: Path): UserStatistic | null {
  const exported = functions === null ? [] : Object.keys(functions).filter(name => isStatistic(functions[name]))
  if (definition.functions === undefined || (functions !== null && !exported.includes(word))) {
    const about = definition.functions === undefined ? 'the definition names no file of functions' : 'the file of functions exports no such statistic'
    problems.add(path, `there is no statistic "${word}", and ${about}`, { at: 'key', nearest: nearestStatistic(word, exported) })
    return null
  }
  if (functions === null) return notLoaded(word)
  return { ...functions[word] as Omit<UserStatistic, 'name'>, name: word }
}

/** Stands in for a statistic whose file is not loaded; `assertFunctionsLoaded` keeps it from ever being called. */
function notLoaded (name: string): UserStatistic {
  const refuse = () => { throw new StreamError('DEFINITION_UNREADABLE', { statistic: name }) }
  return { name, create: refuse, add: refuse, merge: refuse, result: refuse }
}

export function isStatistic (value: unknown): boolean {
  return typeof value === 'object' && value !== null && ['create', 'add', 'merge', 'result'].every(part => typeof (value as Readonly<Record<string, unknown>>)[part] === 'function')
}

/** Refuses to go on with functions that were not loaded. */
export function assertFunctionsLoaded ({ definition, functions }: Pick<Resolving, 'definition' | 'functions'>): void {
  if (definition.functions !== undefined && functions === null) throw new StreamError('DEFINITION_UNREADABLE', { definition: definition.name, functions: definition.functions, reason: 'load the definition from its file, so that its functions are loaded too' })
}
