import { test } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { bootstrapServers, kafkaLog, noKafka } from './kafka-cluster.ts'
import { logContract } from './log-contract.ts'

/** The protocol before KIP-890: 0 is what a cluster has that was updated from 3.x, 1 the same with tagged records of its own state. */
for (const level of process.env.MILLRACE_SLOW ? [0, 1] as const : [0] as const) {
  const name = `kafka log with transaction.version ${level}`
  if (noKafka === null) logContract(name, async () => ({ ...await kafkaLog({ 'bootstrap.servers': await bootstrapServers(level) }), clock: machineClock }), { nameMax: 235, shares: true })
  else test(name, { skip: noKafka }, () => {})
}
