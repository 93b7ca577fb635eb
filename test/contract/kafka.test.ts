import { test } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaLog, noKafka } from './kafka-cluster.ts'
import { kafkaProbes } from './kafka-probes.ts'
import { logContract } from './log-contract.ts'

if (noKafka === null) logContract('kafka log', async () => ({ ...await kafkaLog(), clock: machineClock }), { nameMax: 235, shares: true })
else test('kafka log', { skip: noKafka }, () => {})

kafkaProbes()
