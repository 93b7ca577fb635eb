import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { createHealth, type TaskStatus } from '../../../pipelines/runtime/health.ts'
import { backlogs, LakeWait, spanText } from '../../../pipelines/runtime/lake-wait.ts'
import { ManualClock } from '../../kit/clock.ts'

const hourMs = 3_600_000
const startMs = 1_700_000_000_000
const away = new StreamError('LAKE_UNREACHABLE', { host: 'a' })

function waiting (retentionMs: number | null, position = 5) {
  const clock = new ManualClock(startMs)
  const task = (partition: number, arrival: number): TaskStatus => ({ source: 's', topic: 'in', partition, position, end: 10, watermark: 0, arrival, committed: { position, wallMs: null }, saved: null, parked: null })
  const health = { ...createHealth(), tasks: () => [task(0, startMs), task(1, startMs - hourMs)], retentions: new Map([['in', retentionMs], ['control', 2 * hourMs]]) }
  const told: string[] = []
  const wait = new LakeWait({ clock, health, warn: text => { told.push(text) } })
  const after = async (ms: number) => {
    await clock.advance(ms)
    wait.waiting(away)
    return told.splice(0)
  }
  return { clock, health, wait, told, after }
}

//  age of the backlog   1 h ──── 12 h ──── 18 h ─ 21 h ─ ... 24 h: gone
//  told                 waits     half     3/4     7/8        lost
test('pond: what waits is told once, and from half of the retention on how long it can wait', async () => {
  const { health, wait, told, after } = waiting(24 * hourMs)
  assert.deepEqual(await after(0), [`The pond waits for its lake, and reads no further: ${away.message}`])
  assert.deepEqual(health.trouble, { code: 'LAKE_UNREACHABLE', message: away.message, sinceMs: startMs })
  assert.deepEqual(await after(10 * hourMs), [])
  assert.deepEqual(await after(hourMs), ['The pond is 12 h behind on in/1, which keeps 1 d: in 12 h it begins to lose records for the lake'])
  assert.deepEqual(await after(5 * hourMs), [])
  assert.deepEqual(await after(hourMs), ['The pond is 18 h behind on in/1, which keeps 1 d: in 6 h it begins to lose records for the lake'])
  assert.deepEqual(await after(7 * hourMs), ['The pond is 1 d 1 h behind on in/1, which keeps 1 d: it has begun to lose records for the lake'])
  assert.equal(health.trouble?.sinceMs, startMs)
  wait.over()
  assert.deepEqual(told, ['The lake is back after 1 d'])
})

//  age on control   10 min ─ 70 min ── 100 min ─ ... 2 h: gone
test('pond: a topic of the race is told of by itself, as an input is', async () => {
  const { health, wait, told, after } = waiting(240 * hourMs)
  health.copied = () => [{ topic: 'control', partition: 3, position: 7, end: 9, arrival: startMs - hourMs / 6 }, { topic: 'letters', partition: 0, position: 0, end: 9, arrival: 0 }]
  await after(0)
  assert.deepEqual(await after(hourMs), ['The pond is 1 h 10 min behind on control/3, which keeps 2 h: in 50 min it begins to lose records for the lake'])
  assert.deepEqual(await after(hourMs / 2), ['The pond is 1 h 40 min behind on control/3, which keeps 2 h: in 20 min it begins to lose records for the lake'])
  health.copied = () => [{ topic: 'control', partition: 3, position: 9, end: 9, arrival: Number.NaN }]
  wait.look()
  assert.deepEqual(told, [])
  assert.deepEqual(backlogs(health, startMs + 2 * hourMs).map(({ topic, leftMs }) => [topic, leftMs / hourMs]), [['in', 237], ['control', 2]])
})

test('pond: a topic that keeps everything, and one that is read to its end, have nothing to lose', async () => {
  for (const { after } of [waiting(null), waiting(24 * hourMs, 10)]) {
    await after(0)
    assert.deepEqual(await after(1_000 * hourMs), [])
  }
})

test('pond: spans are told in their two largest units', () => {
  assert.deepEqual([0, 999, 1_000, 61_000, 3_600_000, 90_000_000, 86_400_000 * 2 + 30_000].map(spanText), ['0 ms', '999 ms', '1 s', '1 min 1 s', '1 h', '1 d 1 h', '2 d'])
})
