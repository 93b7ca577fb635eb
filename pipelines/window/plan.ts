import { StreamError } from '../core/errors.ts'
import type { ColumnKind, ColumnSpec } from '../core/batch.ts'
import { canonicalJson, hashText } from '../core/hash.ts'
import type { SignalSpec, StatisticSpec, WindowSpec } from '../core/spec.ts'
import { deltaStatistic, End, endStatistic, rateStatistic, TextEnd, textEndStatistic } from './accumulate-ends.ts'
import { High, Low, Spread, Sum, Summary } from './accumulate-numbers.ts'
import { Objects } from './accumulate-objects.ts'
import { partCells, Parts } from './accumulate-parts.ts'
import type { Accumulator, Place, Statistic } from './accumulator.ts'
import { collectKind, collectStatistic } from './collect.ts'
import type { PaneLayout } from './pane-store.ts'
import { distinctBytesStatistic, distinctKind, distinctStatistic, quantileKind, quantileStatistic, sketchBytesStatistic } from './sketches.ts'
import { cellStatistic, meanStatistic, stddevStatistic, sumStatistic } from './statistics-number.ts'
import { userKind, userStatistic } from './user-statistic.ts'

/** What a window keeps, worked out: the cells of a pane, what fills them, and how results are read off. */
export interface Plan extends PaneLayout {
  readonly accumulators: readonly Accumulator[]
  /** One per `keep`, in order. */
  readonly statistics: readonly Statistic[]
  readonly columns: readonly ColumnSpec[]
}

/** The cell that counts readings; a stage's own cells come next, then those of the accumulators. */
export const receivedCell = 0

/**
 * Statistics of one signal share accumulators: `mean` and `sum` are one.
 *
 * Errors: WINDOW_SIGNAL when a statistic names no signal, or one of a kind it cannot read
 */
export function planWindow (spec: WindowSpec, signals: readonly SignalSpec[], ownCells: readonly number[]): Plan {
  const planner = new Planner(spec, signals, ownCells)
  const statistics = spec.keep.map(({ statistic }) => planner.statistic(statistic))
  return { template: planner.template, objects: planner.objects, accumulators: planner.accumulators, statistics, columns: windowColumns(spec, signals) }
}

/** Of everything that shapes a window's state: the same hash, a snapshot that fits. */
export function planHash ({ shape, emit, keep, allowedLatenessMs }: WindowSpec, signals: readonly SignalSpec[]): string {
  const read = new Set(keep.flatMap(({ statistic }) => 'signal' in statistic ? [statistic.signal] : []))
  return hashText(canonicalJson({ shape, emit, keep, allowedLatenessMs, signals: signals.filter(({ name }) => read.has(name)) }))
}

/** The columns of a window's results. Units follow the signal; a rate is per second; counts have none. */
export function windowColumns (spec: WindowSpec, signals: readonly SignalSpec[]): ColumnSpec[] {
  return spec.keep.map(({ name, statistic }) => {
    if (statistic.kind === 'count') return { name, kind: 'number', unit: null }
    const signal = signalOf(spec, signals, statistic.signal)
    return { name, ...resultOf(statistic, signal) }
  })
}

function resultOf (statistic: Exclude<StatisticSpec, { kind: 'count' }>, { kind, unit }: SignalSpec): { readonly kind: ColumnKind, readonly unit: string | null } {
  switch (statistic.kind) {
    case 'first': case 'last': return { kind, unit }
    case 'rate': return { kind: 'number', unit: unit === null ? null : `${unit}/s` }
    case 'distinct': case 'n': case 'm2': return { kind: 'number', unit: null }
    case 'sketchBytes': case 'distinctBytes': return { kind: 'value', unit: null }
    case 'collect': return { kind: 'value', unit: null }
    case 'user': return { kind: statistic.statistic.kind ?? 'number', unit: null }
    default: return { kind: 'number', unit }
  }
}

function signalOf (spec: WindowSpec, signals: readonly SignalSpec[], name: string): SignalSpec {
  const signal = signals.find(one => one.name === name)
  if (signal === undefined) throw new StreamError('WINDOW_SIGNAL', { window: spec.name, signal: name })
  return signal
}

/** Statistics that read numbers only. */
const numeric: ReadonlySet<string> = new Set(['sum', 'mean', 'min', 'max', 'stddev', 'delta', 'rate', 'quantile', 'n', 'm2', 'sketchBytes'])

class Planner {
  readonly template: number[]
  objects = 0
  readonly accumulators: Accumulator[] = []
  readonly #spec: WindowSpec
  readonly #signals: readonly SignalSpec[]
  readonly #cells = new Map<string, Place>()

  constructor (spec: WindowSpec, signals: readonly SignalSpec[], ownCells: readonly number[]) {
    this.#spec = spec
    this.#signals = signals
    this.template = [0, ...ownCells]
  }

