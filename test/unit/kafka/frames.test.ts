import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Frames } from '../../../connectors/kafka/frames.ts'

const framed = (body: Uint8Array) => {
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}
const bodies = fc.array(fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 30 }), fc.integer({ min: 60_000, max: 140_000 }).map(length => new Uint8Array(length).fill(length))), { maxLength: 6 })

test('frames come out whole and in order however the stream is cut, pushed or put where they stay', () => {
  fc.assert(fc.property(bodies, fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 }), fc.boolean(), (sent, cuts, pushed) => {
    const stream = Buffer.concat(sent.map(framed))
    const out: Uint8Array[] = []
    const frames = new Frames(1 << 20, frame => { out.push(frame) })
    for (let at = 0, turn = 0; at < stream.length; turn += 1) {
      const part = stream.subarray(at, at + cuts[turn % cuts.length]!)
      if (pushed) {
        frames.push(part)
        at += part.length
      } else {
        const room = frames.room()
        const some = part.subarray(0, room.length)
        room.set(some)
        frames.took(some.length)
        at += some.length
      }
    }
    assert.equal(out.length, sent.length)
    out.forEach((frame, at) => { assert(Buffer.from(frame).equals(sent[at]!)) })
  }), { numRuns: 100 })
})

test('a frame given out is not written to again', () => {
  const out: Uint8Array[] = []
  const frames = new Frames(100, frame => { out.push(frame) })
  frames.push(framed(Uint8Array.of(1, 1, 1, 1)))
  frames.push(framed(Uint8Array.of(2, 2, 2, 2)))
  assert.deepEqual([...out[0]!], [1, 1, 1, 1])
})

const absurd: Readonly<Record<string, readonly [bytes: readonly number[], says: RegExp]>> = {
  'a negative size': [[0xff, 0xff, 0xff, 0xff], /a frame of -1 bytes/],
  'a size without room for a correlation id': [[0, 0, 0, 3], /a frame of 3 bytes/],
  'a size beyond the bound': [[0, 0, 4, 1], /a frame of 1025 bytes, where 1024 are the most/],
  'a TLS alert': [[21, 3, 3, 0, 2, 2, 70], /^TLS, not Kafka/],
  'an HTTP answer': [[...Buffer.from('HTTP/1.1 400')], /^HTTP, not Kafka/],
}
for (const [what, [bytes, says]] of Object.entries(absurd)) {
  test(`${what} is refused before there is room made for it`, () => {
    assert.throws(() => { new Frames(1_024, () => {}).push(Uint8Array.from(bytes)) }, error => error instanceof RangeError && says.test(error.message))
  })
}
