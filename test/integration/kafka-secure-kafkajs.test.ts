import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkajsSettings, openKafkajsLog } from '../../connectors/kafkajs/public.ts'
import { lacking, type Stack, startStack } from '../../infra/local/stack.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { batchOf, fails } from '../contract/log.ts'
import { mutualProperties, type Properties, roundTrip, secureProperties, wrongProperties, wrongs } from '../kit/kafka-secure.ts'

const skip = await lacking({ cassandra: false }) ?? false
let stack: Stack

before(async () => { if (skip === false) stack = await startStack({ cassandra: false, registry: false, secure: true }) })
after(async () => { if (skip === false) await stack.stop() })

async function using<T> (given: Properties, body: (log: LogPort) => Promise<T>): Promise<T> {
  const log = await openKafkajsLog({ ...kafkajsSettings({ 'accept.missing': 'checksums,topic-ids', ...given }), clock: machineClock })
  try { return await body(log) } finally { await log.close() }
}

for (const mechanism of ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN']) {
  test(`kafkajs log works over TLS with ${mechanism}`, { skip }, () => using(secureProperties(stack, 'millrace', { 'sasl.mechanism': mechanism, 'default.api.timeout.ms': '20000' }), log => roundTrip(log, mechanism.toLowerCase())))
}

test('kafkajs log works with mutual TLS', { skip }, () => using(mutualProperties(stack), log => roundTrip(log, 'mutual')))

for (const what of wrongs) {
  test(`kafkajs log is refused with ${what}, without the secret in the message`, { skip }, async () => {
    await assert.rejects(using(wrongProperties(stack)[what], async () => {}), error => {
      assert(fails('KAFKA_DENIED')(error), String(error))
      assert.doesNotMatch((error as Error).message, /canary/)
      return true
    })
  })
}

test('kafkajs log that speaks plainly to brokers with TLS gives up, and so does one without a certificate where brokers want one', { skip }, async () => {
  for (const given of [{ 'bootstrap.servers': stack.bootstrapServers }, { 'bootstrap.servers': stack.mutualServers!, 'security.protocol': 'SSL', 'ssl.ca.location': stack.secure!.caFile }]) {
    await assert.rejects(using({ ...given, 'default.api.timeout.ms': '1000' }, async () => {}), error => fails('KAFKA_DENIED')(error) || fails('KAFKA_UNREACHABLE')(error))
  }
})

test('kafkajs log of a user without rights is denied every step', { skip }, async () => {
  await using(secureProperties(stack, 'millrace'), log => log.createTopic({ name: 'theirs', partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' }))
  await using(secureProperties(stack, 'guest'), async log => {
    assert.deepEqual(await log.topics(), [])
    const steps: Readonly<Record<string, () => Promise<unknown>>> = {
      createTopic: () => log.createTopic({ name: 'mine', partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime' }),
      range: () => log.range('theirs', 0),
      fetch: () => log.fetch({ topic: 'theirs', partition: 0, offset: 0, bytesMax: 1, waitMs: 0 }),
      append: () => log.append('theirs', 0, batchOf(['a'])),
    }
    // kafkajs keeps to itself why a broker names no coordinator.
    const ofGroups: Readonly<Record<string, () => Promise<unknown>>> = { join: () => log.join({ group: 'g', member: 'm', topics: [] }), committed: () => log.committed('g', 'theirs', 0) }
    for (const [step, run] of Object.entries(ofGroups)) await assert.rejects(run(), error => fails('KAFKA_DENIED')(error) || (fails('KAFKA_UNREACHABLE')(error) && /coordinator/.test(String(error))), step)
    for (const [step, run] of Object.entries(steps)) await assert.rejects(run(), error => { assert(fails('KAFKA_DENIED')(error), `${step}: ${String(error)}`); return true }, step)
  })
})
