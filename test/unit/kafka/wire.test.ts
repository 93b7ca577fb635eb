import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as admin from '../../../connectors/kafka/admin-requests.ts'
import { readAnswer, upTo, writeFrame } from '../../../connectors/kafka/api.ts'
import { array, bool, bytes, decode, encode, int16, int32, int53, int64, int8, nullableArray, nullableBytes, nullableString, string, struct, tagged, uuid } from '../../../connectors/kafka/fields.ts'
import * as group from '../../../connectors/kafka/group-requests.ts'
import * as requests from '../../../connectors/kafka/requests.ts'
import { Reader, Writer } from '../../../connectors/kafka/wire.ts'

const message = struct({
  small: int8, short: int16, whole: int32, long: int64, at: int53, yes: bool, name: string, maybe: nullableString, body: bytes, perhaps: nullableBytes, id: uuid,
  list: array(struct({ name: string, numbers: array(int32) })), none: nullableArray(int8),
})
const texts = fc.string({ unit: 'grapheme', maxLength: 600 })
const bodies = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 4_090, maxLength: 4_100 })).map(part => Buffer.from(part))
const messages = fc.record({
  small: fc.integer({ min: -128, max: 127 }), short: fc.integer({ min: -32_768, max: 32_767 }), whole: fc.integer(), long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), at: fc.maxSafeInteger(), yes: fc.boolean(),
  name: texts, maybe: fc.option(texts), body: bodies, perhaps: fc.option(bodies), id: fc.uuid(),
  list: fc.array(fc.record({ name: texts, numbers: fc.array(fc.integer(), { maxLength: 200 }) }, { noNullPrototype: true }), { maxLength: 8 }), none: fc.option(fc.array(fc.constant(1), { maxLength: 3 })),
}, { noNullPrototype: true })

for (const flexible of [true, false]) {
  const dialect = { version: 0, flexible }
  const kind = flexible ? 'compact' : 'older'

  test(`what is written in the ${kind} encoding is read as it was, whatever its length`, () => {
    fc.assert(fc.property(messages, value => { assert.deepEqual(decode(message, encode(message, value, dialect), dialect), value) }), { numRuns: 300 })
  })

  test(`a message in the ${kind} encoding that is cut anywhere is a RangeError`, () => {
    fc.assert(fc.property(messages, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (value, share) => {
      const whole = encode(message, value, dialect)
      assert.throws(() => decode(message, whole.subarray(0, Math.floor(whole.length * share)), dialect), RangeError)
    }), { numRuns: 300 })
  })

  test(`noise in the ${kind} encoding gives a message or a RangeError, and makes nothing larger than itself`, () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), noise => {
      try { decode(message, noise, dialect) } catch (error) { assert(error instanceof RangeError, String(error)) }
    }), { numRuns: 2_000 })
  })
}

test('lengths and counts beyond what was received are refused before anything is made of them', () => {
  const long = new Writer({ version: 0, flexible: false })
  long.int32(0x7fffffff)
  const [older] = long.finish().pieces
  assert.throws(() => decode(array(int8), older!, { version: 0, flexible: false }), /a length of 2147483647/)
  assert.throws(() => decode(bytes, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), { version: 0, flexible: true }), /a length of 4294967294/)
  assert.throws(() => decode(bytes, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0x01), { version: 0, flexible: true }), /more than 5 bytes/)
  assert.throws(() => decode(string, Uint8Array.of(0x80, 0), { version: 0, flexible: false }), /a length of -32768/)
  assert.throws(() => decode(string, Uint8Array.of(0), { version: 0, flexible: true }), /null/)
  assert.throws(() => decode(int53, Uint8Array.of(0x7f, 0, 0, 0, 0, 0, 0, 0), { version: 0, flexible: true }), /offset or a time/)
})

test('bytes that are read are a view of what was received', () => {
  const received = encode(bytes, Uint8Array.of(1, 2, 3), { version: 0, flexible: true })
  const view = decode(bytes, received, { version: 0, flexible: true })
  received[1] = 9
  assert.deepEqual([...view], [9, 2, 3])
})

