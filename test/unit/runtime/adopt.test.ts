import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeChunks } from '../../../pipelines/chunk/stage.ts'
import { retireRule } from '../../../pipelines/rules/retire.ts'
import { putAside } from '../../../pipelines/runtime/adopt.ts'
import { Player, type Row, type Words } from './player.ts'

const hot = { when: 'value > 10.0' }
const minute = { tumbling: '1m', keep: { mean: { mean: 'value' }, n: 'count' } }

interface More { readonly readings?: readonly Row[], readonly reset?: (stage: string) => boolean }

/** Plays readings under one definition, then gives a task of another that state. */
function edit (before: Words, after: Words, { readings = [['a', 1_000, 20], ['b', 2_000, 20], ['a', 3_000, 5]], reset = () => false }: More = {}) {
  const old = new Player(before)
  const said = old.play(...readings)
  const next = new Player(after)
  return { old, next, said, cleared: next.adopt(old.state, reset) }
}

test('adopt: stages that did not change keep their state, and others may come and go', () => {
  const { next, said, cleared } = edit({ rules: { hot, other: { when: 'value > 90.0' } } }, { rules: { cold: { when: 'value < 0.0' }, hot } })
  assert.deepEqual(said, ['hot a raised #1.1', 'hot b raised #1.1', 'hot a cleared #2.2'])
  assert.deepEqual(cleared, [])
  assert.deepEqual(next.play(['b', 4_000, 5], ['a', 5_000, 20], ['c', 6_000, -1]), ['hot b cleared #2.2', 'hot a raised #3.1', 'cold c raised #1.1'])
})

test('adopt: a changed rule clears what it had open, with the reason, and its ordinals go on', () => {
  const { next, cleared } = edit({ rules: { hot } }, { rules: { hot: { when: 'value > 15.0' } } })
  assert.deepEqual(cleared, ['hot b cleared #2.2 rule changed'])
  assert.deepEqual(next.play(['b', 4_000, 12], ['b', 5_000, 30], ['a', 6_000, 30]), ['hot b raised #3.1', 'hot a raised #3.1'])
})

test('adopt: a removed rule clears what it had open, with the reason', () => {
  const { next, cleared } = edit({ rules: { hot } }, { rules: { cold: { when: 'value < 0.0' } } })
  assert.deepEqual(cleared, ['hot b cleared #2.2 rule removed'])
  assert.deepEqual(next.play(['b', 4_000, 30], ['b', 5_000, -1]), ['cold b raised #1.1'])
})

test('adopt: what differs in text for people and severity alone clears nothing', () => {
  const { next, cleared } = edit({ rules: { hot } }, { rules: { hot: { ...hot, severity: 'critical', summary: 'hot' } } })
  assert.deepEqual(cleared, [])
  assert.deepEqual(next.play(['b', 4_000, 5]), ['hot b cleared #2.2'])
})

test('adopt: a window that did not change goes on in the middle of its panes', () => {
  const rules = { warm: { window: 'minute', when: 'mean > 10.0 && n == 4' } }
  const { next } = edit({ windows: { minute } }, { windows: { minute }, rules }, { readings: [['a', 1_000, 20], ['a', 2_000, 20], ['a', 3_000, 20]] })
  assert.deepEqual(next.play(['a', 4_000, 20], ['a', 200_000, 1]), ['warm a raised #1.1'])
})

test('adopt: a changed window is refused naming the stage, and begins empty where that is asked for', () => {
  const before = { windows: { minute }, rules: { hot } }
  const after = { windows: { minute: { ...minute, tumbling: '2m' } }, rules: { hot, warm: { window: 'minute', when: 'n == 1' } } }
  assert.throws(() => edit(before, after), { code: 'STATE_STAGE', message: /stage="window\.minute"/ })
  assert.throws(() => edit(before, after, { reset: stage => stage === 'normalise' }), { code: 'STATE_STAGE' })
  const { next, cleared } = edit(before, after, { reset: stage => stage === 'window.minute' })
  assert.deepEqual(cleared, [])
  assert.deepEqual(next.play(['b', 4_000, 5], ['b', 900_000, 5]), ['hot b cleared #2.2', 'warm b raised #1.1'])
})

test('adopt: what normalise remembers is refused in the same way', () => {
  const before = { dedupe: { by: ['value'], within: '1h' } }
  assert.throws(() => edit(before, { dedupe: { by: ['value'], within: '2h' } }), { code: 'STATE_STAGE', message: /stage="normalise"/ })
  const { next } = edit(before, { dedupe: { by: ['value'], within: '2h' } }, { reset: stage => stage === 'normalise' })
  assert.deepEqual(next.play(['b', 4_000, 20], ['b', 5_000, 6]), ['hot b cleared #2.2'])
})

