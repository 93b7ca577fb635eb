import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'
import fc from 'fast-check'
import { decompress } from '../../../connectors/kafka/decompress.ts'

const foreign: Readonly<Record<string, readonly [number, (bytes: Buffer) => Uint8Array]>> = {
  gzip: [1, bytes => gzipSync(bytes)],
  snappy: [2, bytes => compressionsAlgorithms.snappy.compressSync(bytes)],
  lz4: [3, bytes => compressionsAlgorithms.lz4.compressSync(bytes)],
  zstd: [4, bytes => zstdCompressSync(bytes)],
}
/** Repeats at all distances, so that copies overlap, and noise, so that there are literals. */
const texts = fc.array(fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 400 })).map(([part, times]) => Buffer.concat(Array.from({ length: times }, () => part)))), { maxLength: 40 })
  .map(parts => Buffer.concat(parts))

for (const [name, [bits, compress]] of Object.entries(foreign)) {
  test(`${name} that another library wrote is read to the last byte, and never beyond its bound`, () => {
    fc.assert(fc.property(texts, bytes => {
      const packed = compress(bytes)
      assert.deepEqual(Buffer.from(decompress(bits, packed, bytes.length + 1)), bytes)
      if (bytes.length > 1) assert.throws(() => decompress(bits, packed, bytes.length - 1))
    }), { numRuns: 300 })
  })

  test(`${name} that is damaged or cut gives an error or other bytes within the bound, and nothing else`, () => {
    const packed = compress(Buffer.from('reading '.repeat(300)))
    fc.assert(fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, cut) => {
      const bad = cut ? packed.slice(0, at) : packed.slice()
      if (!cut) bad[at]! ^= flip
      let out: Uint8Array
      try { out = decompress(bits, bad, 10_000) } catch (error) { assert(error instanceof Error); return }
      assert(out.length <= 10_000)
    }), { numRuns: 500 })
  })
}

test('snappy in chunks of the Java library is put together again', () => {
  const parts = ['first chunk, first chunk, first chunk', 'and the second'].map(part => Buffer.from(part))
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  const chunks = parts.flatMap(part => {
    const packed = compressionsAlgorithms.snappy.compressSync(part)
    const length = Buffer.alloc(4)
    length.writeInt32BE(packed.length)
    return [length, packed]
  })
  const framed = Buffer.concat([header, ...chunks])
  assert.deepEqual(Buffer.from(decompress(2, framed, 1_000)), Buffer.concat(parts))
  const boundary = header.length + chunks[0]!.length + chunks[1]!.length
  for (let end = header.length + 1; end < framed.length; end += 1) if (end !== boundary) assert.throws(() => decompress(2, framed.subarray(0, end), 1_000), `${end}`)
})

test('a snappy block that announces more than the bound allocates nothing', () => {
  assert.throws(() => decompress(2, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07, 0), 1 << 20), /more than/)
})

test('compressions that Kafka does not have are refused', () => {
  for (const bits of [0, 5, 6, 7]) assert.throws(() => decompress(bits, Uint8Array.of(1), 10), RangeError)
})
