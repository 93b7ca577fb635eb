import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineClock } from '../../../connectors/embedded/clock.ts'
import { openRdkafkaLog, rdkafkaProperties, rdkafkaSettings } from '../../../connectors/rdkafka/public.ts'
import { kafkajsProperties } from '../../../connectors/kafkajs/public.ts'
import { StreamError } from '../../../pipelines/core/errors.ts'
import { MemoryLog } from '../../kit/memory-log.ts'

const servers = { 'bootstrap.servers': '127.0.0.1:1' }
const refused = (code: string, text: RegExp) => (error: unknown) => error instanceof StreamError && error.code === code && text.test(error.message)

test('node-rdkafka takes the properties that kafkajs takes', () => {
  assert.deepEqual([...rdkafkaProperties].sort(), [...kafkajsProperties].sort())
})

test('node-rdkafka that is not installed is missed with the command that installs it', async () => {
  await assert.rejects(openRdkafkaLog({ ...rdkafkaSettings(servers), clock: machineClock, admin: new MemoryLog({ clock: machineClock }) }), refused('KAFKA_CLIENT', /not installed.*npm install --save-exact node-rdkafka@\d/))
})

test('what the log does without is named exactly, or refused', () => {
  assert.deepEqual(rdkafkaSettings({ ...servers, 'accept.missing': 'zstd, commit-metadata' }).accepted, ['zstd', 'commit-metadata'])
  assert.throws(() => rdkafkaSettings({ ...servers, 'accept.missing': 'checksums' }), refused('KAFKA_CONFIG', /checksums/))
})
