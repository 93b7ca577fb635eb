import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Input, type Played, play, playWindows, type Reading, rule } from './kit.ts'
import { type OracleRule, type Told, tell, tellAbsent } from './oracle.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const numRuns = Number(process.env.RUNS ?? 150)
const minuteMs = 60_000

const known = (...values: (number | boolean | null | undefined)[]) => values.every(value => value !== null && value !== undefined)
const over = (reading: Reading, margin: number) => known(reading.celsius, reading.limit) ? reading.celsius! > reading.limit! + margin : null

const conditions: readonly (readonly [string, NonNullable<OracleRule['when']>])[] = [
  ['celsius > limit', reading => over(reading, 0)],
  ['celsius > 5.0', reading => known(reading.celsius) ? reading.celsius! > 5 : null],
  ['open', reading => reading.open ?? null],
]
const clears: readonly (readonly [string, NonNullable<OracleRule['when']>])[] = [
  ['celsius < 3.0', reading => known(reading.celsius) ? reading.celsius! < 3 : null],
  ['celsius < limit - 2.0', reading => known(reading.celsius, reading.limit) ? reading.celsius! < reading.limit! - 2 : null],
]

const someRule = (name: string): fc.Arbitrary<OracleRule> => fc.record({
  condition: fc.constantFrom(...conditions),
  clear: fc.option(fc.constantFrom(...clears)),
  forMs: fc.constantFrom(0, 0, minuteMs, 3 * minuteMs),
  forCount: fc.constantFrom(0, 0, 1, 3),
  gapMs: fc.constantFrom(null, null, minuteMs, 2 * minuteMs),
  keepFiringMs: fc.constantFrom(0, 0, 2 * minuteMs),
  atLeast: fc.option(fc.constantFrom({ count: 1, of: 1 }, { count: 2, of: 3 }, { count: 3, of: 5 }, { count: 20, of: 40 }), { freq: 2 }),
  missing: fc.constantFrom('hold', 'true', 'false'),
  order: fc.constantFrom('arrival', 'arrival', 'event'),
}).map(({ condition, clear, ...options }) => ({
  spec: rule({ name, when: condition[0], clear: clear?.[0] ?? null, ...options }),
  when: condition[1],
  ...clear && { clear: clear[1] },
}))

const someReading = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  at: fc.integer({ min: -4, max: 40 }).map(halfMinutes => halfMinutes * 30_000),
  celsius: fc.option(fc.integer({ min: 0, max: 9 }), { freq: 5 }),
  limit: fc.option(fc.integer({ min: 4, max: 6 }), { freq: 8 }),
  open: fc.option(fc.boolean(), { freq: 5 }),
})
/** Mostly forward in time, with stragglers. */
const someReadings = fc.array(fc.tuple(someReading, fc.boolean()), { minLength: 1, maxLength: 60 }).map(list => {
  const times = list.map(([reading]) => reading.at).sort((a, b) => a - b)
  return list.map(([reading, straggler], i) => straggler && i % 4 === 0 ? reading : { ...reading, at: times[i]! })
})
const someCuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })

const short = ({ rule: name, key, state, at, cause, offset, reason }: Omit<Told, 'begin' | 'state'> & { readonly state: string }) => `${name} ${key} ${state} ${at} cause=${cause} offset=${offset}${reason === null ? '' : ` ${reason}`}`
const playedLines = ({ events }: Played) => events.map(({ position, event }) => short({ ...event, cause: position, offset: event.source.offset }))
/** The oracle tells rule by rule; outputs are ordered by cause, then rule. */
const toldLines = (told: readonly Told[]) => told.toSorted((a, b) => a.cause - b.cause || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0)).map(short)

function cutBy (cuts: readonly number[]) { return (n: number) => cuts[n % cuts.length]! }

test('random rules over random readings tell what the plain model tells', t => {
  t.diagnostic(`SEED=${seed}`)
  fc.assert(fc.property(fc.tuple(someRule('r0'), someRule('r1'), someRule('r2')), someReadings, fc.constantFrom(0, minuteMs), fc.boolean(), (rules, readings, latenessMs, drain) => {
    const played = play(rules.map(({ spec }) => spec), readings, { latenessMs, drain })
    assert.deepEqual(playedLines(played), toldLines(tell(rules, readings, { latenessMs, drain })))
  }), { seed, numRuns: numRuns * 4 })
})

