import assert from 'node:assert/strict'
import { parse } from 'yaml'
import type { RuleSpec } from '../../../pipelines/core/spec.ts'
import { durationMs } from '../../../pipelines/core/time.ts'
import { type Input, play, type PlayOptions, type Reading, rule } from '../../unit/rules/kit.ts'

type Words = Readonly<Record<string, unknown>>
type Line = Input | 'drain'

interface Scenario { readonly specs: RuleSpec[], readonly steps: { readonly line: Line, readonly wanted: string[] }[], latenessMs: number }

/**
 * Play a .scn file; gives what each line of it said.
 *
 * Shape: `rule name { words of the definition }`, `lateness 1m`, then `mm:ss key celsius [limit=8 site=Oslo open=true arrival=mm:ss]`
 *        (`x`: no value), `tick mm:ss`, `enter key`, `leave key`, `drain`; under a line, what it must say: `> rule key state mm:ss [reason]`
 */
export function playScenario (text: string, options: Omit<PlayOptions, 'latenessMs' | 'drain'>): { readonly got: readonly string[], readonly wanted: readonly string[] } {
  const { specs, steps, latenessMs } = readScenario(text)
  const drain = steps.at(-1)?.line === 'drain'
  const inputs = steps.flatMap(({ line }) => line === 'drain' ? [] : [line])
  const { events } = play(specs, inputs, { ...options, latenessMs, drain })
  const got = events.map(({ event: { rule: name, key, state, at, reason } }) => [name, key, state, clockText(at), reason ?? ''].join(' ').trim())
  const wanted = steps.flatMap(step => step.wanted)
  assert.ok(wanted.length > 0, 'a scenario states what it expects')
  return { got, wanted }
}

function readScenario (text: string): Scenario {
  const scenario: Scenario = { specs: [], steps: [], latenessMs: 0 }
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\s+#.*|^#.*/, '').trim()
    if (line === '') continue
    const [head = '', ...rest] = line.split(/\s+/)
    if (head === '>') scenario.steps.at(-1)!.wanted.push(rest.join(' '))
    else if (head === 'rule') scenario.specs.push(specOf(rest[0]!, parse(rest.slice(1).join(' ')) as Words))
    else if (head === 'lateness') scenario.latenessMs = durationMs(rest[0]!)
    else scenario.steps.push({ line: lineOf(head, rest), wanted: [] })
  }
  return scenario
}

function lineOf (head: string, rest: readonly string[]): Line {
  switch (head) {
    case 'drain': return 'drain'
    case 'tick': return { tick: clockMs(rest[0]!) }
    case 'enter': case 'leave': return { registry: rest[0]!, present: head === 'enter' }
    default: {
      const [key = '', celsius = 'x', ...more] = rest
      const given = Object.fromEntries(more.map(part => part.split('=') as [string, string]))
      const { arrival, limit, ...others } = given
      return {
        key, at: clockMs(head), celsius: celsius === 'x' ? null : Number(celsius),
        ...limit !== undefined && { limit: Number(limit) }, ...arrival !== undefined && { arrival: clockMs(arrival) },
        ...others.site !== undefined && { site: others.site }, ...others.open !== undefined && { open: others.open === 'true' },
      } satisfies Reading
    }
  }
}

/** The words of a definition as define resolves them. */
function specOf (name: string, { for: pending, gap, keepFiring, absent, atLeast, missing = 'hold', ...others }: Words): RuleSpec {
  const ms = (duration: unknown) => duration === undefined ? null : durationMs(duration as string)
  const pair = atLeast as readonly [number, number] | undefined
  return rule({
    ...others, name,
    forMs: ms(pending) ?? 0, gapMs: ms(gap), keepFiringMs: ms(keepFiring) ?? 0, absentMs: ms(absent),
    atLeast: pair === undefined ? null : { count: pair[0], of: pair[1] },
    missing: String(missing) as RuleSpec['missing'],
  })
}

const clockMs = (text: string) => { const [minutes, seconds] = text.split(':').map(Number); return (minutes! * 60 + seconds!) * 1000 }
const clockText = (ms: number) => `${String(Math.floor(ms / 60_000)).padStart(2, '0')}:${String(ms / 1000 % 60).padStart(2, '0')}`
