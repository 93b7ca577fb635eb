import { test } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkajsSettings, openKafkajsLog } from '../../connectors/kafkajs/public.ts'
import { kafkaLog, noKafka, type OpenLog } from './kafka-cluster.ts'
import { kafkaProbes } from './kafka-probes.ts'
import { logContract } from './log-contract.ts'

const open: OpenLog = properties => openKafkajsLog({ ...kafkajsSettings({ 'accept.missing': 'checksums,topic-ids', ...properties }), clock: machineClock })

if (noKafka === null) logContract('kafkajs log', async () => ({ ...await kafkaLog({}, open), clock: machineClock }), { nameMax: 235, ids: false })
else test('kafkajs log', { skip: noKafka }, () => {})

// One member leads alone, by transactional ids and not by the group; offsets that another client's transaction holds are not waited for, and topics have no ids.
kafkaProbes({ name: 'kafkajs log', open, without: ['waits for offsets', 'is a group', 'goes on committing', 'gives the partitions', 'begins anew', 'refuses to read on'] })
