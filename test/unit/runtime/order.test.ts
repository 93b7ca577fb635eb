import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DeadLetterOutput, EventOutput, LateOutput } from '../../../pipelines/core/outputs.ts'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import { createWindowBatch, growWindowBatch } from '../../../pipelines/core/window-batch.ts'
import { inOrder, ordered } from '../../../pipelines/runtime/order.ts'

const cause = fc.record({ position: fc.nat(5), stage: fc.nat(4) })

test('order: outputs of all kinds stand by position, then stage, then as their stage made them', () => {
  fc.assert(fc.property(fc.array(cause), fc.array(cause), fc.array(cause), fc.array(fc.nat(5)), (events, late, letters, rows) => {
    const out = new Outputs()
    events.forEach((one, index) => { out.events.push({ ...one, event: { ordinal: index } } as unknown as EventOutput) })
    late.forEach((one, index) => { out.late.push({ ...one, at: index } as unknown as LateOutput) })
    letters.forEach((one, index) => { out.deadLetters.push({ ...one, arrival: index } as unknown as DeadLetterOutput) })
    const window = createWindowBatch([], 1)
    growWindowBatch(window, rows.length)
    rows.forEach((position, row) => { window.position[row] = position })
    window.count = rows.length
    if (rows.length > 0) out.windows.push({ stage: 9, name: 'window.w', rows: window })
    const all = ordered(out)
    assert.equal(all.length, events.length + late.length + letters.length + rows.length)
    all.forEach((one, index) => {
      const before = all[index - 1]
      if (before === undefined) return
      assert(before.position < one.position || (before.position === one.position && before.stage <= one.stage))
      if (before.position !== one.position || before.stage !== one.stage || before.kind !== one.kind) return
      const turn = (output: typeof one) => output.kind === 'event' ? output.output.event.ordinal : output.kind === 'late' ? output.output.at : output.kind === 'dead-letter' ? output.output.arrival : output.row
      assert(turn(before) < turn(one))
    })
  }))
})

test('order: equal causes keep their order, also among many', () => {
  const many = Array.from({ length: 5_000 }, (_, turn) => ({ position: turn % 7, stage: turn % 3, turn }))
  const sorted = inOrder(many)
  for (let i = 1; i < sorted.length; i += 1) {
    const [a, b] = [sorted[i - 1]!, sorted[i]!]
    assert(a.position < b.position || a.stage < b.stage || (a.position === b.position && a.stage === b.stage && a.turn < b.turn))
  }
})
