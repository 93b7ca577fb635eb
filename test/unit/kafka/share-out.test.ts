import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type GroupMember, shareOut } from '../../../connectors/kafka/share-out.ts'
import type { Assignment } from '../../../pipelines/core/ports.ts'

const names = fc.stringMatching(/^[a-z][a-z0-9.-]{0,8}$/)
const place = ({ topic, partition }: Assignment) => `${topic}/${partition}`
const member = (id: string, owned: readonly Assignment[] = [], topics: readonly string[] = ['x'], generation = 1): GroupMember => ({ memberId: `m-${id}`, instanceId: id, topics, owned, generation })
const of = (topic: string, ...partitions: readonly number[]) => partitions.map(partition => ({ topic, partition }))

/** Rounds of joining until nothing is withheld, as members play them: what is not given is let go, then they join again. */
function settle (members: readonly GroupMember[], partitions: ReadonlyMap<string, number>): { readonly shares: ReadonlyMap<string, readonly Assignment[]>, readonly moved: number } {
  let group = members
  const had = new Map(members.flatMap(({ memberId, owned }) => owned.map(one => [place(one), memberId])))
  for (let round = 1; ; round += 1) {
    assert(round < 10, 'it comes to an end')
    const { given, withheld } = shareOut(group, partitions)
    const held = new Map(group.flatMap(({ memberId, owned }) => owned.map(one => [place(one), memberId])))
    for (const [memberId, share] of given) for (const one of share) assert([undefined, memberId].includes(held.get(place(one))), `${place(one)} is another's still`)
    if (withheld === 0) {
      const moved = [...given].flatMap(([memberId, share]) => share.filter(one => had.has(place(one)) && had.get(place(one)) !== memberId)).length
      return { shares: given, moved }
    }
    group = group.map(one => ({ ...one, owned: given.get(one.memberId)!, generation: one.generation + 1 }))
  }
}

test('a partition goes to one member, evenly, the same whoever asks, and never to a new one before the old one let it go', () => {
  const topics = ['x', 'y', 'z']
  const groups = fc.uniqueArray(names, { minLength: 1, maxLength: 6 }).chain(ids => fc.tuple(fc.constant(ids), fc.array(fc.nat(ids.length * 2), { maxLength: 40 })))
  fc.assert(fc.property(groups, fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)), ([ids, owners], counts) => {
    const partitions = new Map(topics.map((topic, at) => [topic, counts[at]!]))
    const all = topics.flatMap(topic => of(topic, ...Array.from({ length: partitions.get(topic)! }, (_, at) => at)))
    const group = ids.map((id, at) => member(id, all.filter((_, place) => owners[place] === at), topics))
    const { shares } = settle(group, partitions)
    assert.deepEqual(shareOut([...group].reverse(), partitions).given, new Map([...shareOut(group, partitions).given].reverse()))
    assert.deepEqual([...shares.values()].flat().map(place).sort(), all.map(place).sort())
    const loads = [...shares.values()].map(({ length }) => length)
    assert(Math.max(...loads) - Math.min(...loads) <= topics.length, loads.join())
    for (const share of shares.values()) for (const { partition } of share) for (const topic of topics) if (partition < partitions.get(topic)!) assert(share.some(one => one.topic === topic && one.partition === partition), 'one number, one member')
  }))
})

test('one topic is shared to within one partition, and no more moves than that takes', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.nat(5), { maxLength: 30 }), (many, owners) => {
    const ids = Array.from({ length: many }, (_, at) => `w${at}`)
    const group = ids.map((id, at) => member(id, of('x', ...owners.flatMap((owner, partition) => owner === at ? [partition] : []))))
    const { shares, moved } = settle(group, new Map([['x', owners.length]]))
    const loads = [...shares.values()].map(({ length }) => length)
    assert(Math.max(...loads) - Math.min(...loads) <= 1)
    const [least, more] = [Math.floor(owners.length / many), owners.length % many]
    const had = group.map(({ owned }) => owned.length).sort((a, b) => b - a)
    const surplus = had.reduce((sum, count, at) => sum + Math.max(0, count - least - (at < more ? 1 : 0)), 0)
    assert(moved <= surplus, `${moved} moves, ${surplus} would do`)
  }))
})

test('a member that joins is given what others let go, and the rest stays where it is', () => {
  const first = shareOut([member('a', of('x', 0, 1, 2, 3)), member('b', [], ['x'], -1)], new Map([['x', 4]]))
  assert.deepEqual([first.given.get('m-a'), first.given.get('m-b'), first.withheld], [of('x', 0, 1), [], 2])
  const second = shareOut([member('a', of('x', 0, 1)), member('b', [])], new Map([['x', 4]]))
  assert.deepEqual([second.given.get('m-a'), second.given.get('m-b'), second.withheld], [of('x', 0, 1), of('x', 2, 3), 0])
})

test('of two members that claim a partition the one of the later generation has it', () => {
  const { given } = shareOut([member('a', of('x', 0), ['x'], 3), member('b', of('x', 0), ['x'], 4)], new Map([['x', 1]]))
  assert.deepEqual([given.get('m-a'), given.get('m-b')], [[], of('x', 0)])
})

test('a member is given only topics that it reads', () => {
  const { given } = shareOut([member('a', [], ['x']), member('b', [], ['x', 'y'])], new Map([['x', 2], ['y', 2]]))
  assert.deepEqual([...given.get('m-b')!].filter(({ topic }) => topic === 'y'), of('y', 0, 1))
  assert.deepEqual(given.get('m-a'), of('x', 0, 1))
})
