import { StreamError } from '../core/errors.ts'
import type { LakePort } from '../core/lake-ports.ts'
import type { Committed, LogPort } from '../core/ports.ts'
import { type LogRecord, records } from '../core/record-batch.ts'
import type { Feed, Inlet } from './feed.ts'
import type { LegPlan } from './lead.ts'

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
  #inlets: readonly Inlet[] = []

  constructor (topic: string, take: (found: readonly LogRecord[]) => void) {
    this.#topic = topic
    this.#take = take
  }

  async open ({ log, pipeline }: LegPlan, lake: LakePort, feed: Feed): Promise<void> {
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
    this.#inlets = this.#offsets.map((offset, partition) => feed.open({ topic, partition, offset }))
  }

  /** The topic's id goes with each position: offsets of a topic made anew are others. */
  get positions (): readonly (Committed & { readonly topic: string, readonly partition: number })[] {
    return this.#offsets.map((offset, partition) => ({ topic: this.#topic, partition, offset, metadata: this.#topicId }))
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
    return Promise.all(this.#offsets.map(async (_, partition) => (await log.range(this.#topic, partition)).end))
  }

  hasReached (ends: readonly number[]): boolean { return this.#offsets.every((offset, partition) => offset >= ends[partition]!) }
}