test('tags that are known are read, others passed over, and missing ones have their default', () => {
  const known = struct({ a: int8 }, { more: tagged(2, string, 'none') })
  const flexible = { version: 0, flexible: true }
  assert.deepEqual(decode(known, Uint8Array.of(7, 2, 1, 2, 0xaa, 0xbb, 2, 3, 3, 0x68, 0x69), flexible), { a: 7, more: 'hi' })
  assert.deepEqual(decode(known, Uint8Array.of(7, 0), flexible), { a: 7, more: 'none' })
  assert.throws(() => decode(known, Uint8Array.of(7, 1, 2, 9, 3), flexible), RangeError)
})

// As Kafka's own generated classes write it: ApiVersions v3 of client "c", correlation id 7.
test('a request frame has its length, a header in the older encoding and a body in its own', () => {
  const frame = Buffer.concat(writeFrame(requests.apiVersions, { version: 3, correlationId: 7, clientId: 'c', request: {} }))
  assert.equal(frame.toString('hex'), '00000018' + '0012' + '0003' + '00000007' + '000163' + '00' + '096d696c6c72616365' + '0231' + '00')
})

test('fields that a version does not have are not written', () => {
  const written = (version: number) => Buffer.concat(writeFrame(requests.fetch, { version, correlationId: 0, clientId: '', request: { maxWaitMs: 1, minBytes: 2, maxBytes: 3, topics: [] } })).subarray(15)
  assert.equal(written(15).toString('hex'), '00000001' + '00000002' + '00000003' + '01' + '00000000' + 'ffffffff' + '01' + '01' + '01' + '00')
  assert.equal(written(13).toString('hex'), `ffffffff${written(15).toString('hex')}`)
})

test('fields that a version does not have are read as what stands for them', () => {
  const frame = (body: string) => Buffer.from(`00000001${'00'}${body}`, 'hex')
  assert.deepEqual(readAnswer(requests.endTxn, 4, frame('00000000' + '0000' + '00')), { throttleTimeMs: 0, errorCode: 0, producerId: -1n, producerEpoch: -1 })
  assert.deepEqual(readAnswer(requests.endTxn, 5, frame('00000000' + '0000' + '0000000000000005' + '0003' + '00')), { throttleTimeMs: 0, errorCode: 0, producerId: 5n, producerEpoch: 3 })
  assert.throws(() => readAnswer(requests.endTxn, 4, frame('00000000' + '0000' + '00' + 'ff')), /1 bytes left over/)
})

test('a broker that does not know the question about versions is understood all the same', () => {
  const answer = readAnswer(requests.apiVersions, 3, Buffer.from('00000001' + '0023' + '00000001' + '001200000002', 'hex'))
  assert.equal(answer.errorCode, 35)
})

test('no answer makes a reader throw anything but RangeError, whatever is in it', () => {
  const all = Object.values({ ...requests, ...group, ...admin }).filter(one => typeof one === 'object')
  fc.assert(fc.property(fc.constantFrom(...all), fc.uint8Array({ minLength: 4, maxLength: 400 }), fc.double({ min: 0, max: 1, noNaN: true }), (asked, noise, share) => {
    const version = Math.round(asked.min + (asked.max - asked.min) * share)
    try { readAnswer(asked as never, version, noise) } catch (error) { assert(error instanceof RangeError, String(error)) }
  }), { numRuns: 3_000 })
})

test('a request may be held to an earlier version than the latest known', () => {
  const { min, max, key } = upTo(11, requests.produce)
  assert.deepEqual([key, min, max], [0, requests.produce.min, 11])
})

test('a reader says where it is', () => {
  const reader = new Reader(Uint8Array.of(1, 2, 3), { version: 0, flexible: true })
  reader.int8()
  assert.deepEqual([reader.at, reader.left], [1, 2])
})
