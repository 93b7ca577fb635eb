import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineClock } from '../../../connectors/embedded/clock.ts'
import { kafkaProperties } from '../../../connectors/kafka/public.ts'
import { kafkajsProperties, kafkajsSettings, openKafkajsLog } from '../../../connectors/kafkajs/public.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'

const servers = { 'bootstrap.servers': '127.0.0.1:1' }
const refused = (code: string, text: RegExp) => (error: unknown) => error instanceof StreamError && error.code === code && text.test(error.message)

test('kafkajs takes the properties that connectors/kafka takes, but for tokens, compression and the age of metadata', () => {
  const left = kafkaProperties.filter(property => !kafkajsProperties.includes(property) && !property.startsWith('sasl.oauthbearer.'))
  assert.deepEqual(left, ['metadata.max.age.ms', 'compression.type'])
  for (const property of left) assert.throws(() => kafkajsSettings({ ...servers, [property]: '1' }), refused('KAFKA_CONFIG', new RegExp(property.replaceAll('.', '\\.'))))
})

test('kafkajs is refused at the start for what it lacks, unless that is said to be done without', async () => {
  const open = (properties: Readonly<Record<string, string>>, workers = 1) => openKafkajsLog({ ...kafkajsSettings({ ...servers, 'default.api.timeout.ms': '300', ...properties }), clock: machineClock, workers })
  await assert.rejects(open({}), refused('KAFKA_CLIENT', /lacks="checksums".*accept\.missing=checksums,topic-ids/))
  await assert.rejects(open({ 'accept.missing': 'checksums' }), refused('KAFKA_CLIENT', /lacks="topic-ids"/))
  await assert.rejects(open({ 'accept.missing': 'checksums, topic-ids' }, 2), refused('KAFKA_CLIENT', /shared groups.*one worker a leg/))
  await assert.rejects(open({ 'accept.missing': 'checksums, topic-ids' }), refused('KAFKA_UNREACHABLE', /127\.0\.0\.1:1/))
  assert.throws(() => kafkajsSettings({ ...servers, 'accept.missing': 'everything' }), refused('KAFKA_CONFIG', /topic-ids/))
})

test('a slip of the pen in a property is refused with the nearest one', () => {
  assert.throws(() => kafkajsSettings({ 'bootstrap.server': 'a:1' }), refused('KAFKA_CONFIG', /bootstrap\.servers/))
})
