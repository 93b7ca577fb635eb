import type { ClockPort, LogPort } from '../../pipelines/core/ports.ts'
import { RecordBatchWriter, records } from '../../pipelines/core/record-batch.ts'
import type { RegistryChange, RegistryStore } from './store.ts'

export interface LogStoreOptions {
  readonly log: LogPort
  readonly clock: ClockPort
  readonly topic?: string
  /** How a batch gets into the topic, where others might write there. */
  readonly append?: (bytes: Uint8Array) => Promise<unknown>
}

export const schemasTopic = '_schemas'

const fetchBytesMax = 1 << 20
const utf8 = new TextEncoder()
const text = new TextDecoder()

/**
 * A registry's changes in a compacted topic of one partition, as Confluent's registry keeps its own; a change is one record, what is taken
 * away a record without value.
 *
 * Errors: those of the log
 */
export function logStore ({ log, clock, topic = schemasTopic, append = (bytes: Uint8Array) => log.append(topic, 0, bytes) }: LogStoreOptions): RegistryStore {
  return {
    async load () {
      if (await log.topic(topic) === null) await log.createTopic({ name: topic, partitions: 1, cleanup: 'compact', retentionMs: null, timestamps: 'CreateTime' })
      const changes: RegistryChange[] = []
      const { start, end } = await log.range(topic, 0)
      for (let offset = start; offset < end;) {
        const { bytes } = await log.fetch({ topic, partition: 0, offset, bytesMax: fetchBytesMax, waitMs: 0 })
        const before = offset
        for (const record of records(bytes)) {
          if (record.offset < offset) continue
          offset = record.offset + 1
          changes.push(fromRecord(text.decode(record.key ?? new Uint8Array()), record.value === null ? null : text.decode(record.value)))
        }
        // Compaction may have taken the records before the end.
        if (offset === before) break
      }
      return changes
    },
    async append (changes) {
      const writer = new RecordBatchWriter()
      writer.reset()
      for (const change of changes) {
        const { key, value } = toRecord(change)
        writer.append(clock.wallMs(), utf8.encode(key), value === null ? null : utf8.encode(value))
      }
      await append(writer.finish())
    },
  }
}

function toRecord (change: RegistryChange): { readonly key: string, readonly value: string | null } {
  switch (change.kind) {
    case 'schema': { const { kind, subject, version, ...rest } = change; return { key: JSON.stringify([kind, subject, version]), value: JSON.stringify({ ...rest, references: rest.references.length === 0 ? undefined : rest.references }) } }
    case 'gone': return { key: JSON.stringify(['schema', change.subject, change.version]), value: null }
    case 'config': return { key: JSON.stringify([change.kind, change.subject]), value: change.level && JSON.stringify(change.level) }
    case 'mode': return { key: JSON.stringify([change.kind, change.subject]), value: change.mode && JSON.stringify(change.mode) }
    case 'ids': return { key: JSON.stringify([change.kind]), value: JSON.stringify(change.last) }
  }
}

function fromRecord (key: string, value: string | null): RegistryChange {
  const [kind, subject, version] = JSON.parse(key) as [RegistryChange['kind'], string, number]
  const content = value === null ? null : JSON.parse(value)
  switch (kind) {
    case 'schema': case 'gone': return content === null ? { kind: 'gone', subject, version } : { kind: 'schema', subject, version, references: [], ...content }
    case 'config': return { kind, subject, level: content }
    case 'mode': return { kind, subject, mode: content }
    case 'ids': return { kind, last: content }
  }
}
