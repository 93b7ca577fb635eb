import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings } from '../../connectors/kafka/config.ts'
import type { LogPort } from '../core/ports.ts'
import type { KafkaClient } from './options.ts'

type Properties = Readonly<Record<string, string>>
export interface OpenOptions { readonly client: KafkaClient, readonly properties: Properties, /** That are to share a group. */ readonly workers: number }

/** Errors: KAFKA_CONFIG */
export async function checkProperties (client: KafkaClient, properties: Properties): Promise<void> {
  if (client === 'kafka') kafkaSettings(properties)
  else if (client === 'kafkajs') (await import('../../connectors/kafkajs/config.ts')).kafkajsSettings(properties)
  else (await import('../../connectors/rdkafka/config.ts')).rdkafkaSettings(properties)
}

/** Errors: KAFKA_CONFIG, KAFKA_UNREACHABLE, KAFKA_DENIED; KAFKA_CLIENT for what a client cannot do and was not told to do without */
export async function openClient ({ client, properties, workers }: OpenOptions): Promise<LogPort> {
  const clock = machineClock
  if (client === 'kafkajs') {
    const { openKafkajsLog, kafkajsSettings } = await import('../../connectors/kafkajs/public.ts')
    return openKafkajsLog({ ...kafkajsSettings(properties), clock, workers })
  }
  const { openKafkaLog } = await import('../../connectors/kafka/log.ts')
  if (client === 'kafka') return openKafkaLog({ ...kafkaSettings(properties), clock })
  const { openRdkafkaLog, rdkafkaSettings } = await import('../../connectors/rdkafka/public.ts')
  const settings = rdkafkaSettings(properties)
  // It has no requests for topics: those go through our own client.
  const { 'accept.missing': _, ...ours } = properties
  const admin = await openKafkaLog({ ...kafkaSettings(ours), clock })
  try {
    const log = await openRdkafkaLog({ ...settings, clock, admin })
    const close = log.close.bind(log)
    return Object.assign(log, { close: async () => { await close(); await admin.close() } })
  } catch (error) {
    await admin.close()
    throw error
  }
}
