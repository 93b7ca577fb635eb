import type { Commit } from '../core/ports.ts'
import { type Headers, RecordBatchWriter } from '../core/record-batch.ts'

/** A record on its way to a topic. */
export interface Outgoing { readonly topic: string, readonly partition: number, readonly timestamp: number, readonly key: Uint8Array | null, readonly value: Uint8Array, readonly headers: Headers }

const batchBytesMax = 1 << 20

/**
 * Records gathered into record batches, one open per topic and partition, in the order in which they came.
 *
 * Limits: a batch is sealed at 1 MiB; `take` empties
 */
export class Batches {
  readonly #open = new Map<string, { readonly topic: string, readonly partition: number, readonly writer: RecordBatchWriter }>()
  #sealed: { topic: string, partition: number, bytes: Uint8Array }[] = []
  count = 0
  /** Of the sealed ones: what has gathered beyond an open batch per partition. */
  sealedBytes = 0

  add ({ topic, partition, timestamp, key, value, headers }: Outgoing): void {
    const name = `${partition} ${topic}`
    let batch = this.#open.get(name)
    if (batch === undefined) this.#open.set(name, batch = { topic, partition, writer: new RecordBatchWriter(1 << 12) })
    batch.writer.append(timestamp, key, value, headers)
    this.count += 1
    if (batch.writer.length >= batchBytesMax) this.#seal(batch)
  }

  /** A batch that is made already, on its own. */
  addBatch (topic: string, partition: number, bytes: Uint8Array): void {
    this.#push(topic, partition, bytes)
    this.count += 1
  }

  take (): Commit['appends'] {
    for (const batch of this.#open.values()) this.#seal(batch)
    const sealed = this.#sealed
    this.#sealed = []
    this.count = 0
    this.sealedBytes = 0
    return sealed
  }

  #seal ({ topic, partition, writer }: { readonly topic: string, readonly partition: number, readonly writer: RecordBatchWriter }): void {
    if (writer.count === 0) return
    this.#push(topic, partition, writer.finish())
    writer.reset()
  }

  #push (topic: string, partition: number, bytes: Uint8Array): void {
    this.#sealed.push({ topic, partition, bytes: bytes.slice() })
    this.sealedBytes += bytes.length
  }
}
