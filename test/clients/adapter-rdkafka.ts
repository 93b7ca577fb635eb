import { asked, type Consumer, loadRdkafka, type Message, type Place, type Producer, type RdkafkaError } from '../../connectors/rdkafka/package.ts'
import { Deliveries } from '../../connectors/rdkafka/parcel.ts'
import { Cannot, type Client, type Incoming, type Outgoing, pause, type Reader } from './client.ts'

const assigned = -175
const timeoutMs = 10_000
const anyPartition = -1

export async function rdkafkaClient (servers: string, folder: string): Promise<Client> {
  const { rdkafka, version } = loadRdkafka(folder)
  const common = { 'bootstrap.servers': servers, 'client.id': 'table', 'log_level': 0 }
  const open: { stop (): Promise<unknown> }[] = []
  const consumers = new WeakMap<Reader, Consumer>()
  const producerOf = async (more: Readonly<Record<string, unknown>>, topicSettings: Readonly<Record<string, unknown>> = {}) => {
    let producer: Producer
    try { producer = new rdkafka.Producer({ ...common, 'dr_cb': true, ...more }, topicSettings) } catch (error) { throw new Cannot((error as Error).message) }
    producer.on('event.error', () => {})
    await asked(done => { producer.connect({ timeout: timeoutMs }, done) }).catch((error: RdkafkaError) => { throw error.code === -186 ? new Cannot(error.message) : error })
    producer.setPollInterval(5)
    open.push({ stop: () => new Promise(resolve => { if (producer.isConnected()) producer.disconnect(500, resolve); else resolve(null) }) })
    return producer
  }
  const deliver = async (deliveries: Deliveries, topic: string, records: readonly Outgoing[]) => {
    await Promise.all(records.map(({ partition, key, value, timestamp, headers }) => deliveries.deliver({ topic, partition: partition ?? anyPartition, records: [{ key, value, timestamp: timestamp ?? 0, headers: (headers ?? []).map(([name, one]) => ({ [name]: one as Buffer })) }] })))
  }
  return {
    name: 'node-rdkafka', version: `${version} (librdkafka ${rdkafka.librdkafkaVersion})`,
    async send (topic, records, compression) {
      const producer = await producerOf({ 'enable.idempotence': true, 'linger.ms': 20, ...compression !== undefined && { 'compression.codec': compression } }, { partitioner: 'murmur2_random' })
      await deliver(new Deliveries(producer), topic, records)
    },
    async join (topic, { group, instanceId, fetchBytes, strict = false }) {
      const [seen, errors]: [Incoming[], string[]] = [[], []]
      let [rebalances, partitions]: [number, readonly number[]] = [0, []]
      const told = (error: RdkafkaError | undefined, places: readonly Place[]) => {
        if (error?.code === assigned) { rebalances += 1; partitions = places.map(({ partition }) => partition); consumer.assign(places) } else consumer.unassign()
      }
      const consumer = new rdkafka.KafkaConsumer({ ...common, 'group.id': group, 'enable.auto.commit': false, 'isolation.level': 'read_committed', 'check.crcs': true, 'session.timeout.ms': 6_000, 'heartbeat.interval.ms': 500, 'fetch.wait.max.ms': 100, 'rebalance_cb': told, ...instanceId !== undefined && { 'group.instance.id': instanceId }, ...fetchBytes !== undefined && { 'fetch.message.max.bytes': fetchBytes, 'fetch.max.bytes': Math.max(1_000_000, fetchBytes) } }, { 'auto.offset.reset': strict ? 'error' : 'earliest' })
      consumer.on('event.error', error => { errors.push(error.message) })
      consumer.on('data', ({ partition, offset, timestamp, key, value }: Message) => { seen.push({ partition, offset, timestamp, key: key ?? null, value }) })
      await asked(done => { consumer.connect({ timeout: timeoutMs }, done) })
      consumer.setDefaultConsumeTimeout(50)
      consumer.subscribe([topic])
      // Not the flowing mode: that ends at an error, and does not say so.
      void (async () => {
        while (consumer.isConnected()) await asked(done => { consumer.consume(1_000, done) }).catch((error: Error) => { errors.push(error.message); return pause(50) })
      })()
      const stop = () => new Promise<void>(resolve => { if (consumer.isConnected()) consumer.disconnect(() => { resolve() }); else resolve() })
      open.push({ stop })
      const reader: Reader = { seen, errors, rebalances: () => rebalances, partitions: () => partitions, close: stop }
      consumers.set(reader, consumer)
      return reader
    },
    async transactional (id) {
      const producer = await producerOf({ 'transactional.id': id, 'transaction.timeout.ms': 20_000, 'socket.timeout.ms': 20_000 })
      const deliveries = new Deliveries(producer)
      await asked(done => { producer.initTransactions(timeoutMs, done) })
      return {
        begin: async () => { await asked(done => { producer.beginTransaction(done) }) },
        send: (topic, records) => deliver(deliveries, topic, records),
        offsets: async (_, reader, offsets) => { await asked(done => { producer.sendOffsetsToTransaction(offsets, consumers.get(reader)!, timeoutMs, done) }) },
        commit: async () => { await asked(done => { producer.commitTransaction(timeoutMs, done) }) },
        abort: async () => { await asked(done => { producer.abortTransaction(timeoutMs, done) }) },
        drop: async () => {},
      }
    },
    close: async () => { for (const one of open) await one.stop() },
  }
}
