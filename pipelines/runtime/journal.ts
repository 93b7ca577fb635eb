import type { JournalContent, JournalEntry } from '../core/journal.ts'
import type { LogPort } from '../core/ports.ts'
import { records } from '../core/record-batch.ts'
import type { Outgoing } from './batches.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * What shaped output and is not in the source log, numbered per task and written with the commit of its first effect.
 *
 * Shape: key = the source, value = the entry as JSON; partitioned like the input
 */
export class Journal {
  readonly #topic: string
  readonly #partition: number
  readonly #source: string
  /** Number of the last entry. */
  number: number

  constructor ({ topic, partition, source, number }: { readonly topic: string, readonly partition: number, readonly source: string, readonly number: number }) {
    this.#topic = topic
    this.#partition = partition
    this.#source = source
    this.number = number
  }

  /** The next entry, taking effect before the record at `position`. */
  entry (position: number, arrival: number, content: JournalContent): Outgoing {
    this.number += 1
    const value = encoder.encode(JSON.stringify({ position, number: this.number, ...content }))
    return { topic: this.#topic, partition: this.#partition, timestamp: Number.isFinite(arrival) ? Math.floor(arrival) : 0, key: encoder.encode(this.#source), value, headers: [] }
  }
}

/** Entries of one task with after < number <= upTo, in their order. */
export async function readJournal (log: LogPort, { topic, partition, source, from, after, upTo }: {
  readonly topic: string, readonly partition: number, readonly source: string
  /** Offset in the journal topic to begin at. */
  readonly from: number
  readonly after: number
  readonly upTo: number
}): Promise<readonly JournalEntry[]> {
  const entries: JournalEntry[] = []
  for await (const { key, value } of readAll(log, topic, partition, from)) {
    if (key === null || value === null || decoder.decode(key) !== source) continue
    const entry = JSON.parse(decoder.decode(value)) as JournalEntry
    if (entry.number > after && entry.number <= upTo) entries.push(entry)
  }
  return entries.sort((a, b) => a.number - b.number)
}

/** Every record of a partition from an offset to its present end. */
export async function * readAll (log: LogPort, topic: string, partition: number, from: number) {
  const { start, end } = await log.range(topic, partition)
  for (let offset = Math.max(start, from); offset < end;) {
    const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: 4 << 20, waitMs: 0 })
    let next = offset
    for (const record of records(bytes)) {
      if (record.offset < offset || record.offset >= end) continue
      next = record.offset + 1
      yield record
    }
    if (next === offset) return
    offset = next
  }
}
