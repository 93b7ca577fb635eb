import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { names } from '../../../pipelines/runtime/names.ts'
import { topicSpec } from './kit.ts'
import { definitionOf, Rig } from './rig.ts'

const before = definitionOf()
const after = definitionOf({ limit: 15 })
const group = names.group('rig', 'race')

test('race: one that is taken over from stops with LOG_FENCED, and what it had not committed comes from its successor', async () => {
  const rig = await Rig.make()
  const first = rig.start(before)
  await rig.send('rig.north', 'n', 20)
  await first.pass(200)
  const second = rig.start(before)
  await second.pass(0)
  await rig.send('rig.north', 'n', 5, 20)
  assert.equal((await first.pass(500) as StreamError).code, 'LOG_FENCED')
  assert.equal(await second.pass(0), null)
  assert.deepEqual(await rig.events(), ['hot n raised #1.1', 'hot n cleared #2.2', 'hot n raised #3.1'])
  const state = await rig.log.range(names.state('rig', 'race'), 0)
  await first.pass(10_000)
  await second.drain()
  assert((await rig.log.range(names.state('rig', 'race'), 0)).end > state.end)
  const third = rig.start(before)
  await rig.send('rig.north', 'n', 5)
  await third.pass(200)
  await third.drain()
  assert.deepEqual((await rig.events()).slice(3), ['hot n cleared #4.2'])
})

test('race: one that was fenced leaves no snapshot behind', async () => {
  const rig = await Rig.make()
  const first = rig.start(before, { snapshotEveryMs: 500 })
  await rig.send('rig.north', 'n', 20)
  await first.pass(200)
  // Another member takes the lead without a word, when all is committed and a snapshot is due next.
  await rig.log.join({ group, member: 'other', topics: ['rig.north'] })
  const { end } = await rig.log.range(names.state('rig', 'race'), 0)
  assert.equal((await first.pass(2_000) as StreamError).code, 'LOG_FENCED')
  assert.equal((await rig.log.range(names.state('rig', 'race'), 0)).end, end)
})

test('race: a definition changed after a drain clears what its changed rule left open, and goes on', async () => {
  const rig = await Rig.make()
  let race = rig.start(before)
  await rig.send('rig.north', 'n', 12)
  await rig.send('rig.south', 's', 20)
  await race.pass(200)
  await race.drain()
  race = rig.start(after)
  await rig.send('rig.north', 'n', 12, 20)
  await race.pass(200)
  await race.drain()
  assert.deepEqual((await rig.events()).slice(0, 2), ['hot n raised #1.1', 'hot s raised #1.1'])
  assert.deepEqual((await rig.events()).slice(2), ['hot n cleared #2.2 rule changed', 'hot s cleared #2.2 rule changed', 'hot n raised #3.1'])
})

test('race: after a crash the definition before finishes what was committed, from its own text, and then the changed one takes over', async () => {
  const rig = await Rig.make()
  const race = rig.start(before, { snapshotEveryMs: 1e9 })
  await rig.send('rig.north', 'n', 12, 5, 12)
  await race.pass(200)
  await race.crash(rig)
  const committed = await rig.log.committed(group, 'rig.north', 0)
  assert.equal(committed!.offset, 3)
  const next = rig.start(after)
  await rig.send('rig.north', 'n', 14, 16)
  await next.pass(200)
  await next.drain()
  assert.deepEqual(await rig.events(), ['hot n raised #1.1', 'hot n cleared #2.2', 'hot n raised #3.1', 'hot n cleared #4.2 rule changed', 'hot n raised #5.1'])
})

