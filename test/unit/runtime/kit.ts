import type { StateTree } from '../../../pipelines/core/state.ts'
import type { TopicSpec } from '../../../pipelines/core/ports.ts'
import { RecordBatchWriter } from '../../../pipelines/core/record-batch.ts'
import type { SnapshotFacts } from '../../../pipelines/runtime/snapshot.ts'
import { ManualClock } from '../../kit/clock.ts'
import { type FailurePoint, MemoryLog } from '../../kit/memory-log.ts'

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

export const topicSpec = (name: string, more: Partial<TopicSpec> = {}): TopicSpec => ({ name, partitions: 1, cleanup: 'delete', retentionMs: null, timestamps: 'CreateTime', ...more })

export function memoryLog (at: (point: FailurePoint, detail: string) => void = () => {}) {
  const clock = new ManualClock(1_700_000_000_000)
  return { clock, log: new MemoryLog({ clock, at }) }
}

/** A batch of one record. */
export function batchWith (key: Uint8Array | null, value: Uint8Array | null, timestamp = 0): Uint8Array {
  const writer = new RecordBatchWriter()
  writer.append(timestamp, key, value)
  return writer.finish().slice()
}

export const factsAt = (position: number, more: Partial<SnapshotFacts> = {}): SnapshotFacts => ({ position, journal: 0, journalOffset: 0, topic: 'in', topicId: 't', definitionHash: 'h', definition: '{}', ...more })

/** A state of some size of which little changes: `step` says how often. */
export function stateOf (step: number, doubles = 40_000): StateTree {
  const values = new Float64Array(doubles)
  for (let i = 1; i <= step; i += 1) values[(i * 7) % doubles] = i
  return { step, values, texts: [`step ${step}`] }
}
