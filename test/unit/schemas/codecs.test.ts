import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type ControlEvent, controlEventCodec } from '../../../schemas/control-event.ts'
import { type DeadLetter, deadLetterCodec } from '../../../schemas/dead-letter.ts'
import { type LateReading, lateReadingCodec } from '../../../schemas/late-reading.ts'

const event: ControlEvent = {
  id: 'a1-1', alertId: 'a1', seq: 1, ordinal: 7, pipeline: 'cold-chain', rule: 'tooWarm', ruleVersion: 'v1', key: 'truck-1', state: 'raised', severity: 'critical',
  reason: null, labels: { site: 'Oslo' }, summary: 'truck-1 is at 9.5', at: 1_700_000_000_000, raisedAt: 1_700_000_000_000, arrivedAt: 1_700_000_000_500, expiresAt: 1_700_000_600_500, mode: 'live',
  values: { celsius: 9.5, door: true, site: 'Oslo', limit: null }, units: { celsius: 'Cel' },
  window: { name: 'hour', start: -3_600_000, end: 0, revision: 2, expected: 120, received: 118 }, source: { topic: 'fleet.polar', partition: 3, offset: 2 ** 40 },
}

test('a control event comes back from the wire as it was', () => {
  for (const variant of [event, { ...event, window: null, expiresAt: null, summary: null, reason: 'removed' }, { ...event, window: { ...event.window!, expected: null } }]) {
    assert.deepEqual(controlEventCodec.decode(controlEventCodec.encode(variant, 12)), variant)
  }
})

test('wire format begins with a zero byte and the schema id', () => {
  assert.deepEqual([...controlEventCodec.encode(event, 0x01020304).subarray(0, 5)], [0, 1, 2, 3, 4])
  assert.throws(() => controlEventCodec.decode(Uint8Array.of(1, 0, 0, 0, 1)), /wire format/)
})

test('a fraction of a millisecond in event time is cut on the wire, also before the epoch', () => {
  const back = controlEventCodec.decode(controlEventCodec.encode({ ...event, at: 1000.75, raisedAt: -0.25 }, 1))
  assert.equal(back.at, 1000)
  assert.equal(back.raisedAt, -1)
})

test('a value that does not match the contract is refused', () => {
  assert.throws(() => controlEventCodec.encode({ ...event, severity: 'fatal' as 'critical' }, 1), /severity|Severity|invalid/i)
})

test('a dead letter keeps bytes, headers and absent parts', () => {
  const letter: DeadLetter = {
    pipeline: 'p', step: 'decode', reason: 'DECODE_TRUNCATED', message: 'Cannot decode', arrival: 5, schemaId: 0xffffffff, key: Uint8Array.of(1, 2), value: Uint8Array.of(0, 255),
    headers: [['trace', Uint8Array.of(9)], ['empty', null]], source: { topic: 't', partition: 0, offset: 9 },
  }
  assert.deepEqual(deadLetterCodec.decode(deadLetterCodec.encode(letter, 3)), letter)
  const bare: DeadLetter = { ...letter, schemaId: null, key: null, value: null, headers: [] }
  assert.deepEqual(deadLetterCodec.decode(deadLetterCodec.encode(bare, 3)), bare)
})

test('a late reading keeps the bytes of its value and no larger buffer', () => {
  const late: LateReading = { pipeline: 'p', window: 'minute', key: 'a', at: 59_000, arrival: 90_000, value: new Uint8Array(64).subarray(10, 13), source: { topic: 't', partition: 1, offset: 4 } }
  const back = lateReadingCodec.decode(lateReadingCodec.encode(late, 3))
  assert.deepEqual([...back.value], [0, 0, 0])
  assert.equal(back.value.buffer.byteLength, 3)
  assert.deepEqual({ ...back, value: late.value }, late)
})

test('each codec names its contract and version, and its schema is the file beside it', () => {
  for (const [codec, file] of [[controlEventCodec, 'control-event'], [deadLetterCodec, 'dead-letter'], [lateReadingCodec, 'late-reading']] as const) {
    assert.equal(codec.version, 1)
    assert.deepEqual(JSON.parse(codec.schema), JSON.parse(readFileSync(new URL(`../../../schemas/${file}.v1.avsc`, import.meta.url), 'utf8')))
  }
})
