import { crc32c } from '../../pipelines/core/crc32c.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort, Commit, Committed, Fetched, FetchRequest, JoinRequest, LogPort, Membership, TopicInfo, TopicSpec } from '../../pipelines/core/ports.ts'
import { readBatchHeader, records } from '../../pipelines/core/record-batch.ts'
import { checkName, checkTopic } from '../../connectors/embedded/names.ts'
import { type SealedBatch, sealBatch } from '../../connectors/embedded/seal.ts'

/** Where a test can make the log fail. `:before`: nothing has happened yet; `:after`: it has, but the caller does not learn of it. */
export type FailurePoint = 'append:before' | 'append:after' | 'commit:before' | 'commit:after' | 'fetch' | 'join' | 'trim:before' | 'trim:after'

export interface MemoryLogOptions {
  readonly clock: ClockPort
  readonly batchBytesMax?: number
  /** Called at every point in order; what it throws, the caller of the log gets. `detail` names the topic or group. */
  readonly at?: (point: FailurePoint, detail: string) => void
}

interface Partition { start: number, batches: SealedBatch[], end: number }
interface Topic { info: TopicInfo, readonly partitions: Partition[] }

/**
 * A log in memory: the same port and the same rules as the embedded one, without disk, compaction or retention. One object outlives
 * the runtimes that a test crashes on it.
 *
 * Delivery: a commit is applied between two turns of the event loop, whole or not at all
 */
export class MemoryLog implements LogPort {
  readonly name = 'memory'
  readonly #options: Required<MemoryLogOptions>
  readonly #topics = new Map<string, Topic>()
  readonly #generations = new Map<string, number>()
  readonly #offsets = new Map<string, Committed>()
  readonly #waiters = new Set<() => void>()
  #topicsMade = 0

