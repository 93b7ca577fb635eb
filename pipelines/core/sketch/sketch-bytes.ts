import { ByteReader } from '../chunk/byte-reader.ts'
import { ByteWriter } from '../chunk/byte-writer.ts'
import { StreamError } from '../errors.ts'
import { HyperLogLog } from './hyper-log-log.ts'
import { Bins, narrowMax, QuantileSketch } from './quantile-sketch.ts'

const version = 1
const binsMax = 2048
const countMax = Number.MAX_SAFE_INTEGER
/** Of the largest and the least double: 35,488. */
const binMax = 40_000
const registers = 4096
const sparseMax = 512
const rarest = 53
const rarestSparse = 39
const writer = new ByteWriter()

/**
 * A quantile sketch as the lake keeps it.
 *
 * Shape: version 1; how many values counted as 0; then the positive and the negative values, each as: how many bins follow, the number of the first, the
 *        count of each. Whole numbers in seven bits a byte, low ones first, the highest bit set where more follow; the number of a bin has six bits and its sign
 *        (64) in the first byte. Bin b holds what lies in (g^(b-1), g^b] by size, g = 1.01 / 0.99
 */
export function encodeSketch ({ positive, negative, zeros }: QuantileSketch): Uint8Array {
  writer.at = 0
  writer.byte(version)
  writer.count(zeros)
  writeBins(positive)
  writeBins(negative)
  return writer.bytes.slice(0, writer.at)
}

function writeBins ({ counts, first }: Bins): void {
  const from = counts.findIndex(count => count > 0)
  const to = counts.findLastIndex(count => count > 0) + 1
  writer.count(from < 0 ? 0 : to - from)
  if (from < 0) return
  writer.signed(first + from)
  for (let bin = from; bin < to; bin += 1) writer.count(counts[bin]!)
}

/** Errors: LAKE_SKETCH for bytes that are none */
export function decodeSketch (bytes: Uint8Array): QuantileSketch {
  return decoded(bytes, reader => {
    const zeros = reader.count(countMax)
    const positive = readBins(reader)
    return new QuantileSketch(positive, readBins(reader), zeros)
  })
}

function readBins (reader: ByteReader): Bins {
  const length = reader.count(binsMax)
  if (length === 0) return new Bins()
  const first = reader.signed()
  if (Math.abs(first) > binMax) throw new StreamError('LAKE_SKETCH', { why: 'the number of a bin is beyond its limit', first })
  const counts = Float64Array.from({ length }, () => reader.count(countMax))
  return new Bins(counts.every(count => count <= narrowMax) ? Int32Array.from(counts) : counts, first)
}

/**
 * A sketch of distinct values as the lake keeps it.
 *
 * Shape: version 1; 0 and how many values follow, each as its distance from the one before (place * 64 + rarity); or 1 and 4,096 registers of a byte
 */
export function encodeDistinct ({ sparse, sparseCount, dense }: HyperLogLog): Uint8Array {
  writer.at = 0
  writer.byte(version)
  if (dense !== null) {
    writer.byte(1)
    writer.copy(dense)
  } else {
    writer.byte(0)
    writer.count(sparseCount)
    for (let i = 0; i < sparseCount; i += 1) writer.count(sparse![i]! - (i === 0 ? 0 : sparse![i - 1]!))
  }
  return writer.bytes.slice(0, writer.at)
}

/** Errors: LAKE_SKETCH for bytes that are none */
export function decodeDistinct (bytes: Uint8Array): HyperLogLog {
  return decoded(bytes, reader => {
    const sketch = new HyperLogLog()
    const form = reader.byte()
    if (form === 1) {
      const from = reader.skip(registers)
      sketch.sparse = null
      sketch.dense = reader.bytes.slice(from, from + registers)
      if (sketch.dense.some(rarity => rarity > rarest)) throw new StreamError('LAKE_SKETCH', { why: 'a register is beyond its limit' })
      return sketch
    }
    if (form !== 0) throw new StreamError('LAKE_SKETCH', { why: 'no such form', form })
    const count = reader.count(sparseMax)
    sketch.sparse = new Uint32Array(Math.max(4, count))
    sketch.sparseCount = count
    for (let i = 0, value = 0; i < count; i += 1) {
      value += reader.count(2 ** 32 - 1 - value)
      sketch.sparse[i] = value
      if ((value & 0x3f) === 0 || (value & 0x3f) > rarestSparse) throw new StreamError('LAKE_SKETCH', { why: 'a value is beyond its limit', rarity: value & 0x3f })
    }
    return sketch
  })
}

function decoded<T> (bytes: Uint8Array, read: (reader: ByteReader) => T): T {
  try {
    const reader = new ByteReader(bytes)
    const found = reader.byte()
    if (found !== version) throw new StreamError('LAKE_SKETCH', { why: 'another version', version: found })
    const result = read(reader)
    if (reader.at !== reader.end) throw new StreamError('LAKE_SKETCH', { why: 'bytes are left over', bytes: reader.end - reader.at })
    return result
  } catch (error) {
    if (error instanceof StreamError && error.code === 'LAKE_CHUNK') throw new StreamError('LAKE_SKETCH', { why: error.details.why }, { cause: error })
    throw error
  }
}
