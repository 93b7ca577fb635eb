import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definitionOf, Rig } from './rig.ts'

const both = definitionOf()
const north = definitionOf({ sources: { north: 'rig.north' } })

test('sources: one that is taken out of a definition clears its alerts, once, and comes back where it left off', async () => {
  const rig = await Rig.make()
  let race = rig.start(both)
  await rig.send('rig.north', 'n', 20)
  await rig.send('rig.south', 's', 20, 5, 20)
  await race.pass(200)
  await race.drain()
  assert.deepEqual(await rig.events(), ['hot n raised #1.1', 'hot s raised #1.1', 'hot s cleared #2.2', 'hot s raised #3.1'])

  race = rig.start(north)
  await rig.send('rig.south', 's', 5, 20)
  await rig.send('rig.north', 'n', 5)
  await race.pass(200)
  await race.drain()
  assert.deepEqual((await rig.events()).slice(4), ['hot s cleared #4.2 rule removed', 'hot n cleared #2.2'])

  race = rig.start(north)
  await race.pass(200)
  await race.drain()
  assert.equal((await rig.events()).length, 6)

  race = rig.start(both)
  await race.pass(200)
  await race.drain()
  assert.deepEqual((await rig.events()).slice(6), ['hot s raised #5.1'], 'what came meanwhile is processed, its ordinals go on')
})

test('sources: one that went survives any number of snapshots of those that stayed', async () => {
  const rig = await Rig.make()
  let race = rig.start(both)
  await rig.send('rig.south', 's', 20)
  await race.pass(200)
  await race.drain()
  race = rig.start(north)
  for (let i = 0; i < 120; i += 1) {
    await rig.send('rig.north', `n${i}`, 5)
    await race.pass(1_050)
  }
  await race.drain()
  assert((await rig.log.range('millrace.rig.race.state', 0)).start > 30, 'snapshots were trimmed')
  race = rig.start(both)
  await rig.send('rig.south', 's', 20)
  await race.pass(200)
  await race.drain()
  assert.deepEqual(await rig.events(), ['hot s raised #1.1', 'hot s cleared #2.2 rule removed', 'hot s raised #3.1'])
})

test('sources: after a crash, one that went first finishes what was committed', async () => {
  const rig = await Rig.make()
  const race = rig.start(both, { snapshotEveryMs: 1e9 })
  await rig.send('rig.south', 's', 5, 20, 5, 20, 20)
  await race.pass(200)
  await race.crash(rig)
  const before = await rig.events()
  assert.deepEqual(before, ['hot s raised #1.1', 'hot s cleared #2.2', 'hot s raised #3.1'])
  const next = rig.start(north)
  await next.pass(200)
  await next.drain()
  assert.deepEqual((await rig.events()).slice(3), ['hot s cleared #4.2 rule removed'])
})

test('sources: a crash in the commit that clears the alerts of one that went clears them once', async () => {
  for (const point of ['commit:before', 'commit:after'] as const) {
    for (let turn = 1; turn <= 4; turn += 1) {
      const rig = await Rig.make()
      let race = rig.start(both)
      await rig.send('rig.south', 's', 20)
      await race.pass(200)
      await race.drain()
      let passed = 0
      rig.at = at => {
        if (at === point) passed += 1
        if (passed >= turn) throw new Error('crashed')
      }
      race = rig.start(north)
      await race.pass(500)
      await race.crash(rig)
      race = rig.start(north)
      await race.pass(500)
      await race.drain()
      assert.deepEqual(await rig.events(), ['hot s raised #1.1', 'hot s cleared #2.2 rule removed'], `${point} ${turn}`)
    }
  }
})

test('sources: one that is renamed goes on at the same position, as another', async () => {
  const rig = await Rig.make()
  let race = rig.start(north)
  await rig.send('rig.north', 'n', 20)
  await race.pass(200)
  await race.drain()
  const polar = definitionOf({ sources: { polar: 'rig.north' } })
  for (let turn = 0; turn < 2; turn += 1) {
    race = rig.start(polar)
    await rig.send('rig.north', 'n', 5, 20)
    await race.pass(200)
    await race.drain()
  }
  race = rig.start(north)
  await rig.send('rig.north', 'n', 20)
  await race.pass(200)
  await race.drain()
  assert.deepEqual(await rig.events(), [
    'hot n raised #1.1', 'hot n cleared #2.2 rule removed',
    'hot n raised #1.1', 'hot n cleared #2.2', 'hot n raised #3.1',
    'hot n cleared #4.2 rule removed', 'hot n raised #1.1',
  ])
})
