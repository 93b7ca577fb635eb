import assert from 'node:assert/strict'
import { parse } from 'yaml'
import type { SignalSpec, StatisticSpec, WindowSpec } from '../../pipelines/core/spec.ts'
import { type Duration, durationMs } from '../../pipelines/core/time.ts'
import { type DriverOptions, type Emitted, playWindow, type Step } from './window-driver.ts'

/**
 * Windows as text, one line a step:
 *
 *     window { tumbling: 10s, keep: { n: count, top: { max: x } } }    as in a definition; also emit, allowedLateness, interval, panes
 *     lateness 2s, idle 1m, explicit                                   of time
 *     00:03 a 20                                                       minute:second, key, value of x (- is unknown)
 *     00:04 a 20 door=open arrival=00:09                               also with a text, and arrived later than the highest time so far
 *     watermark 00:10, tick 00:12, drain
 *     > a 00:00-00:10 n=1 top=20                                       what the step above gives: `early` when not final, `revision`
 *     > late a 00:03                                                   when not 0, `of` the readings expected where that is known
 *     > full a
 */
export interface Played { readonly got: readonly string[], readonly wanted: readonly string[] }
interface Scenario { readonly spec: WindowSpec, readonly steps: readonly Step[], readonly wanted: readonly (readonly string[])[], readonly options: Omit<DriverOptions, 'signals'> }

const signals: readonly SignalSpec[] = [{ name: 'x', kind: 'number', unit: null }, { name: 'door', kind: 'text', unit: null }]

/** What a scenario gives, and what it says that it gives, with the lines that cause it. */
export function playScenario (text: string, how: Pick<DriverOptions, 'batchRows' | 'restarts'>): Played {
  const { spec, steps, wanted, options } = readScenario(text)
  assert(wanted.some(lines => lines.length > 0), 'a scenario says what it expects')
  const emitted = playWindow(spec, steps, { signals, ...options, ...how })
  const numbered = (lines: readonly (readonly string[])[]) => lines.flatMap((some, step) => some.map(line => `step ${step + 1}: ${line}`))
  return { got: numbered(emitted.map(some => some.map(one => written(one)))), wanted: numbered(wanted) }
}

function readScenario (text: string): Scenario {
  const steps: Step[] = []
  const wanted: string[][] = []
  const options: { latenessMs?: number, idleMs?: number, explicit?: boolean } = {}
  let spec: WindowSpec | null = null
  for (const line of text.split('\n').map(one => one.replace(/(^|\s)#.*/, '').trim()).filter(Boolean)) {
    const [head, ...rest] = line.split(/\s+/) as [string, ...string[]]
    switch (head) {
      case 'window': spec = readWindow(line.slice(head.length)); break
      case 'lateness': options.latenessMs = durationMs(rest[0]!); break
      case 'idle': options.idleMs = durationMs(rest[0]!); break
      case 'explicit': options.explicit = true; break
      case '>': wanted.at(-1)!.push(rest.join(' ')); break
      default:
        steps.push(readStep(head, rest))
        wanted.push([])
    }
  }
  assert(spec !== null, 'a scenario has a window')
  return { spec, steps, wanted, options }
}

function readStep (head: string, rest: readonly string[]): Step {
  if (head === 'drain') return { drain: true }
  if (head === 'tick') return { tick: readTime(rest[0]!) }
  if (head === 'watermark') return { watermark: readTime(rest[0]!) }
  const [key, x, ...more] = rest as [string, string, ...string[]]
  const extra = Object.fromEntries(more.map(part => part.split('=') as [string, string]))
  const reading = { key, at: readTime(head), values: { x: x === '-' ? null : Number(x), door: extra.door ?? null } }
  return extra.arrival === undefined ? reading : { ...reading, arrival: readTime(extra.arrival) }
}

type Statistic = 'count' | Readonly<Record<string, string | readonly [string, number]>>
interface Written {
  readonly tumbling?: Duration, readonly hopping?: readonly [Duration, Duration], readonly session?: Duration, readonly keep: Readonly<Record<string, Statistic>>
  readonly emit?: 'close' | 'update' | { readonly every: Duration }, readonly allowedLateness?: Duration, readonly interval?: Duration, readonly panes?: number
}

function readWindow (text: string): WindowSpec {
  const { tumbling, hopping, session, keep, emit = 'close', allowedLateness = '0s', interval, panes = 100 } = parse(text) as Written
  const shape: WindowSpec['shape'] = tumbling !== undefined
    ? { kind: 'tumbling', sizeMs: durationMs(tumbling) }
    : hopping !== undefined ? { kind: 'hopping', sizeMs: durationMs(hopping[0]), advanceMs: durationMs(hopping[1]) } : { kind: 'session', gapMs: durationMs(session!) }
  return {
    name: 'w', shape, allowedLatenessMs: durationMs(allowedLateness), intervalMs: interval === undefined ? null : durationMs(interval), panesMax: panes,
    keep: Object.entries(keep).map(([name, statistic]) => ({ name, statistic: readStatistic(statistic) })),
    emit: typeof emit === 'string' ? { mode: emit } : { mode: 'every', everyMs: durationMs(emit.every) },
  }
}

function readStatistic (statistic: Statistic): StatisticSpec {
  if (statistic === 'count') return { kind: 'count' }
  const [kind, of] = Object.entries(statistic)[0]!
  const [signal, number] = typeof of === 'string' ? [of, 1_000] : of
  return { kind, signal, ...kind === 'quantile' ? { q: number } : { limit: number } } as StatisticSpec
}

function written (one: Emitted): string {
  if (one.kind === 'late') return `late ${one.key} ${writeTime(one.at)}`
  if (one.kind === 'full') return `full ${one.key}`
  const values = Object.entries(one.values).map(([name, value]) => `${name}=${Array.isArray(value) ? value.join('+') : value ?? '-'}`)
  const interval = `${one.key} ${writeTime(one.start)}-${writeTime(one.end)}`
  const revision = one.revision === 0 ? [] : [`revision=${one.revision}`]
  if (one.retraction) return [interval, 'taken back', ...revision].join(' ')
  const due = Number.isNaN(one.expected) ? [] : [`${one.received} of ${one.expected}`]
  return [interval, ...values, ...due, ...one.final ? [] : ['early'], ...revision].join(' ')
}

function readTime (text: string): number {
  const [, sign, minutes, seconds] = /^(-?)(\d+):(\d+(?:\.\d+)?)$/.exec(text) ?? []
  assert(minutes !== undefined, `${text} is minutes:seconds`)
  return (sign === '-' ? -1 : 1) * Math.round((Number(minutes) * 60 + Number(seconds)) * 1_000)
}

function writeTime (ms: number): string {
  const seconds = Math.abs(ms) / 1_000
  const two = (value: number) => String(value).padStart(2, '0')
  return `${ms < 0 ? '-' : ''}${two(Math.floor(seconds / 60))}:${seconds % 1 === 0 ? two(seconds % 60) : (seconds % 60).toFixed(3).padStart(6, '0')}`
}