test('race: what a changed definition clears is said once, wherever it crashes while it takes over', async () => {
  for (let turn = 1; turn < 12; turn += 1) {
    const rig = await Rig.make()
    let race = rig.start(before)
    await rig.send('rig.north', 'n', 20)
    await race.pass(200)
    await race.crash(rig)
    let passed = 0
    rig.at = () => {
      passed += 1
      if (passed >= turn * 2) throw new Error('crashed')
    }
    race = rig.start(after)
    await race.pass(300)
    await race.crash(rig)
    // Even where a third one is next: the second had taken over, or it had not.
    race = rig.start(definitionOf({ limit: 90 }))
    await race.pass(300)
    await race.drain()
    const said = await rig.events()
    const cleared = said.filter(line => line.includes('cleared'))
    assert.deepEqual(said.slice(0, 2), ['hot n raised #1.1', 'hot n cleared #2.2 rule changed'], `${turn}`)
    assert.equal(new Set(cleared).size, cleared.length, said.join())
  }
})

test('race: a definition that names code and has not finished is refused; started once and drained, the changed one goes on', async () => {
  const rig = await Rig.make()
  const race = rig.start(before, { asCode: true, snapshotEveryMs: 1e9 })
  await rig.send('rig.north', 'n', 20)
  await race.pass(200)
  await race.crash(rig)
  assert.equal(await rig.start(after, { asCode: true }).code(), 'STATE_DEFINITION')
  const again = rig.start(before, { asCode: true })
  await again.pass(200)
  await again.drain()
  const next = rig.start(after, { asCode: true })
  await next.pass(200)
  await next.drain()
  assert.deepEqual(await rig.events(), ['hot n raised #1.1', 'hot n cleared #2.2 rule changed'])
})

test('race: what was committed under other time-zone data is not played again under this one; a drained state goes on', async () => {
  const rig = await Rig.make()
  const race = rig.start(before, { zones: '2026a', snapshotEveryMs: 1e9 })
  await rig.send('rig.north', 'n', 20)
  await race.pass(200)
  await race.crash(rig)
  assert.equal(await rig.start(before, { zones: '2026b' }).code(), 'STATE_ZONES')
  const again = rig.start(before, { zones: '2026a' })
  await again.pass(200)
  await again.drain()
  const next = rig.start(before, { zones: '2026b' })
  await next.pass(200)
  await next.drain()
  assert.deepEqual(await rig.events(), ['hot n raised #1.1'])
})

test('race: a changed window is refused naming the stage until the user lets it begin anew, and a crash then does not ask again', async () => {
  const rig = await Rig.make()
  let race = rig.start(before)
  await rig.send('rig.north', 'n', 1, 1, 1)
  await race.pass(200)
  await race.drain()
  const wider = definitionOf({ windowSeconds: 20 })
  assert.equal(await rig.start(wider).code(), 'STATE_STAGE')
  race = rig.start(wider, { reset: ['window.ten'], snapshotEveryMs: 1e9 })
  await rig.send('rig.north', 'n', 1, 1)
  await race.pass(200)
  await race.crash(rig)
  race = rig.start(wider)
  await race.pass(200)
  await race.drain()
  assert.deepEqual(await rig.events(), [])
})

