import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import type { LogPort, Membership } from '../../pipelines/core/ports.ts'
import { batchHeaderBytes, readBatchHeader, records, RecordBatchWriter } from '../../pipelines/core/record-batch.ts'
import { Cannot, type Client, type Incoming, type Offset, type Outgoing, pause, type Reader } from './client.ts'

function batchesOf (topic: string, given: readonly Outgoing[]): { readonly topic: string, readonly partition: number, readonly bytes: Uint8Array }[] {
  const writers = new Map<number, RecordBatchWriter>()
  for (const { partition, key, value, timestamp, headers } of given) {
    if (partition === null) throw new Cannot('it is always told the partition')
    const writer = writers.get(partition) ?? new RecordBatchWriter(batchHeaderBytes)
    writers.set(partition, writer)
    writer.append(timestamp ?? Date.now(), key, value, headers)
  }
  return [...writers].map(([partition, writer]) => ({ topic, partition, bytes: writer.finish().slice() }))
}

/** connectors/kafka, through the port of the log as a pipeline uses it. */
export async function oursClient (servers: string): Promise<Client> {
  const open = (instances: LogPort[]) => async () => {
    const log = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': servers, 'session.timeout.ms': '6000', 'transaction.timeout.ms': '20000' }), clock: machineClock })
    instances.push(log)
    return log
  }
  const logs: LogPort[] = []
  const another = open(logs)
  const memberships = new WeakMap<Reader, Membership>()
  return {
    name: 'connectors/kafka', version: (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }).version,
    async send (topic, given, compression) {
      if (compression !== undefined) throw new Cannot('it writes batches plain')
      const log = await another()
      for (const { partition, bytes } of batchesOf(topic, given)) await log.append(topic, partition, bytes)
    },
    async join (topic, { group, instanceId, fetchBytes }) {
      const log = await another()
      const membership = await log.join({ group, member: instanceId ?? `m${randomBytes(4).toString('hex')}`, topics: [topic] })
      const [seen, errors]: [Incoming[], string[]] = [[], []]
      const stop = new AbortController()
      const read = async (partition: number) => {
        const mine = () => !stop.signal.aborted && membership.assignments.some(one => one.partition === partition)
        for (let offset = (await log.committed(group, topic, partition))?.offset ?? 0; mine();) {
          const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: fetchBytes ?? 1 << 20, waitMs: 200, signal: stop.signal })
          for (const record of records(bytes)) if (record.offset >= offset) seen.push({ ...record, partition, key: record.key && Buffer.from(record.key), value: record.value && Buffer.from(record.value) })
          for (let from = 0, header = readBatchHeader(bytes, 0); header !== null; from += header.bytes, header = readBatchHeader(bytes, from)) offset = header.baseOffset + header.lastOffsetDelta + 1
        }
      }
      let changes = 0
      void (async () => {
        for (let before = '', reading = new Set<number>(); !stop.signal.aborted; await pause(20)) {
          if (membership.revoked.length > 0) await membership.release()
          const now = membership.assignments.map(({ partition }) => partition)
          if (`${now}` !== before) { before = `${now}`; changes += 1 }
          for (const partition of now) if (!reading.has(partition)) void read(partition).catch((error: unknown) => { errors.push((error as Error).message) })
          reading = new Set(now)
        }
      })().catch((error: unknown) => { errors.push((error as Error).message) })
      const reader: Reader = {
        seen, errors, rebalances: () => changes, partitions: () => membership.assignments.map(({ partition }) => partition),
        close: async () => { stop.abort(); await membership.leave(); await log.close() },
      }
      memberships.set(reader, membership)
      return reader
    },
    async transactional (id) {
      const log = await another()
      const own = await log.join({ group: `tx-${id}`, member: 'm', topics: [] })
      let appends: ReturnType<typeof batchesOf> = []
      let offsets: readonly Offset[] = []
      let as: Membership = own
      return {
        begin: async () => { appends = []; offsets = []; as = own },
        send: async (topic, given) => { appends = [...appends, ...batchesOf(topic, given)] },
        offsets: async (_, reader, taken) => { offsets = taken; as = memberships.get(reader)! },
        commit: () => as.commit({ appends, offsets }),
        abort: async () => { appends = [] },
        drop: async () => {},
      }
    },
    close: async () => { for (const log of logs) await log.close().catch(() => {}) },
  }
}
