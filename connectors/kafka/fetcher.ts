import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort, Fetched } from '../../pipelines/core/ports.ts'
import type { Cluster } from './cluster.ts'
import { Again, check, codeName } from './codes.ts'
import { committedBatches } from './committed.ts'
import type { Address } from './connection.ts'
import { type Ask, fetchOnce, Polls, slackShare } from './polls.ts'
import { earliest, type FetchedPartition, latest, listOffsets, readCommitted } from './requests.ts'

/** A broker is asked to wait this long at most; longer waits ask again, so that a broker which has gone is noticed. */
const pollMs = 500
const nothing = new Uint8Array(0)

export interface FetcherOptions { readonly clock: ClockPort, readonly crc: Crc32c, readonly decompressedBytesMax: number }
export interface FetchPartition { readonly topic: string, readonly partition: number, readonly offset: number, readonly bytesMax: number, readonly waitMs: number, readonly signal?: AbortSignal | undefined, readonly into?: Uint8Array | undefined }

interface Gathered { readonly ask: Ask, readonly resolve: (answer: FetchedPartition) => void, readonly reject: (error: unknown) => void }

/**
 * Fetches what is committed. What is asked of one broker in the same turn goes there in one request; what may wait goes by `Polls`.
 *
 * Limits: those of `Polls`
 * Errors: LOG_OUT_OF_RANGE, LOG_TOPIC_UNKNOWN, LOG_PARTITIONS_ADDED, LOG_CORRUPT, KAFKA_DENIED, KAFKA_UNREACHABLE
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #options: FetcherOptions
  readonly #polls = new Map<string, Polls>()
  readonly #gathering = new Map<string, Gathered[]>()
  readonly #ends = new Map<string, number>()

  constructor (cluster: Cluster, options: FetcherOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  async fetch (request: FetchPartition): Promise<Fetched> {
    const { topic, partition, offset, waitMs, signal, into } = request
    const { clock, crc, decompressedBytesMax } = this.#options
    const untilMs = clock.monotonicMs() + waitMs
    const name = `${partition} ${topic}`
    for (;;) {
      const together = await this.#answer(request, Math.min(pollMs, untilMs - clock.monotonicMs()))
      // A broker gives a batch beyond the bytes asked for to the first partition of a request only.
      const isLeftOut = together !== null && together.records.length === 0 && offset < together.lastStableOffset
      const answer = isLeftOut ? await this.#answer({ ...request, alone: true }, 0) : together
      if (answer === null) return { bytes: nothing, end: this.#ends.get(name) ?? offset }
      this.#ends.set(name, answer.lastStableOffset)
      const bytes = answer.records.length === 0 ? nothing : committedBatches(answer.records, answer.abortedTransactions ?? [], { topic, partition, crc, decompressedBytesMax, into })
      if (bytes.length > 0 || signal?.aborted || untilMs - clock.monotonicMs() <= waitMs * slackShare) return { bytes, end: answer.lastStableOffset }
    }
  }

  /** Null when `signal` aborts: the broker may go on waiting, for nobody. */
  async #answer (request: FetchPartition & { readonly alone?: boolean }, waitMs: number): Promise<FetchedPartition | null> {
    const { topic, partition, offset, signal, alone = false } = request
    const answered = this.#cluster.retry(`fetch ${topic}/${partition}`, () => this.#cluster.atLeader(topic, partition, async (address, { id, leaders, added }) => {
      if (added > 0) throw new StreamError('LOG_PARTITIONS_ADDED', { topic, was: leaders.length - added, is: leaders.length })
      const ask = { ...request, topicId: id, waitMs: Math.max(0, Math.ceil(waitMs)) }
      const answer = await (alone ? this.#alone(address, ask) : this.#ask(address, ask))
      if (codeName(answer.errorCode) === 'OFFSET_OUT_OF_RANGE') throw new StreamError('LOG_OUT_OF_RANGE', { topic, partition, offset, ...await this.#bounds(address, topic, partition) })
      check(answer.errorCode, { topic, partition, offset, needs: 'READ' })
      return answer
    }), { signal })
    if (signal === undefined) return answered
    return unlessAborted(answered, signal)
  }

  /** What there is, for whoever has to be told: an answer that refuses an offset does not say. */
  async #bounds (address: Address, name: string, partitionIndex: number): Promise<Readonly<Record<string, number>>> {
    const [start, end] = await Promise.all([earliest, latest].map(async timestamp => {
      const { topics: [topic] } = await this.#cluster.call(address, 'control', listOffsets, { isolationLevel: readCommitted, topics: [{ name, partitions: [{ partitionIndex, timestamp }] }] })
      return topic?.partitions[0]?.offset ?? -1
    }))
    return { start: start!, end: end! }
  }

  #ask (address: Address, ask: Ask): Promise<FetchedPartition> {
    const key = `${address.host}:${address.port}`
    if (ask.waitMs > 0) {
      let polls = this.#polls.get(key)
      if (polls === undefined) this.#polls.set(key, polls = new Polls(this.#cluster, this.#options.clock, address))
      return polls.ask(ask)
    }
    return new Promise((resolve, reject) => {
      let group = this.#gathering.get(key)
      // A request names a partition once.
      if (group?.some(({ ask: other }) => other.topicId === ask.topicId && other.partition === ask.partition)) { this.#send(key, address, group); group = undefined }
      if (group === undefined) {
        const mine: Gathered[] = group = []
        this.#gathering.set(key, mine)
        setImmediate(() => { if (this.#gathering.get(key) === mine) this.#send(key, address, mine) })
      }
      group.push({ ask, resolve, reject })
    })
  }

  async #alone (address: Address, ask: Ask): Promise<FetchedPartition> {
    const [answer] = await fetchOnce(this.#cluster, address, 'fetch', [ask], { maxWaitMs: 0, minBytes: 0 })
    if (answer == null) throw new Again('the answer lacks the partition', false)
    return answer
  }

  #send (key: string, address: Address, group: readonly Gathered[]): void {
    this.#gathering.delete(key)
    fetchOnce(this.#cluster, address, 'fetch', group.map(({ ask }) => ask), { maxWaitMs: 0, minBytes: 0 }).then(found => {
      group.forEach(({ resolve, reject }, at) => {
        const answer = found[at] ?? null
        if (answer === null) reject(new Again('the answer lacks the partition', false))
        else resolve(answer)
      })
    }, (error: unknown) => { for (const { reject } of group) reject(error) })
  }
}

function unlessAborted<T> (promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  if (signal.aborted) { promise.catch(() => {}); return Promise.resolve(null) }
  return new Promise((resolve, reject) => {
    const aborted = () => { resolve(null) }
    signal.addEventListener('abort', aborted, { once: true })
    promise.then(resolve, error => { if (signal.aborted) resolve(null); else reject(error as Error) }).finally(() => { signal.removeEventListener('abort', aborted) })
  })
}
