import { ManualClock } from '../kit/clock.ts'
import { Brokers } from '../kit/cluster/brokers.ts'
import { openSimulatedLog } from '../kit/cluster/log.ts'
import { logContract } from './log-contract.ts'

/** The brokers of the simulation are held to what real ones are: the same connector, the same suite. */
logContract('kafka log on simulated brokers', async () => {
  const clock = new ManualClock(1_700_000_000_000)
  const brokers = new Brokers({ clock, markerMs: () => 3 })
  let over = false
  // Time goes on by itself when nobody has anything else to do.
  const driving = (async () => { while (!over) await clock.step() })()
  const log = await openSimulatedLog(brokers, { clock, hooks: { latencyMs: () => 1 } })
  return {
    log, clock,
    finish: async () => {
      await log.close()
      over = true
      await driving
    },
  }
}, { shares: true })
