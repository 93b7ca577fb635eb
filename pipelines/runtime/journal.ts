import { StreamError } from '../core/errors.ts'
import type { JournalContent, JournalEntry } from '../core/journal.ts'
import type { LogPort } from '../core/ports.ts'
import { endOf, records } from '../core/record-batch.ts'
import type { Outgoing } from './batches.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const fetchBytesMax = 4 << 20

/**
 * What shaped output and is not in the source log, numbered per task from 1 without a gap and written no later than the commit of its first effect.
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

export interface JournalRange {
  readonly topic: string
  readonly partition: number
  readonly source: string
  /** Offset in the journal topic to begin at. */
  readonly from: number
  readonly after: number
  readonly upTo: number
}

/**
 * Entries of one task with after < number <= upTo, in the order in which they take effect: by position, then number. (Within one batch the
 * rows looked up in a second table are journaled behind those of the first.)
 *
 * Delivery: an entry whose commit failed is written again under its number by the next run, so the last one of a number counts
 * Errors:   STATE_JOURNAL when one is missing or unreadable
 */
export async function readJournal (log: LogPort, { topic, partition, source, from, after, upTo }: JournalRange): Promise<readonly JournalEntry[]> {
  const entries = await entriesOf(log, { topic, partition, source, from })
  for (let number = after + 1; number <= upTo; number += 1) {
    if (!entries.has(number)) throw new StreamError('STATE_JOURNAL', { topic, partition, source, from, missing: number, after, upTo })
  }
  return effective([...entries.values()].filter(({ number }) => number > after && number <= upTo))
}

/**
 * All entries of one task that the topic still holds, up to a number that is committed, in the order in which they take effect.
 *
 * Errors: STATE_JOURNAL when one is missing between others
 */
export async function readWholeJournal (log: LogPort, { topic, partition, source, upTo }: Omit<JournalRange, 'from' | 'after'>): Promise<readonly JournalEntry[]> {
  if (upTo === 0) return []
  const entries = await entriesOf(log, { topic, partition, source, from: 0 })
  for (let number = upTo, above = true; number >= 1; number -= 1) {
    const held = entries.has(number)
    if (held && !above) throw new StreamError('STATE_JOURNAL', { topic, partition, source, missing: number + 1, upTo })
    if (number === upTo && !held) throw new StreamError('STATE_JOURNAL', { topic, partition, source, missing: number, upTo })
    above = held
  }
  return effective([...entries.values()].filter(({ number }) => number <= upTo))
}

const effective = (entries: JournalEntry[]) => entries.sort((a, b) => a.position - b.position || a.number - b.number)

async function entriesOf (log: LogPort, { topic, partition, source, from }: Pick<JournalRange, 'topic' | 'partition' | 'source' | 'from'>): Promise<ReadonlyMap<number, JournalEntry>> {
  const entries = new Map<number, JournalEntry>()
  for await (const { offset, key, value } of readAll(log, topic, partition, from)) {
    if (key === null || decoder.decode(key) !== source) continue
    const entry = parsed(value)
    if (entry === null) throw new StreamError('STATE_JOURNAL', { topic, partition, source, offset })
    entries.set(entry.number, entry)
  }
  return entries
}

function parsed (value: Uint8Array | null): JournalEntry | null {
  try {
    const entry = JSON.parse(decoder.decode(value ?? new Uint8Array(0))) as Partial<JournalEntry> | null
    return typeof entry?.position === 'number' && typeof entry.number === 'number' && typeof entry.kind === 'string' ? entry as JournalEntry : null
  } catch {
    return null
  }
}

/** Every record of a partition from an offset to its present end. What is trimmed meanwhile is passed over. */
export async function * readAll (log: LogPort, topic: string, partition: number, from: number) {
  // What the last owner was told is committed may not show yet.
  let { start, end } = await log.range(topic, partition, { settled: true })
  for (let offset = Math.max(start, from); offset < end;) {
    const bytes = await fetched(log, { topic, partition, offset })
    if (bytes === null) {
      // Whoever trims has written something newer first: it may lie behind the end as it was.
      ({ start, end } = await log.range(topic, partition, { settled: true }))
      offset = Math.max(offset, start)
      continue
    }
    for (const record of records(bytes)) if (record.offset >= offset && record.offset < end) yield record
    // Not behind the last record: aborted transactions leave batches without any.
    const next = endOf(bytes)
    if (next <= offset) return
    offset = next
  }
}

/** Null when the offset is not held any more. */
async function fetched (log: LogPort, { topic, partition, offset }: { readonly topic: string, readonly partition: number, readonly offset: number }): Promise<Uint8Array | null> {
  try {
    return (await log.fetch({ topic, partition, offset, bytesMax: fetchBytesMax, waitMs: 0 })).bytes
  } catch (error) {
    if (error instanceof StreamError && error.code === 'LOG_OUT_OF_RANGE' && (await log.range(topic, partition)).start > offset) return null
    throw error
  }
}
