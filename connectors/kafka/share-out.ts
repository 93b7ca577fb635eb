import type { Assignment } from '../../pipelines/core/ports.ts'

/** A member as the leader of the group sees it: what it says it has, and since which generation. */
export interface GroupMember { readonly memberId: string, readonly instanceId: string | null, readonly topics: readonly string[], readonly owned: readonly Assignment[], readonly generation: number }

export interface Shares {
  /** By member id: what it may have now. */
  readonly given: ReadonlyMap<string, readonly Assignment[]>
  /** Partitions that change hands: nobody is given them before who has them lets them go. */
  readonly withheld: number
}

/** Partitions of one number, of all topics that the same members read: they stay together, since what is kept for them is partitioned like them. */
interface Unit { readonly index: number, readonly topics: readonly string[], readonly readers: readonly GroupMember[], reader: GroupMember | null }

/**
 * Share partitions out: evenly, with as few moves as that takes, the same whoever asks. Partitions of one number go to one member, whatever the topic.
 *
 * Shape:  a partition whose owner is to change is in nobody's share until its owner has let it go; joining again then gives it to the new one
 * Source: KIP-429 (cooperative rebalancing); of two members that claim a partition the one of the later generation has it
 */
export function shareOut (members: readonly GroupMember[], partitions: ReadonlyMap<string, number>): Shares {
  const ordered = [...members].sort((a, b) => nameOf(a) < nameOf(b) ? -1 : 1)
  const owners = ownersOf(ordered)
  const units = unitsOf(ordered, partitions)
  for (const unit of units) unit.reader = mostOwned(unit, owners)
  level(units, ordered)
  const given = new Map<string, Assignment[]>(members.map(({ memberId }) => [memberId, []]))
  let withheld = 0
  for (const { index, topics, reader } of units) {
    for (const topic of topics) {
      const owner = owners.get(placeOf(topic, index))
      if (owner === undefined || owner === reader) given.get(reader!.memberId)!.push({ topic, partition: index })
      else withheld += 1
    }
  }
  return { given, withheld }
}

const nameOf = ({ instanceId, memberId }: GroupMember) => instanceId ?? memberId
const placeOf = (topic: string, partition: number) => `${partition} ${topic}`

function ownersOf (members: readonly GroupMember[]): ReadonlyMap<string, GroupMember> {
  const owners = new Map<string, GroupMember>()
  for (const member of members) {
    for (const { topic, partition } of member.owned) {
      const other = owners.get(placeOf(topic, partition))
      if (other === undefined || other.generation < member.generation) owners.set(placeOf(topic, partition), member)
    }
  }
  return owners
}

function unitsOf (members: readonly GroupMember[], partitions: ReadonlyMap<string, number>): readonly Unit[] {
  const alike = new Map<string, { readonly readers: readonly GroupMember[], readonly topics: string[] }>()
  for (const topic of [...partitions.keys()].sort()) {
    const readers = members.filter(({ topics }) => topics.includes(topic))
    if (readers.length === 0) continue
    const key = readers.map(({ memberId }) => memberId).join(' ')
    const held = alike.get(key) ?? { readers, topics: [] }
    alike.set(key, held)
    held.topics.push(topic)
  }
  return [...alike.values()].flatMap(({ readers, topics }) => Array.from({ length: Math.max(...topics.map(topic => partitions.get(topic)!)) }, (_, index) => (
    { index, topics: topics.filter(topic => index < partitions.get(topic)!), readers, reader: null }
  )))
}

/** Who has most of a unit keeps it. */
function mostOwned ({ index, topics, readers }: Unit, owners: ReadonlyMap<string, GroupMember>): GroupMember | null {
  let best: { readonly member: GroupMember, readonly many: number } | null = null
  for (const member of readers) {
    const many = topics.filter(topic => owners.get(placeOf(topic, index)) === member).length
    if (many > (best?.many ?? 0)) best = { member, many }
  }
  return best?.member ?? null
}

/** What nobody has goes to who has least; then, from who has most to who has least, what makes the shares more even. */
function level (units: readonly Unit[], members: readonly GroupMember[]): void {
  const loads = new Map(members.map(member => [member, 0]))
  const give = (unit: Unit, reader: GroupMember) => {
    if (unit.reader !== null) loads.set(unit.reader, loads.get(unit.reader)! - unit.topics.length)
    unit.reader = reader
    loads.set(reader, loads.get(reader)! + unit.topics.length)
  }
  for (const unit of units) if (unit.reader !== null) loads.set(unit.reader, loads.get(unit.reader)! + unit.topics.length)
  const least = (readers: readonly GroupMember[]) => readers.reduce((best, one) => loads.get(one)! < loads.get(best)! ? one : best)
  for (const unit of [...units].sort((a, b) => b.topics.length - a.topics.length)) if (unit.reader === null) give(unit, least(unit.readers))
  for (let move = nextMove(units, loads, least); move !== null; move = nextMove(units, loads, least)) give(move.unit, move.to)
}

/** The last unit of the one who has most among those that can move to the evener; smaller ones are of use where larger ones are not. */
function nextMove (units: readonly Unit[], loads: ReadonlyMap<GroupMember, number>, least: (readers: readonly GroupMember[]) => GroupMember): { readonly unit: Unit, readonly to: GroupMember } | null {
  let best: { readonly unit: Unit, readonly to: GroupMember, readonly gain: number } | null = null
  for (const unit of units) {
    const to = least(unit.readers)
    const gain = loads.get(unit.reader!)! - loads.get(to)! - unit.topics.length
    if (gain > 0 && gain >= (best?.gain ?? 0)) best = { unit, to, gain }
  }
  return best
}
