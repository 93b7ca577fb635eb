import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import type { ClockPort } from '../../pipelines/core/ports.ts'
import { readBatchHeader } from '../../pipelines/core/record-batch.ts'
import { filterBatch, LatestOffsets } from './compact.ts'
import { beatEveryMs } from './owner.ts'
import type { Place, Reader } from './reader.ts'
import { batchKey, type Store } from './store.ts'
import type { Writer } from './writer.ts'

export interface MaintenanceOptions {
  readonly store: Store
  readonly reader: Reader
  readonly writer: Writer
  readonly clock: ClockPort
  readonly crc: Crc32c
  readonly tombstonesKeptMs: number
}

/** Batches looked at between two turns of the event loop. */
const stepBatches = 128
const compactKeysMax = 1 << 20
/** A compacted topic is cleaned once half of its bytes are new, as Kafka's min.cleanable.dirty.ratio. */
const dirtyRatioMin = 0.5

/**
 * Retention and compaction of all topics, in steps small enough not to hold up the pipelines of the process.
 *
 * Shape:  retention deletes whole batches from the start; compaction keeps the latest record per key, and a tombstone for
 *         `tombstonesKeptMs` after which the key is gone
 * Limits: a round of compaction follows at most a million keys; the rest is for the next round
 */
export class Maintenance {
  readonly #options: MaintenanceOptions
  readonly #stopping = new AbortController()
  #loop: Promise<void> = Promise.resolve()

  constructor (options: MaintenanceOptions) { this.#options = options }

  start (everyMs: number, beat: () => Promise<void>): void { this.#loop = this.#run(everyMs, beat) }

  async stop (): Promise<void> {
    this.#stopping.abort()
    await this.#loop
  }

  async round (): Promise<void> {
    const { store, reader } = this.#options
    store.env.resetReadTxn()
    for (const topic of [...store.topics.getRange({})].map(({ value }) => value)) {
      for (let partition = 0; partition < topic.partitions && !this.#stopping.signal.aborted; partition += 1) {
        const place = { topic, partition }
        await this.#retain(place)
        const { bytes, cleanBytes } = reader.bounds(place)
        if (topic.cleanup === 'compact' && bytes - cleanBytes > bytes * dirtyRatioMin) await this.#compact(place)
      }
    }
  }

  /** Delete whole batches that end before `before`. */
  async trim (place: Place, before: number): Promise<void> { await this.#deleteWhile(place, ({ next }) => next <= before) }

  async #run (everyMs: number, beat: () => Promise<void>): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stopping
    let due = clock.monotonicMs() + everyMs
    while (!signal.aborted) {
      await clock.sleep(Math.min(beatEveryMs, everyMs), signal)
      try {
        if (signal.aborted) return
        await beat()
        if (clock.monotonicMs() < due) continue
        await this.round()
      } catch {
        // A full disk or a damaged batch shows where it matters, at the next append or fetch; cleaning is tried again.
      }
      due = clock.monotonicMs() + everyMs
    }
  }

  async #retain (place: Place): Promise<void> {
    const { topic: { retentionMs, retentionBytes } } = place
    const now = this.#options.clock.wallMs()
    await this.#deleteWhile(place, ({ maxTimestamp, bytesLeft }) =>
      (retentionMs !== null && maxTimestamp < now - retentionMs) || (retentionBytes != null && bytesLeft >= retentionBytes))
  }

