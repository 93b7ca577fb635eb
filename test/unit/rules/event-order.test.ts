import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lines, play, rule } from './kit.ts'

const spec = rule({ name: 'r', when: 'celsius > 5.0', order: 'event', labels: ['site'] })

test('`order: event` judges a straggler in its place', () => {
  //  arrival order   0:1  20:9  10:9  30:1      event order   0:1  10:9  20:9  30:1
  const inputs = [{ key: 'a', at: 0, celsius: 1 }, { key: 'a', at: 20, celsius: 9, site: 'B' }, { key: 'a', at: 10, celsius: 9, site: 'A' }, { key: 'a', at: 30, celsius: 1 }, { key: 'b', at: 99, celsius: 1 }]
  for (const restarts of [false, true]) {
    const played = play([spec], inputs, { latenessMs: 15, restarts, cut: n => n + 1 })
    assert.deepEqual(lines(played), ['r a raised 10', 'r a cleared 30'])
    const [raised, cleared] = played.events
    assert.deepEqual([raised!.position, raised!.event.source.offset, raised!.event.arrivedAt, raised!.event.labels], [3, 2, 30, { site: 'A' }], 'caused by the reading that moved the watermark')
    assert.deepEqual([cleared!.position, cleared!.event.source.offset], [4, 3])
  }
})

test('a reading waits until the watermark has passed it, and the end of input lets the rest go', () => {
  const inputs = [{ key: 'a', at: 10, celsius: 9 }]
  assert.deepEqual(lines(play([spec], inputs)), [])
  assert.deepEqual(lines(play([spec], inputs, { drain: true })), ['r a raised 10'])
  assert.deepEqual(lines(play([spec], [...inputs, { watermark: 10 }], { explicit: true })), [])
  assert.deepEqual(lines(play([spec], [...inputs, { watermark: 11 }], { explicit: true })), ['r a raised 10'])
})

test('a reading behind what was judged is counted once for all such rules', () => {
  const inputs = [{ key: 'a', at: 10, celsius: 1 }, { key: 'a', at: 20, celsius: 1 }, { key: 'a', at: 5, celsius: 9 }]
  const played = play([spec, { ...spec, name: 'q' }], inputs, { drain: true })
  assert.deepEqual(lines(played), [])
  assert.equal(played.counts.get('rule.out-of-order'), 1)
})

test('a reading beyond the bound of the buffer is dead-lettered once with its bytes', () => {
  const inputs = [1, 2, 3].map(at => ({ key: 'a', at, celsius: 9 }))
  const { out, events } = play([spec, { ...spec, name: 'q' }], inputs, { latenessMs: 100, reorderRowsMax: 2, drain: true })
  assert.deepEqual(out.deadLetters.map(({ reason, position, step }) => [reason, position, step]), [['RULE_REORDER_FULL', 2, 'rule']])
  assert.equal(events.length, 2)
})

test('texts that nothing waiting holds are let go', () => {
  const inputs = Array.from({ length: 140_000 }, (_, i) => ({ key: `k${i % 10}`, at: i, celsius: 9, site: `s${i}` }))
  const played = play([{ ...spec, clear: 'celsius > 5.0' }], inputs, { latenessMs: 5, cut: () => 4096, drain: true })
  assert.equal(played.events.length, 140_000)
  for (const i of [0, 70_001, 139_999]) {
    const { event } = played.events.find(one => one.event.source.offset === i)!
    if (event.state === 'raised') assert.deepEqual(event.labels, { site: `s${i}` })
  }
})
