import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyTable } from '../../../pipelines/core/keys.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

test('a key table gives ids in order of first sight, as a Map would, also after a restart', () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.nat(50).map(n => `sensor-${n}`), fc.constantFrom('', 'a', '\u0000', 'abc', 'abcd', 'abcde')), { maxLength: 400 }), fc.nat(400), (texts, cut) => {
    let table = new KeyTable(1000)
    const model = new Map<string, number>()
    texts.forEach((text, index) => {
      if (index === cut) {
        const state = table.snapshot()
        table = new KeyTable(1000)
        table.restore(state)
      }
      const known = model.get(text) ?? model.size
      model.set(text, known)
      const padded = Buffer.concat([Buffer.from('..'), bytesOf(text), Buffer.from('..')])
      assert.equal(table.intern(padded, 2, padded.length - 4), known)
    })
    for (const [text, id] of model) {
      assert.equal(table.text(id), text)
      assert.equal(table.find(text), id)
    }
    assert.equal(table.size, model.size)
    assert.equal(table.find('never seen'), -1)
  }), { numRuns: 200 })
})

test('a key table holds many keys that differ in little', () => {
  const table = new KeyTable(1 << 20)
  for (let i = 0; i < 100_000; i += 1) assert.equal(table.internText(`site/${i % 100}/device/${i}`), i)
  for (let i = 0; i < 100_000; i += 997) assert.equal(table.find(`site/${i % 100}/device/${i}`), i)
})

test('a full key table knows what it holds and takes nothing new', () => {
  const table = new KeyTable(2)
  assert.deepEqual(['a', 'b', 'c', 'a'].map(text => table.internText(text)), [0, 1, -1, 0])
  const state = table.snapshot()
  const smaller = new KeyTable(1)
  smaller.restore(state)
  assert.deepEqual(['a', 'b', 'c'].map(text => smaller.internText(text)), [0, 1, -1])
})

test('few entries may not fill the memory either', () => {
  const table = new KeyTable(1000)
  const big = new Uint8Array(64 << 10).fill(120)
  let taken = 0
  for (; taken < 1000; taken += 1) {
    big[0] = taken & 255
    big[1] = taken >> 8
    if (table.intern(big, 0, big.length) < 0) break
  }
  assert(taken > 100 && taken < 300)
})

test('what is not UTF-8 is no entry', () => {
  const table = new KeyTable(10)
  const bytes = Uint8Array.of(0xff, 0xfe, 0x41)
  const view = new DataView(bytes.buffer)
  assert.equal(table.internUtf8(bytes, view, 0, 2), -2)
  assert.equal(table.internUtf8(bytes, view, 2, 1), 0)
  assert.equal(table.size, 1)
})

test('a cleared table begins anew', () => {
  const table = new KeyTable(10)
  table.internText('a')
  table.internText('b')
  table.clear()
  assert.equal(table.internText('b'), 0)
  assert.equal(table.text(0), 'b')
  assert.equal(table.find('a'), -1)
})
