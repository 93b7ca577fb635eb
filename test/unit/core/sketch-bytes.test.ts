import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { hashNumber } from '../../../pipelines/core/sketch/hash-value.ts'
import { HyperLogLog } from '../../../pipelines/core/sketch/hyper-log-log.ts'
import { QuantileSketch } from '../../../pipelines/core/sketch/quantile-sketch.ts'
import { decodeDistinct, decodeSketch, encodeDistinct, encodeSketch } from '../../../pipelines/core/sketch/sketch-bytes.ts'

const sketchOf = (values: readonly number[]) => {
  const sketch = new QuantileSketch()
  for (const value of values) sketch.add(value)
  return sketch
}
const quantiles = [0, 0.01, 0.25, 0.5, 0.9, 0.99, 1]
const double = fc.double({ noNaN: true })

test('sketch bytes: a sketch answers the same after it was written and read, and merges the same', () => {
  fc.assert(fc.property(fc.array(double, { maxLength: 300 }), fc.array(double, { maxLength: 300 }), (left, right) => {
    const [read, whole] = [decodeSketch(encodeSketch(sketchOf(left))), sketchOf([...left, ...right])]
    assert.deepEqual(quantiles.map(q => read.quantile(q)), quantiles.map(q => sketchOf(left).quantile(q)))
    read.merge(decodeSketch(encodeSketch(sketchOf(right))))
    assert.deepEqual(quantiles.map(q => read.quantile(q)), quantiles.map(q => whole.quantile(q)))
  }))
})

test('sketch bytes: a day of a fridge fits into a few dozen bytes', () => {
  const bytes = encodeSketch(sketchOf(Array.from({ length: 2_880 }, (_, i) => 4 + 2 * Math.sin(i / 50))))
  assert(bytes.length < 120, `${bytes.length} bytes`)
})

test('sketch bytes: distinct values are estimated the same after writing and reading, few and many', () => {
  for (const count of [0, 1, 7, 512, 513, 5_000, 200_000]) {
    const sketch = new HyperLogLog()
    for (let i = 0; i < count; i += 1) sketch.add(hashNumber(i, 1), hashNumber(i, 2))
    const read = decodeDistinct(encodeDistinct(sketch))
    assert.equal(read.estimate(), sketch.estimate())
    read.merge(sketch)
    assert.equal(read.estimate(), sketch.estimate(), 'merged with itself')
  }
})

test('sketch bytes: whatever the bytes are, there is a sketch or a LAKE_SKETCH error', () => {
  const good = [encodeSketch(sketchOf([-5, 0, 1e-9, 3, 3, 1e9])), encodeSketch(sketchOf([])), encodeDistinct(new HyperLogLog())]
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.tuple(fc.constantFrom(...good), fc.nat(), fc.nat(255)).map(([from, at, byte]) => from.with(at % from.length, byte)), fc.tuple(fc.constantFrom(...good), fc.nat(40)).map(([from, length]) => from.subarray(0, length)))
  for (const read of [decodeSketch, decodeDistinct]) {
    fc.assert(fc.property(bytes, given => {
      try { read(given) } catch (error) { assert(error instanceof StreamError && error.code === 'LAKE_SKETCH', String(error)) }
    }), { numRuns: 2_000 })
  }
})

test('sketch bytes: a sketch of more readings than 32 bits can count answers, and is written and read', () => {
  const sketch = sketchOf([1, 1, 1, 5, -2])
  for (let doubled = 0; doubled < 40; doubled += 1) sketch.merge(sketch.copy())
  const read = decodeSketch(encodeSketch(sketch))
  for (const one of [sketch, read]) assert.deepEqual(quantiles.map(q => one.quantile(q)), [0, 0.01, 0.25, 0.5, 0.9, 0.99, 1].map(q => sketchOf([...new Array<number>(200).fill(-2), ...new Array<number>(600).fill(1), ...new Array<number>(200).fill(5)]).quantile(q)))
  assert.equal(read.positive.count, 4 * 2 ** 40)
  read.merge(sketchOf([1e-9, 1e9]))
  assert.equal(read.quantile(0.5), sketchOf([1]).quantile(0.5))
})
