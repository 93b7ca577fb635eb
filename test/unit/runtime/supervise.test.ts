import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { type RetryPolicy, retryDefaults, supervise } from '../../../pipelines/runtime/supervise.ts'
import { ManualClock } from '../../kit/clock.ts'

const away = () => new StreamError('LOG_UNAVAILABLE', { why: 'full' })
const policy: RetryPolicy = { pauseMs: 100, pauseMaxMs: 1_000, giveUpMs: 60_000, shutdownMs: 5_000 }

/** Runs `attempt` under a clock that the test moves; `settled` is null while it goes on. */
function supervised (attempt: (stepped: () => void, turn: number) => Promise<void>, more: Partial<RetryPolicy> = {}) {
  const clock = new ManualClock()
  const stop = new AbortController()
  const pauses: number[] = []
  const result: { settled: 'ended' | Error | null } = { settled: null }
  let turn = 0
  const done = supervise({ ...policy, ...more, clock, signal: stop.signal, onRetry: (_, pauseMs) => { pauses.push(pauseMs) } }, stepped => { turn += 1; return attempt(stepped, turn) })
  done.then(() => { result.settled = 'ended' }, error => { result.settled = error as Error })
  return { clock, stop, pauses, result, turns: () => turn }
}

test('supervise: what ends well ends, without a sleeper left behind', async () => {
  const { clock, result } = supervised(async () => {})
  await clock.advance(0)
  assert.deepEqual([result.settled, clock.sleeping], ['ended', 0])
})

test('supervise: an error to retry begins anew after pauses that double up to a bound', async () => {
  const { clock, result, pauses } = supervised(async (_, turn) => { if (turn < 8) throw away() })
  await clock.advance(3_499)
  assert.equal(result.settled, null)
  await clock.advance(1_001)
  assert.equal(result.settled, 'ended')
  assert.deepEqual(pauses, [100, 200, 400, 800, 1_000, 1_000, 1_000])
})

test('supervise: a step forward makes pauses short again', async () => {
  const { clock, pauses } = supervised(async (stepped, turn) => {
    if (turn === 4) stepped()
    if (turn < 7) throw away()
  })
  await clock.advance(10_000)
  assert.deepEqual(pauses, [100, 200, 400, 100, 200, 400])
})

test('supervise: an error that is not to be retried ends it at once', async () => {
  for (const error of [new StreamError('LOG_FENCED'), new TypeError('a bug'), new StreamError('STATE_CORRUPT')]) {
    const { clock, result, turns } = supervised(async () => { throw error })
    await clock.advance(0)
    assert.deepEqual([result.settled, turns(), clock.sleeping], [error, 1, 0])
  }
})

test('supervise: what fails too long without a step forward ends with its error', async () => {
  const { clock, result } = supervised(async () => { throw away() }, { giveUpMs: 10_000 })
  await clock.advance(9_000)
  assert.equal(result.settled, null)
  await clock.advance(2_000)
  assert.equal((result.settled as unknown as StreamError).code, 'LOG_UNAVAILABLE')
})

test('supervise: the wish to stop ends a pause, and what fails then is tried until the time for shutdown is over', async () => {
  const { clock, stop, result, turns } = supervised(async () => { throw away() })
  await clock.advance(3_000)
  const before = turns()
  stop.abort()
  await clock.advance(0)
  assert.equal(turns(), before + 1)
  await clock.advance(5_000)
  assert.equal((result.settled as unknown as StreamError).code, 'LOG_UNAVAILABLE')
  assert.equal(clock.sleeping, 0)
})

test('supervise: a shutdown that hangs ends in its time', async () => {
  const { clock, stop, result } = supervised(() => new Promise(() => {}))
  await clock.advance(100_000)
  assert.equal(result.settled, null)
  stop.abort()
  await clock.advance(4_999)
  assert.equal(result.settled, null)
  await clock.advance(1)
  assert.deepEqual([(result.settled as unknown as StreamError).code, (result.settled as unknown as StreamError).details], ['SHUTDOWN_TIMEOUT', { shutdownMs: 5_000 }])
})

test('supervise: a shutdown in time is none that hung', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { clock, stop, result } = supervised(() => promise)
  stop.abort()
  await clock.advance(4_000)
  resolve()
  await clock.advance(10_000)
  assert.deepEqual([result.settled, clock.sleeping], ['ended', 0])
  assert(retryDefaults.shutdownMs < 60_000)
})
