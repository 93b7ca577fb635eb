import assert from 'node:assert/strict'
import type { Assignment, ClockPort, LogPort, Membership } from '../../pipelines/core/ports.ts'
import { batchOf, type Contract, fails, topicSpec, valuesIn } from './log.ts'

const partitionsOf = (assigned: readonly Assignment[]) => assigned.map(({ partition }) => partition)
/** Until it is so: a group shares out on its own time. */
async function until (clock: ClockPort, what: string, isSo: () => boolean): Promise<void> {
  for (const untilMs = clock.monotonicMs() + 30_000; !isSo();) {
    assert(clock.monotonicMs() < untilMs, what)
    await clock.sleep(20)
  }
}

export function sharing (contract: Contract): void {
  const commitAt = (offset: number, partition: number) => ({ appends: [{ topic: 'out', partition: 0, bytes: batchOf([`${partition}:${offset}`]) }], offsets: [{ topic: 'in', partition, offset, metadata: '' }] })
  const make = async (log: LogPort) => {
    await log.createTopic(topicSpec('in', { partitions: 4 }))
    await log.createTopic(topicSpec('out', { partitions: 1 }))
  }

  contract('gives a member that joins its share once another has let it go, and nothing to two members at once', async ({ log, clock }) => {
    await make(log)
    const first = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    assert.deepEqual(partitionsOf(first.assignments), [0, 1, 2, 3])
    await first.commit(commitAt(1, 3))
    const second = await log.join({ group: 'g', member: 'b', topics: ['in'] })
    await until(clock, 'two are wanted back', () => first.revoked.length === 2)
    await clock.sleep(1_000)
    assert.deepEqual(second.assignments, [])
    const wanted = partitionsOf(first.revoked)
    assert.deepEqual(partitionsOf(first.assignments), [0, 1, 2, 3])
    for (const partition of [0, 1, 2, 3]) await first.commit(commitAt(2, partition))
    await first.release()
    assert.deepEqual(first.revoked, [])
    await until(clock, 'the second has what the first let go', () => second.assignments.length === 2)
    assert.deepEqual(partitionsOf(second.assignments), wanted)
    assert.deepEqual(partitionsOf(first.assignments), [0, 1, 2, 3].filter(partition => !wanted.includes(partition)))
    for (const partition of wanted) {
      assert.equal((await log.committed('g', 'in', partition))?.offset, 2)
      await second.commit(commitAt(3, partition))
    }
    for (const { partition } of first.assignments) await first.commit(commitAt(3, partition))
    await assert.rejects(first.commit(commitAt(4, wanted[0]!)), fails('LOG_FENCED'))
    assert.equal((await log.committed('g', 'in', wanted[0]!))?.offset, 3)
  })

  contract('goes on committing while others join and take their share', async ({ log, clock }) => {
    await make(log)
    const members = [await log.join({ group: 'g', member: 'm0', topics: ['in'] })]
    const told: number[] = [0, 0, 0, 0]
    let over = false
    const work = async (member: Membership) => {
      while (!over) {
        for (const { partition } of member.assignments) {
          if (!partitionsOf(member.assignments).includes(partition)) continue
          const offset = ((await log.committed('g', 'in', partition))?.offset ?? 0) + 1
          await member.commit(commitAt(offset, partition))
          assert.equal(told[partition], offset - 1, `nobody else has partition ${partition}`)
          told[partition] = offset
        }
        if (member.revoked.length > 0) await member.release()
        await clock.sleep(10)
      }
    }
    const working = [work(members[0]!)]
    for (const member of ['m1', 'm2', 'm3']) {
      members.push(await log.join({ group: 'g', member, topics: ['in'] }))
      working.push(work(members.at(-1)!))
    }
    await until(clock, 'everybody has one', () => members.every(({ assignments, revoked }) => assignments.length === 1 && revoked.length === 0))
    const before = [...told]
    await until(clock, 'all go on', () => told.every((offset, partition) => offset > before[partition]!))
    over = true
    await Promise.all(working)
    assert.deepEqual((await valuesIn(log, 'out', 0)).sort(), told.flatMap((last, partition) => Array.from({ length: last }, (_, at) => `${partition}:${at + 1}`)).sort())
  })

  contract('gives a member that joins again under its name the same share, and takes nothing from others', async ({ log, clock }) => {
    await make(log)
    const first = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    const second = await log.join({ group: 'g', member: 'b', topics: ['in'] })
    await until(clock, 'two are wanted back', () => first.revoked.length === 2)
    await first.release()
    await until(clock, 'both have two', () => second.assignments.length === 2)
    const share = second.assignments
    await second.commit(commitAt(1, share[0]!.partition))
    await second.leave()
    const again = await log.join({ group: 'g', member: 'b', topics: ['in'] })
    await until(clock, 'it has its share', () => again.assignments.length === 2)
    assert.deepEqual(again.assignments, share)
    assert.deepEqual(first.revoked, [])
    await again.commit(commitAt(2, share[0]!.partition))
    await first.commit(commitAt(1, first.assignments[0]!.partition))
  })
}

export function leading (contract: Contract): void {
  contract('fences the earlier member when another joins', async ({ log }) => {
    await log.createTopic(topicSpec('in'))
    const commitAt = (offset: number) => ({ appends: [], offsets: [{ topic: 'in', partition: 0, offset, metadata: '' }] })
    const first = await log.join({ group: 'g', member: 'a', topics: ['in'] })
    await first.commit(commitAt(1))
    const second = await log.join({ group: 'g', member: 'b', topics: ['in'] })
    await assert.rejects(first.commit(commitAt(2)), fails('LOG_FENCED'))
    await second.commit(commitAt(3))
    assert.equal((await log.committed('g', 'in', 0))?.offset, 3)
  })
}
