import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readAssignment, readSubscription, writeAssignment, writeSubscription } from '../../../connectors/kafka/assignment.ts'
import { packMetadata, unpackMetadata, workerOf } from '../../../connectors/kafka/metadata.ts'
import type { Assignment } from '../../../pipelines/core/ports.ts'

const names = fc.stringMatching(/^[a-z][a-z0-9.-]{0,8}$/)

const assigned = fc.uniqueArray(fc.tuple(names, fc.nat(20)).map(([topic, partition]) => ({ topic, partition })), { selector: ({ topic, partition }) => `${topic}/${partition}`, maxLength: 12 })
const inOrder = (places: readonly Assignment[]) => [...places].sort((a, b) => a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition)

test('a subscription and an assignment are read as they were written', () => {
  fc.assert(fc.property(fc.uniqueArray(names, { maxLength: 5 }), assigned, fc.integer({ min: -1, max: 2 ** 31 - 1 }), (topics, owned, generation) => {
    assert.deepEqual(readSubscription(writeSubscription({ topics, owned, generation })), { topics, owned: inOrder(owned), generation })
    assert.deepEqual(readAssignment(writeAssignment(owned)), inOrder(owned))
  }))
  assert.deepEqual(readAssignment(Buffer.alloc(0)), [])
})

test('a subscription of an older client, and one with data of its own, says what it says and no more', () => {
  const old = Buffer.from('000000000001000178ffffffff', 'hex')
  assert.deepEqual(readSubscription(old), { topics: ['x'], owned: [], generation: -1 })
  const withData = Buffer.from('000100000001000178000000020102000000010001780000000100000007', 'hex')
  assert.deepEqual(readSubscription(withData), { topics: ['x'], owned: [{ topic: 'x', partition: 7 }], generation: -1 })
})

test('metadata of a commit names the worker and gives back what was committed', () => {
  fc.assert(fc.property(names, fc.string(), (member, metadata) => {
    const packed = packMetadata(member, metadata)
    assert.equal(workerOf(packed), member)
    assert.equal(unpackMetadata(packed), metadata)
  }))
  assert.equal(workerOf('{"journal":1}'), null)
  assert.equal(unpackMetadata('{"journal":1}'), '{"journal":1}')
})
