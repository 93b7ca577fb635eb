import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeviceOf } from '../../../pipelines/core/registry.ts'

const partitions = 4
const tasksOf = (key: string, row: Parameters<typeof isDeviceOf>[1]) =>
  ['polar', 'arktis'].flatMap(source => [0, 1, 2, 3].filter(partition => isDeviceOf(key, row, { source, partition, partitions })).map(partition => `${source} ${partition}`))

test('registry: a device that names its source is missed by one task alone', () => {
  for (let i = 0; i < 50; i += 1) {
    const tasks = tasksOf(`truck-${i}`, { source: 'arktis' })
    assert.equal(tasks.length, 1)
    assert.match(tasks[0]!, /^arktis/)
  }
})

test('registry: a device without a source is missed by one partition of each', () => {
  for (const row of [undefined, {}, { source: null }]) assert.equal(tasksOf('truck-1', row).length, 2)
})

test('registry: a device of a source that nobody has is missed by nobody', () => {
  assert.deepEqual(tasksOf('truck-1', { source: 'tundra' }), [])
})
