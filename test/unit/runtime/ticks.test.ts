import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tickPause } from '../../../pipelines/runtime/leads.ts'

test('ticks: one a second, or as often as `idle` says where that is shorter', () => {
  assert.equal(tickPause(5_000, 5_000), 1_000)
  assert.equal(tickPause(100, 100), 100)
  assert.equal(tickPause(100_000, 5_000), 1_000)
})

test('ticks: a long silence is told every hundredth of it, at least once a minute, so that a day of it is some 2,000 entries', () => {
  assert.equal(tickPause(600_000, 5_000), 6_000)
  assert.equal(tickPause(86_400_000, 5_000), 60_000)
  let told = 0
  for (let silentMs = 5_000; silentMs < 86_400_000; silentMs += tickPause(silentMs, 5_000)) told += 1
  assert(told > 1_500 && told < 2_000, `${told} ticks`)
})
