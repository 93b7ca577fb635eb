import { names } from './names.ts'
import type { LegPlan } from './lead.ts'
import { StateReader } from './state-reader.ts'

const readEveryMs = 500

/**
 * Reads the state topic ahead for the partitions that others have: should one of them go, its tasks are restored from memory.
 *
 * Shape:  follow, between any two rounds; what it reads, it reads beside them
 * State:  the last base of each task of the others, and its deltas, as bytes
 * Errors: none: what cannot be read now is read when it is needed
 */
export class Standby {
  readonly #plan: LegPlan
  readonly #readers = new Map<number, StateReader>()
  #partitions: number | null = null
  #readMs = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | null = null

  constructor (plan: LegPlan) { this.#plan = plan }

  get bytes (): number {
    let bytes = 0
    for (const reader of this.#readers.values()) bytes += reader.bytes
    return bytes
  }

  /** `has` says which partitions are this worker's. */
  follow (has: (partition: number) => boolean): void {
    const { clock } = this.#plan
    if (this.#reading !== null || clock.monotonicMs() - this.#readMs < readEveryMs) return
    this.#readMs = clock.monotonicMs()
    this.#reading = this.#read(has).catch(() => {}).finally(() => { this.#reading = null })
  }

  /** What has been read of a partition, to be read on from there; it is its taker's then. */
  take (partition: number): StateReader | null {
    const reader = this.#readers.get(partition) ?? null
    this.#readers.delete(partition)
    return reader
  }

  /** Nothing is read any more when this resolves. */
  async stop (): Promise<void> { await this.#reading }

  async #read (has: (partition: number) => boolean): Promise<void> {
    const { log, pipeline, leg } = this.#plan
    const topic = names.state(pipeline.name, leg)
    this.#partitions ??= (await log.topic(topic))?.partitions ?? null
    for (let partition = 0; partition < (this.#partitions ?? 0); partition += 1) {
      if (has(partition)) { this.#readers.delete(partition); continue }
      const reader = this.#readers.get(partition) ?? new StateReader(log, topic, partition)
      this.#readers.set(partition, reader)
      try {
        await reader.read()
      } catch {
        this.#readers.delete(partition)
      }
    }
  }
}