  statistic (statistic: StatisticSpec): Statistic {
    if (statistic.kind === 'count') return cellStatistic(receivedCell)
    const signal = signalOf(this.#spec, this.#signals, statistic.signal)
    if (signal.kind !== 'number' && numeric.has(statistic.kind)) throw new StreamError('WINDOW_SIGNAL', { window: this.#spec.name, statistic: statistic.kind, signal: signal.name, kind: signal.kind })
    const column = this.#signals.indexOf(signal)
    switch (statistic.kind) {
      case 'first': case 'last': return this.#end(column, statistic.kind)
      case 'delta': return deltaStatistic(this.#numberEnd(column, 'first'), this.#numberEnd(column, 'last'))
      case 'rate': return rateStatistic(this.#numberEnd(column, 'first'), this.#numberEnd(column, 'last'))
      case 'distinct': return distinctStatistic(this.#share('distinct', column, place => new Objects(place, distinctKind)).object)
      case 'distinctBytes': return distinctBytesStatistic(this.#share('distinct', column, place => new Objects(place, distinctKind)).object)
      case 'sketchBytes': return sketchBytesStatistic(this.#share('quantile', column, place => new Objects(place, quantileKind)).object)
      case 'quantile': return quantileStatistic(this.#share('quantile', column, place => new Objects(place, quantileKind)).object, statistic.q)
      case 'collect': return collectStatistic(this.#share(`collect ${statistic.limit}`, column, place => new Objects(place, collectKind(statistic.limit))).object)
      case 'user': return userStatistic(statistic.statistic, this.#share(`user ${statistic.statistic.name}`, column, place => new Objects(place, userKind(statistic.statistic))).object)
      default: return this.#number(column, statistic.kind)
    }
  }

  #number (column: number, kind: 'n' | 'sum' | 'mean' | 'min' | 'max' | 'stddev' | 'm2'): Statistic {
    if (this.#isMerged(column)) return this.#part(column, kind)
    if (kind === 'stddev' || kind === 'm2') return stddevStatistic(this.#share('spread', column, place => new Spread(place)).cell)
    if (this.#summed(column)) {
      const { cell } = this.#share('summary', column, place => new Summary(place))
      if (kind === 'min' || kind === 'max') return cellStatistic(cell + (kind === 'min' ? 2 : 3))
      if (kind === 'n') return cellStatistic(cell)
      return kind === 'sum' ? sumStatistic(cell) : meanStatistic(cell)
    }
    switch (kind) {
      case 'n': return cellStatistic(this.#share('sum', column, place => new Sum(place)).cell)
      case 'sum': return sumStatistic(this.#share('sum', column, place => new Sum(place)).cell)
      case 'mean': return meanStatistic(this.#share('sum', column, place => new Sum(place)).cell)
      case 'min': return cellStatistic(this.#share('low', column, place => new Low(place)).cell)
      case 'max': return cellStatistic(this.#share('high', column, place => new High(place)).cell)
    }
  }

  /** Everything of a signal whose parts go to a lake comes from one accumulator. */
  #part (column: number, kind: 'n' | 'sum' | 'mean' | 'min' | 'max' | 'stddev' | 'm2'): Statistic {
    const { cell } = this.#parts(column)
    switch (kind) {
      case 'n': return cellStatistic(cell)
      case 'm2': return sumStatistic(cell, cell + 2)
      case 'stddev': return stddevStatistic(cell)
      case 'sum': return sumStatistic(cell, cell + partCells.sum)
      case 'mean': return meanStatistic(cell, cell + partCells.sum)
      case 'min': case 'max': return cellStatistic(cell + partCells[kind])
    }
  }

  #parts (column: number): Place { return this.#share('parts', column, place => new Parts(place)) }

  #isMerged (column: number): boolean {
    const { name, kind } = this.#signals[column]!
    return kind === 'number' && this.#spec.keep.some(({ statistic }) => statistic.kind === 'm2' && statistic.signal === name)
  }

  /** Does the window keep more than one of sum (or mean), min and max of a signal? */
  #summed (column: number): boolean {
    const { name } = this.#signals[column]!
    const kinds = this.#spec.keep.flatMap(({ statistic }) => 'signal' in statistic && statistic.signal === name ? [statistic.kind] : [])
    return [kinds.includes('sum') || kinds.includes('mean'), kinds.includes('min'), kinds.includes('max')].filter(Boolean).length > 1
  }

  #end (column: number, which: 'first' | 'last'): Statistic {
    if (this.#signals[column]!.kind !== 'text') return endStatistic(this.#numberEnd(column, which))
    return textEndStatistic(this.#share(which, column, place => new TextEnd(place, which === 'first')).object)
  }

  /** The cell of the time of an end of a number or a bool; its value comes next. */
  #numberEnd (column: number, which: 'first' | 'last'): number {
    if (this.#isMerged(column)) return this.#parts(column).cell + partCells[which]
    return this.#share(which, column, place => new End(place, which === 'first')).cell
  }

  /** The place of an accumulator, made once for all statistics that ask for the same `name` of a column. */
  #share (name: string, column: number, create: (place: Place) => Accumulator): Place {
    const known = this.#cells.get(`${name} ${column}`)
    if (known !== undefined) return known
    const place = { column, cell: this.template.length, object: this.objects }
    const accumulator = create(place)
    this.#cells.set(`${name} ${column}`, place)
    this.template.push(...accumulator.template)
    this.objects += accumulator.objects
    this.accumulators.push(accumulator)
    return place
  }
}
