import { machineClock } from '../../../connectors/embedded/clock.ts'
import { openEmbeddedLog } from '../../../connectors/embedded/log.ts'
import { batchOf } from '../../contract/log.ts'

/** Commits outputs n, n + 1, ... with their offset for ever, saying each number once its commit is acknowledged. Killed by its parent. */
const log = await openEmbeddedLog({ folder: process.argv[2]!, clock: machineClock, maintainEveryMs: 20 })
for (const name of ['in', 'out', 'state']) await log.createTopic({ name, partitions: 1, cleanup: name === 'state' ? 'compact' : 'delete', retentionMs: null, timestamps: 'LogAppendTime' })
const member = await log.join({ group: 'g', member: 'm', topics: ['in'] })
process.stdout.write('ready\n')
// Several commits are on their way at once, small ones and ones of many pages.
const inFlightMax = 4
const running = new Set<Promise<void>>()
for (let n = (await log.committed('g', 'in', 0))?.offset ?? 0; ; n += 1) {
  const padding = n % 5 === 0 ? 'x'.repeat(40_000) : ''
  const commit = member.commit({
    appends: [{ topic: 'out', partition: 0, bytes: batchOf([`${n}`, padding]) }, { topic: 'state', partition: 0, bytes: batchOf([`${n}`], { key: 'only' }) }],
    offsets: [{ topic: 'in', partition: 0, offset: n + 1, metadata: `${n}` }],
  }).then(() => { process.stdout.write(`${n}\n`); running.delete(commit) })
  running.add(commit)
  if (running.size >= inFlightMax) await Promise.race(running)
}
