import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import { openRdkafkaLog, rdkafkaSettings } from '../../connectors/rdkafka/public.ts'
import { cachedClient } from '../../infra/clients.ts'
import { type Stack, startStack } from '../../infra/local/stack.ts'
import { kafkaLog, noKafka, type OpenLog } from '../contract/kafka-cluster.ts'
import { kafkaProbes } from '../contract/kafka-probes.ts'
import { fails } from '../contract/log.ts'
import { logContract } from '../contract/log-contract.ts'
import { mutualProperties, roundTrip, secureProperties, wrongProperties, wrongs } from '../kit/kafka-secure.ts'

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

let secured: Promise<Stack> | null = null
const secure = () => secured ??= startStack({ cassandra: false, registry: false, secure: true })
after(async () => { await (await secured)?.stop() })

for (const mechanism of ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN']) {
  test(`node-rdkafka log works over TLS with ${mechanism}`, async () => {
    const log = await open(secureProperties(await secure(), 'millrace', { 'sasl.mechanism': mechanism, 'default.api.timeout.ms': '20000' }))
    try { await roundTrip(log, mechanism.toLowerCase()) } finally { await log.close() }
  })
}

test('node-rdkafka log works with mutual TLS', async () => {
  const log = await open(mutualProperties(await secure()))
  try { await roundTrip(log, 'mutual') } finally { await log.close() }
})

for (const what of wrongs) {
  test(`node-rdkafka log is refused with ${what}, without the secret in the message`, async () => {
    const using = async () => {
      const log = await open(wrongProperties(await secure())[what])
      try { await log.range('any', 0) } finally { await log.close() }
    }
    await assert.rejects(using(), error => {
      assert(fails('KAFKA_DENIED')(error), String(error))
      assert.doesNotMatch((error as Error).message, /canary/)
      return true
    })
  })
}