const harms: Readonly<Record<string, readonly [code: string, harm: (rig: Rig) => Promise<unknown>]>> = {
  'a topic made anew': ['STATE_TOPIC', async ({ log }) => {
    const committed = await log.committed(group, 'rig.north', 0)
    await log.deleteTopic('rig.north')
    await log.createTopic(topicSpec('rig.north', { timestamps: 'LogAppendTime' }))
    const member = await log.join({ group, member: 'm', topics: ['rig.north'] })
    await member.commit({ appends: [], offsets: [{ topic: 'rig.north', partition: 0, ...committed! }] })
  }],
  'input that is gone before it was processed': ['STATE_POSITION', async rig => {
    for (let i = 0; i < 3; i += 1) await rig.send('rig.north', 'n', 1)
    await rig.log.trim('rig.north', 0, (await rig.log.range('rig.north', 0)).end - 1)
  }],
  'a committed position past the end': ['STATE_POSITION', async ({ log }) => {
    const committed = await log.committed(group, 'rig.north', 0)
    const member = await log.join({ group, member: 'm', topics: ['rig.north'] })
    await member.commit({ appends: [], offsets: [{ topic: 'rig.north', partition: 0, ...committed!, offset: 999 }] })
  }],
  'a committed position before the snapshot': ['STATE_POSITION', async ({ log }) => {
    const committed = await log.committed(group, 'rig.north', 0)
    const member = await log.join({ group, member: 'm', topics: ['rig.north'] })
    await member.commit({ appends: [], offsets: [{ topic: 'rig.north', partition: 0, ...committed!, offset: 1 }] })
  }],
  'metadata that is not ours': ['STATE_CORRUPT', async ({ log }) => {
    const committed = await log.committed(group, 'rig.north', 0)
    const member = await log.join({ group, member: 'm', topics: ['rig.north'] })
    await member.commit({ appends: [], offsets: [{ topic: 'rig.north', partition: 0, ...committed!, metadata: 'x' }] })
  }],
  'a journal that lost its entries': ['STATE_JOURNAL', async ({ log }) => {
    const committed = await log.committed(group, 'rig.north', 0)
    const facts = JSON.parse(committed!.metadata) as { journal: number }
    const member = await log.join({ group, member: 'm', topics: ['rig.north'] })
    await member.commit({ appends: [], offsets: [{ topic: 'rig.north', partition: 0, ...committed!, metadata: JSON.stringify({ ...facts, journal: facts.journal + 1 }) }] })
  }],
  'no snapshots': ['STATE_LOST', ({ log }) => log.deleteTopic(names.state('rig', 'race'))],
  'no input topic': ['LOG_TOPIC_UNKNOWN', ({ log }) => log.deleteTopic('rig.north')],
}

for (const [what, [code, harm]] of Object.entries(harms)) {
  test(`race: ${what} is an incident, told as ${code}, and nothing is skipped`, async () => {
    const rig = await Rig.make()
    const race = rig.start(before)
    await rig.send('rig.north', 'n', 20, 5, 20)
    await race.pass(200)
    await race.drain()
    await harm(rig)
    const said = await rig.events()
    assert.equal(await rig.start(before).code(), code)
    assert.equal(await rig.start(before).code(), code)
    assert.deepEqual(await rig.events(), said)
  })
}

test('race: input that is deleted while it runs ends it', async () => {
  const rig = await Rig.make()
  const race = rig.start(before)
  await rig.send('rig.north', 'n', 1)
  await race.pass(200)
  rig.at = at => { if (at === 'fetch') throw new StreamError('LOG_OUT_OF_RANGE', {}) }
  assert.equal((await race.pass(500) as StreamError).code, 'LOG_OUT_OF_RANGE')
})

test('race: while the disk is full it begins again and again; then it goes on, and counts nothing twice', async () => {
  const rig = await Rig.make()
  const retries: number[] = []
  const race = rig.start(before, { onRetry: (_, pauseMs) => { retries.push(pauseMs) } })
  await rig.send('rig.north', 'n', 20, 5)
  await race.pass(200)
  rig.at = at => { if (at.startsWith('commit')) throw new StreamError('LOG_UNAVAILABLE') }
  await rig.send('rig.north', 'n', 20, 5, 20)
  assert.equal(await race.pass(5_000), null)
  rig.at = () => {}
  await race.pass(5_000)
  await race.drain()
  assert.deepEqual(retries, [100, 200, 400, 800, 1_600, 3_200])
  assert.deepEqual(await rig.events(), ['hot n raised #1.1', 'hot n cleared #2.2', 'hot n raised #3.1', 'hot n cleared #4.2', 'hot n raised #5.1'])
  const { readings, raised, cleared, retries: counted } = race.race.status
  assert.deepEqual([readings, raised, cleared, counted], [5, 3, 2, 6])
})

