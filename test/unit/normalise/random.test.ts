import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JournalContent } from '../../../pipelines/core/journal.ts'
import type { TableRow } from '../../../pipelines/core/table.ts'
import { Bench, field, from, type Reading, type Row, signal, specOf, Table } from './kit.ts'

const spec = specOf({
  fields: [field('seq', 'number'), field('boot', 'text'), field('tempF', 'number'), field('door', 'number')],
  signals: [signal('celsius', 'number', 'Cel'), signal('door', 'bool'), signal('boot', 'text'), signal('site', 'text'), signal('twice', 'number'), signal('nothing', 'text')],
  mappings: [
    from('tempF', { unit: '[degF]' }), from('door'), from('boot'), { kind: 'table', table: 'devices', column: 'site', otherwise: 'nowhere' },
    { kind: 'function', call: { name: 'twice', apply: (seq: number | null) => { if (seq === 4) throw new Error('four'); return seq === null ? null : seq * 2 } }, fields: ['seq'] }, { kind: 'nothing' },
  ],
  ranges: [{ min: -50, max: 50, outside: 'unknown' }, null, null, null, { min: 0, max: 9, outside: 'dead-letter' }, null],
  dedupe: { by: ['seq', 'boot'], withinMs: 20, entriesMax: 8 },
  futureMaxMs: 30,
})

/** One step of the world: the table changes, then a reading arrives. */
interface Step { readonly change: { readonly key: string, readonly row: TableRow | null } | null, readonly reading: Reading }

const keys = fc.constantFrom('a', 'b', 'c')
const steps: fc.Arbitrary<Step[]> = fc.array(fc.record({
  change: fc.option(fc.record({ key: keys, row: fc.option(fc.record({ site: fc.option(fc.constantFrom('north', 'south')) })) }), { freq: 3 }),
  key: keys, gap: fc.nat(9), skew: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: -40, max: 25 }) }, { weight: 1, arbitrary: fc.constantFrom(31, Number.NaN, Number.POSITIVE_INFINITY) }),
  seq: fc.option(fc.nat(6), { freq: 9 }), boot: fc.option(fc.constantFrom('x', 'y'), { freq: 9 }),
  tempF: fc.option(fc.constantFrom(-200, -58, 0, 32, 46.4, 122, 123, Number.NaN)), door: fc.option(fc.constantFrom(0, 1, 2)),
}), { minLength: 1, maxLength: 60 }).map(list => {
  let arrival = 0
  return list.map(({ change, key, gap, skew, ...fields }) => {
    arrival += gap - 1
    return { change, reading: { key, at: arrival + skew, arrival, fields } }
  })
})

interface Outcome { readonly rows: readonly Row[], readonly dead: readonly (readonly [number, string])[], readonly counts: Readonly<Record<string, number>> }

