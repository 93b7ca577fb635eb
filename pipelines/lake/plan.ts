import { StreamError } from '../core/errors.ts'
import type { LakeLayout, LakeWindow } from '../core/lake-ports.ts'
import { durationText } from '../core/time.ts'
import { checkLabel, checkRange, type LakeQuery, type PartName, signalOf, type Statistic, statisticOf, unknownName } from './ask.ts'

/** [from, to) of event time is read from `source`: `readings` or a window. */
export interface LakeSegment { readonly source: string, readonly from: number, readonly to: number }

/**
 * Where the answer comes from.
 *
 * Shape: `segments` in order of time, side by side; `refused`: why a window does not answer
 * Units: `resolutionMs` null: [from, to) is one interval
 */
export interface LakePlan {
  readonly from: number
  readonly to: number
  readonly resolutionMs: number | null
  readonly segments: readonly LakeSegment[]
  readonly refused: readonly { readonly window: string, readonly why: string }[]
  /** What windows lack of a device is looked for in finer ones, and then in readings. */
  readonly isFilled: boolean
  /** Windows that may answer, coarsest first. */
  readonly finer: readonly string[]
  /** A sentence for people. */
  readonly why: string
}

/** Lengths of intervals that people like. */
const stepsMs = [...[1, 2, 5, 10, 15, 30].map(s => s * 1_000), ...[1, 2, 5, 10, 15, 30].map(m => m * 60_000), ...[1, 2, 3, 6, 12].map(h => h * 3_600_000), ...[1, 2, 5, 10, 30, 90, 360].map(d => d * 86_400_000)]
/** A step this many times longer than asked for is still taken when a window answers it. */
const stretchMax = 2.5

/**
 * Which tables answer a question.
 *
 * Errors: LAKE_ASK, LAKE_UNKNOWN
 */
export function plannedQuery (layout: LakeLayout, ask: LakeQuery): LakePlan {
  const statistics = checkedStatistics(layout, ask)
  const parts = new Set(statistics.flatMap(({ parts }) => parts))
  const judged = layout.windows.map(window => ({ window, why: unfit(window, ask, parts) }))
  if (ask.source !== 'auto' && ask.source !== 'readings') return plannedOn(judged, ask)
  const fit = ask.source === 'readings' ? [] : judged.filter(({ why }) => why === null).map(({ window }) => window).sort((a, b) => sizeOf(b) - sizeOf(a))
  const resolutionMs = resolutionOf(ask, fit.map(sizeOf))
  const dividing = fit.filter(window => resolutionMs === null || resolutionMs % sizeOf(window) === 0)
  const all = joined(covered(dividing, ask.from, ask.to))
  const refused = ask.source === 'readings' ? [] : judged.flatMap(({ window, why }) => {
    const reason = why ?? (dividing.includes(window) ? null : `its size of ${durationText(sizeOf(window))} does not divide the resolution of ${durationText(resolutionMs!)}`)
    return reason === null ? [] : [{ window: window.name, why: reason }]
  })
  const why = whyOf(layout, { segments: all, refused, ask })
  const windows = all.filter(({ source }) => source !== 'readings')
  const isClosed = ask.closed === true && ask.source === 'auto'
  if (isClosed && windows.length === 0) throw new StreamError('LAKE_ASK', { closed: true, why: `no window answers: ${why}` })
  const segments = isClosed ? windows : all
  return { from: segments[0]!.from, to: segments.at(-1)!.to, resolutionMs, segments, refused, isFilled: !isClosed && windows.length > 0, finer: dividing.map(({ name }) => name), why: isClosed ? `${why}; closed windows alone, as asked` : why }
}

function checkedStatistics (layout: LakeLayout, { signal: name, statistics: names, from, to, resolution, points, by, where, source, closed }: LakeQuery): Statistic[] {
  const signal = signalOf(layout, name)
  const statistics = names.map(statisticOf)
  if (statistics.length === 0) throw new StreamError('LAKE_ASK', { statistics: [], why: 'name at least one statistic' })
  const wrong = signal.kind === 'text' ? statistics.find(({ name }) => name !== 'count' && name !== 'distinct') : undefined
  if (wrong !== undefined) throw new StreamError('LAKE_ASK', { signal: name, statistic: wrong.name, why: 'texts have count and distinct' })
  checkRange(from, to)
  if (resolution !== null && points !== null) throw new StreamError('LAKE_ASK', { resolution, points, why: 'give one of the two' })
  if (resolution !== null && !(Number.isSafeInteger(resolution) && resolution > 0)) throw new StreamError('LAKE_ASK', { resolution, why: 'whole milliseconds, at least 1' })
  if (points !== null && !(Number.isSafeInteger(points) && points > 0)) throw new StreamError('LAKE_ASK', { points, why: 'a whole number, at least 1' })
  if (closed === true && source === 'readings') throw new StreamError('LAKE_ASK', { closed, source, why: 'closed windows have no readings: leave one of the two out' })
  for (const label of [...by.filter(one => one !== 'key'), ...Object.keys(where)]) checkLabel(layout, label)
  return statistics
}

