import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assignRanges, readAssignment, readSubscription, writeAssignment, writeSubscription } from '../../../connectors/kafka/assignment.ts'
import { packMetadata, unpackMetadata, workerOf } from '../../../connectors/kafka/metadata.ts'

const names = fc.stringMatching(/^[a-z][a-z0-9.-]{0,8}$/)

test('a subscription and an assignment are read as they were written', () => {
  fc.assert(fc.property(fc.uniqueArray(names, { maxLength: 5 }), topics => { assert.deepEqual(readSubscription(writeSubscription(topics)), topics) }))
  const assigned = [{ topic: 'b', partition: 10 }, { topic: 'a', partition: 1 }, { topic: 'b', partition: 9 }]
  assert.deepEqual(readAssignment(writeAssignment(assigned)), [{ topic: 'a', partition: 1 }, { topic: 'b', partition: 9 }, { topic: 'b', partition: 10 }])
  assert.deepEqual(readAssignment(Buffer.alloc(0)), [])
})

test('every partition that someone reads has exactly one reader, whoever asks in which order, and shares differ by one at most', () => {
  const members = fc.uniqueArray(names, { minLength: 1, maxLength: 6 }).chain(ids => fc.tuple(...ids.map(id => fc.subarray(['x', 'y', 'z']).map(topics => ({ memberId: `m-${id}`, instanceId: id, topics })))))
  fc.assert(fc.property(members, fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)), (group, [x, y, z]) => {
    const partitions = new Map([['x', x], ['y', y], ['z', z]])
    const shares = assignRanges(group, partitions)
    assert.deepEqual(assignRanges([...group].reverse(), partitions), new Map([...shares].reverse()))
    for (const [topic, count] of partitions) {
      const readers = group.filter(({ topics }) => topics.includes(topic))
      const given = readers.map(({ memberId }) => shares.get(memberId)!.filter(one => one.topic === topic).map(({ partition }) => partition))
      assert.deepEqual(given.flat().sort((a, b) => a - b), readers.length === 0 ? [] : Array.from({ length: count }, (_, at) => at))
      if (readers.length > 0) assert(Math.max(...given.map(({ length }) => length)) - Math.min(...given.map(({ length }) => length)) <= 1)
    }
  }))
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