test('adopt: another key of the source is refused; begun anew, alerts of the old keys are cleared and nothing of them is left', () => {
  const words = { windows: { minute }, rules: { hot, silent: { absent: '1m' } } }
  const before = { ...words, key: 'id' } as const
  const after = { ...words, key: 'site' } as const
  assert.throws(() => edit(before, after), { code: 'STATE_STAGE', message: /stage="decode"/ })
  const { next, cleared } = edit(before, after, { reset: stage => stage === 'decode' })
  assert.deepEqual(cleared, ['hot b cleared #2.2 rule changed'])
  assert.deepEqual(next.play(['a', 4_000, 20, 'oslo'], ['b', 5_000, 5, 'oslo']), ['hot oslo raised #1.1', 'hot oslo cleared #2.2'])
  assert.equal(next.task.keys.size, 1)
  assert.deepEqual(next.tick(66_000), ['silent oslo raised #1.1'])
})

test('adopt: a new rule knows the keys of its registry, also those never heard', () => {
  const silent = { absent: '10s', registry: 'devices' }
  const old = new Player({ rules: { hot, first: silent } })
  for (const key of ['a', 'z', 'gone']) old.register(key)
  old.register('gone', false)
  old.play(['a', 1_000, 1])
  const next = new Player({ rules: { hot, first: silent, second: silent } })
  assert.deepEqual(next.adopt(old.state), [])
  assert.deepEqual(next.tick(11_500).sort(), ['first a raised #1.1', 'first z raised #1.1', 'second a raised #1.1', 'second z raised #1.1'])
})

test('adopt: a changed rule with a registry clears its alerts and watches the same keys', () => {
  const old = new Player({ rules: { silent: { absent: '10s', registry: 'devices' } } })
  old.register('z')
  old.play(['a', 1_000, 1])
  assert.deepEqual(old.tick(20_000), ['silent z raised #1.1', 'silent a raised #1.1'])
  const next = new Player({ rules: { silent: { absent: '5s', registry: 'devices' } } })
  assert.deepEqual(next.adopt(old.state), ['silent z cleared #2.2 rule changed', 'silent a cleared #2.2 rule changed'])
  assert.deepEqual(next.tick(40_000).sort(), ['silent a raised #3.1', 'silent z raised #3.1'])
})

test('adopt: position, clocks and registered keys go over', () => {
  const old = new Player()
  old.play(['a', 1_000, 1], ['a', 9_000, 1])
  old.register('z')
  const next = new Player({ rules: { cold: { when: 'value < 0.0' } } })
  next.adopt(old.state)
  assert.deepEqual([next.task.position, next.task.clock.arrival, next.task.clock.watermark], [2, old.task.clock.arrival, old.task.clock.watermark])
  assert.deepEqual([...next.task.registered], [['devices', new Set(['z'])]])
})

test('adopt: a task put aside has no alert open, and awaits the keys of its registry anew when it comes back', () => {
  const words = { rules: { hot, silent: { absent: '10s', registry: 'devices' } } }
  const old = new Player(words)
  old.register('z')
  old.play(['a', 1_000, 20])
  old.tick(11_000)
  const { state, out } = putAside(old.state, { retire: retireRule, closeChunks })
  assert.deepEqual(old.take(out), ['hot a cleared #2.2 rule removed', 'silent z cleared #2.2 rule removed', 'silent a cleared #2.2 rule removed'])
  const back = new Player(words)
  back.task.restore(state)
  assert.deepEqual([...back.task.registered], [])
  back.register('z')
  back.play(['a', 12_000, 20])
  assert.deepEqual(back.tick(22_000).sort(), ['silent a raised #5.1', 'silent z raised #3.1'])
})

test('task: state of other stages is refused, naming the one', () => {
  const old = new Player({ rules: { hot }, windows: { minute } })
  assert.throws(() => { new Player({ rules: { hot: { when: 'value > 1.0' } }, windows: { minute } }).task.restore(old.state) }, { code: 'STATE_STAGE', message: /stage="rule\.hot"/ })
  assert.throws(() => { new Player({ rules: { hot, cold: hot }, windows: { minute } }).task.restore(old.state) }, { code: 'STATE_STAGE', message: /stage="rule\.cold"/ })
  assert.throws(() => { new Player({ rules: { hot }, windows: { minute: { ...minute, tumbling: '3m' } } }).task.restore(old.state) }, { code: 'STATE_STAGE', message: /window\.minute/ })
})

test('task: a restored task goes on as if it had never stopped', () => {
  const words = { rules: { hot: { ...hot, for: '2s' }, warm: { window: 'minute', when: 'mean > 5.0' }, silent: { absent: '20s' } }, windows: { minute }, dedupe: { by: ['ts'], within: '1h' } }
  const readings = Array.from({ length: 60 }, (_, index) => ['abc'[index % 3]!, 1_000 * (index + (index % 7 === 0 ? -3 : 0)) * 3, (index * 7) % 23] as const)
  const straight = new Player(words)
  const expected = readings.flatMap(reading => straight.play(reading))
  let player = new Player(words)
  const said = readings.flatMap(reading => {
    const next = new Player(words)
    next.task.restore(player.state)
    player = next
    return player.play(reading)
  })
  assert.deepEqual(said, expected)
  assert(expected.length > 10)
  assert.deepStrictEqual(player.state, straight.state)
})
