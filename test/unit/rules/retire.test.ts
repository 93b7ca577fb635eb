import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outputs } from '../../../pipelines/core/outputs.ts'
import { retireRule } from '../../../pipelines/rules/retire.ts'
import { batchOf, createTask, momentOf, rule } from './kit.ts'

const warm = rule({ name: 'tooWarm', when: 'celsius > 5.0', severity: 'critical', ttlMs: 60, labels: ['site'] })

function running (spec = warm) {
  const task = createTask([spec])
  const out = new Outputs()
  const batch = batchOf(task, [{ key: 'b', at: 10, celsius: 1 }, { key: 'a', at: 20, arrival: 25, celsius: 9, site: 'Oslo' }, { key: 'c', at: 30, celsius: 9 }], 0)
  task.clock.stamp(batch)
  for (const stage of task.stages) stage.process(batch, out)
  return { task, out, state: structuredClone(task.stages.at(-1)!.snapshot()) }
}

test('a rule that is gone clears its open alerts from its state alone, in order of key id', () => {
  const { task, out, state } = running()
  const raised = out.events.map(({ event }) => event)
  const after = new Outputs()
  retireRule(state, { keys: task.keys, number: 9, reason: 'rule removed' }, momentOf(task, 2), after)
  assert.deepEqual(after.events.map(one => [one.position, one.stage]), [[2, 9], [2, 9]])
  assert.deepEqual(after.events.map(({ event }) => event), raised.map(event => ({
    ...event, id: `${event.alertId}-2`, seq: 2, ordinal: 2, state: 'cleared', reason: 'rule removed', at: 30, arrivedAt: 30, expiresAt: 90, values: {}, units: {}, source: { topic: 't', partition: 2, offset: 2 },
  })))
})

test('the successor of a changed rule starts afresh and goes on with the ordinals', () => {
  const { task, state } = running()
  const out = new Outputs()
  const left = retireRule(state, { keys: task.keys, number: 5, reason: 'rule changed' }, momentOf(task, 2), out)
  const next = createTask([{ ...warm, when: 'celsius > 6.0', version: 'v2' }])
  assert.notEqual(next.stages.at(-1)!.hash, task.stages.at(-1)!.hash)
  next.keys.restore(task.keys.snapshot())
  next.stages.at(-1)!.restore(structuredClone(left))
  next.stages[0]!.restore(task.stages[0]!.snapshot())
  const batch = batchOf(next, [{ key: 'a', at: 40, celsius: 9 }], 3)
  for (const stage of next.stages) stage.process(batch, out)
  assert.deepEqual(out.events.map(({ event }) => [event.key, event.state, event.ordinal, event.ruleVersion, event.reason]), [
    ['a', 'cleared', 2, 'v1', 'rule changed'], ['c', 'cleared', 2, 'v1', 'rule changed'], ['a', 'raised', 3, 'v2', null],
  ])
})

test('a change of words alone carries open alerts over', () => {
  const { task, out, state } = running()
  const next = createTask([{ ...warm, version: 'v2', severity: 'info', ttlMs: null, summary: '{{celsius}}' }])
  assert.equal(next.stages.at(-1)!.hash, task.stages.at(-1)!.hash)
  next.keys.restore(task.keys.snapshot())
  for (const [i, stage] of next.stages.entries()) stage.restore(i === next.stages.length - 1 ? state : task.stages[i]!.snapshot())
  const after = new Outputs()
  const batch = batchOf(next, [{ key: 'a', at: 40, celsius: 1 }], 3)
  for (const stage of next.stages) stage.process(batch, after)
  const { event } = after.events[0]!
  assert.equal(event.alertId, out.events[0]!.event.alertId)
  assert.deepEqual([event.state, event.seq, event.ordinal, event.ruleVersion, event.severity, event.summary, event.labels.site], ['cleared', 2, 2, 'v2', 'info', '1', 'Oslo'])
})

test('an absent rule retires on the arrival clock', () => {
  const spec = rule({ name: 'silent', absentMs: 3 })
  const { task, state } = running(spec)
  const out = new Outputs()
  retireRule(state, { keys: task.keys, number: 5, reason: 'rule removed' }, momentOf(task, 2), out)
  assert.deepEqual(out.events.map(({ event }) => [event.key, event.at, event.reason]), [['b', 30, 'rule removed'], ['a', 30, 'rule removed']])
})

test('a changed absent rule still knows when each key was last heard, and raises again what is still overdue', () => {
  const spec = rule({ name: 'silent', absentMs: 3 })
  const { task, state } = running(spec)
  const left = retireRule(state, { keys: task.keys, number: 5, reason: 'rule changed' }, momentOf(task, 2), new Outputs())
  const next = createTask([{ ...spec, absentMs: 8, version: 'v2' }])
  next.keys.restore(task.keys.snapshot())
  next.clock.restore(task.clock.snapshot())
  next.stages.at(-1)!.restore(structuredClone(left))
  const out = new Outputs()
  for (const arrival of [30, 37, 38]) {
    next.clock.tick(arrival)
    for (const stage of next.stages) stage.advance(momentOf(next, 2), out)
  }
  assert.deepEqual(out.events.map(({ event }) => [event.key, event.state, event.at, event.ordinal]), [['b', 'raised', 18, 3], ['a', 'raised', 33, 3], ['c', 'raised', 38, 1]])
})
