import type { StatisticSpec, WindowSpec } from '../../pipelines/core/spec.ts'
import type { DriverOptions, Emitted, Reading, Step } from './window-driver.ts'

interface Pane { key: string, start: number, end: number, readings: (Reading & { position: number })[], revision: number, final: boolean, closed: boolean, changed: boolean, reported: (readonly [number, number])[] }

/**
 * Windows in the plainest form: every pane keeps its readings, and everything is looked at again at each step. It is slow, and short enough
 * to be believed; the real stage must say the same.
 */
export function modelWindow (spec: WindowSpec, steps: readonly Step[], { latenessMs = 0, idleMs = Number.POSITIVE_INFINITY, explicit = false }: DriverOptions): Emitted[][] {
  const { shape, emit, allowedLatenessMs: allowed, intervalMs, keep } = spec
  const gap = shape.kind === 'session' ? shape.gapMs : 0
  const everyMs = emit.mode === 'every' ? emit.everyMs : Number.POSITIVE_INFINITY
  let panes: Pane[] = []
  let watermark = Number.NEGATIVE_INFINITY
  let [clock, lastReading, highest, position, early] = [watermark, watermark, watermark, -1, watermark]
  const passed = (end: number, at: number) => gap > 0 ? at > end : at >= end

  return steps.map((step, number) => {
    const out: Emitted[] = []
    const arrival = 'key' in step ? step.arrival ?? Math.max(highest, step.at) : clock
    const report = (pane: Pane, final: boolean) => {
      const row = { kind: 'window' as const, key: pane.key, position, arrival: 'key' in step ? arrival : clock }
      const old = pane.reported.filter(([start, end]) => start !== pane.start || end !== pane.end).sort((a, b) => a[1] - b[1] || a[0] - b[0])
      for (const [start, end] of old) out.push({ ...row, start, end, revision: pane.revision++, final: false, closing: false, retraction: true, expected: Number.NaN, received: 0, values: Object.fromEntries(keep.map(({ name }) => [name, null])) })
      const due = gap > 0 ? (pane.end - gap - pane.start) / intervalMs! + 1 : (pane.end - pane.start) / intervalMs!
      const values = Object.fromEntries(keep.map(({ name, statistic }) => [name, result(statistic, pane.readings)]))
      out.push({ ...row, start: pane.start, end: pane.end, revision: pane.revision++, final, closing: final && !pane.final, retraction: false, expected: intervalMs === null ? Number.NaN : due, received: pane.readings.length, values })
      Object.assign(pane, { final: pane.final || final, closed: final, changed: false, reported: [[pane.start, pane.end]] })
    }
    const inOrder = (some: Pane[]) => some.sort((a, b) => a.end - b.end || a.start - b.start || a.readings[0]!.position - b.readings[0]!.position)
    const pass = (to: number) => {
      for (const pane of inOrder(panes.filter(({ end, closed }) => !closed && passed(end, to)))) report(pane, true)
      panes = panes.filter(({ end }) => !passed(end + allowed, to))
    }

    if ('key' in step) {
      position += 1
      highest = Math.max(highest, step.at)
      clock = lastReading = Math.max(clock, arrival)
      if (!explicit) watermark = Math.max(watermark, Math.min(step.at, arrival) - latenessMs)
    } else if ('watermark' in step) watermark = Math.max(watermark, step.watermark)
    else if ('tick' in step) {
      clock = Math.max(clock, step.tick)
      if (!explicit && lastReading > Number.NEGATIVE_INFINITY && step.tick - lastReading >= idleMs) watermark = Math.max(watermark, step.tick - latenessMs)
    }
    if (!('drain' in step) && clock >= early) {
      for (const pane of inOrder(panes.filter(({ closed, changed }) => changed && !closed))) report(pane, false)
      early = (Math.floor(clock / everyMs) + 1) * everyMs
    }
    pass('drain' in step ? Number.POSITIVE_INFINITY : watermark)
    if (!('key' in step)) return out

    const touched = gap > 0 ? [sessionOf(panes, step, gap)] : intervalsOf(shape as never, step.at).map(([start, end]) => panes.find(pane => pane.key === step.key && pane.start === start) ?? fresh(step.key, start, end))
    const alive = touched.filter(({ end }) => !passed(end + allowed, watermark))
    if (alive.length === 0) out.push({ kind: 'late', key: step.key, at: step.at, position, value: String(number) })
    for (const pane of alive) {
      pane.readings.push({ ...step, position })
      panes = [...panes.filter(other => other !== pane && !(gap > 0 && other.key === pane.key && other.start >= pane.start && other.end <= pane.end)), pane]
      pane.changed = true
      pane.closed = passed(pane.end, watermark)
      if (pane.closed || emit.mode === 'update') report(pane, pane.closed)
    }
    return out
  })
}

const fresh = (key: string, start: number, end: number): Pane => ({ key, start, end, readings: [], revision: 0, final: false, closed: false, changed: false, reported: [] })

function intervalsOf (shape: { sizeMs: number, advanceMs?: number }, at: number): [number, number][] {
  const { sizeMs, advanceMs = sizeMs } = shape
  const last = Math.floor(at / advanceMs) * advanceMs
  const found: [number, number][] = []
  for (let start = last; start > at - sizeMs; start -= advanceMs) found.unshift([start, start + sizeMs])
  return found
}

/** The union of the reading's own session with those it touches. */
function sessionOf (panes: readonly Pane[], { key, at }: Reading, gap: number): Pane {
  const near = panes.filter(pane => pane.key === key && pane.start - gap <= at && at <= pane.end)
  const all = [fresh(key, at, at + gap), ...near]
  return {
    key, changed: true, closed: false,
    start: Math.min(...all.map(({ start }) => start)), end: Math.max(...all.map(({ end }) => end)),
    readings: near.flatMap(({ readings }) => readings).sort((a, b) => a.position - b.position),
    revision: Math.max(...all.map(({ revision }) => revision)), final: all.some(({ final }) => final), reported: near.flatMap(({ reported }) => reported),
  }
}

function result (statistic: StatisticSpec, readings: Pane['readings']): unknown {
  if (statistic.kind === 'count') return readings.length
  const known = readings.filter(({ values }) => (values[statistic.signal] ?? null) !== null)
  const values = known.map(reading => reading.values[statistic.signal]!)
  const numbers = values as number[]
  const byTime = known.toSorted((a, b) => a.at - b.at)
  const [first, last] = [byTime[0], byTime.at(-1)]
  const delta = () => (last!.values[statistic.signal] as number) - (first!.values[statistic.signal] as number)
  if (statistic.kind === 'collect') return Object.assign(values.slice(0, statistic.limit), values.length > statistic.limit ? { truncated: true } : {})
  if (statistic.kind === 'distinct') return new Set(values).size
  if (first === undefined || last === undefined) return null
  const sum = numbers.reduce((a, b) => a + b, 0)
  switch (statistic.kind) {
    case 'sum': return sum
    case 'mean': return sum / numbers.length
    case 'min': return Math.min(...numbers)
    case 'max': return Math.max(...numbers)
    case 'first': return first.values[statistic.signal]
    case 'last': return last.values[statistic.signal]
    case 'delta': return delta()
    case 'rate': return last.at > first.at ? delta() / ((last.at - first.at) / 1_000) : null
    default: throw new Error(`the model has no ${statistic.kind}`)
  }
}
