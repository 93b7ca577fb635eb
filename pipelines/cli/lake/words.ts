import { StreamError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'
import { durationMs } from '../../core/time.ts'
import { lakeStatistics, type LakeQuery, type LakeStatistic, statisticOf } from '../../lake/ask.ts'

/** What people write, on the command line and in a URL alike. */
export interface RangeWords { readonly from: string, readonly to: string }
export interface KeyWords { readonly key?: readonly string[], readonly where?: readonly string[] }
export interface QueryWords extends RangeWords, KeyWords {
  readonly signal: string
  readonly stat: string
  readonly every?: string
  readonly points?: string
  readonly by: string
  readonly source: string
  readonly closed?: boolean
}

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const
/** Half of what a date can say: sums of two stay within. */
const momentMsMax = 4_320_000_000_000_000

/** What is wrong with a word: its name, what was given, what would be right. */
export function wrongWord (parameter: string, given: string, expected: string, more: Readonly<Record<string, unknown>> = {}): StreamError {
  return new StreamError('LAKE_ASK', { parameter, given: given.slice(0, 200), expected, ...more })
}

/**
 * A moment as people write it: `now`, `-7d` or `-1h30m` before now, `2026-11-23`, `2026-11-23T14:05`, with a zone or in UTC.
 *
 * Units:  milliseconds since the epoch; a date is its first moment in UTC; `today` and `yesterday` too
 * Errors: LAKE_ASK
 */
export function momentOf (parameter: string, text: string, nowMs: number): number {
  const word = text.trim()
  if (word === 'now') return nowMs
  const today = Math.floor(nowMs / unitsMs.d) * unitsMs.d
  if (word === 'today') return today
  if (word === 'yesterday') return today - unitsMs.d
  const ms = /^[+-]/.test(word) ? nowMs + agoMs(word) : dateMs(word)
  if (!(Math.abs(ms) <= momentMsMax)) throw wrongWord(parameter, text, 'now, -7d, today, 2026-11-23, or 2026-11-23T14:05:00Z (UTC where it names no zone)')
  return ms
}

function agoMs (word: string): number {
  const parts = /^[+-](?:\d{1,9}(?:ms|[smhdw]))+$/.test(word) ? word.slice(1).match(/\d+(?:ms|[smhdw])/g)! : []
  const ms = parts.reduce((sum, part) => sum + Number.parseInt(part, 10) * unitsMs[/[a-z]+$/.exec(part)![0] as keyof typeof unitsMs], parts.length === 0 ? Number.NaN : 0)
  return word.startsWith('-') ? -ms : ms
}

function dateMs (word: string): number {
  const [, date, rest = '', zone = ''] = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?)?(Z|[+-]\d\d:\d\d)?$/i.exec(word) ?? []
  if (date === undefined) return Number.NaN
  const ms = Date.parse(`${date}T${rest === '' ? '00:00' : rest}${zone === '' ? 'Z' : zone.toUpperCase()}`)
  // 2026-02-31 would be read as a day of March.
  return Number.isNaN(Date.parse(`${date}T00:00Z`)) || !new Date(`${date}T00:00Z`).toISOString().startsWith(date) ? Number.NaN : ms
}

/** Errors: LAKE_ASK */
export function rangeOf ({ from, to }: RangeWords, nowMs: number): { readonly from: number, readonly to: number } {
  const range = { from: momentOf('from', from, nowMs), to: momentOf('to', to, nowMs) }
  if (range.from >= range.to) throw wrongWord('from', from, `a moment before ${JSON.stringify(to)}`, { from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() })
  return range
}

/** Errors: LAKE_ASK */
export function lengthOf (parameter: string, text: string): number {
  try {
    const ms = durationMs(text)
    if (ms > 0) return ms
  } catch { /* said below */ }
  throw wrongWord(parameter, text, 'a whole amount of ms, s, m, h or d, above zero: 10m')
}

/** Errors: LAKE_ASK */
export function amountOf (parameter: string, text: string, { max = Number.MAX_SAFE_INTEGER } = {}): number {
  if (!/^\d{1,15}$/.test(text) || Number(text) < 1 || Number(text) > max) throw wrongWord(parameter, text, `a whole number from 1 to ${max}`)
  return Number(text)
}

/** Errors: LAKE_ASK */
export function yesOf (parameter: string, text: string): boolean {
  if (text !== 'true' && text !== 'false') throw wrongWord(parameter, text, 'true or false')
  return text === 'true'
}

/** `mean,p99,max`. Errors: LAKE_ASK with the nearest name */
export function statisticsOf (text: string): readonly LakeStatistic[] {
  return [...new Set(listOf(text))].map(name => {
    try {
      return statisticOf(name).name
    } catch {
      throw wrongWord('stat', name, [...lakeStatistics, 'p0 to p100'].join(', '), { nearest: nearest(name, lakeStatistics) })
    }
  })
}

/** `site=Oslo`, several of them. Errors: LAKE_ASK */
export function labelsWanted (texts: readonly string[] = []): Readonly<Record<string, string>> {
  const wanted: Record<string, string> = {}
  for (const text of texts) {
    const at = text.indexOf('=')
    const name = text.slice(0, Math.max(0, at)).trim()
    if (at < 1 || name === '') throw wrongWord('where', text, 'label=value, for example site=Oslo')
    if (Object.hasOwn(wanted, name) && wanted[name] !== text.slice(at + 1)) throw wrongWord('where', text, `one value of ${name}: no device has two`)
    Object.defineProperty(wanted, name, { value: text.slice(at + 1), enumerable: true })
  }
  return wanted
}

export const listOf = (text: string): readonly string[] => text.split(',').map(word => word.trim()).filter(word => word !== '')

/** Keys as they are: a comma may be part of one. Null: every key. */
export const keysOf = ({ key }: KeyWords): readonly string[] | null => key === undefined || key.length === 0 ? null : key

/** A question from its words. Errors: LAKE_ASK */
export function queryOf (words: QueryWords, nowMs: number, abort?: AbortSignal): LakeQuery {
  const { signal, stat, every, points, by, source, closed = false } = words
  if (every !== undefined && points !== undefined) throw wrongWord('points', points, 'either every or points')
  return {
    keys: keysOf(words), where: labelsWanted(words.where), signal, statistics: statisticsOf(stat), ...rangeOf(words, nowMs),
    resolution: every === undefined ? null : lengthOf('every', every), points: points === undefined ? null : amountOf('points', points, { max: 100_000 }),
    by: [...new Set(listOf(by))], source, closed, ...abort && { abort },
  }
}