/** Why a window cannot give these parts, whatever the resolution; null: it can. */
function unfit ({ shape, parts: has }: LakeWindow, { signal, by, keys }: LakeQuery, parts: ReadonlySet<PartName>): string | null {
  if (shape.kind === 'session') return 'sessions do not merge into intervals'
  if (shape.kind === 'hopping' && shape.sizeMs % shape.advanceMs !== 0) return 'its advance does not divide its size, so that no panes lie side by side'
  const lacking = [...parts].filter(part => !has.some(one => one.signal === signal && one.part === part))
  if (lacking.length > 0) return `it does not keep ${lacking.join(', ')} of ${signal}`
  if ((parts.has('first') || parts.has('last')) && !by.includes('key') && keys?.length !== 1) return 'of several devices, only readings say which was first or last'
  return null
}

const sizeOf = ({ shape }: LakeWindow): number => shape.kind === 'session' ? Number.NaN : shape.sizeMs

/** With `points`: the least step that gives no more of them, or one a little longer that a window answers. */
function resolutionOf ({ from, to, resolution, points }: LakeQuery, sizes: readonly number[]): number | null {
  if (points === null) return resolution
  const leastMs = Math.ceil((to - from) / points)
  const steps = stepsMs.filter(step => step >= leastMs)
  const answered = steps.find(step => step <= leastMs * stretchMax && sizes.some(size => step % size === 0))
  return answered ?? steps[0] ?? Math.ceil(leastMs / 86_400_000) * 86_400_000
}

/** The whole windows of the coarsest that has one in the range; what is left on both sides from finer ones, then from readings. */
function covered (windows: readonly LakeWindow[], from: number, to: number): LakeSegment[] {
  if (from >= to) return []
  const [window, ...finer] = windows
  if (window === undefined) return [{ source: 'readings', from, to }]
  const size = sizeOf(window)
  const first = Math.ceil(from / size) * size
  const last = Math.floor(to / size) * size
  if (first >= last) return covered(finer, from, to)
  return [...covered(finer, from, first), { source: window.name, from: first, to: last }, ...covered(finer, last, to)]
}

function joined (segments: readonly LakeSegment[]): LakeSegment[] {
  const result: LakeSegment[] = []
  for (const segment of segments) {
    const before = result.at(-1)
    if (before?.source === segment.source) result[result.length - 1] = { ...before, to: segment.to }
    else result.push(segment)
  }
  return result
}

/** A window that was asked for by name: all its windows that begin in the range, whole. */
function plannedOn (judged: readonly { readonly window: LakeWindow, readonly why: string | null }[], ask: LakeQuery): LakePlan {
  const { window, why } = judged.find(one => one.window.name === ask.source) ?? unknownName('window', ask.source, ['readings', ...judged.map(one => one.window.name)])
  if (why !== null) throw new StreamError('LAKE_ASK', { window: window.name, why })
  const size = sizeOf(window)
  const asked = resolutionOf(ask, [size])
  const resolutionMs = asked !== null && ask.points !== null ? Math.ceil(asked / size) * size : asked
  if (resolutionMs !== null && resolutionMs % size !== 0) throw new StreamError('LAKE_ASK', { window: window.name, sizeMs: size, resolution: resolutionMs, why: 'the resolution must be a multiple of the window' })
  const from = Math.ceil(ask.from / size) * size
  const to = Math.max(from, Math.ceil(ask.to / size) * size)
  return { from, to, resolutionMs, segments: from < to ? [{ source: window.name, from, to }] : [], refused: [], isFilled: false, finer: [], why: `${window.name}, as asked: whole windows that begin in the range` }
}

interface Reasons { readonly segments: readonly LakeSegment[], readonly refused: LakePlan['refused'], readonly ask: LakeQuery }

function whyOf ({ rawTtlMs }: LakeLayout, { segments, refused, ask }: Reasons): string {
  if (ask.source === 'readings') return 'readings, as asked'
  const windows = [...new Set(segments.map(one => one.source))].filter(one => one !== 'readings')
  const reasons = refused.map(({ window, why }) => `${window}: ${why}`).join('; ')
  if (windows.length === 0) return `readings: ${reasons === '' ? 'no window of the lake lies whole in the range' : reasons}`
  const edges = segments.some(one => one.source === 'readings') ? '; what is left at the ends of the range from readings' : ''
  const open = ask.closed === true ? '' : `; of each device, what is in no stored window from finer ones and readings${rawTtlMs === null ? '' : `, which are kept for ${durationText(rawTtlMs)}`}`
  return `${windows.join(', ')}: the coarsest that answers${edges}${open}${reasons === '' ? '' : ` (${reasons})`}`
}