  /** `bytesLeft` is what the partition would hold without the batch, `next` the offset after it. */
  async #deleteWhile (place: Place, goes: (batch: { readonly maxTimestamp: number, readonly bytesLeft: number, readonly next: number }) => boolean): Promise<void> {
    const { store, reader, writer } = this.#options
    const { topic, partition } = place
    for (let more = true; more;) {
      store.env.resetReadTxn()
      const held = reader.bounds(place)
      const going: number[] = []
      let { start, bytes } = held
      for (const base of reader.bases(place, held.start, held.end, stepBatches)) {
        const batch = reader.stored(place, base)!
        const header = readBatchHeader(batch, 0)
        if (header === null) break
        const next = base + header.lastOffsetDelta + 1
        if (!goes({ maxTimestamp: header.maxTimestamp, bytesLeft: bytes - batch.length, next })) break
        going.push(base)
        bytes -= batch.length
        start = next
      }
      more = going.length === stepBatches
      if (going.length === 0) return
      await writer.submit(0, changes => {
        if (changes.topic(topic.name)?.number !== topic.number) return
        const now = changes.partition(topic.number, partition)
        if (now.start !== held.start) return
        for (const base of going) changes.write(() => store.batches.remove(batchKey(topic.number, partition, base)))
        changes.setPartition(topic.number, partition, { ...now, start, bytes: now.bytes - (held.bytes - bytes), cleanTo: Math.max(now.cleanTo, start), cleanBytes: Math.min(now.cleanBytes, bytes) })
      })
    }
  }

  async #compact (place: Place): Promise<void> {
    const latest = new LatestOffsets(compactKeysMax)
    const { start, end, cleanTo } = this.#options.reader.bounds(place)
    const upTo = await this.#latestFrom(place, Math.max(start, cleanTo), end, latest)
    const tombstonesBefore = this.#options.clock.wallMs() - this.#options.tombstonesKeptMs
    for (let from = start; from < upTo && !this.#stopping.signal.aborted;) from = await this.#compactStep(place, { from, upTo, latest, tombstonesBefore })
    if (this.#stopping.signal.aborted) return
    await this.#options.writer.submit(0, changes => {
      if (changes.topic(place.topic.name)?.number !== place.topic.number) return
      const now = changes.partition(place.topic.number, place.partition)
      changes.setPartition(place.topic.number, place.partition, { ...now, cleanTo: upTo, cleanBytes: now.bytes })
    })
  }

  /** Fill `latest` from the part not cleaned yet; gives the offset up to which it is complete. */
  async #latestFrom (place: Place, from: number, end: number, latest: LatestOffsets): Promise<number> {
    const { store, reader } = this.#options
    let at = from
    while (at < end) {
      store.env.resetReadTxn()
      const bases = reader.bases(place, at, end, stepBatches)
      for (const base of bases) {
        for (const record of reader.recordsOf(place, base)) if (!latest.see(record)) return record.offset
      }
      if (bases.length < stepBatches) return end
      at = bases.at(-1)! + 1
      await turn()
    }
    return end
  }

  async #compactStep (place: Place, { from, upTo, latest, tombstonesBefore }: { from: number, upTo: number, latest: LatestOffsets, tombstonesBefore: number }): Promise<number> {
    const { store, reader, writer, crc } = this.#options
    const { topic, partition } = place
    store.env.resetReadTxn()
    const bases = reader.bases(place, from, upTo, stepBatches)
    const changed = new Map<number, { readonly kept: Uint8Array | null, readonly freed: number }>()
    for (const base of bases) {
      const bytes = new Uint8Array(reader.stored(place, base)!)
      const kept = filterBatch(bytes, record => latest.isLatest(record) && (record.value !== null || record.timestamp >= tombstonesBefore), crc)
      if (kept !== bytes) changed.set(base, { kept, freed: bytes.length - (kept?.length ?? 0) })
    }
    if (changed.size > 0) {
      await writer.submit(0, changes => {
        if (changes.topic(topic.name)?.number !== topic.number) return
        const now = changes.partition(topic.number, partition)
        let freed = 0
        for (const [base, change] of changed) {
          const key = batchKey(topic.number, partition, base)
          freed += change.freed
          changes.write(() => (change.kept ? store.batches.put(key, change.kept) : store.batches.remove(key)))
        }
        changes.setPartition(topic.number, partition, { ...now, bytes: now.bytes - freed })
      })
    }
    await turn()
    return bases.length < stepBatches ? upTo : bases.at(-1)! + 1
  }
}

const turn = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })
