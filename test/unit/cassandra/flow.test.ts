import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Flow } from '../../../connectors/cassandra/flow.ts'

const options = { inFlightMax: 64, latencyMs: 50 }
const answered = (flow: Flow, many: number, tookMs: number) => { for (let n = 0; n < many; n += 1) flow.succeeded(tookMs) }

test('flow: quick answers let more requests under way, up to the most; slow ones fewer', () => {
  const flow = new Flow(options)
  assert.equal(flow.inFlightMax, 8)
  answered(flow, 200, 5)
  assert.equal(flow.inFlightMax, 64)
  answered(flow, 400, 500)
  const slow = flow.inFlightMax
  assert(slow < 32, String(slow))
  answered(flow, 20, 5)
  assert(flow.inFlightMax < slow + 8, 'and then they come back one for each round')
  answered(flow, 2_000, 5)
  assert(flow.inFlightMax > slow)
})

test('flow: after a failure one request goes at a time, later each time it fails again; the first answer ends it', () => {
  const flow = new Flow(options)
  answered(flow, 200, 5)
  assert.equal(flow.pauseMs(1), 0)
  for (let n = 0; n < 64; n += 1) flow.failed(1_000, 0)
  assert.deepEqual([flow.failures, flow.inFlightMax, flow.failingSinceMs], [1, 1, 1_000], 'requests that were under way together fail once')
  const pauses = Array.from({ length: 12 }, (_, n) => { flow.failed(2_000, n + 1); return flow.pauseMs(1) })
  assert.deepEqual(pauses.slice(0, 3), [200, 400, 800])
  assert.equal(pauses.at(-1), 5_000)
  assert.equal(flow.pauseMs(0), 0, 'any part of it, by chance')
  flow.succeeded(5)
  assert.deepEqual([flow.failures, flow.pauseMs(1), flow.failingSinceMs], [0, 0, null])
  assert(flow.inFlightMax < 8, 'what follows begins with few')
})
