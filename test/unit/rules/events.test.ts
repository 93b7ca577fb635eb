import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { StreamError } from '../../../pipelines/core/errors.ts'
import { controlEventCodec } from '../../../schemas/control-event.ts'
import { play, type Reading, rule } from './kit.ts'

const warm = rule({ name: 'tooWarm', version: 'v7', when: 'celsius > limit', clear: 'celsius < limit - 1.0', severity: 'critical', labels: ['site'], ttlMs: 600_000, summary: '{{ key }} at {{site}}: {{celsius}} over {{limit}}, door {{open}}' })
const readings: Reading[] = [
  { key: 'truck', at: 1_000, arrival: 1_500, celsius: 1, limit: 8, site: 'Oslo' },
  { key: 'truck', at: 2_000, arrival: 2_750, celsius: 9.123456789, limit: 8, site: 'Oslo', open: true },
  { key: 'truck', at: 3_000, arrival: 3_500, celsius: 2, limit: 8, site: 'Bergen' },
  { key: 'truck', at: 4_000, arrival: 4_500, celsius: 9, limit: 8 },
]

test('a control event has every field of the contract', () => {
  const [raised, cleared, again] = play([warm], readings).events
  const alertId = createHash('sha256').update('["p","s","tooWarm","truck","1@2000"]').digest('hex').slice(0, 32)
  assert.deepEqual(raised, {
    position: 1, stage: 4, event: {
      id: `${alertId}-1`, alertId, seq: 1, ordinal: 1, pipeline: 'p', rule: 'tooWarm', ruleVersion: 'v7', key: 'truck', state: 'raised', severity: 'critical', reason: null,
      labels: { site: 'Oslo' }, summary: 'truck at Oslo: 9.12346 over 8, door true', at: 2_000, raisedAt: 2_000, arrivedAt: 2_750, expiresAt: 602_750, mode: 'live',
      values: { celsius: 9.123456789, limit: 8, open: true }, units: { celsius: 'Cel', limit: 'Cel' }, window: null, source: { topic: 't', partition: 2, offset: 1 },
    },
  })
  assert.deepEqual(cleared!.event, {
    ...raised!.event, id: `${alertId}-2`, seq: 2, ordinal: 2, state: 'cleared', at: 3_000, arrivedAt: 3_500, expiresAt: 603_500,
    summary: 'truck at Oslo: 2 over 8, door unknown', values: { celsius: 2, limit: 8, open: null }, source: { topic: 't', partition: 2, offset: 2 },
  }, 'labels stay those of the moment it was raised')
  assert.equal(again!.event.ordinal, 3)
  assert.equal(again!.event.seq, 1)
  assert.notEqual(again!.event.alertId, alertId)
  assert.deepEqual(again!.event.labels, {}, 'a label that is unknown is left out')
})

test('an alert is named after the reading that began it, not the one that raised it', () => {
  const spec = rule({ name: 'r', when: 'celsius > limit', forMs: 1_000 })
  const inputs = [{ key: 'k', at: 0, celsius: 9, limit: 8 }, { key: 'k', at: 999, celsius: 9, limit: 8 }, { key: 'k', at: 1_000, celsius: 9, limit: 8 }]
  const { event } = play([spec], inputs).events[0]!
  assert.equal(event.alertId, createHash('sha256').update('["p","s","r","k","0@0"]').digest('hex').slice(0, 32))
  assert.equal(event.at, 1_000)
})

test('every event passes the wire', () => {
  for (const { event } of play([warm], readings).events) assert.deepEqual(controlEventCodec.decode(controlEventCodec.encode(event, 3)), event)
})

test('without ttl nothing expires; without a summary there is none', () => {
  const { event } = play([rule({ name: 'r', when: 'open' })], [{ key: 'k', at: 1, open: true }]).events[0]!
  assert.equal(event.expiresAt, null)
  assert.equal(event.summary, null)
  assert.deepEqual(event.values, { open: true })
})

test('ids never repeat, and ordinals grow by one per rule and key', () => {
  const inputs = Array.from({ length: 200 }, (_, i) => ({ key: `k${i % 3}`, at: i, celsius: i % 7, limit: 3 }))
  const events = play([rule({ name: 'r', when: 'celsius > limit' }), rule({ name: 'q', when: 'celsius > limit' })], inputs, { cut: () => 50 }).events.map(one => one.event)
  assert.ok(events.length > 50)
  assert.equal(new Set(events.map(event => event.id)).size, events.length)
  for (const name of ['r', 'q']) {
    for (const key of ['k0', 'k1', 'k2']) {
      const ordinals = events.filter(event => event.rule === name && event.key === key).map(event => event.ordinal)
      assert.deepEqual(ordinals, ordinals.map((_, i) => i + 1))
    }
  }
})

test('a rule that names what is not there is refused with the nearest name', () => {
  const fails = (options: Parameters<typeof rule>[0], code: string, details: Record<string, unknown>) => assert.throws(() => play([rule(options)], []), (error: StreamError) => {
    assert.equal(error.code, code)
    for (const [name, value] of Object.entries(details)) assert.deepEqual(error.details[name], value)
    return true
  })
  fails({ name: 'r', when: 'open', labels: ['sit'] }, 'RULE_NAME', { label: 'sit', nearest: 'site' })
  fails({ name: 'r', when: 'open', labels: ['celsius'] }, 'RULE_NAME', { label: 'celsius' })
  fails({ name: 'r', when: 'open', window: 'minut' }, 'RULE_NAME', { window: 'minut', nearest: 'minute' })
  fails({ name: 'r', when: 'open', summary: 'at {{place}}' }, 'RULE_SUMMARY', { name: 'place', column: 4 })
  fails({ name: 'r', when: 'open', summary: 'at {{site' }, 'RULE_SUMMARY', { column: 4 })
  fails({ name: 'r', absentMs: 5, summary: '{{celsius}}' }, 'RULE_SUMMARY', { name: 'celsius' })
  fails({ name: 'r', when: 'open', atLeast: { count: 4, of: 3 } }, 'RULE_OPTION', {})
  fails({ name: 'r', when: 'open', absentMs: 5 }, 'RULE_OPTION', {})
  fails({ name: 'r' }, 'RULE_OPTION', {})
})
