import { readFileSync } from 'node:fs'
import registryClient from '@kafkajs/confluent-schema-registry'
import kafkajs, { type EachMessagePayload, type KafkaConfig } from 'kafkajs'
import { type ControlEvent, isControlEvent } from './event.ts'
import { Store } from './store.ts'

const { Kafka, logLevel } = kafkajs
const { SchemaRegistry } = registryClient

/**
 * Open a work order for every alert that is raised, close it when the alert is cleared: each exactly once.
 *
 *     node examples/subscribe/subscribe.ts fleet.control
 *
 * KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL say where, GROUP_ID and STORE who and with what memory. Run it twice with the same GROUP_ID and
 * STORE, and the two share the partitions. docs/subscribe.md explains every line.
 */
const { KAFKA_BOOTSTRAP_SERVERS = 'localhost:9092', SCHEMA_REGISTRY_URL = 'http://localhost:8081', GROUP_ID = 'work-orders', STORE = 'work-orders.db' } = process.env
const topic = process.argv[2] ?? 'fleet.control'

const store = new Store(STORE)
const [user, password] = process.env.SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO?.split(':', 2) ?? []
const registry = new SchemaRegistry({ host: SCHEMA_REGISTRY_URL, ...user !== undefined && password !== undefined && { auth: { username: user, password } } })
const kafka = new Kafka({ clientId: GROUP_ID, brokers: KAFKA_BOOTSTRAP_SERVERS.split(','), logLevel: logLevel.ERROR, ...secured() })
const consumer = kafka.consumer({ groupId: GROUP_ID, readUncommitted: false, sessionTimeout: 10_000, heartbeatInterval: 1_000 })

await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
// Offsets are committed after what they stand for is in the store: what a killed process leaves uncommitted comes again, and is known.
await consumer.run({ autoCommitInterval: 1_000, eachMessage: settle })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { void stop() })

async function settle ({ topic, partition, message: { offset, value } }: EachMessagePayload): Promise<void> {
  const event = await read(value)
  if (typeof event === 'string') {
    store.putAside({ topic, partition, offset, why: event, value })
    console.error(`${topic}/${partition}/${offset} put aside: ${event}`)
    return
  }
  const verdict = store.settle(event, Date.now())
  console.log(`${verdict.padEnd(8)} ${event.severity} ${event.state} ${event.rule} ${event.key} #${event.ordinal} ${event.summary ?? ''}`)
}

/** The event, or why this record is none and never will be. Anything else that fails is thrown: kafkajs tries again, and nothing is passed over. */
async function read (value: Buffer | null): Promise<ControlEvent | string> {
  if (value === null || value.length < 5 || value[0] !== 0) return 'not in Confluent wire format'
  try {
    await registry.getSchema(value.readInt32BE(1))
  } catch (error) {
    if ((error as { status?: number }).status === 404) return `the registry does not know schema ${value.readInt32BE(1)}`
    throw error
  }
  try {
    const event: unknown = await registry.decode(value)
    return isControlEvent(event) ? event : 'not a control event'
  } catch (error) {
    return `not readable: ${(error as Error).message}`
  }
}

async function stop (): Promise<void> {
  await consumer.disconnect()
  store.close()
}

/** Kafka's own property names, as environment variables. */
function secured (): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  const { KAFKA_SECURITY_PROTOCOL = 'PLAINTEXT', KAFKA_SSL_CA_LOCATION, KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD } = process.env
  return {
    ...KAFKA_SECURITY_PROTOCOL.endsWith('SSL') && { ssl: KAFKA_SSL_CA_LOCATION === undefined ? true : { ca: [readFileSync(KAFKA_SSL_CA_LOCATION, 'utf8')] } },
    ...KAFKA_SECURITY_PROTOCOL.startsWith('SASL') && { sasl: { mechanism: KAFKA_SASL_MECHANISM?.toLowerCase() as 'scram-sha-512', username: KAFKA_SASL_USERNAME ?? '', password: KAFKA_SASL_PASSWORD ?? '' } },
  }
}
