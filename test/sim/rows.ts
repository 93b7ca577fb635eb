import { type Batch, cell } from '../../pipelines/core/batch.ts'
import type { KeyTable } from '../../pipelines/core/keys.ts'
import type { WindowBatch } from '../../pipelines/core/window-batch.ts'

/** An output as text, bytes as hex. */
export function shown (output: object): string {
  return JSON.stringify(output, (_, value) => value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value)
}

/** Each reading of a batch as a lake stores it, as text. */
export function readingRows (topic: string, partition: number, batch: Batch, keys: KeyTable): readonly string[] {
  return Array.from({ length: batch.count }, (_, row) => {
    const { key, at, arrival, position, columns } = batch
    return `reading ${shown([topic, partition, position[row]!, keys.text(key[row]!), at[row]!, arrival[row]!, ...columns.map(column => cell(column, row))])}`
  })
}

/** Each row of a window. `task`: source/partition. */
export function rollupRows (task: string, window: string, rows: WindowBatch, keys: KeyTable): readonly string[] {
  return Array.from({ length: rows.count }, (_, row) => {
    const { key, start, end, revision, final, retraction, expected, received, columns } = rows
    return `rollup ${task} ${window} ${shown([keys.text(key[row]!), start[row]!, end[row]!, revision[row]!, final[row]!, retraction[row]!, expected[row]!, received[row]!, ...columns.map(column => cell(column, row))])}`
  })
}
