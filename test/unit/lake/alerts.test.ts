import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LakeAlert } from '../../../pipelines/core/lake-ports.ts'
import { type AlertsAsk, alertsOf, around } from '../../../pipelines/lake/alerts.ts'
import { trucks } from '../../kit/lake-layouts.ts'
import { MemoryLake, type PlainReading } from '../../kit/memory-lake.ts'

const alert = (alertId: string, key: string, raisedAt: number, clearedAt: number | null, rule = 'warm'): LakeAlert => ({
  alertId, key, raisedAt, clearedAt, rule, raisedArrival: raisedAt, updatedAt: clearedAt ?? raisedAt, seq: clearedAt === null ? 0 : 1, ordinal: 1, pipeline: 'cold-chain', ruleVersion: '1', state: clearedAt === null ? 'raised' : 'cleared', severity: 'critical',
  reason: null, labels: { team: 'cold' }, summary: null, expiresAt: null, mode: 'live', values: { celsius: 9 }, units: { celsius: 'Cel' }, window: null, source: { topic: 't', partition: 0, offset: 1 },
})
const reading = (key: string, at: number, depot: string): PlainReading => ({ key, source: 'trucks', at, arrival: at, partition: 0, offset: at, values: { celsius: at / 1_000, doorOpen: null, depot } })
const lake = () => new MemoryLake({
  layout: trucks, pieceRows: 2, readings: [...[0, 1_000, 2_000, 3_000, 60_000].map(at => reading('a', at, 'north')), reading('b', 5_000, 'south')],
  alerts: [alert('1', 'a', 2_000, 62_000), alert('2', 'b', 1_000, null), alert('3', 'a', 500, 700, 'door')],
})
async function found (changes: Partial<AlertsAsk> = {}): Promise<unknown[]> {
  const result: unknown[] = []
  for await (const { alertId, durationMs, keyLabels } of alertsOf(lake(), { keys: null, where: {}, rules: null, from: 0, to: 100_000, longerMs: null, ...changes })) result.push([alertId, durationMs, keyLabels.depot])
  return result
}

test('alerts come with how long they stood and with the labels of their device', async () => {
  assert.deepEqual(await found(), [['3', 200, 'north'], ['2', null, 'south'], ['1', 60_000, 'north']])
  assert.deepEqual(await found({ rules: ['warm'], where: { depot: 'north' } }), [['1', 60_000, 'north']])
  assert.deepEqual(await found({ from: 1_000, to: 2_000 }), [['2', null, 'south']])
})

test('one that still stands counts until the end of the range', async () => {
  assert.deepEqual(await found({ longerMs: 60_000 }), [['2', null, 'south'], ['1', 60_000, 'north']])
  assert.deepEqual(await found({ longerMs: 60_000, to: 60_999 }), [['1', 60_000, 'north']])
})

test('the readings around an alert are those of its device, from before it was raised until after it was cleared', async () => {
  const times = async (of: LakeAlert, columns: readonly string[] | null = null) => {
    const result: [string, number[], string[]][] = []
    for await (const { key, at, columns: has } of around(lake(), of, { beforeMs: 1_000, afterMs: 500, columns })) result.push([key, [...at], has.map(({ name }) => name)])
    return result
  }
  assert.deepEqual(await times(alert('1', 'a', 2_000, 2_500), ['celsius']), [['a', [1_000, 2_000], ['celsius']], ['a', [3_000], ['celsius']]])
  assert.deepEqual(await times(alert('2', 'b', 5_500, null)), [['b', [5_000], ['celsius', 'doorOpen', 'depot']]])
})
