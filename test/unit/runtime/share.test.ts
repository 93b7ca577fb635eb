import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Assignment, Commit, LogPort, Membership } from '../../../pipelines/core/ports.ts'
import { records } from '../../../pipelines/core/record-batch.ts'
import { names } from '../../../pipelines/runtime/names.ts'
import { randomOf } from '../../sim/random.ts'
import { topicSpec } from './kit.ts'
import { definitionOf, Rig } from './rig.ts'

const topic = 'rig.north'
const partitions = 4
const definition = definitionOf({ sources: { north: topic } })
const places = (...numbers: readonly number[]): Assignment[] => numbers.map(partition => ({ topic, partition }))

/** A group whose shares the test decides: nobody commits what it does not have. */
class Group {
  readonly #log: LogPort
  #inner: Membership | null = null
  readonly members = new Map<string, { assignments: Assignment[], revoked: Assignment[] }>()

  constructor (log: LogPort) { this.#log = log }

  /** The log as this member sees it. */
  as (member: string): LogPort {
    const share = this.members.get(member) ?? { assignments: [], revoked: [] }
    this.members.set(member, share)
    const join = async (): Promise<Membership> => {
      this.#inner ??= await this.#log.join({ group: names.group('rig', 'race'), member: 'all', topics: [topic] })
      return {
        get assignments () { return share.assignments },
        get revoked () { return share.revoked },
        release: async () => {
          share.assignments = share.assignments.filter(one => !share.revoked.includes(one))
          share.revoked = []
        },
        commit: (commit: Commit) => {
          for (const { partition } of commit.offsets) assert(share.assignments.some(one => one.partition === partition), `${member} commits partition ${partition}, which it does not have`)
          for (const { topic: to, partition } of commit.appends) if (to === names.state('rig', 'race')) assert(share.assignments.some(one => one.partition === partition), `${member} saves partition ${partition}`)
          return this.#inner!.commit(commit)
        },
        leave: async () => {},
      }
    }
    const bound = (found: unknown) => typeof found === 'function' ? found.bind(this.#log) : found
    return new Proxy(this.#log, { get: (target, name) => name === 'join' ? join : bound(target[name as keyof LogPort]) })
  }

  give (member: string, ...numbers: readonly number[]): void {
    const share = this.members.get(member)!
    share.assignments = [...share.assignments, ...places(...numbers)]
  }

  wantBack (member: string, partition: number): void {
    const share = this.members.get(member)!
    share.revoked = share.assignments.filter(one => one.partition === partition)
  }
}

async function rigWith (count: number): Promise<Rig> {
  const rig = await Rig.make()
  await rig.log.deleteTopic(topic)
  await rig.log.createTopic(topicSpec(topic, { timestamps: 'LogAppendTime', partitions: count }))
  return rig
}

/** Events by partition of their source, as they are on the topic. */
async function saidBy (rig: Rig): Promise<readonly (readonly string[])[]> {
  const { bytes } = await rig.log.fetch({ topic: 'rig.control', partition: 0, offset: 0, bytesMax: 1 << 28, waitMs: 0 })
  const said = Array.from({ length: partitions }, (): string[] => [])
  for (const { value } of records(bytes)) {
    const event = Buffer.from(value!).toString()
    said[(JSON.parse(event) as { source: { partition: number } }).source.partition]!.push(event)
  }
  return said
}

//  one worker:    0 1 2 3 ─────────────────────────────▶  the truth
//  two workers:   0 1 2 3 | 0 1 . 3 | 0 . . 3 | 0 . 2 3 …  the same bytes, task by task
test('race: tasks that move between two workers say what one worker says, byte for byte', async () => {
  const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`MILLRACE_SEED=${seed}`)
  for (let round = 0; round < 6; round += 1) {
    const play = async (move: (group: Group, rig: Rig, step: number) => Promise<void>) => {
      const rig = await rigWith(partitions)
      const group = new Group(rig.log)
      const running = ['a', 'b'].map(member => rig.start(definition, { member, log: group.as(member), snapshotEveryMs: 700 }))
      group.give('a', 0, 1, 2, 3)
      const { whole } = randomOf(seed + round)
      for (let step = 0; step < 60; step += 1) {
        const partition = whole(0, partitions - 1)
        await rig.sendTo({ topic, partition }, `d${partition}${whole(0, 2)}`, Array.from({ length: whole(1, 6) }, () => whole(0, 20)))
        await move(group, rig, step)
        for (const one of running) assert.equal(await one.pass(whole(0, 300)), null)
      }
      for (const one of running) await one.pass(2_000)
      for (const one of running) await one.drain()
      return saidBy(rig)
    }
    const truth = await play(async () => {})
    const { chance, whole, pick } = randomOf(seed - round - 1)
    const owner = Array.from({ length: partitions }, () => 'a')
    let moving: { readonly from: string, readonly to: string, readonly partition: number } | null = null
    let moves = 0
    const shared = await play(async group => {
      if (moving !== null) {
        const { from, to, partition } = moving
        if (group.members.get(from)!.revoked.length > 0) return
        group.give(to, partition)
        owner[partition] = to
        moving = null
        moves += 1
      } else if (chance(0.6)) {
        const partition = whole(0, partitions - 1)
        const from = owner[partition]!
        moving = { from, to: pick([from, from === 'a' ? 'b' : 'a']), partition }
        group.wantBack(from, partition)
      }
    })
    assert(moves > 5, `${moves} moves`)
    assert(truth.flat().length > 20)
    // One that was under way at the end belongs to nobody: its last words are still to come.
    const left = moving as { readonly partition: number } | null
    for (let partition = 0; partition < partitions; partition += 1) {
      const said = shared[partition]!
      assert.deepEqual(said, left?.partition === partition ? truth[partition]!.slice(0, said.length) : truth[partition], `partition ${partition}, MILLRACE_SEED=${seed}, round ${round}`)
    }
  }
})

test('race: a task that is let go leaves a snapshot at the committed position, so that its next owner plays nothing again', async () => {
  const rig = await rigWith(2)
  const group = new Group(rig.log)
  const first = rig.start(definition, { member: 'a', log: group.as('a'), snapshotEveryMs: 1e9 })
  group.give('a', 0, 1)
  await first.pass(200)
  for (const partition of [0, 1]) await rig.sendTo({ topic, partition }, `d${partition}`, [20, 5, 20])
  await first.pass(200)
  group.wantBack('a', 1)
  await first.pass(200)
  assert.deepEqual(group.members.get('a'), { assignments: places(0), revoked: [] })
  const second = rig.start(definition, { member: 'b', log: group.as('b'), snapshotEveryMs: 1e9 })
  const read: number[] = []
  const { fetch } = rig.log
  rig.log.fetch = request => {
    if (request.topic === topic && request.partition === 1) read.push(request.offset)
    return fetch.call(rig.log, request)
  }
  group.give('b', 1)
  await second.pass(200)
  await rig.sendTo({ topic, partition: 1 }, 'd1', [5])
  await second.pass(200)
  assert.equal(Math.min(...read), 3)
  await first.drain()
  await second.drain()
  assert.deepEqual((await saidBy(rig))[1]!.map(event => JSON.parse(event).ordinal), [1, 2, 3, 4])
})

test('race: a worker in standby takes a task over from memory, without reading its state again', async () => {
  const rig = await rigWith(2)
  const group = new Group(rig.log)
  const first = rig.start(definition, { member: 'a', log: group.as('a'), snapshotEveryMs: 500 })
  const second = rig.start(definition, { member: 'b', log: group.as('b'), snapshotEveryMs: 500, standby: true })
  group.give('a', 0, 1)
  for (let turn = 0; turn < 10; turn += 1) {
    await rig.sendTo({ topic, partition: 1 }, 'd1', [turn % 2 === 0 ? 20 : 5])
    await first.pass(400)
  }
  await second.pass(1_000)
  const { end } = await rig.log.range(names.state('rig', 'race'), 1)
  const read: number[] = []
  const { fetch } = rig.log
  rig.log.fetch = request => {
    if (request.topic === names.state('rig', 'race') && request.partition === 1) read.push(request.offset)
    return fetch.call(rig.log, request)
  }
  group.wantBack('a', 1)
  await first.pass(200)
  group.give('b', 1)
  await second.pass(200)
  await rig.sendTo({ topic, partition: 1 }, 'd1', [20])
  await second.pass(200)
  assert(read.every(offset => offset >= end), `${read.join()} and not before ${end}`)
  await first.drain()
  await second.drain()
  assert.deepEqual((await saidBy(rig))[1]!.map(event => JSON.parse(event)).filter(({ rule }) => rule === 'hot').map(({ ordinal }) => ordinal), Array.from({ length: 11 }, (_, at) => at + 1))
})

test('race: while a task is restored the others go on; wanted back meanwhile, its restore ends and it is let go', async () => {
  const rig = await rigWith(2)
  const group = new Group(rig.log)
  let hold: Promise<unknown> = Promise.resolve()
  const { committed } = rig.log
  rig.log.committed = async (...asked) => {
    if (asked[2] === 1) await hold
    return committed.apply(rig.log, asked)
  }
  const race = rig.start(definition, { member: 'a', log: group.as('a') })
  const held = Promise.withResolvers<void>()
  hold = held.promise
  group.give('a', 0)
  await race.pass(200)
  group.give('a', 1)
  await race.pass(200)
  await rig.sendTo({ topic, partition: 0 }, 'd0', [20, 5])
  await rig.sendTo({ topic, partition: 1 }, 'd1', [20, 5])
  await race.pass(300)
  assert.deepEqual((await saidBy(rig)).map(({ length }) => length), [2, 0, 0, 0])
  group.wantBack('a', 1)
  await race.pass(200)
  assert.deepEqual(group.members.get('a')!.revoked, places(1))
  held.resolve()
  await race.pass(200)
  assert.deepEqual(group.members.get('a'), { assignments: places(0), revoked: [] })
  group.give('a', 1)
  await race.pass(300)
  await race.drain()
  assert.deepEqual((await saidBy(rig)).map(({ length }) => length), [2, 2, 0, 0])
})

test('race: one that has no share yet waits for it, and stops when told to', async () => {
  const rig = await rigWith(2)
  const group = new Group(rig.log)
  const race = rig.start(definition, { member: 'a', log: group.as('a') })
  await race.pass(5_000)
  assert.deepEqual([race.race.status.watermark, race.race.status.lag], [Number.NEGATIVE_INFINITY, 0])
  await race.drain()
})

test('race: a state topic is trimmed by who leads all sources of the partition, and by nobody else', async () => {
  const rig = await rigWith(1)
  const group = new Group(rig.log)
  const both = definitionOf()
  const trimmed: number[] = []
  rig.at = point => { if (point === 'trim:before') trimmed.push(1) }
  const race = rig.start(both, { member: 'a', log: group.as('a'), snapshotEveryMs: 100 })
  const bases = async () => {
    for (let turn = 0; turn < 80; turn += 1) {
      await rig.sendTo({ topic, partition: 0 }, 'd0', [turn % 20])
      await race.pass(150)
    }
  }
  group.give('a', 0)
  await bases()
  assert.equal(trimmed.length, 0)
  const share = group.members.get('a')!
  share.assignments = [...share.assignments, { topic: 'rig.south', partition: 0 }]
  await bases()
  assert(trimmed.length > 0)
  await race.drain()
})
