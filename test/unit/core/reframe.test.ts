import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '../../../pipelines/core/crc32c.ts'
import { type Headers, readBatchHeader, records } from '../../../pipelines/core/record-batch.ts'
import { Reframer } from '../../../pipelines/core/reframe.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const record = (offset: number, timestamp = 1_000 + offset, headers: Headers = []) => ({ offset, timestamp, key: null, value: bytes(`v${offset}`), headers })
function spans (framed: Uint8Array): string[] {
  const seen: string[] = []
  for (let from = 0, header = readBatchHeader(framed, 0); header !== null; from += header.bytes, header = readBatchHeader(framed, from)) {
    assert.equal(crc32c(framed.subarray(from + 21, from + header.bytes)), header.crc)
    seen.push(`${header.baseOffset}-${header.baseOffset + header.lastOffsetDelta}${header.count === 0 ? ' empty' : ''}`)
  }
  return seen
}

test('records framed again keep their offsets, times, keys, values and headers, and consecutive ones share a batch', () => {
  const frames = new Reframer(5)
  const given = [record(5), record(6, 10), record(9, 3_000_000_000_000, [['h', null], ['h', bytes('x')]])]
  for (const one of given) frames.add(one, false)
  const framed = frames.finish()
  assert.deepEqual(spans(framed), ['5-6', '9-9'])
  assert.deepEqual([...records(framed)].map(one => ({ ...one, value: Uint8Array.from(one.value!), headers: one.headers.map(([name, value]) => [name, value && Uint8Array.from(value)]) })), given)
})

test('offsets that were passed over become an empty batch, so that a position moves past them', () => {
  const frames = new Reframer(3)
  frames.pass(7)
  frames.add(record(7), false)
  frames.pass(8)
  frames.pass(10)
  assert.deepEqual(spans(frames.finish()), ['3-6 empty', '7-7', '8-9 empty'])
})

test('times that the log gave are in the header, and another time begins another batch', () => {
  const frames = new Reframer(0)
  for (const [offset, stamp] of [[0, 50], [1, 50], [2, 60]] as const) frames.add(record(offset, stamp), true)
  frames.add(record(3, 60), false)
  const framed = frames.finish()
  assert.deepEqual(spans(framed), ['0-1', '2-2', '3-3'])
  assert.deepEqual([...records(framed)].map(({ timestamp }) => timestamp), [50, 50, 60, 60])
  assert.equal(readBatchHeader(framed, 0)!.logAppendTime, true)
})
