import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { LifeCycle, phases } from '../../../pipelines/rules/life-cycle.ts'
import { play, rule } from './kit.ts'

interface Case { readonly forMinutes: number, readonly keepMinutes: number, readonly samples: string, readonly states: string }

const minuteMs = 60_000
const cases = readFileSync(new URL('../../data/prometheus/alerts.jsonl', import.meta.url), 'utf8').trim().split('\n').map(line => JSON.parse(line) as Case)

test('pending, firing and keep firing go minute by minute as Prometheus has them', () => {
  assert.ok(cases.length >= 400)
  for (const { forMinutes, keepMinutes, samples, states } of cases) {
    const life = new LifeCycle({ ...rule({ name: 'v' }), forMs: forMinutes * minuteMs, keepFiringMs: keepMinutes * minuteMs })
    life.ensure(1)
    let got = ''
    for (const [minute, sample] of [...samples].entries()) {
      const answer = sample === 'T' ? 1 : 0
      const at = minute * minuteMs
      if (life.phase[0]! >= phases.firing) life.end(0, 1 - answer, at)
      else life.begin(0, answer, answer, at, minute, false)
      got += life.phase[0]! >= phases.firing ? 'f' : life.phase[0] === phases.pending ? 'p' : '.'
    }
    assert.equal(got, states, `for ${forMinutes}m keep ${keepMinutes}m ${samples}`)
  }
})

test('a missing value under `missing: false` does what a stale sample does in Prometheus', () => {
  for (const restarts of [false, true]) {
    for (const { forMinutes, keepMinutes, samples, states } of restarts ? cases.slice(0, 60) : cases) {
      const spec = rule({ name: 'v', when: 'celsius > 5.0', forMs: forMinutes * minuteMs, keepFiringMs: keepMinutes * minuteMs, missing: 'false' })
      const inputs = [...samples].map((sample, minute) => ({ key: 'k', at: minute * minuteMs, celsius: sample === 'T' ? 9 : sample === '-' ? 1 : null }))
      const changes = new Map(play([spec], inputs, { restarts, cut: () => 13 }).events.map(({ event }) => [event.at / minuteMs, event.state]))
      let firing = false
      for (const [minute, state] of [...states].entries()) {
        firing = changes.has(minute) ? changes.get(minute) === 'raised' : firing
        assert.equal(firing, state === 'f', `for ${forMinutes}m keep ${keepMinutes}m minute ${minute} of ${samples}`)
      }
    }
  }
})
