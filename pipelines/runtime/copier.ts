import { StreamError } from '../core/errors.ts'
import type { Committed, LakePort, LogPort } from '../core/ports.ts'
import { endOf, type LogRecord, records } from '../core/record-batch.ts'
import type { LegPlan } from './lead.ts'

const fetchBytesMax = 1 << 20

/**
 * Reads one topic of the race from where the lake says, in order.
 *
 * Errors: STATE_POSITION, STATE_TOPIC when the topic does not hold what the lake has not yet stored
 */
export class Copier {
  readonly #topic: string
  readonly #take: (found: readonly LogRecord[]) => void
  #topicId = ''
  #offsets: number[] = []

  constructor (topic: string, take: (found: readonly LogRecord[]) => void) {
    this.#topic = topic
    this.#take = take
  }

  async open ({ log, pipeline }: LegPlan, lake: LakePort): Promise<void> {
    const topic = this.#topic
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
  }

  /** The topic's id goes with each position: offsets of a topic made anew are others. */
  get positions (): readonly (Committed & { readonly topic: string, readonly partition: number })[] {
    return this.#offsets.map((offset, partition) => ({ topic: this.#topic, partition, offset, metadata: this.#topicId }))
  }

  /** What the topic has beyond the position, at most a fetch of each partition. True when there was something. */
  async copy (log: LogPort): Promise<boolean> {
    let progressed = false
    for (const [partition, offset] of this.#offsets.entries()) {
      const { bytes } = await log.fetch({ topic: this.#topic, partition, offset, bytesMax: fetchBytesMax, waitMs: 0 })
      const end = endOf(bytes)
      if (end <= offset) continue
      this.#take([...records(bytes)].filter(record => record.offset >= offset))
      this.#offsets[partition] = end
      progressed = true
    }
    return progressed
  }
}
