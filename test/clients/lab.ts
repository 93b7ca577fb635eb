import { randomBytes } from 'node:crypto'
import { closeSync, globSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { machineClock } from '../../connectors/embedded/clock.ts'
import { kafkaSettings, openKafkaLog } from '../../connectors/kafka/public.ts'
import type { LogPort } from '../../pipelines/core/ports.ts'
import { type BatchHeader, type LogRecord, readBatchHeader, records } from '../../pipelines/core/record-batch.ts'
import type { Client, Incoming, Reader } from './client.ts'
import { pause, until } from './client.ts'

export interface Written { readonly records: readonly LogRecord[], readonly batches: readonly (BatchHeader & { readonly producerId: bigint, readonly epoch: number })[] }

/** What the behaviours stand on beside the client that is looked at: topics of their own, a foreign producer, and the bytes as the broker has them. */
export interface Lab {
  readonly client: Client
  /** Writes what the client under test is to read, where another one could be at fault. */
  readonly writer: Client
  readonly admin: Admin
  readonly foreign: Kafka
  name (): string
  topic (partitions?: number, config?: Readonly<Record<string, string>>): Promise<string>
  /** Everything that is committed, as stored. */
  written (topic: string, partition?: number): Promise<Written>
  /** The compression that the broker's file has for the first batch. */
  storedCompression (topic: string): number
  /** Flip a bit in the broker's file, behind its back. */
  damage (topic: string, at: string): void
  /** Values that a new group reads, until nothing has come for a while. */
  read (topic: string, options?: { readonly group?: string, readonly fetchBytes?: number, readonly least?: number, readonly strict?: boolean }): Promise<{ readonly values: string[], readonly seen: readonly Incoming[], readonly errors: readonly string[] }>
}

const quietMs = 1_500
const longestMs = 15_000

export async function openLab ({ client, writer, servers, folder }: { readonly client: Client, readonly writer: Client, readonly servers: string, readonly folder: string }): Promise<{ readonly lab: Lab, readonly close: () => Promise<void> }> {
  const foreign = new Kafka({ brokers: servers.split(','), clientId: 'foreign', logLevel: logLevel.NOTHING, retry: { retries: 10, initialRetryTime: 20, maxRetryTime: 200 } })
  const admin = foreign.admin()
  await admin.connect()
  const log: LogPort = await openKafkaLog({ ...kafkaSettings({ 'bootstrap.servers': servers }), clock: machineClock })
  const segment = (topic: string) => {
    const [file] = globSync(join(folder, '**', `${topic}-0`, '*.log'))
    if (file === undefined) throw new Error(`no file of ${topic} below ${folder}`)
    return file
  }
  const name = () => `t${randomBytes(5).toString('hex')}`
  const lab: Lab = {
    client, writer, admin, foreign, name,
    async topic (partitions = 1, config = {}) {
      const topic = name()
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: partitions, configEntries: Object.entries({ 'max.message.bytes': '8000000', ...config }).map(([key, value]) => ({ name: key, value })) }] })
      // Brokers learn of it within moments.
      for (let tries = 0; !await admin.fetchTopicMetadata({ topics: [topic] }).then(() => true, () => false) && tries < 100; tries += 1) await pause(50)
      return topic
    },
    async written (topic, partition = 0) {
      await log.topic(topic)
      const { start, end } = await log.range(topic, partition)
      const found: { records: LogRecord[], batches: Written['batches'][number][] } = { records: [], batches: [] }
      for (let offset = start; offset < end;) {
        const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: 1 << 20, waitMs: 0 })
        const copy = Uint8Array.from(bytes)
        found.records.push(...records(copy))
        for (let from = 0, header = readBatchHeader(copy, 0); header !== null; from += header.bytes, header = readBatchHeader(copy, from)) {
          const view = new DataView(copy.buffer, from)
          if (header.count > 0) found.batches.push({ ...header, producerId: view.getBigInt64(43), epoch: view.getInt16(51) })
          offset = header.baseOffset + header.lastOffsetDelta + 1
        }
      }
      return found
    },
    storedCompression: topic => readFileSync(segment(topic)).readInt16BE(21) & 7,
    damage (topic, at) {
      const file = segment(topic)
      const place = readFileSync(file).indexOf(at)
      const handle = openSync(file, 'r+')
      writeSync(handle, Buffer.from([at.charCodeAt(0) ^ 1]), 0, 1, place)
      closeSync(handle)
    },
    async read (topic, { group = name(), fetchBytes, least = 1, strict = false } = {}) {
      const reader = await client.join(topic, { group, strict, ...fetchBytes !== undefined && { fetchBytes } })
      await settled(reader, least)
      const { seen, errors } = reader
      const result = { values: seen.map(({ value }) => value?.toString() ?? ''), seen: [...seen], errors: [...errors] }
      await reader.close().catch(() => {})
      return result
    },
  }
  return { lab, close: async () => { await admin.disconnect(); await log.close() } }
}

/** At least so many records, or an error; then until nothing has come for a while. */
async function settled (reader: Reader, least: number): Promise<void> {
  await until(() => reader.seen.length >= least || reader.errors.length > 0, longestMs)
  for (let before = -1; before !== reader.seen.length;) {
    before = reader.seen.length
    await pause(quietMs)
  }
}
