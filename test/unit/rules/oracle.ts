import type { RuleSpec } from '../../../pipelines/core/spec.ts'
import type { Input, Reading } from './kit.ts'

/** The plain meaning of rules: whole histories, read again for every row. Slow, and nothing shared with the engine. */
export interface OracleRule {
  readonly spec: RuleSpec
  readonly when?: (reading: Reading) => boolean | null
  readonly clear?: (reading: Reading) => boolean | null
}

interface Entry { readonly at: number, readonly position: number, readonly own: boolean, readonly alarm: boolean, readonly over: boolean | null }
interface Story { readonly entries: Entry[], begin: number, open: boolean, answers: boolean[] }
export interface Told { readonly rule: string, readonly key: string, readonly state: 'raised' | 'cleared', readonly at: number, readonly cause: number, readonly offset: number, readonly begin: number | null, readonly reason: string | null }

/** Unknown as this rule takes it: null means the row is as if it had not come. */
function settle (value: boolean | null, missing: RuleSpec['missing'], unknown: boolean): boolean | null {
  if (value !== null) return value
  return missing === 'hold' ? null : unknown
}

function judge ({ spec, when, clear }: OracleRule, story: Story, reading: Reading, position: number): { readonly state: 'raised' | 'cleared', readonly begin: number | null } | null {
  const own = settle(when!(reading), spec.missing, spec.missing === 'true')
  if (own !== null) story.answers.push(own)
  const { atLeast } = spec
  const alarm = own === null ? null : atLeast === null ? own : story.answers.slice(-atLeast.of).filter(Boolean).length >= atLeast.count
  const over = clear === undefined ? (alarm === null ? null : !alarm) : settle(clear(reading), spec.missing, spec.missing !== 'true')
  if (alarm === null && over === null) return null
  story.entries.push({ at: reading.at, position, own: own ?? false, alarm: alarm ?? false, over })
  const episode = story.entries.slice(story.begin)
  if (story.open) {
    if (over !== true) return null
    const ends = episode.filter(entry => entry.over !== null)
    const first = ends[ends.findLastIndex(entry => entry.over === false) + 1]!
    if (reading.at - first.at < spec.keepFiringMs) return null
    story.open = false
    story.begin = story.entries.length
    return { state: 'cleared', begin: null }
  }
  if (alarm === null) {
    story.entries.pop()
    return null
  }
  if (own !== true || !alarm) return null
  const run = episode.slice(episode.findLastIndex(entry => !entry.alarm) + 1).filter(entry => entry.own)
  const { gapMs } = spec
  const restart = gapMs === null ? -1 : run.findLastIndex((entry, i) => i > 0 && entry.at - run[i - 1]!.at > gapMs)
  const counted = run.slice(Math.max(0, restart))
  if (reading.at - counted[0]!.at < spec.forMs || counted.length < spec.forCount) return null
  story.open = true
  story.begin = story.entries.length
  return { state: 'raised', begin: counted[0]!.position }
}

/** Rules with a condition in order of arrival, or of event time behind the watermark. */
export function tell (rules: readonly OracleRule[], inputs: readonly Input[], { latenessMs = 0, drain = false } = {}): Told[] {
  const told: Told[] = []
  for (const rule of rules) {
    const waits = rule.spec.order === 'event'
    const stories = new Map<string, Story>()
    const lastAt = new Map<string, number>()
    let waiting: { readonly reading: Reading, readonly position: number }[] = []
    let watermark = Number.NEGATIVE_INFINITY
    let position = -1
    const evaluate = () => {
      const due = waiting.filter(({ reading }) => !waits || reading.at < watermark).sort((a, b) => a.reading.at - b.reading.at || a.position - b.position)
      waiting = waiting.filter(one => !due.includes(one))
      for (const { reading, position: offset } of due) {
        if (reading.at < (lastAt.get(reading.key) ?? Number.NEGATIVE_INFINITY)) continue
        lastAt.set(reading.key, reading.at)
        const story = stories.get(reading.key) ?? { entries: [], begin: 0, open: false, answers: [] }
        stories.set(reading.key, story)
        const change = judge(rule, story, reading, offset)
        if (change) told.push({ rule: rule.spec.name, key: reading.key, ...change, at: reading.at, cause: position, offset, reason: null })
      }
    }
    for (const input of inputs) {
      if ('tick' in input || 'registry' in input) continue
      if ('watermark' in input) watermark = Math.max(watermark, input.watermark)
      else {
        position += 1
        waiting.push({ reading: input, position })
        watermark = Math.max(watermark, Math.min(input.at, input.arrival ?? input.at) - latenessMs)
      }
      evaluate()
    }
    if (drain) {
      watermark = Number.POSITIVE_INFINITY
      evaluate()
    }
  }
  return told
}

/** Rules on silence: after every input, who has been silent for too long? */
export function tellAbsent (spec: RuleSpec & { readonly absentMs: number }, inputs: readonly Input[]): Told[] {
  const told: Told[] = []
  const order: string[] = []
  const due = new Map<string, number>()
  const open = new Set<string>()
  const expected = new Set<string>()
  let clock = Number.NEGATIVE_INFINITY
  let position = -1
  const meet = (key: string) => { if (!order.includes(key)) order.push(key) }
  const tellOf = (key: string, state: 'raised' | 'cleared', at: number, reason: string | null = null) => told.push({ rule: spec.name, key, state, at, cause: position, offset: position, begin: null, reason })
  const expire = () => {
    for (const key of expected) if (!due.has(key) && !open.has(key) && clock > Number.NEGATIVE_INFINITY) due.set(key, clock + spec.absentMs)
    const late = [...due].filter(([, at]) => at <= clock).sort((a, b) => a[1] - b[1] || order.indexOf(a[0]) - order.indexOf(b[0]))
    for (const [key, at] of late) {
      due.delete(key)
      open.add(key)
      tellOf(key, 'raised', at)
    }
  }
  for (const input of inputs) {
    if ('watermark' in input) continue
    if ('tick' in input) {
      clock = Math.max(clock, input.tick)
      expire()
    } else if ('registry' in input) {
      const { registry: key } = input
      if (input.present) { meet(key); expected.add(key); expire() } else {
        if (open.delete(key)) tellOf(key, 'cleared', clock, 'removed')
        due.delete(key)
        expected.delete(key)
      }
    } else {
      position += 1
      clock = Math.max(clock, input.arrival ?? input.at)
      meet(input.key)
      expire()
      if (open.delete(input.key)) tellOf(input.key, 'cleared', clock)
      due.set(input.key, clock + spec.absentMs)
    }
  }
  return told
}
