import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, hashText } from '../../../pipelines/core/hash.ts'

test('hash: 128 bits of SHA-256 over UTF-8', () => {
  assert.equal(hashText('Größe'), createHash('sha256').update('Größe', 'utf8').digest('hex').slice(0, 32))
})

test('hash: canonical JSON does not depend on the order of members', () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), object => {
    const turned = Object.fromEntries(Object.entries(object).reverse())
    assert.equal(canonicalJson(turned), canonicalJson(object))
  }))
})

test('hash: canonical JSON is JSON of the same data', () => {
  fc.assert(fc.property(fc.jsonValue(), value => { assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value))) }))
})

test('hash: canonical JSON leaves absent members out and names what JSON cannot hold', () => {
  assert.equal(canonicalJson({ b: undefined, a: [Number.NaN, Number.NEGATIVE_INFINITY], c: function twice () {} }), '{"a":["NaN","-Infinity"],"c":"twice"}')
})
