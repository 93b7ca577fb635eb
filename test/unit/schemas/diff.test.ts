import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schemaDiff } from '../../../schemas/diff.ts'

const avro = (...fields: readonly object[]) => JSON.stringify({ type: 'record', name: 'R', fields })
const n = { name: 'n', type: 'int' }

test('schema diff: what changed, by field, and the direction in which it is safe', () => {
  const cases = [
    [avro(n), avro(n), [], 'FULL'],
    [avro(n), avro(n, { name: 's', type: 'string', default: '' }), [['s', null, 'string = ""']], 'FULL'],
    [avro(n), avro(n, { name: 's', type: 'string' }), [['s', null, 'string']], 'FORWARD'],
    [avro(n), avro({ ...n, type: 'long' }), [['n', 'int', 'long']], 'BACKWARD'],
    [avro(n), avro({ ...n, type: ['null', 'int'] }), [['n', 'int', 'null | int']], 'BACKWARD'],
    [avro(n), avro({ ...n, type: 'string' }), [['n', 'int', 'string']], 'NONE'],
    [avro({ name: 'at', type: { type: 'record', name: 'P', fields: [n] } }), avro({ name: 'at', type: { type: 'record', name: 'P', fields: [{ ...n, unit: 'm' }] } }), [['at.n', 'int', 'int in m']], 'FULL'],
    ['"int"', '"long"', [['', 'int', 'long']], 'BACKWARD'],
  ] as const
  for (const [first, second, changes, safe] of cases) {
    const found = schemaDiff(first, second)
    assert.deepEqual([found.changes.map(({ field, from, to }) => [field, from, to]), found.safe], [changes, safe], second)
    assert.equal(found.backward.length > 0, safe === 'FORWARD' || safe === 'NONE')
  }
})

test('schema diff: a record within itself is walked once', () => {
  const tree = JSON.stringify({ type: 'record', name: 'T', fields: [n, { name: 'next', type: ['null', 'T'], default: null }] })
  assert.deepEqual(schemaDiff(tree, tree).changes, [])
})
