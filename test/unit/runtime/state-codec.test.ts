import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamError } from '../../../pipelines/core/errors.ts'
import type { StateTree, StateValue, TypedArray } from '../../../pipelines/core/state.ts'
import { applyDelta, decodeState, encodeState, flatten, semanticsVersion, stateDelta, unflatten } from '../../../pipelines/runtime/state-codec.ts'

const numbers = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_SAFE_INTEGER, 5e-324))
/** Lone surrogates, quotes and control characters too. */
const texts = fc.string({ unit: 'binary' })
const columns: fc.Arbitrary<TypedArray> = fc.oneof(
  fc.array(numbers).map(list => Float64Array.from(list)), fc.int32Array(), fc.uint32Array(), fc.uint16Array(), fc.uint8Array(), fc.bigInt64Array(),
  // A view into a larger buffer, at an odd place.
  fc.uint8Array({ minLength: 3 }).map(bytes => bytes.subarray(1)),
)
const names = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '0', '10', 'list', 'text', ''))
const { tree } = fc.letrec<{ tree: StateTree, value: StateValue }>(tie => ({
  tree: fc.dictionary(names, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, fc.constant(null), fc.boolean(), numbers, texts, columns, tie('tree'), fc.array(tie('value'), { maxLength: 4 })),
}))

const refused = (error: unknown) => error instanceof StreamError && (error.code === 'STATE_CORRUPT' || error.code === 'STATE_VERSION')

test('state codec: every state tree comes back as it was', () => {
  fc.assert(fc.property(tree, state => {
    assert.deepStrictEqual(decodeState(encodeState(state)), state)
    assert.deepStrictEqual(unflatten(flatten(state)), state)
  }), { numRuns: 500 })
})

test('state codec: equal states have equal bytes, and minus zero and NaN survive outside columns', () => {
  const state = { a: -0, b: Number.NaN, c: [Number.POSITIVE_INFINITY, ['text', null]], d: Float64Array.of(-0, Number.NaN), e: 'list' }
  const back = decodeState(encodeState(state))
  assert(Object.is(back.a, -0))
  assert(Object.is((back.d as Float64Array)[0], -0))
  assert.deepStrictEqual(encodeState(back), encodeState(state))
})

test('state codec: columns come back in memory of their own, aligned', () => {
  const bytes = encodeState({ a: Uint8Array.of(1, 2, 3), b: Float64Array.of(1.5) })
  const shifted = new Uint8Array(bytes.length + 1)
  shifted.set(bytes, 1)
  const state = decodeState(shifted.subarray(1))
  shifted.fill(0)
  assert.deepStrictEqual(state, { a: Uint8Array.of(1, 2, 3), b: Float64Array.of(1.5) })
})

test('state codec: a change of any byte and any shorter or longer form is refused', () => {
  const state = { next: 12, clock: { clocks: Float64Array.of(1, Number.NEGATIVE_INFINITY) }, stages: { 'window.m': { hash: 'h', state: { ids: Int32Array.of(1, 2, 3), texts: ['a', 'ü'], n: Number.NaN } } } }
  const bytes = encodeState(state)
  for (let at = 0; at < bytes.length; at += 1) {
    for (const flip of [1, 0x80, 0xff]) {
      const wrong = bytes.slice()
      wrong[at]! ^= flip
      assert.throws(() => decodeState(wrong), refused, `byte ${at} flipped by ${flip}`)
    }
  }
  for (let length = 0; length < bytes.length; length += 1) assert.throws(() => decodeState(bytes.subarray(0, length)), refused, `cut to ${length}`)
  assert.throws(() => decodeState(Buffer.concat([bytes, Buffer.alloc(8)])), refused)
})

test('state codec: random damage is refused', () => {
  fc.assert(fc.property(tree, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 }), fc.nat(), (state, flips, cut) => {
    const bytes = encodeState(state)
    const wrong = bytes.slice()
    for (const [at, flip] of flips) wrong[at % wrong.length]! ^= flip
    if (Buffer.compare(wrong, bytes) !== 0) assert.throws(() => decodeState(wrong), refused)
    assert.throws(() => decodeState(bytes.subarray(0, cut % bytes.length)), refused)
  }), { numRuns: 300 })
})

test('state codec: another version of the engine is told from damage', () => {
  const bytes = encodeState({ a: 1 })
  new DataView(bytes.buffer).setUint32(4, semanticsVersion + 1)
  assert.throws(() => decodeState(bytes), { code: 'STATE_VERSION', details: { state: semanticsVersion + 1, engine: semanticsVersion } })
})

const block = 1 << 16
/** Lengths around the borders of blocks. */
const lengths = fc.oneof(fc.nat(40), fc.constantFrom(0, block - 1, block, block + 1, 2 * block, 3 * block + 5))

test('state delta: leads from any state to any other of the same columns, through growth, shrinking and changes', () => {
  const pages = fc.record({ length: lengths, changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), doubles: fc.array(numbers, { maxLength: 3 }), text: texts })
  fc.assert(fc.property(fc.array(pages, { minLength: 2, maxLength: 4 }), steps => {
    let flat = flatten({})
    steps.forEach(({ length, changes, doubles, text }, index) => {
      const bytes = new Uint8Array(length)
      for (const [at, value] of changes) if (length > 0) bytes[at % length] = value
      const after = flatten({ text, bytes, deep: [{ doubles: Float64Array.from(doubles) }] })
      const delta = index === 0 ? null : stateDelta(flat, after)
      assert(index === 0 || delta !== null)
      flat = delta === null ? after : applyDelta(flat, decodeState(delta))
      assert.deepStrictEqual(unflatten(flat), unflatten(after))
    })
  }), { numRuns: 150 })
})

test('state delta: holds the changed blocks only', () => {
  const before = new Float64Array(1 << 16)
  const after = before.slice()
  after[20_000] = 1
  const delta = stateDelta(flatten({ a: before, b: before }), flatten({ a: before, b: after }))!
  assert(delta.length < block + 1_000, `${delta.length} bytes`)
  assert.deepStrictEqual(unflatten(applyDelta(flatten({ a: before, b: before }), decodeState(delta))), { a: before, b: after })
})

test('state delta: there is none between states of other columns', () => {
  assert.equal(stateDelta(flatten({ a: new Int32Array(1) }), flatten({ a: new Float64Array(1) })), null)
  assert.equal(stateDelta(flatten({ a: new Int32Array(1) }), flatten({ a: new Int32Array(1), b: new Int32Array(1) })), null)
})
