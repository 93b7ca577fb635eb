import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { readSnapshot } from '../../../pipelines/runtime/state-reader.ts'
import { definitionOf, Rig } from './rig.ts'

test('health: a task tells its position, what is committed, and its last snapshot', async () => {
  const rig = await Rig.make()
  const running = rig.start(definitionOf())
  await running.pass(50)
  const { health } = running.race.status
  assert.deepEqual(health.tasks().map(({ source, position, end, committed, arrival }) => [source, position, end, committed, arrival]), [['north', 0, 0, { position: 0, wallMs: null }, Number.NEGATIVE_INFINITY], ['south', 0, 0, { position: 0, wallMs: null }, Number.NEGATIVE_INFINITY]])
  await rig.send('rig.north', 'a', 1, 2, 3)
  const sentMs = rig.clock.wallMs()
  await running.pass(200)
  const [north] = health.tasks()
  assert.deepEqual([north!.position, north!.end, north!.committed.position, north!.arrival], [3, 3, 3, sentMs])
  assert(north!.committed.wallMs! >= sentMs)
  assert.equal(north!.watermark, sentMs - 1_000)
  await running.pass(1_500)
  const saved = health.tasks()[0]!.saved!
  assert(saved.wallMs > sentMs && saved.bytes > 0 && saved.stateBytes >= saved.bytes / 2, JSON.stringify(saved))
  assert.equal((await readSnapshot(rig.log, { topic: 'millrace.rig.race.state', partition: 0, source: 'north' }))!.facts.position, 3)
  assert.equal(health.commitTimes.counts.reduce((sum, many) => sum + many, 0), running.race.status.commits)
  await running.drain()
})

test('health: an error that is waited out is told, and what is counted as committed never goes back', async () => {
  const rig = await Rig.make()
  const running = rig.start(definitionOf())
  await running.pass(50)
  const { race } = running
  const { health } = race.status
  assert.deepEqual([health.readingSinceMs !== null, health.trouble], [true, null])
  await rig.send('rig.north', 'a', 1, 2)
  await running.pass(200)
  assert.equal(race.committed.readings, 2)
  rig.at = point => { if (point === 'commit:before') throw new StreamError('LOG_UNAVAILABLE') }
  const sinceMs = rig.clock.wallMs()
  await rig.send('rig.north', 'a', 3)
  let least = 2
  for (let step = 0; step < 40; step += 1) {
    await running.pass(100)
    least = Math.min(least, race.committed.readings)
  }
  assert.equal(least, 2)
  assert.equal(health.trouble?.code, 'LOG_UNAVAILABLE')
  assert(health.trouble.sinceMs <= sinceMs + 2_000)
  rig.at = () => {}
  await running.pass(20_000)
  assert.deepEqual([health.readingSinceMs !== null, health.trouble, race.committed.readings], [true, null, 3])
  assert(health.restores > 2)
  await running.drain()
})
