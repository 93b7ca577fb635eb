import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DDSketch } from '@datadog/sketches-js'
import fc from 'fast-check'
import { hashBytes, hashNumber } from '../../../pipelines/core/sketch/hash-value.ts'
import { HyperLogLog } from '../../../pipelines/core/sketch/hyper-log-log.ts'
import { QuantileSketch } from '../../../pipelines/core/sketch/quantile-sketch.ts'
import { distinctKind, quantileKind } from '../../../pipelines/window/sketches.ts'

/** Within 15 decades: a sketch has bins for 17. */
const value = fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: -1e-3, max: 1e-3, noNaN: true }), fc.constantFrom(0, -0, 1, 1e9))
  .map(one => Math.abs(one) < 1e-6 ? 0 : one)
const values = fc.array(value, { minLength: 1, maxLength: 200 })

test('quantiles equal those of sketches-js', () => {
  fc.assert(fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (some, q) => {
    const ours = new QuantileSketch()
    const theirs = new DDSketch({ relativeAccuracy: 0.01 })
    for (const one of some) {
      ours.add(one)
      theirs.accept(one)
    }
    const [got, wanted] = [ours.quantile(q), theirs.getValueAtQuantile(q)]
    // the two take logarithms of another base, so a value on the edge of a bin may fall to either side of it
    assert(Math.abs(got - wanted) <= 0.0203 * Math.abs(wanted) + 1e-300, `${got} ${wanted}`)
  }), { numRuns: 300 })
})

test('a quantile is within one percent of the true one', () => {
  fc.assert(fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (some, q) => {
    const sketch = new QuantileSketch()
    for (const one of some) sketch.add(one)
    const wanted = some.toSorted((a, b) => a - b)[Math.floor(q * (some.length - 1))]!
    assert(Math.abs(sketch.quantile(q) - wanted) <= 0.01000001 * Math.abs(wanted) + 1e-300, `${sketch.quantile(q)} ${wanted}`)
  }), { numRuns: 300 })
})

test('quantile sketches merged in any order, copied and stored are the one sketch of all values', () => {
  const wide = fc.array(fc.oneof(value, fc.double({ noNaN: true })), { maxLength: 60 })
  fc.assert(fc.property(fc.array(wide, { minLength: 1, maxLength: 5 }), fc.double({ min: 0, max: 1, noNaN: true }), (parts, q) => {
    const all = new QuantileSketch()
    for (const one of parts.flat()) all.add(one)
    const sketches = parts.map(part => {
      const sketch = new QuantileSketch()
      for (const one of part) sketch.add(one)
      return sketch
    })
    const stored = quantileKind.load(quantileKind.save(sketches), sketches.length)
    const forward = sketches.reduce((left, right) => quantileKind.merge(left, right), new QuantileSketch())
    const backward = stored.reduceRight((left, right) => quantileKind.merge(left, quantileKind.copy(right)), new QuantileSketch())
    assert.deepEqual([forward.quantile(q), backward.quantile(q)], [all.quantile(q), all.quantile(q)])
  }), { numRuns: 300 })
})

test('a quantile sketch stays small whatever it is fed', () => {
  const sketch = new QuantileSketch()
  for (let exponent = -290; exponent <= 300; exponent += 1) for (const sign of [1, -1]) sketch.add(sign * 10 ** exponent)
  assert(sketch.positive.counts.length <= 2048 && sketch.negative.counts.length <= 2048)
  assert(Math.abs(sketch.quantile(1) / 1e300 - 1) < 0.011)
  assert(Math.abs(sketch.quantile(0) / -1e300 - 1) < 0.011)
})

test('an empty quantile sketch knows nothing', () => assert(Number.isNaN(new QuantileSketch().quantile(0.5))))

const counted = (from: number, to: number) => {
  const sketch = new HyperLogLog()
  for (let i = from; i < to; i += 1) sketch.add(hashNumber(i, 1), hashNumber(i, 2))
  return sketch
}

test('few distinct values are counted exactly, many within five standard errors', () => {
  for (const n of [0, 1, 2, 17, 300, 512]) assert.equal(counted(0, n).estimate(), n)
  for (const n of [513, 700, 1_000, 3_000, 10_000, 40_000, 200_000]) {
    const off = counted(0, n).estimate() / n - 1
    assert(Math.abs(off) < 5 * 0.0163, `${n}: ${off}`)
  }
})

test('the mean error of counting distinct values is near what theory says', () => {
  let squares = 0
  const rounds = 60
  for (let round = 0; round < rounds; round += 1) squares += (counted(round * 5_000, (round + 1) * 5_000).estimate() / 5_000 - 1) ** 2
  const error = Math.sqrt(squares / rounds)
  assert(error > 0.01 && error < 0.022, String(error))
})

test('distinct sketches merged in any order, copied and stored are the one sketch of all values', () => {
  const part = fc.tuple(fc.nat({ max: 2_000 }), fc.nat({ max: 1_200 }))
  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), parts => {
    const sketches = parts.map(([from, length]) => counted(from, from + length))
    const all = new HyperLogLog()
    for (const [from, length] of parts) for (let i = from; i < from + length; i += 1) all.add(hashNumber(i, 1), hashNumber(i, 2))
    const stored = distinctKind.load(distinctKind.save(sketches), sketches.length)
    const forward = sketches.reduce((left, right) => distinctKind.merge(left, right), new HyperLogLog())
    const backward = stored.reduceRight((left, right) => distinctKind.merge(left, distinctKind.copy(right)), new HyperLogLog())
    assert.deepEqual([forward.estimate(), backward.estimate()], [all.estimate(), all.estimate()])
  }), { numRuns: 60 })
})

test('the hash is MurmurHash3', () => {
  const text = (given: string) => new TextEncoder().encode(given)
  assert.equal(hashBytes(text(''), 1), 0x514e28b7)
  assert.equal(hashBytes(text('abcd'), 0x9747b28c), 0xf0478627)
  assert.equal(hashBytes(text('Hello, world!'), 0x9747b28c), 0x24884cba)
  assert.equal(hashBytes(text('abc'), 0), 0xb3dd93fa)
})
