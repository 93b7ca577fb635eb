import { closeChunks } from '../../pipelines/chunk/stage.ts'
import { decodeChunk } from '../../pipelines/core/chunk/decode.ts'
import { encodeChunk } from '../../pipelines/core/chunk/encode.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'
import type { LakeChunks } from '../../pipelines/core/lake-ports.ts'
import { Outputs } from '../../pipelines/core/outputs.ts'
import type { StateTree } from '../../pipelines/core/state.ts'
import { cell } from '../../pipelines/core/batch.ts'
import { shown } from './rows.ts'

export interface ChunkRow { readonly id: string, readonly topic: string, readonly key: string, readonly writtenAs: number, readonly body: Uint8Array }

/** Chunks as a table has them: by key, first event time and first offset; of two with the same name the one written as of later. */
export function chunkRows ({ topic, partition, chunks }: LakeChunks): readonly ChunkRow[] {
  return Array.from({ length: chunks.count }, (_, index) => {
    const chunk = chunks.read(index)
    const key = chunks.keys.text(chunk.key)
    const firstAt = Math.min(...chunk.at.subarray(0, chunk.count))
    return { id: JSON.stringify([topic, key, firstAt, partition, chunk.offset[0]]), topic, key, writtenAs: chunk.arrivalClock, body: encodeChunk(chunk, partition) }
  })
}

/** Every reading of the chunks once, as `readingRows` shows it, by offset. */
export function readingsOf (chunks: Iterable<ChunkRow>, { topic, partition }: { readonly topic: string, readonly partition: number }): readonly string[] {
  const found = new Map<number, string>()
  for (const chunk of chunks) {
    const { count, at, arrival, offset, columns, ...rest } = decodeChunk(chunk.body)
    if (chunk.topic !== topic || rest.partition !== partition) continue
    for (let row = 0; row < count; row += 1) {
      const reading = `reading ${shown([topic, partition, offset[row]!, chunk.key, at[row]!, arrival[row]!, ...columns.map(column => cell(column, row))])}`
      const other = found.get(offset[row]!)
      if (other !== undefined && other !== reading) throw new Error(`one offset, two readings: ${other} and ${reading}`)
      found.set(offset[row]!, reading)
    }
  }
  return [...found].sort(([a], [b]) => a - b).map(([, reading]) => reading)
}

/** Chunks that are still open in a task's snapshot. */
export function openChunks (state: StateTree, place: { readonly source: string, readonly topic: string, readonly partition: number }): readonly ChunkRow[] {
  const stages = state.stages as unknown as Readonly<Record<string, { readonly state: StateTree }>>
  const keys = new KeyTable(1 << 20)
  keys.restore(stages.decode!.state.keys as StateTree)
  const out = new Outputs()
  if (stages.chunk !== undefined) closeChunks(stages.chunk.state, keys, out)
  return out.chunks.flatMap(chunks => chunkRows({ ...place, chunks }))
}
