import { StreamError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { LakeLayout, LakePart } from '../core/lake-ports.ts'
import type { SignalSpec } from '../core/spec.ts'

/** `p99.9` is a quantile in per cent. `count` counts values of the signal, not readings. */
export type LakeStatistic = 'count' | 'mean' | 'sum' | 'min' | 'max' | 'stddev' | 'first' | 'last' | 'distinct' | `p${number}`
export const lakeStatistics = ['count', 'mean', 'sum', 'min', 'max', 'stddev', 'first', 'last', 'distinct'] as const satisfies readonly LakeStatistic[]

/**
 * A question to a lake: statistics of one signal, by intervals and groups.
 *
 * Shape: keys null: every key; `where` narrows them by the last value of text signals. `by`: `key` and names of text signals; empty: one group.
 *        `source` readings or a window: from there and nowhere else; auto: the coarsest window that answers, the rest from finer ones and from readings,
 *        which also have what of a device is in no stored window. `closed`: of auto, what windows have, and no readings
 * Units: [from, to) of event time in ms; `resolution` ms of an interval, counted from 1970; null with `points` null: the range is one interval;
 *        `points`: about so many intervals
 */
export interface LakeQuery {
  readonly keys: readonly string[] | null
  readonly where: Readonly<Record<string, string>>
  readonly signal: string
  readonly statistics: readonly LakeStatistic[]
  readonly from: number
  readonly to: number
  readonly resolution: number | null
  readonly points: number | null
  readonly by: readonly string[]
  readonly source: 'auto' | 'readings' | (string & {})
  readonly closed?: boolean
  readonly abort?: AbortSignal
}

/**
 * `values` as the asked statistics; null where there was no value. `received` counts readings, `expected` those due by the source's interval, null where unknown.
 *
 * Units: `windowsTo`: up to when windows answered, null: there are none. `readingsFrom`: from when on readings did, because no window has them yet; of
 *        several devices the earliest; null: windows have all, but for what lies before them
 */
export interface LakeQueryRow {
  readonly start: number
  readonly end: number
  readonly group: Readonly<Record<string, string | null>>
  readonly values: readonly (number | null)[]
  readonly received: number
  readonly expected: number | null
  readonly windowsTo: number | null
  readonly readingsFrom: number | null
}

/** A statistic as the merge needs it: what it is made from. */
export type PartName = LakePart['part']
const partsOf = {
  count: ['n'], mean: ['n', 'sum'], sum: ['n', 'sum'], min: ['min'], max: ['max'], stddev: ['n', 'sum', 'm2'], first: ['first'], last: ['last'], distinct: ['distinct'],
} as const satisfies Record<typeof lakeStatistics[number], readonly PartName[]>

export interface Statistic { readonly name: LakeStatistic, readonly parts: readonly PartName[], /** 0..1, of a quantile. */ readonly q: number }

/** Errors: LAKE_ASK for a name that is none */
export function statisticOf (name: string): Statistic {
  if (Object.hasOwn(partsOf, name)) return { name: name as LakeStatistic, parts: partsOf[name as keyof typeof partsOf], q: Number.NaN }
  const percent = /^p(\d{1,3}(?:\.\d+)?)$/.exec(name)?.[1]
  if (percent === undefined || Number(percent) > 100) throw new StreamError('LAKE_ASK', { statistic: name, known: [...lakeStatistics, 'p0 to p100'] })
  return { name: name as LakeStatistic, parts: ['sketch'], q: Number(percent) / 100 }
}

/** Errors: LAKE_UNKNOWN with the nearest name */
export function signalOf ({ signals }: LakeLayout, name: string): SignalSpec {
  return signals.find(signal => signal.name === name) ?? unknownName('signal', name, signals.map(signal => signal.name))
}

/** Errors: LAKE_UNKNOWN for what is no text signal: those have labels */
export function checkLabel ({ signals }: LakeLayout, name: string): void {
  const texts = signals.filter(({ kind }) => kind === 'text').map(signal => signal.name)
  if (!texts.includes(name)) unknownName('label', name, texts)
}

export function unknownName (what: 'signal' | 'window' | 'label' | 'column', name: string, known: readonly string[]): never {
  throw new StreamError('LAKE_UNKNOWN', { [what]: name, nearest: nearest(name, known), known })
}

/** Errors: LAKE_ASK */
export function checkRange (from: number, to: number): void {
  if (!(Number.isFinite(from) && Number.isFinite(to) && from < to)) throw new StreamError('LAKE_ASK', { from, to, why: 'the range must end after it begins' })
}
