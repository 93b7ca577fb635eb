import { createRequire } from 'node:module'
import { type CompressionTypes, type Consumer, Kafka, logLevel, type Message, type Producer, type Transaction } from 'kafkajs'
import { Cannot, type Client, type Compression, type Incoming, type Outgoing } from './client.ts'

const types: Readonly<Record<Compression, CompressionTypes>> = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 }
const messageOf = ({ partition, key, value, timestamp, headers }: Outgoing): Message => {
  const named: Record<string, (Buffer | string)[]> = {}
  for (const [name, one] of headers ?? []) named[name] = [...named[name] ?? [], one as Buffer]
  return { ...partition !== null && { partition }, key, value, ...timestamp !== undefined && { timestamp: `${timestamp}` }, headers: named }
}

export async function kafkajsClient (servers: string): Promise<Client> {
  const kafka = new Kafka({ brokers: servers.split(','), clientId: 'table', logLevel: logLevel.NOTHING })
  const open: (Producer | Consumer)[] = []
  const producerOf = async (transactionalId?: string) => {
    const producer = kafka.producer({ ...transactionalId !== undefined && { transactionalId, idempotent: true, maxInFlightRequests: 1 }, retry: { retries: 5 } })
    open.push(producer)
    await producer.connect()
    return producer
  }
  return {
    name: 'kafkajs', version: (createRequire(import.meta.url)('kafkajs/package.json') as { readonly version: string }).version,
    async send (topic, records, compression) {
      const producer = await producerOf()
      await producer.send({ topic, messages: records.map(messageOf), ...compression !== undefined && { compression: types[compression] } })
    },
    async join (topic, { group, instanceId, fetchBytes }) {
      if (instanceId !== undefined) throw new Cannot('it has no static membership')
      const consumer = kafka.consumer({ groupId: group, sessionTimeout: 6_000, rebalanceTimeout: 6_000, heartbeatInterval: 500, maxWaitTimeInMs: 100, ...fetchBytes !== undefined && { maxBytesPerPartition: fetchBytes, maxBytes: fetchBytes + 100_000 }, retry: { retries: 3 } })
      open.push(consumer)
      const [seen, errors]: [Incoming[], string[]] = [[], []]
      let [rebalances, partitions]: [number, readonly number[]] = [0, []]
      consumer.on('consumer.group_join', ({ payload }) => { rebalances += 1; partitions = payload.memberAssignment[topic] ?? [] })
      consumer.on('consumer.crash', ({ payload }) => { errors.push(payload.error.message) })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({ autoCommit: false, eachMessage: async ({ partition, message: { offset, timestamp, key, value } }) => { seen.push({ partition, offset: Number(offset), timestamp: Number(timestamp), key, value }) } })
      return { seen, errors, rebalances: () => rebalances, partitions: () => partitions, close: () => consumer.disconnect() }
    },
    async transactional (id) {
      const producer = await producerOf(id)
      let transaction: Transaction = await producer.transaction()
      let used = false
      return {
        begin: async () => { if (used) transaction = await producer.transaction(); used = true },
        send: async (topic, records) => { await transaction.send({ topic, messages: records.map(messageOf) }) },
        offsets: async (consumerGroupId, _, offsets) => { await transaction.sendOffsets({ consumerGroupId, topics: [{ topic: offsets[0]!.topic, partitions: offsets.map(({ partition, offset, metadata }) => ({ partition, offset: `${offset}`, metadata })) }] }) },
        commit: () => transaction.commit(), abort: () => transaction.abort(), drop: () => producer.disconnect(),
      }
    },
    close: async () => { await Promise.allSettled(open.map(one => one.disconnect())) },
  }
}
