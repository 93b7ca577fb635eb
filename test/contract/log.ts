import assert from 'node:assert/strict'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort, LogPort, TopicSpec } from '../../pipelines/core/ports.ts'
import { readBatchHeader, records, RecordBatchWriter } from '../../pipelines/core/record-batch.ts'

export interface LogUnderTest { readonly log: LogPort, readonly clock: ClockPort, readonly finish: () => Promise<void> }

export const text = (value: string) => new TextEncoder().encode(value)
export const topicSpec = (name: string, more: Partial<TopicSpec> = {}): TopicSpec =>
  ({ name, partitions: 2, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime', ...more })

/** What is asked of an implementation, one behaviour a test. */
export type Contract = (behaviour: string, body: (subject: LogUnderTest) => Promise<void>) => void

/** One record batch; a copy, since the writer's bytes are its own. */
export function batchOf (values: readonly string[], { at = 1_000, key = 'k' }: { at?: number, key?: string | null } = {}): Uint8Array {
  const writer = new RecordBatchWriter()
  values.forEach((value, index) => { writer.append(at + index, key === null ? null : text(key), text(value)) })
  return writer.finish().slice()
}

export const valuesOf = (bytes: Uint8Array): string[] => [...records(bytes)].map(({ value }) => Buffer.from(value ?? []).toString())
/** Every record of a partition; markers of transactions take offsets too, so offsets say little about how many there are. */
export async function valuesIn (log: LogPort, topic: string, partition: number): Promise<string[]> {
  const { start, end } = await log.range(topic, partition)
  const values: string[] = []
  for (let offset = start; offset < end;) {
    const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: 1 << 20, waitMs: 0 })
    assert(bytes.length > 0, `nothing at ${offset} before the end ${end}`)
    values.push(...valuesOf(bytes))
    for (let from = 0, header = readBatchHeader(bytes, 0); header !== null; from += header.bytes, header = readBatchHeader(bytes, from)) offset = header.baseOffset + header.lastOffsetDelta + 1
  }
  return values
}
export const fails = (code: string) => (error: unknown) => error instanceof StreamError && error.code === code