  constructor (options: MemoryLogOptions) { this.#options = { batchBytesMax: 16 << 20, at: () => {}, ...options } }

  async createTopic (spec: TopicSpec): Promise<TopicInfo> {
    checkTopic(spec)
    const existing = this.#topics.get(spec.name)
    if (existing) {
      for (const setting of ['partitions', 'cleanup', 'timestamps'] as const) {
        if (existing.info[setting] !== spec[setting]) throw new StreamError('LOG_TOPIC_DIFFERS', { topic: spec.name, setting, is: existing.info[setting], wanted: spec[setting] })
      }
      existing.info = { ...spec, id: existing.info.id }
      return existing.info
    }
    const topic = { info: { ...spec, id: `${this.#topicsMade += 1}` }, partitions: Array.from({ length: spec.partitions }, () => ({ start: 0, batches: [], end: 0 })) }
    this.#topics.set(spec.name, topic)
    return topic.info
  }

  async deleteTopic (name: string): Promise<void> {
    this.#topics.delete(name)
    for (const key of this.#offsets.keys()) if (JSON.parse(key)[1] === name) this.#offsets.delete(key)
  }

  async topics (): Promise<readonly TopicInfo[]> { return [...this.#topics.values()].map(({ info }) => info) }
  async topic (name: string): Promise<TopicInfo | null> { return this.#topics.get(name)?.info ?? null }

  async range (topic: string, partition: number): Promise<{ start: number, end: number }> {
    const { start, end } = this.#partition(topic, partition)
    return { start, end }
  }

  async offsetAt (topic: string, partition: number, timestampMs: number): Promise<number> {
    const { batches, start, end } = this.#partition(topic, partition)
    for (const batch of batches) {
      if (batch.maxTimestamp < timestampMs) continue
      for (const { timestamp, offset } of records(batch.bytes)) if (timestamp >= timestampMs && offset >= start) return offset
    }
    return end
  }

  async fetch ({ topic, partition, offset, bytesMax, waitMs, signal }: FetchRequest): Promise<Fetched> {
    this.#options.at('fetch', topic)
    const until = this.#options.clock.monotonicMs() + waitMs
    for (;;) {
      const { start, end, batches } = this.#partition(topic, partition)
      if (offset < start || offset > end) throw new StreamError('LOG_OUT_OF_RANGE', { topic, partition, offset, start, end })
      const restMs = until - this.#options.clock.monotonicMs()
      if (offset < end) return { bytes: joined(batches, offset, bytesMax), end }
      if (restMs <= 0 || signal?.aborted) return { bytes: new Uint8Array(0), end }
      await this.#change(restMs, signal)
    }
  }

  async append (topic: string, partition: number, bytes: Uint8Array): Promise<{ baseOffset: number }> {
    this.#options.at('append:before', topic)
    const baseOffset = this.#apply([{ topic, partition, bytes }])[0]!
    this.#options.at('append:after', topic)
    return { baseOffset }
  }

  async trim (topic: string, partition: number, before: number): Promise<void> {
    this.#options.at('trim:before', topic)
    const found = this.#partition(topic, partition)
    found.batches = found.batches.filter(({ lastOffset }) => lastOffset >= before)
    const first = found.batches[0]
    found.start = Math.max(found.start, first ? readBatchHeader(first.bytes, 0)!.baseOffset : Math.min(before, found.end))
    this.#options.at('trim:after', topic)
  }

  async join ({ group, topics }: JoinRequest): Promise<Membership> {
    checkName('group', group)
    this.#options.at('join', group)
    const assignments = topics.flatMap(topic => this.#found(topic).partitions.map((_, partition) => ({ topic, partition })))
    const generation = (this.#generations.get(group) ?? 0) + 1
    this.#generations.set(group, generation)
    const lead = () => { if (this.#generations.get(group) !== generation) throw new StreamError('LOG_FENCED', { group, generation, now: this.#generations.get(group) }) }
    let failure: unknown = null
    return {
      assignments,
      revoked: [],
      release: async () => {},
      commit: async commit => {
        if (failure !== null) throw failure
        try {
          this.#commit(group, commit, lead)
        } catch (error) {
          failure = error
          throw error
        }
      },
      leave: async () => { if (this.#generations.get(group) === generation) this.#generations.set(group, generation + 1) },
    }
  }

  async committed (group: string, topic: string, partition: number): Promise<Committed | null> { return this.#offsets.get(JSON.stringify([group, topic, partition])) ?? null }
  async close (): Promise<void> { this.#wake() }

  #commit (group: string, { appends, offsets }: Commit, lead: () => void): void {
    this.#options.at('commit:before', group)
    lead()
    for (const { topic, partition } of offsets) this.#partition(topic, partition)
    this.#apply(appends)
    for (const { topic, partition, offset, metadata } of offsets) this.#offsets.set(JSON.stringify([group, topic, partition]), { offset, metadata })
    this.#options.at('commit:after', group)
  }

  /** Seal all batches first, so that a refused one leaves nothing behind. */
  #apply (appends: Commit['appends']): number[] {
    const { clock, batchBytesMax } = this.#options
    const ends = new Map<Partition, number>()
    const sealed = appends.map(({ topic, partition, bytes }) => {
      const target = this.#partition(topic, partition)
      const baseOffset = ends.get(target) ?? target.end
      const stampMs = this.#found(topic).info.timestamps === 'LogAppendTime' ? clock.wallMs() : null
      const batch = sealBatch(bytes, { baseOffset, stampMs, batchBytesMax, crc: crc32c, keyed: this.#found(topic).info.cleanup === 'compact' })
      ends.set(target, batch.lastOffset + 1)
      return { target, batch, baseOffset }
    })
    for (const { target, batch } of sealed) {
      target.batches.push(batch)
      target.end = batch.lastOffset + 1
    }
    this.#wake()
    return sealed.map(({ baseOffset }) => baseOffset)
  }

  #found (name: string): Topic {
    const topic = this.#topics.get(name)
    if (!topic) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic: name })
    return topic
  }

  #partition (topic: string, partition: number): Partition {
    const found = this.#found(topic).partitions[partition]
    if (!found) throw new StreamError('LOG_TOPIC_UNKNOWN', { topic, partition })
    return found
  }

  #wake (): void {
    for (const wake of this.#waiters) wake()
  }

  async #change (ms: number, signal: AbortSignal | undefined): Promise<void> {
    const over = new AbortController()
    const wake = () => { over.abort() }
    this.#waiters.add(wake)
    signal?.addEventListener('abort', wake, { once: true })
    await this.#options.clock.sleep(ms, over.signal)
    signal?.removeEventListener('abort', wake)
    this.#waiters.delete(wake)
  }
}

function joined (batches: readonly SealedBatch[], offset: number, bytesMax: number): Uint8Array {
  const wanted: Uint8Array[] = []
  let total = 0
  // From the end: a reader at the head of a long log finds its batch at once.
  let first = batches.length - 1
  while (first > 0 && batches[first - 1]!.lastOffset >= offset) first -= 1
  for (const { bytes } of batches.slice(first)) {
    if (wanted.length > 0 && total + bytes.length > bytesMax) break
    wanted.push(bytes)
    total += bytes.length
  }
  return new Uint8Array(Buffer.concat(wanted))
}
