import { StreamError } from '../core/errors.ts'
import type { LakePort } from '../core/lake-ports.ts'
import type { Committed, LogPort } from '../core/ports.ts'
import { type LogRecord, records } from '../core/record-batch.ts'
import type { Feed, Inlet } from './feed.ts'
import type { CopiedStatus } from './health.ts'
import type { LegPlan } from './lead.ts'

interface Seen { readonly position: number, readonly end: number, readonly arrival: number }

/**
 * Reads one topic of the race from where the lake says, in order.
 *
 * Errors: STATE_POSITION, STATE_TOPIC when the topic does not hold what the lake has not yet stored
 */
export class Copier {
  readonly topic: string
  readonly #take: (found: readonly LogRecord[]) => void
  #topicId = ''
  #offsets: number[] = []
  #inlets: readonly Inlet[] = []
  /** What `look` has seen of each partition. */
  #seen: readonly Seen[] = []

  constructor (topic: string, take: (found: readonly LogRecord[]) => void) {
    this.topic = topic
    this.#take = take
  }

  async open ({ log, pipeline }: LegPlan, lake: LakePort, feed: Feed): Promise<void> {
    const { topic } = this
    const info = await log.topic(topic)
    if (info === null) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic })
    this.#topicId = info.id
    this.#offsets = await Promise.all(Array.from({ length: info.partitions }, async (_, partition) => {
      const [{ start, end }, committed] = await Promise.all([log.range(topic, partition), lake.committed(topic, partition)])
      if (committed === null) return start
      const { offset, metadata } = committed
      const where = { pipeline: pipeline.name, leg: 'pond', topic, partition }
      if (metadata !== '' && metadata !== info.id) throw new StreamError('STATE_TOPIC', { ...where, was: metadata, is: info.id })
      if (offset < start || offset > end) throw new StreamError('STATE_POSITION', { ...where, start, committed: offset, end })
      return offset
    }))
    this.#inlets = this.#offsets.map((offset, partition) => feed.open({ topic, partition, offset }))
  }

  /** The topic's id goes with each position: offsets of a topic made anew are others. */
  get positions (): readonly (Committed & { readonly topic: string, readonly partition: number })[] {
    return this.#offsets.map((offset, partition) => ({ topic: this.topic, partition, offset, metadata: this.#topicId }))
  }

  get status (): readonly CopiedStatus[] {
    return this.#offsets.map((position, partition) => {
      const seen = this.#seen[partition]
      return { topic: this.topic, partition, position, end: Math.max(position, this.#inlets[partition]?.end ?? 0, seen?.end ?? 0), arrival: seen?.position === position ? seen.arrival : Number.NaN }
    })
  }

  /** See where the topic ends, and when what is next came: while nothing is taken, no fetch says so. */
  async look (log: LogPort): Promise<void> {
    const { topic } = this
    this.#seen = await Promise.all(this.#offsets.map(async (position, partition): Promise<Seen> => {
      const { end } = await log.range(topic, partition)
      const before = this.#seen[partition]
      if (before?.position === position && Number.isFinite(before.arrival)) return { ...before, end }
      return { position, end, arrival: position < end ? await arrivalAt(log, { topic, partition, offset: position }) ?? Number.NaN : Number.NaN }
    }))
  }

  /** What has come beyond the position, at most a fetch of each partition. True when there was something. */
  copy (): boolean {
    let progressed = false
    for (const [partition, inlet] of this.#inlets.entries()) {
      const chunk = inlet.take()
      if (chunk === null) continue
      this.#take([...records(chunk.bytes)].filter(record => record.offset >= this.#offsets[partition]!))
      this.#offsets[partition] = chunk.to
      progressed = true
    }
    return progressed
  }

  /** Of each partition, where it ends now. */
  async ends (log: LogPort): Promise<readonly number[]> {
    return Promise.all(this.#offsets.map(async (_, partition) => (await log.range(this.topic, partition)).end))
  }

  hasReached (ends: readonly number[]): boolean { return this.#offsets.every((offset, partition) => offset >= ends[partition]!) }
}

/** Of the record at `offset`, or the next one there is; null: there is none. */
export async function arrivalAt (log: LogPort, { topic, partition, offset }: { readonly topic: string, readonly partition: number, readonly offset: number }): Promise<number | null> {
  const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: 1, waitMs: 0 })
  for (const record of records(bytes)) if (record.offset >= offset) return record.timestamp
  return null
}
