import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AlertParity } from '../../../pipelines/lake/alert-parity.ts'
import type { LakeAlert } from '../../../pipelines/core/lake-ports.ts'
import type { ControlEvent } from '../../../schemas/control-event.ts'

const event = (alertId: string, state: ControlEvent['state'], at: number, more: Partial<ControlEvent> = {}): ControlEvent => ({
  id: `${alertId}-${at}`, alertId, seq: at, ordinal: at, pipeline: 'x', rule: 'tooWarm', ruleVersion: 'v', key: 'a', state, severity: 'warning', reason: null, labels: { site: 'Oslo' }, summary: null,
  at, raisedAt: 10, arrivedAt: at + 1, expiresAt: null, mode: 'live', values: { celsius: 9 }, units: {}, window: null, source: { topic: 't', partition: 0, offset: at }, ...more,
})
const alert = (of: ControlEvent, more: Partial<LakeAlert>): LakeAlert => {
  const { id: _, arrivedAt: __, at, ...rest } = of
  return { ...rest, raisedArrival: 11, clearedAt: null, updatedAt: at, ...more }
}

function differences (events: readonly ControlEvent[], alerts: readonly LakeAlert[], { isWhole = true } = {}) {
  const parity = new AlertParity({ from: 0, to: 100, isWhole })
  for (const one of events) parity.event(one)
  const found = [...parity.compare(alerts), ...parity.missing()]
  return { found, compared: parity.compared, older: parity.older }
}

const raised = event('one', 'raised', 10)
const cleared = event('one', 'cleared', 30, { values: {} })
const whole = alert(cleared, { clearedAt: 30 })

test('alert parity: an alert is what its events come to, in whatever order they are read and however often', () => {
  assert.deepEqual(differences([raised, cleared], [whole]), { found: [], compared: 1, older: 0 })
  assert.deepEqual(differences([cleared, raised, cleared], [whole]).found, [])
  assert.deepEqual(differences([raised], [alert(raised, {})]).found, [])
})

test('alert parity: what was altered, is behind, is gone or is too much is told by rule, device and time', () => {
  const named = 'alert tooWarm of a raised at 1970-01-01T00:00:00.010Z, one'
  assert.deepEqual(differences([raised, cleared], [{ ...whole, severity: 'critical' }]).found, [`${named}: severity is "critical", in the control topic "warning"`])
  assert.deepEqual(differences([raised, cleared], [{ ...whole, raisedArrival: 12 }]).found, [`${named}: raisedArrival is 12, in the control topic 11`])
  assert.deepEqual(differences([raised, cleared], [{ ...whole, labels: {} }]).found, [`${named}: labels is {}, in the control topic {"site":"Oslo"}`])
  assert.deepEqual(differences([raised, cleared], [alert(raised, {})]).found.map(line => line.replace(/^.*: (\w+) .*$/, '$1')), ['state', 'seq', 'ordinal', 'clearedAt', 'updatedAt', 'values'])
  assert.deepEqual(differences([raised], []).found, [`${named}: in the control topic, but not in the lake`])
  assert.deepEqual(differences([], [whole]).found, [`${named}: in the lake, but not in the control topic`])
})

test('alert parity: where the topic has been trimmed the lake may know of more, and of a raise the arrival', () => {
  assert.deepEqual(differences([], [whole], { isWhole: false }), { found: [], compared: 0, older: 1 })
  assert.deepEqual(differences([cleared], [whole], { isWhole: false }), { found: [], compared: 1, older: 0 })
})

test('alert parity: episodes raised outside the range are no matter', () => {
  assert.deepEqual(differences([event('late', 'raised', 100, { raisedAt: 100 })], []).found, [])
})
