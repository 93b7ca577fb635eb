import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { openRdkafkaLog, rdkafkaSettings } from '../../connectors/rdkafka/public.ts'
import { cachedClient } from '../../infra/clients.ts'
import { kafkaLog, noKafka, type OpenLog } from '../contract/kafka-cluster.ts'
import { kafkaProbes } from '../contract/kafka-probes.ts'
import { logContract } from '../contract/log-contract.ts'

if (noKafka !== null) throw new Error(noKafka)
const folder = await cachedClient({ name: 'node-rdkafka', version: '3.6.1' })
const lacks = 'whole-appends,commit-metadata,binary-headers,decompression-bound,zstd'

const open: OpenLog = async properties => {
  const admin = await openKafkaLog({ ...kafkaSettings(properties), clock: machineClock })
  const log = await openRdkafkaLog({ ...rdkafkaSettings({ 'accept.missing': lacks, ...properties }), clock: machineClock, admin, folder }).catch(async error => { await admin.close(); throw error })
  const close = log.close.bind(log)
  log.close = async () => {
    await close()
    await admin.close()
  }
  return log
}

logContract('node-rdkafka log', async () => ({ ...await kafkaLog({}, open), clock: machineClock }), { nameMax: 235, shares: true, framed: false })

// Topics have no ids; zstd may not be compiled in; what is aborted does not come out of the client at all; offsets of other clients are refused.
kafkaProbes({ name: 'node-rdkafka log', open, without: ['refuses to read on', 'reads what other clients compressed', 'never shows an aborted transaction that is larger', 'waits for offsets', 'begins anew'] })
