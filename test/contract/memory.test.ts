import { MemoryLog } from '../kit/memory-log.ts'
import { ManualClock } from '../kit/clock.ts'
import { logContract } from './log-contract.ts'

logContract('memory log', async () => {
  const clock = new ManualClock(1_700_000_000_000)
  return { log: new MemoryLog({ clock }), clock, finish: async () => {} }
})
