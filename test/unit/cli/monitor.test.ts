import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figuresOf, type LegView, lagSeconds, legFigures } from '../../../pipelines/cli/figures.ts'
import { httpOption } from '../../../pipelines/cli/monitor.ts'
import { unready } from '../../../pipelines/cli/readiness.ts'
import type { TaskStatus } from '../../../pipelines/runtime/health.ts'
import { createStatus } from '../../../pipelines/runtime/status.ts'

const nowMs = 1_700_000_000_000
const task = (words: Partial<TaskStatus> = {}): TaskStatus => ({ source: 's', topic: 't', partition: 0, position: 10, end: 10, watermark: nowMs - 2_000, arrival: nowMs - 500, committed: { position: 10, wallMs: nowMs - 1_000 }, saved: null, parked: null, ...words })

function leg (tasks: readonly TaskStatus[], { readingSinceMs = nowMs - 60_000 as number | null, trouble = null as LegView['status']['health']['trouble'] } = {}): LegView {
  const status = createStatus()
  Object.assign(status.health, { readingSinceMs, trouble, tasks: () => tasks })
  return { pipeline: 'p', leg: 'race', status, committed: status }
}

test('readiness: a leg that reads and has committed what it processed is ready, however long it is idle', () => {
  assert.deepEqual(unready([leg([task({ committed: { position: 10, wallMs: 0 } })])], nowMs), [])
  assert.deepEqual(unready([leg([])], nowMs), [], 'a worker without a share waits for one')
})

test('readiness: what has been processed and not committed for half a minute is not', () => {
  assert.deepEqual(unready([leg([task({ position: 11, committed: { position: 10, wallMs: nowMs - 29_000 } })])], nowMs), [])
  assert.match(unready([leg([task({ position: 11, committed: { position: 10, wallMs: nowMs - 31_000 } })])], nowMs)[0]!, /p race: s\/0 has committed nothing since 2023/)
  assert.deepEqual(unready([leg([task({ position: 11, committed: { position: 10, wallMs: null } })], { readingSinceMs: nowMs - 5_000 })], nowMs), [])
})

test('readiness: a task that is parked for more than a minute is not', () => {
  const parked = (sinceMs: number) => [leg([task({ parked: { schema: 7, sinceMs, why: 'REGISTRY_UNAVAILABLE' } })])]
  assert.deepEqual(unready(parked(nowMs - 59_000), nowMs), [])
  assert.match(unready(parked(nowMs - 61_000), nowMs)[0]!, /s\/0 waits since .* for schema 7: REGISTRY_UNAVAILABLE/)
})

test('readiness: starting, restoring and waiting out an error are told', () => {
  const trouble = { code: 'KAFKA_UNREACHABLE', message: '', sinceMs: nowMs - 1_000 }
  assert.deepEqual(unready([], nowMs), ['starting'])
  assert.deepEqual(unready([leg([], { readingSinceMs: null })], nowMs), ['p race: restores'])
  const restoring = leg([], { readingSinceMs: null })
  restoring.status.health.restoring.set('s/0', { source: 's', topic: 't', partition: 0, from: 0, to: 100, position: 40 })
  assert.deepEqual(unready([restoring], nowMs), ['p race: restores s/0, 60 records to go'])
  assert.match(unready([leg([], { readingSinceMs: null, trouble })], nowMs)[0]!, /waits since .*: KAFKA_UNREACHABLE/)
  assert.match(unready([leg([task({ position: 11 })], { trouble })], nowMs)[0]!, /KAFKA_UNREACHABLE/)
  assert.deepEqual(unready([leg([task()], { trouble })], nowMs), [], 'it reads again, and nothing waits for a commit')
})

test('figures: lag in seconds is 0 at the end of the log, and unknown before the first record', () => {
  assert.equal(lagSeconds(task(), nowMs), 0)
  assert.equal(lagSeconds(task({ end: 12 }), nowMs), 0.5)
  assert.equal(lagSeconds(task({ end: 12, arrival: Number.NEGATIVE_INFINITY }), nowMs), null)
  assert.equal(lagSeconds(task({ end: 12, arrival: nowMs + 5_000 }), nowMs), 0, 'a broker whose clock is ahead')
})

test('figures: names, kinds and labels are as Prometheus wants them, and none is a device', () => {
  for (const { name, kind, labels, help } of legFigures) {
    assert.match(name, /^millrace_[a-z_]+$/)
    assert.equal(kind === 'counter', name.endsWith('_total'), name)
    assert(help.endsWith('.') && labels.every(label => ['source', 'topic', 'partition', 'reason', 'state', 'kind', 'code'].includes(label)), name)
  }
  assert.equal(new Set(legFigures.map(({ name }) => name)).size, legFigures.length)
  const figures = figuresOf(() => [leg([task()])], { worker: () => ({ version: '1', member: null }), wallMs: () => nowMs })
  const watermark = figures.find(({ name }) => name === 'millrace_task_watermark_lag_seconds')!
  assert.deepEqual(watermark.samples(), [{ labels: { pipeline: 'p', leg: 'race', source: 's', topic: 't', partition: '0' }, value: 2 }])
})

test('--http: a port of this machine, or an address and a port', () => {
  assert.deepEqual(httpOption('9464'), { host: '127.0.0.1', port: 9464 })
  assert.deepEqual(httpOption('0.0.0.0:9464'), { host: '0.0.0.0', port: 9464 })
  assert.deepEqual(httpOption('[::1]:0'), { host: '::1', port: 0 })
  for (const wrong of ['', 'x', '70000', 'a b:1', ':1', 'http://x:1', '::1:80']) assert.throws(() => httpOption(wrong), /--http takes a port/, wrong)
})
