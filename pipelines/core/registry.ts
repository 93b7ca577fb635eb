import { partitionOf } from './murmur2.ts'
import type { TableRow } from './table.ts'

const encoder = new TextEncoder()

/** The column by which a row of a registry table says which source its device sends to. */
export const sourceColumn = 'source'

/**
 * Whether a device of a registry table is a task's to miss: its row names the task's source, or no source at all, and its key lies
 * on the task's partition. A device belongs to one task, or its silence would be told by all.
 */
export function isDeviceOf (key: string, row: TableRow | undefined, task: { readonly source: string, readonly partition: number, readonly partitions: number }): boolean {
  const source = row?.[sourceColumn] ?? null
  return (source === null || source === task.source) && (task.partitions === 1 || partitionOf(encoder.encode(key), task.partitions) === task.partition)
}