test('cuts, restarts before every batch and the closure fallback change no byte of any event', t => {
  t.diagnostic(`SEED=${seed}`)
  const ticks: fc.Arbitrary<Input> = fc.integer({ min: 0, max: 40 }).map(halfMinutes => ({ tick: halfMinutes * 30_000 }))
  const registry: fc.Arbitrary<Input> = fc.record({ registry: fc.constantFrom('a', 'd', 'e'), present: fc.boolean() })
  const absent = rule({ name: 'silent', absentMs: 2 * minuteMs, registry: 'devices', labels: ['site'], summary: '{{key}} at {{site}}', ttlMs: 5 })
  const rising = rule({ name: 'rising', when: 'celsius - prev(celsius) > 2.0 && site != "Bergen"', clear: 'rate(celsius) < 0.0', forMs: 30_000, missing: 'true' })
  const texts = fc.constantFrom('Oslo', 'Bergen', null)
  const readings = someReadings.chain(list => fc.tuple(...list.map(reading => texts.map(site => ({ ...reading, site })))))
  const inputs = fc.tuple(readings, fc.array(fc.tuple(fc.nat(70), fc.oneof(ticks, registry)), { maxLength: 8 })).map(([list, extras]) => {
    const mixed: Input[] = [...list]
    for (const [i, extra] of extras) mixed.splice(i % (mixed.length + 1), 0, extra)
    return mixed
  })
  fc.assert(fc.property(fc.tuple(someRule('r0'), someRule('r1')), inputs, someCuts, fc.boolean(), (rules, list, cuts, codegen) => {
    const specs = [...rules.map(({ spec }) => ({ ...spec, labels: ['site'], summary: '{{celsius}} at {{site}}' })), absent, rising, { ...rising, name: 'risen', order: 'event' as const }]
    const options = { latenessMs: minuteMs, drain: true }
    const straight = JSON.stringify(play(specs, list, options).events)
    assert.equal(JSON.stringify(play(specs, list, { ...options, cut: cutBy(cuts), codegen }).events), straight)
    assert.equal(JSON.stringify(play(specs, list, { ...options, cut: cutBy(cuts), restarts: true, codegen }).events), straight)
  }), { seed, numRuns })
})

test('random silences with a registry are told as the plain model tells them', t => {
  t.diagnostic(`SEED=${seed}`)
  const spec = { ...rule({ name: 'silent', registry: 'devices' }), absentMs: 3 }
  const input = fc.oneof(
    { weight: 6, arbitrary: fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), at: fc.nat(9), step: fc.constantFrom(0, 0, 1, 2, 4) }) },
    { weight: 2, arbitrary: fc.record({ tick: fc.constantFrom(1, 2, 5) }) },
    { weight: 2, arbitrary: fc.record({ registry: fc.constantFrom('a', 'c', 'x', 'y'), present: fc.boolean() }) },
  )
  fc.assert(fc.property(fc.array(input, { maxLength: 50 }), someCuts, (raw, cuts) => {
    let clock = 0
    const list: Input[] = raw.map(one => {
      if ('step' in one) return { key: one.key, at: one.at, arrival: clock += one.step }
      return 'tick' in one ? { tick: clock += one.tick } : one
    })
    const told = tellAbsent(spec, list).map(short)
    assert.deepEqual(playedLines(play([spec], list)), told)
    assert.deepEqual(playedLines(play([spec], list, { cut: cutBy(cuts), restarts: true })), told)
  }), { seed, numRuns: numRuns * 4 })
})

/** Results of one-minute windows as a window stage would send them: changes, a close, revisions, now and then out of order. */
const someWindows = fc.array(fc.record({
  key: fc.constantFrom('a', 'b'),
  minute: fc.nat(12),
  kind: fc.constantFrom('close', 'close', 'change', 'revision', 'retraction'),
  celsius: fc.option(fc.integer({ min: 0, max: 9 }), { freq: 6 }),
  limit: fc.constant(5),
  open: fc.option(fc.boolean(), { freq: 5 }),
}), { maxLength: 50 }).map(rows => rows.map(({ minute, kind, ...rest }, i) => ({
  ...rest,
  start: (minute + Math.floor(i / 4)) * minuteMs,
  end: (minute + Math.floor(i / 4) + 1) * minuteMs,
  closing: kind === 'close',
  final: kind === 'close' || kind === 'revision',
  retraction: kind === 'retraction',
})))

test('random rules over random windows tell what the plain model tells of their closes', t => {
  t.diagnostic(`SEED=${seed}`)
  fc.assert(fc.property(someRule('r0'), someWindows, (given, rows) => {
    const oracle = { ...given, spec: { ...given.spec, window: 'minute', order: 'arrival' as const } }
    let closes = -1
    const placed = rows.map(row => ({ ...row, position: row.closing ? closes += 1 : closes }))
    const told = tell([oracle], rows.filter(row => row.closing).map(row => ({ ...row, at: row.end })))
    assert.deepEqual(playedLines(playWindows([oracle.spec], placed)), told.map(short))
  }), { seed, numRuns: numRuns * 2 })
})

test('early results judged row by row, together or with restarts give the same events', t => {
  t.diagnostic(`SEED=${seed}`)
  fc.assert(fc.property(someRule('r0'), someRule('r1'), someWindows, (first, second, rows) => {
    const specs = [{ ...first.spec, window: 'minute', early: true }, { ...second.spec, window: 'minute' }]
    const byRule = ({ events }: Played) => JSON.stringify(events.toSorted((a, b) => a.stage - b.stage))
    const straight = byRule(playWindows(specs, rows))
    assert.equal(byRule(playWindows(specs, rows, { together: true })), straight)
    assert.equal(byRule(playWindows(specs, rows, { restarts: true })), straight)
  }), { seed, numRuns })
})
