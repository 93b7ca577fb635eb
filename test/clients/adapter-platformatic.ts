import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Client, Compression, Incoming, Outgoing, Reader } from './client.ts'

/** What of @platformatic/kafka is used: it is taken from a folder aside, so that it need not be a dependency. */
interface Message { readonly metadata?: unknown, readonly partition: number, readonly offset: bigint, readonly timestamp: bigint, readonly key: Buffer | null, readonly value: Buffer | null }
interface Stream { on (event: 'data', told: (message: Message) => void): void, on (event: 'error', told: (error: Error) => void): void, close (): Promise<void> }
interface Consumer {
  consume (options: Readonly<Record<string, unknown>>): Promise<Stream>
  on (event: string, told: () => void): void
  readonly assignments: readonly { readonly topic: string, readonly partitions: readonly number[] }[] | null
  close (force: boolean): Promise<void>
}
interface Transaction { send (options: unknown): Promise<unknown>, addConsumer (consumer: Consumer): Promise<void>, addOffset (message: unknown): Promise<void>, commit (): Promise<void>, abort (): Promise<void> }
interface Producer { send (options: unknown): Promise<unknown>, beginTransaction (): Promise<Transaction>, close (force?: boolean): Promise<void> }
interface Package { readonly Producer: new (options: unknown) => Producer, readonly Consumer: new (options: unknown) => Consumer, /** Its own one for keys that Java's client writes too. */ readonly compatibilityPartitioner: unknown }

const messageOf = (topic: string) => ({ partition, key, value, timestamp, headers }: Outgoing) => ({ topic, ...partition !== null && { partition }, ...key !== null && { key }, ...value !== null && { value }, ...timestamp !== undefined && { timestamp: BigInt(timestamp) }, headers: new Map((headers ?? []).map(([name, one]) => [Buffer.from(name), one])) })
const reason = (error: unknown): Error => { const { message, errors = [] } = error as Error & { readonly errors?: readonly (Error & { readonly apiId?: string })[] }; return new Error([message, ...errors.map(one => one.apiId ?? one.message)].join(': '), { cause: error }) }

export async function platformaticClient (servers: string, folder: string): Promise<Client> {
  const root = join(folder, 'node_modules/@platformatic/kafka')
  const { main, exports, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly main?: string, readonly exports?: unknown, readonly version: string }
  const entry = main ?? (typeof exports === 'string' ? exports : 'dist/index.js')
  const platformatic = await import(pathToFileURL(join(root, entry)).href) as Package
  const base = { clientId: 'table', bootstrapBrokers: servers.split(','), retries: 3, retryDelay: 200, timeout: 10_000 }
  const open: { close (force?: boolean): Promise<void> }[] = []
  const consumers = new WeakMap<Reader, Consumer>()
  /** It takes the group that an offset is of from the message that it came with. */
  const messages = new WeakMap<Reader, Message>()
  const producerOf = (more: Readonly<Record<string, unknown>>) => {
    const producer = new platformatic.Producer({ ...base, ...more })
    open.push(producer)
    return producer
  }
  return {
    name: '@platformatic/kafka', version,
    async send (topic, records, compression?: Compression) {
      await producerOf({ partitioner: platformatic.compatibilityPartitioner, ...compression !== undefined && { compression } }).send({ messages: records.map(messageOf(topic)) }).catch((error: unknown) => { throw reason(error) })
    },
    async join (topic, { group, instanceId, fetchBytes, strict = false }) {
      const consumer = new platformatic.Consumer({ ...base, groupId: group, sessionTimeout: 6_000, rebalanceTimeout: 6_000, heartbeatInterval: 500, ...instanceId !== undefined && { groupInstanceId: instanceId }, isolationLevel: 1 })
      open.push({ close: () => consumer.close(true) })
      const [seen, errors]: [Incoming[], string[]] = [[], []]
      let rebalances = 0
      consumer.on('consumer:group:join', () => { rebalances += 1 })
      const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: strict ? 'fail' : 'earliest', autocommit: false, maxWaitTime: 100, isolationLevel: 1, ...fetchBytes !== undefined && { maxBytes: fetchBytes, maxBytesPerPartition: fetchBytes } }).catch((error: unknown) => { throw reason(error) })
      stream.on('data', message => {
        const { partition, offset, timestamp, key, value } = message
        messages.set(reader, message)
        seen.push({ partition, offset: Number(offset), timestamp: Number(timestamp), key, value })
      })
      stream.on('error', error => { errors.push(reason(error).message) })
      const reader: Reader = {
        seen, errors, rebalances: () => rebalances, partitions: () => (consumer.assignments ?? []).flatMap(one => one.topic === topic ? one.partitions : []),
        close: async () => { await stream.close(); await consumer.close(true) },
      }
      consumers.set(reader, consumer)
      return reader
    },
    async transactional (id) {
      const producer = producerOf({ idempotent: true, transactionalId: id })
      let transaction: Transaction | null = null
      const guarded = async <T>(what: Promise<T>): Promise<T> => what.catch((error: unknown) => { throw reason(error) })
      return {
        begin: async () => { transaction = await guarded(producer.beginTransaction()) },
        send: async (topic, records) => { await guarded(transaction!.send({ messages: records.map(messageOf(topic)) })) },
        offsets: async (_, reader, offsets) => {
          await guarded(transaction!.addConsumer(consumers.get(reader)!))
          // Offsets are of messages: it commits the one behind each.
          await guarded(Promise.all(offsets.map(({ topic, partition, offset, metadata }) => transaction!.addOffset({ topic, partition, offset: BigInt(offset - 1), metadata: messages.get(reader)?.metadata, ...metadata !== '' && { commitMetadata: metadata } }))))
        },
        commit: () => guarded(transaction!.commit()), abort: () => guarded(transaction!.abort()), drop: async () => {},
      }
    },
    close: async () => { await Promise.allSettled(open.map(one => one.close(true))) },
  }
}
