import type { Hole } from './coverage.ts'
import type { LakeSegment } from './plan.ts'
import { coverageOf, type Run, scanReadings, scanSegment, scanWindow, sizeOf } from './scan.ts'
import { around } from './sightings.ts'

/** Where the readings of a device begin that are left to the segment that follows. */
type Left = Map<string, Hole>

/**
 * Take into the answer what the lake has of some keys: the windows of the plan; of each device what they lack from finer windows, as far as those are stored;
 * the rest from readings. Windows are read before readings and say themselves how far they reach, so that a reading is in one of the two, whatever is stored meanwhile.
 *
 * Limits: memory for the keys, and their holes
 */
export async function filled (run: Run, keys: readonly string[]): Promise<void> {
  const { segments } = run.plan
  let left: Left = new Map()
  for (const [index, segment] of segments.entries()) {
    if (segment.source === 'readings') {
      await readingsOf(run, segment, { keys, left })
      left = new Map()
    } else left = await windowsOf(run, segment, { keys, isFollowed: segments[index + 1]?.source === 'readings' })
  }
}

async function readingsOf (run: Run, segment: LakeSegment, { keys, left }: { readonly keys: readonly string[], readonly left: Left }): Promise<void> {
  const { answer, sightings } = run
  const heard = keys.filter(key => left.has(key) || sightings.until(key) > segment.from)
  if (heard.length === 0) return
  if (left.size === 0) return await taken(run, scanSegment(run, segment, heard))
  const holes = new Map(heard.map((key): [string, Hole] => [key, { from: left.get(key)?.from ?? segment.from, to: segment.to, before: answer.last(key), after: Number.POSITIVE_INFINITY, side: 'tail', isLast: true }]))
  await taken(run, scanReadings(run, { whole: around(holes), keys: heard, holes }))
}

/** Gives what is left at the segment's end to readings that follow. */
async function windowsOf (run: Run, { source, from, to }: LakeSegment, { keys, isFollowed }: { readonly keys: readonly string[], readonly isFollowed: boolean }): Promise<Left> {
  const coverage = coverageOf(run, source, { from, to })
  await taken(run, scanWindow(run, source, { whole: { from, to }, keys, coverage }))
  for (const key of keys) if (!coverage.has(key)) coverage.holes.set(key, [{ from, to, before: run.answer.last(key), after: Number.POSITIVE_INFINITY, side: 'whole', isLast: true }])
  const left: Left = new Map()
  await fill(run, { window: source, holes: coverage.holes, left: isFollowed ? left : null, end: to })
  return left
}

interface Filling { readonly window: string, readonly holes: ReadonlyMap<string, readonly Hole[]>, /** Null: nothing can be left. */ readonly left: Left | null, readonly end: number }

/** Holes that rows of a window have left: from the next finer window, and so on. */
async function fill (run: Run, { window, holes: all, left, end }: Filling): Promise<void> {
  const open = await run.sightings.open(all, { name: window, sizeMs: sizeOf(run.reader, window) })
  const finer = finerThan(run, window)
  for (const round of rounds(open)) {
    if (finer === null) {
      await rest(run, round, { left, end })
      continue
    }
    const whole = around(round)
    const coverage = coverageOf(run, finer, whole)
    await taken(run, scanWindow(run, finer, { whole, keys: [...round.keys()], holes: round, coverage }))
    for (const [key, hole] of round) if (!coverage.has(key)) coverage.holes.set(key, [{ ...hole, side: hole.side === 'cut' ? 'cut' : 'whole' }])
    await fill(run, { window: finer, holes: coverage.holes, left, end })
  }
}

/** From readings. */
async function rest (run: Run, round: ReadonlyMap<string, Hole>, { left, end }: Pick<Filling, 'left' | 'end'>): Promise<void> {
  const holes = new Map<string, Hole>()
  for (const [key, hole] of round) {
    const to = Math.min(hole.to, run.sightings.until(key))
    if (left !== null && hole.to === end) left.set(key, hole)
    else if (hole.from < to) holes.set(key, { ...hole, to })
  }
  if (holes.size > 0) await taken(run, scanReadings(run, { whole: around(holes), keys: [...holes.keys()], holes }))
}

/** The first hole of each key, then the second, ... */
function * rounds (holes: ReadonlyMap<string, readonly Hole[]>): Generator<ReadonlyMap<string, Hole>> {
  for (let index = 0; ; index += 1) {
    const round = new Map<string, Hole>()
    for (const [key, some] of holes) if (some[index] !== undefined) round.set(key, some[index]!)
    if (round.size === 0) return
    yield round
  }
}

/** The next window that lies side by side in this one; null: there is none. */
function finerThan ({ plan, reader }: Run, window: string): string | null {
  const size = sizeOf(reader, window)
  return plan.finer.find(name => sizeOf(reader, name) < size && size % sizeOf(reader, name) === 0) ?? null
}

async function taken ({ ask }: Run, pieces: AsyncIterable<string>): Promise<void> {
  for await (const _ of pieces) ask.abort?.throwIfAborted()
}
