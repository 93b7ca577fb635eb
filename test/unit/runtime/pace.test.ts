import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from '../../../pipelines/runtime/pace.ts'
import { ManualClock } from '../../kit/clock.ts'

/** One round of what is due, that holds others up for `costMs`. */
async function take (pace: Pace, clock: ManualClock, costMs: number): Promise<void> {
  assert(pace.isDue)
  pace.begin()
  await pace.timed(() => clock.advance(costMs))
}

test('pace: what costs little is due every so often, from beginning to beginning', async () => {
  const clock = new ManualClock()
  const pace = new Pace(clock, 5_000)
  assert(!pace.isDue)
  await clock.advance(5_000)
  await take(pace, clock, 40)
  await clock.advance(4_959)
  assert(!pace.isDue)
  await clock.advance(1)
  assert(pace.isDue)
})

test('pace: what holds others up may do so for a twentieth of the time, up to a minute; once it is quick again it is due as before', async () => {
  const clock = new ManualClock()
  const pace = new Pace(clock, 5_000)
  await clock.advance(5_000)
  await take(pace, clock, 1_000)
  await clock.advance(18_999)
  assert(!pace.isDue)
  await clock.advance(1)
  await take(pace, clock, 9_000)
  await clock.advance(50_999)
  assert(!pace.isDue)
  await clock.advance(1)
  await take(pace, clock, 10)
  await clock.advance(4_990)
  assert(pace.isDue)
})
