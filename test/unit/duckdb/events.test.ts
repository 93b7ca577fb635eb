import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ControlEvent } from '../../../schemas/control-event.ts'
import { lakeFor } from './lake-kit.ts'

const source = { topic: 'fleet.polar', partition: 1, offset: 17 }
const event = (alertId: string, seq: number, state: ControlEvent['state'], at: number): ControlEvent => ({
  id: `${alertId}-${seq}`, alertId, seq, ordinal: 4, pipeline: 'cold-chain', rule: 'tooWarm', ruleVersion: 'v1', key: "truck 'x'", state, severity: 'critical', reason: state === 'cleared' ? 'condition' : null,
  labels: { site: 'Oslo' }, summary: 'too "warm"', at, raisedAt: 1_000, arrivedAt: at + 7, expiresAt: state === 'raised' ? at + 600_000 : null, mode: 'live', values: { celsius: 9.25, door: true, nothing: null }, units: { celsius: 'Cel' },
  window: null, source,
})
const position = [{ topic: 'fleet.control', partition: 0, offset: 1, metadata: '' }]

test('lake: an alert is one row per episode, which later changes overwrite and repeated or older ones leave alone', async t => {
  const lake = await lakeFor(t)
  lake.addEvents([event('a', 0, 'raised', 1_000), event('b', 0, 'raised', 1_000), event('b', 1, 'cleared', 2_000)])
  await lake.commit(position)
  const rows = () => lake.query('SELECT alert_id, state, seq, raised_at, raised_arrival, cleared_at, expires_at, reason, labels, "values", key, topic, "offset" FROM cold_chain_alerts ORDER BY alert_id')
  const row = (alert_id: string) => ({ alert_id, state: 'raised', seq: 0, raised_at: 1_000, raised_arrival: 1_007, cleared_at: null, expires_at: 601_000, reason: null, labels: '{"site":"Oslo"}', values: '{"celsius":9.25,"door":true,"nothing":null}', key: "truck 'x'", topic: 'fleet.polar', offset: 17 })
  const cleared = (alert_id: string, at: number) => ({ ...row(alert_id), state: 'cleared', seq: 1, cleared_at: at, expires_at: null, reason: 'condition' })
  assert.deepEqual(await rows(), [row('a'), cleared('b', 2_000)])
  lake.addEvents([event('a', 1, 'cleared', 3_000), event('b', 0, 'raised', 1_000), event('b', 1, 'cleared', 9_999)])
  await lake.commit(position)
  assert.deepEqual(await rows(), [cleared('a', 3_000), cleared('b', 2_000)])
  assert.deepEqual(await lake.query('SELECT CAST(day AS VARCHAR) AS day, count(*) AS n FROM cold_chain_alerts_by_day GROUP BY day'), [{ day: '1970-01-01', n: 2 }])
})

test('lake: an episode of which only the end is seen has no time of arrival for its raise', async t => {
  const lake = await lakeFor(t)
  lake.addEvents([event('a', 1, 'cleared', 3_000)])
  await lake.commit(position)
  lake.addEvents([event('a', 0, 'raised', 1_000)])
  await lake.commit(position)
  assert.deepEqual(await lake.query('SELECT state, raised_at, raised_arrival FROM cold_chain_alerts'), [{ state: 'cleared', raised_at: 1_000, raised_arrival: null }])
})

test('lake: dead letters and late readings keep cause, position and bytes', async t => {
  const lake = await lakeFor(t)
  const bytes = Uint8Array.of(0, 255, 7)
  lake.addDeadLetters([
    { pipeline: 'cold-chain', step: 'decode', reason: 'DECODE_TRUNCATED', message: "it's short", arrival: 5, schemaId: 3, key: null, value: bytes, headers: [['h', bytes], ['empty', null]], source },
    { pipeline: 'cold-chain', step: 'rule', reason: 'RULE_STATE_FULL', message: '', arrival: 6, schemaId: null, key: new Uint8Array(0), value: null, headers: [], source },
  ])
  lake.addLate([{ pipeline: 'cold-chain', window: 'minute', key: 'a', at: -5, arrival: 9, value: bytes, source }])
  await lake.commit(position)
  const at = { topic: 'fleet.polar', partition: 1, offset: 17 }
  assert.deepEqual(await lake.query('SELECT * FROM cold_chain_dead_letters ORDER BY arrived_at'), [
    { step: 'decode', reason: 'DECODE_TRUNCATED', message: "it's short", arrived_at: 5, ...at, schema_id: 3, key: null, value: bytes, headers: '[["h","00ff07"],["empty",null]]' },
    { step: 'rule', reason: 'RULE_STATE_FULL', message: '', arrived_at: 6, ...at, schema_id: null, key: new Uint8Array(0), value: null, headers: '[]' },
  ])
  assert.deepEqual(await lake.query('SELECT * FROM cold_chain_late'), [{ window: 'minute', key: 'a', at: -5, arrived_at: 9, ...at, value: bytes }])
})
