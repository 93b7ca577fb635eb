import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Membership } from '../../../pipelines/core/ports.ts'
import { ManualClock } from '../../kit/clock.ts'
import { Brokers } from '../../kit/cluster/brokers.ts'
import { openSimulatedLog } from '../../kit/cluster/log.ts'

const commitAt = (offset: number, partition: number) => ({ appends: [], offsets: [{ topic: 'in', partition, offset, metadata: '' }] })
const places = (member: Membership) => member.assignments.map(({ partition }) => partition)

/**
 *     b        commits   ✂  starts again ......... takes its seat   | gets its share | commits
 *     session  |------------------| over
 *     a                           | has all, settles b's ids        | lets go
 */
test('a member that is slow to take its seat again is not fenced by whoever had its partitions meanwhile', async () => {
  const clock = new ManualClock(1_700_000_000_000)
  const brokers = new Brokers({ clock, markerMs: () => 1 })
  brokers.createTopic('in', { partitions: 2, configs: new Map() })
  let over = false
  let still = false
  const driving = (async () => { while (!still) await clock.step() })()
  const open = (joinAfterMs = 0) => openSimulatedLog(brokers, { clock, hooks: {
    latencyMs: () => 1,
    at: async (request, stage) => {
      if (request !== 'join' || stage !== 'before' || joinAfterMs === 0) return
      const ms = joinAfterMs
      joinAfterMs = 0
      await clock.sleep(ms)
    },
  } })
  const join = (log: Awaited<ReturnType<typeof open>>, member: string) => log.join({ group: 'g', member, topics: ['in'] })
  const shareOf = async (member: Membership, count: number) => {
    for (let waitedMs = 0; places(member).length !== count; waitedMs += 100) {
      assert(waitedMs < 30_000, `${places(member)}`)
      await clock.sleep(100)
    }
    return places(member)
  }
  const other = await join(await open(), 'a')
  const lettingGo = (async () => {
    while (!over) {
      if (other.revoked.length > 0) await other.release()
      await clock.sleep(100)
    }
  })()
  try {
    const dying = await open()
    const first = await join(dying, 'b')
    const [mine] = await shareOf(first, 1)
    await first.commit(commitAt(1, mine!))
    await dying.close()
    const again = join(await open(9_000), 'b')
    await shareOf(other, 2)
    const second = await again
    const [share] = await shareOf(second, 1)
    await second.commit(commitAt(2, share!))
  } finally {
    over = true
    await lettingGo
    still = true
    await driving
  }
})
