import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import { RecordBatchWriter } from '../../../pipelines/core/record-batch.ts'
import { createEncoder } from '../../../pipelines/decode/encode.ts'
import { text } from './kit.ts'
import { pipelineOf, Player } from './player.ts'

/**
 *     load   rows   end   tick
 *            shown  none  none      what is stored or shown is stored once, also by a task that has just been restored by playing its input
 */
test('task: the readings of a step are there until the next call, and no longer', () => {
  const { task } = new Player()
  const encode = createEncoder(pipelineOf().sources[0]!.contract, 1)
  const writer = new RecordBatchWriter()
  writer.append(1_000, text('a'), encode({ id: 'a', site: 'oslo', ts: 1_000, value: 1 }))
  const bytes = writer.finish().slice()
  const out = new Outputs()
  const load = () => { task.load(bytes, 0, 1); assert.equal(task.step(out, null), 'rows'); return task.signals?.count }
  assert.equal(load(), 1)
  assert.equal(task.step(out, null), 'end')
  assert.equal(task.signals, null)
  assert.equal(load(), 1)
  task.control({ kind: 'tick', arrival: 2_000 }, out)
  assert.equal(task.signals, null)
  assert.equal(load(), 1)
  task.drain(out)
  assert.equal(task.signals, null)
})
