import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Input, lines, play, rule } from './kit.ts'

const silent = rule({ name: 'silent', absentMs: 10, registry: 'devices' })

function told (inputs: readonly Input[], spec = silent): string[] {
  const straight = play([spec], inputs)
  assert.deepEqual(play([spec], inputs, { cut: () => 100, restarts: true }).events, straight.events)
  return lines(straight)
}

test('a key silent for `absent` is raised at the due moment by whatever moves the arrival clock, and cleared by its next reading', () => {
  //  arrival   0         5         10            12
  //            a         b         tick: a due   a heard again
  assert.deepEqual(told([{ key: 'a', at: 0 }, { key: 'b', at: 5 }, { tick: 9 }, { tick: 10 }, { key: 'a', at: 12 }]), ['silent a raised 10', 'silent a cleared 12'])
  assert.deepEqual(told([{ key: 'a', at: 0 }, { key: 'b', at: 13 }]), ['silent a raised 10'], 'another device moves the clock too')
})

test('silence is a fact of the log: a reading that ends it raises and clears', () => {
  assert.deepEqual(told([{ key: 'a', at: 0 }, { key: 'a', at: 25 }]), ['silent a raised 10', 'silent a cleared 25'])
})

test('a slow device clock does not matter', () => {
  assert.deepEqual(told([{ key: 'a', at: -1_000_000, arrival: 0 }, { key: 'a', at: -2_000_000, arrival: 9 }, { tick: 18 }]), [])
})

test('several keys due at once are raised by due moment, then in order of first sight', () => {
  const inputs = [{ key: 'c', at: 0 }, { key: 'a', at: 1 }, { key: 'b', at: 1 }, { key: 'a', at: 2 }, { key: 'c', at: 2 }, { tick: 50 }]
  assert.deepEqual(told(inputs), ['silent b raised 11', 'silent c raised 12', 'silent a raised 12'])
})

test('a registry key that was never heard is awaited from the first arrival, or from when it enters', () => {
  const inputs: Input[] = [{ registry: 'x', present: true }, { tick: 100 }, { tick: 105 }, { registry: 'y', present: true }, { tick: 110 }, { tick: 115 }]
  assert.deepEqual(told(inputs), ['silent x raised 110', 'silent y raised 115'])
  assert.deepEqual(told([{ registry: 'x', present: true }, { key: 'a', at: 100 }, { tick: 109 }]), [])
})

test('a key that leaves the table is cleared with reason removed and forgotten until it is heard or enters again', () => {
  const inputs: Input[] = [{ registry: 'x', present: true }, { tick: 0 }, { tick: 10 }, { registry: 'x', present: false }, { tick: 100 }, { key: 'x', at: 105 }, { tick: 115 }]
  assert.deepEqual(told(inputs), ['silent x raised 10', 'silent x cleared 10 (removed)', 'silent x raised 115'])
})

test('leaving and coming back at one position gives another alert', () => {
  const inputs: Input[] = [{ registry: 'x', present: true }, { tick: 0 }, { tick: 10 }, { registry: 'x', present: false }, { registry: 'x', present: true }, { tick: 20 }]
  const ids = play([silent], inputs).events.map(({ event }) => event.id)
  assert.equal(new Set(ids).size, 3)
})

test('labels of an absent rule are the last texts the key sent', () => {
  const spec = rule({ name: 'silent', absentMs: 10, labels: ['site'], summary: '{{key}} in {{site}}', ttlMs: 7 })
  const inputs = [{ key: 'a', at: 0, site: 'Oslo' }, { key: 'b', at: 1 }, { key: 'a', at: 2, site: 'Bergen' }, { key: 'a', at: 3 }, { tick: 20 }]
  for (const cut of [1, 2, 4]) {
    const events = play([spec], inputs, { cut: () => cut, restarts: cut === 2 }).events.map(({ event }) => [event.summary, event.labels, event.arrivedAt, event.expiresAt, event.raisedAt])
    assert.deepEqual(events, [['b in unknown', {}, 20, 27, 11], ['a in Bergen', { site: 'Bergen' }, 20, 27, 13]])
  }
})

test('the end of input raises nothing', () => {
  assert.deepEqual(lines(play([silent], [{ key: 'a', at: 0 }], { drain: true })), [])
})

test('a registry key beyond the bound of the key table is dead-lettered', () => {
  const inputs: Input[] = Array.from({ length: 1001 }, (_, i) => ({ registry: `k${i}`, present: true }))
  const { out } = play([silent], inputs)
  assert.deepEqual(out.deadLetters.map(letter => [letter.reason, letter.step, new TextDecoder().decode(letter.key!)]), [['RULE_STATE_FULL', 'rule', 'k1000']])
})
