import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { compress, compressionBits, compressionTypes } from '../../../connectors/kafka/compress.ts'
import { decompress } from '../../../pipelines/core/decompress.ts'

const readings = Buffer.from(Array.from({ length: 16 }, (_, n) => `reading ${n * 7_919 % 1_000} from truck-${n % 7}; `).join(''))
/** `readings`, as libraries written in Rust pack them. */
const snappy = Buffer.from('nQNccmVhZGluZyAwIGZyb20gdHJ1Y2stMDsgERgIOTE5LhoAADEZGgg4MzguGgAAMhkaCDc1Ny4aAAAzGRoINjc2LhoAADQZGgg1OTUuGgAANR0aBDE0LhoAADYZGgg0MzMuGgAdtggzNTIuGgAdtggyNzEuGgAdtgQxOTIEAR22BDEwMgQBHbYAMjIDAR21BDk0MgMBHbUEODYyAwEdtQQ3ODIDAQgxOyA=', 'base64')
const lz4 = Buffer.from('BCJNGGBAgqUAAAD0CXJlYWRpbmcgMCBmcm9tIHRydWNrLTA7IBgAODkxORoAFjEaADg4MzgaABYyGgA4NzU3GgAWMxoAODY3NhoAFjQaADg1OTUaABc1GgAoMTQaABY2GgA4NDMzGgAHtgA4MzUyGgAHtgA4MjcxGgAHtgApMTkEAQe2ACkxMAQBB7YAGTIDAQe1ACk5NAMBB7UAKTg2AwEHtQAmNzgDAWBjay0xOyAAAAAA', 'base64')

/** Text and what another library makes of it. */
type Foreign = readonly [bits: number, pack: fc.Arbitrary<readonly [plain: Buffer, packed: Uint8Array]>]
const foreign: () => Readonly<Record<string, Foreign>> = () => ({
  gzip: [1, texts.map(bytes => [bytes, gzipSync(bytes)])],
  snappy: [2, fc.constant([readings, snappy])],
  lz4: [3, fc.constant([readings, lz4])],
  zstd: [4, texts.map(bytes => [bytes, zstdCompressSync(bytes)])],
})
/** Repeats at all distances, so that copies overlap, and noise, so that there are literals. */
const texts = fc.array(fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 400 })).map(([part, times]) => Buffer.concat(Array.from({ length: times }, () => part)))), { maxLength: 40 })
  .map(parts => Buffer.concat(parts))

for (const [name, [bits, pack]] of Object.entries(foreign())) {
  test(`${name} that another library wrote is read to the last byte, and never beyond its bound`, () => {
    fc.assert(fc.property(pack, ([bytes, packed]) => {
      assert.deepEqual(Buffer.from(decompress(bits, packed, bytes.length + 1)), bytes)
      if (bytes.length > 1) assert.throws(() => decompress(bits, packed, bytes.length - 1))
    }), { numRuns: 300 })
  })

  test(`${name} that is damaged or cut gives an error or other bytes within the bound, and nothing else`, () => {
    fc.assert(fc.property(pack, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), ([plain, packed], anywhere, flip, cut) => {
      const at = anywhere % packed.length
      const bytesMax = plain.length + 1_000
      const bad = Uint8Array.from(cut ? packed.subarray(0, at) : packed)
      if (!cut) bad[at]! ^= flip
      let out: Uint8Array
      try { out = decompress(bits, bad, bytesMax) } catch (error) { assert(error instanceof Error); return }
      assert(out.length <= bytesMax)
    }), { numRuns: 500 })
  })
}

test('snappy in chunks of the Java library is put together again', () => {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  const chunks = [snappy, snappy].flatMap(packed => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(packed.length)
    return [length, packed]
  })
  const framed = Buffer.concat([header, ...chunks])
  assert.deepEqual(Buffer.from(decompress(2, framed, 1_000)), Buffer.concat([readings, readings]))
  const boundary = header.length + chunks[0]!.length + chunks[1]!.length
  for (let end = header.length + 1; end < framed.length; end += 1) if (end !== boundary) assert.throws(() => decompress(2, framed.subarray(0, end), 1_000), `${end}`)
})

test('a snappy block that announces more than the bound allocates nothing', () => {
  assert.throws(() => decompress(2, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07, 0), 1 << 20), /more than/)
})

test('compressions that Kafka does not have are refused', () => {
  for (const bits of [0, 5, 6, 7]) assert.throws(() => decompress(bits, Uint8Array.of(1), 10), RangeError)
})

/** Long enough for several blocks, with repeats at distances that no copy reaches. */
const long = fc.tuple(texts, fc.integer({ min: 1, max: 40 }), fc.uint8Array({ minLength: 30_000, maxLength: 70_000 })).map(([text, times, noise]) => Buffer.concat([...Array.from({ length: times }, () => text), noise, text]))
for (const type of compressionTypes.filter(type => type !== 'none')) {
  test(`${type} that is written here is read back as it was, at any length`, () => {
    fc.assert(fc.property(fc.oneof(texts, fc.uint8Array({ maxLength: 20 }).map(part => Buffer.from(part))), bytes => { assert(Buffer.from(decompress(compressionBits(type), compress(type, bytes), bytes.length + 1)).equals(bytes)) }), { numRuns: 300 })
    fc.assert(fc.property(long, bytes => { assert(Buffer.from(decompress(compressionBits(type), compress(type, bytes), bytes.length + 1)).equals(bytes)) }), { numRuns: 20 })
  })

  test(`${type} makes readings smaller by half at least`, () => {
    const many = Buffer.concat(Array.from({ length: 20 }, () => readings))
    assert(compress(type, many).length < many.length / 2, `${compress(type, many).length} of ${many.length}`)
  })
}