test('race: a commit that went through although it was told to have failed is not done again', async () => {
  const rig = await Rig.make()
  const race = rig.start(before)
  await race.pass(100)
  let failing = true
  rig.at = at => {
    if (at !== 'commit:after' || !failing) return
    failing = false
    throw new StreamError('LOG_UNAVAILABLE')
  }
  await rig.send('rig.north', 'n', 20, 5)
  await race.pass(1_000)
  await race.drain()
  assert.deepEqual(await rig.events(), ['hot n raised #1.1', 'hot n cleared #2.2'])
})

test('race: it gives up on what fails for too long, with its error', async () => {
  const rig = await Rig.make()
  const race = rig.start(before, { retry: { giveUpMs: 3_000 } })
  await race.pass(100)
  rig.at = at => { if (at === 'fetch') throw new StreamError('LOG_UNAVAILABLE') }
  assert.equal((await race.pass(10_000) as StreamError).code, 'LOG_UNAVAILABLE')
})

test('race: who watches events sees each once it is committed; an error of theirs ends the race', async () => {
  const rig = await Rig.make()
  const seen: string[] = []
  const race = rig.start(before, { onEvent: ({ state }) => { seen.push(state) } })
  await rig.send('rig.north', 'n', 20, 5)
  await race.pass(200)
  assert.deepEqual(seen, ['raised', 'cleared'])
  await race.drain()
  const broken = rig.start(before, { onEvent: () => { throw new TypeError('a view is broken') } })
  await rig.send('rig.north', 'n', 20)
  assert.match(String(await broken.pass(500)), /a view is broken/)
})

test('race: silence costs no commits but those of its ticks, and what does not move is not written again', async () => {
  const rig = await Rig.make()
  const race = rig.start(before)
  await rig.send('rig.north', 'n', 20)
  await race.pass(3_000)
  const { commits, snapshots } = race.race.status
  const { end } = await rig.log.range(names.state('rig', 'race'), 0)
  await race.pass(30_000)
  assert.deepEqual([race.race.status.commits, race.race.status.snapshots], [commits, snapshots])
  await race.drain()
  assert.equal((await rig.log.range(names.state('rig', 'race'), 0)).end, end)
})

test('race: a device that enters its registry while it runs is missed in time, one that leaves it no more', async () => {
  const rig = await Rig.make()
  const registry = definitionOf({ registry: true, sources: { north: 'rig.north' } })
  const race = rig.start(registry)
  await rig.enrol('a')
  await race.pass(1_000)
  await rig.enrol('b')
  await race.pass(15_000)
  assert.deepEqual(await rig.events(), ['silent a raised #1.1', 'silent b raised #1.1'])
  await rig.enrol('a', false)
  await race.pass(1_000)
  await race.drain()
  assert.deepEqual((await rig.events()).slice(2), ['silent a cleared #2.2 removed'])
  // What changed while nobody ran is seen at the start.
  await rig.enrol('b', false)
  await rig.enrol('c')
  const next = rig.start(registry)
  await next.pass(15_000)
  await next.drain()
  assert.deepEqual((await rig.events()).slice(3), ['silent b cleared #2.2 removed', 'silent c raised #1.1'])
})

test('race: a table that another leg has read already is told of all the same', async () => {
  const rig = await Rig.make()
  const race = rig.start(definitionOf({ registry: true, sources: { north: 'rig.north' } }))
  await race.pass(500)
  await rig.enrol('a')
  await rig.devices.catchUp(rig.log)
  await race.pass(15_000)
  await race.drain()
  assert.deepEqual(await rig.events(), ['silent a raised #1.1'])
})

test('race: a silent partition ticks, and that alone is worth few snapshots', async () => {
  const rig = await Rig.make()
  const race = rig.start(definitionOf({ registry: true, sources: { north: 'rig.north' } }))
  await rig.send('rig.north', 'n', 1)
  await race.pass(3_000)
  const { snapshots } = race.race.status
  await race.pass(150_000)
  assert.equal(race.race.status.snapshots, snapshots + 2)
  await race.drain()
  assert.equal(race.race.status.snapshots, snapshots + 3)
})