/** What the words of the definition say, reading by reading, on plain objects. */
function plainly (world: readonly Step[]): Outcome {
  const [rows, dead, counts]: [Row[], [number, string][], Record<string, number>] = [[], [], {}]
  const count = (reason: string) => { counts[reason] = (counts[reason] ?? 0) + 1 }
  const table = new Map<string, TableRow | null>()
  let remembered: { readonly text: string, readonly arrival: number }[] = []
  let clock = Number.NEGATIVE_INFINITY
  for (const [position, { change, reading: { key, at, arrival, fields } }] of world.entries()) {
    if (change !== null) table.set(change.key, change.row)
    clock = Math.max(clock, arrival)
    if (!Number.isFinite(at)) { dead.push([position, 'NORMALISE_TIME']); continue }
    if (at > arrival + 30) { dead.push([position, 'NORMALISE_FUTURE']); continue }
    const { seq, boot, tempF, door } = fields as { seq: number | null, boot: string | null, tempF: number | null, door: number | null }
    if (seq !== null && boot !== null) {
      const text = JSON.stringify([key, seq, boot])
      remembered = remembered.filter(entry => entry.arrival >= clock - 20)
      if (remembered.some(entry => entry.text === text)) { count('duplicate'); continue }
      if (remembered.length === 8) { remembered.shift(); count('dedupe-forgotten') }
      remembered.push({ text, arrival: clock })
    }
    const celsius = tempF === null ? null : (tempF - 32) * 5 / 9
    const wrong = celsius !== null && !(celsius >= -50 && celsius <= 50)
    if (wrong) count('out-of-range')
    if (seq === 4) { dead.push([position, 'NORMALISE_FUNCTION']); if (wrong) counts['out-of-range']! -= 1; continue }
    if (seq !== null && seq > 4) { count('out-of-range'); dead.push([position, 'NORMALISE_RANGE']); continue }
    const signals = { celsius: wrong || celsius === null ? null : Math.round(celsius * 1e6), door: door === 1 ? true : door === 0 ? false : null, boot, site: table.get(key)?.site ?? 'nowhere', twice: seq === null ? null : seq * 2, nothing: null }
    rows.push({ position, key, at, signals })
  }
  return { rows, dead, counts: Object.fromEntries(Object.entries(counts).filter(([, by]) => by > 0)) }
}

const rounded = (rows: readonly Row[]) => rows.map(row => ({ ...row, signals: { ...row.signals, celsius: row.signals.celsius === null ? null : Math.round(row.signals.celsius as number * 1e6) } }))
const outcome = (bench: Bench, rows: readonly Row[]): Outcome => ({ rows: rounded(rows), dead: bench.out.deadLetters.map(({ position, reason }) => [position, reason]), counts: Object.fromEntries(bench.out.counts) })

/** Feed in batches of `cut` rows at most, cut also where the table changes, with a restart before some batches. */
function live (world: readonly Step[], { cut, restartEvery }: { readonly cut: number, readonly restartEvery: number }): { readonly bench: Bench, readonly rows: Row[] } {
  const table = new Table('devices')
  const bench = new Bench(spec, { tables: [table] })
  const rows: Row[] = []
  for (let at = 0, batches = 0; at < world.length; batches += 1) {
    const { change } = world[at]!
    if (change !== null) table.set(change.key, change.row)
    let end = at + 1
    while (end < world.length && end - at < cut && world[end]!.change === null) end += 1
    if (restartEvery > 0 && batches % restartEvery === 0) bench.restart()
    rows.push(...bench.feed(world.slice(at, end).map(({ reading }) => reading), at))
    at = end
  }
  return { bench, rows }
}

test('normalise: random readings come out as the plain model says, however batches are cut and whenever it restarts', () => {
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 20 }), fc.nat(3), (world, cut, restartEvery) => {
    const { bench, rows } = live(world, { cut, restartEvery })
    assert.deepEqual(outcome(bench, rows), plainly(world))
  }), { numRuns: 300 })
})

test('normalise: a replay from the journal alone, cut anew and from any snapshot on, gives what the live run gave', () => {
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 20 }), fc.nat(3), (world, cut, restartEvery) => {
    const { bench, rows } = live(world, { cut: 7, restartEvery: 0 })
    const replay = new Bench(spec, { live: false })
    const again: Row[] = []
    const entries = [...bench.journal]
    for (let at = 0, batches = 0; at < world.length; batches += 1) {
      if (restartEvery > 0 && batches % restartEvery === 0) replay.restart()
      while (entries[0]?.position === at) replay.stage.lookup(entries.shift() as JournalContent & { kind: 'lookup' })
      const end = Math.min(at + cut, entries[0]?.position ?? world.length, world.length)
      again.push(...replay.feed(world.slice(at, end).map(({ reading }) => reading), at))
      at = end
    }
    assert.deepEqual(outcome(replay, again), outcome(bench, rows))
    assert.deepEqual(again, rows)
  }), { numRuns: 200 })
})
