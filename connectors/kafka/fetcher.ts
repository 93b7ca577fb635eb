import type { Crc32c } from '../../pipelines/core/crc32c.ts'
import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort, Fetched } from '../../pipelines/core/ports.ts'
import type { Cluster } from './cluster.ts'
import { Again, check, codeName } from './codes.ts'
import { committedBatches } from './committed.ts'
import type { Address } from './connection.ts'
import type { Lane } from './connections.ts'
import { earliest, fetch, type FetchedPartition, latest, listOffsets, readCommitted } from './requests.ts'

/** A broker is asked to wait this long at most; longer waits ask again, so that a broker which has gone is noticed. */
const pollMs = 500
const answerBytesMax = 50 << 20
/** Waiting requests of a broker at once. */
const waitLanesMax = 16
/** Beyond so many, what is asked gathers for a moment: requests of one partition each would otherwise never find together again. */
const waitLanesFew = 4
const gatherMs = 1
const nothing = new Uint8Array(0)

export interface FetcherOptions { readonly clock: ClockPort, readonly crc: Crc32c, readonly decompressedBytesMax: number }
export interface FetchPartition { readonly topic: string, readonly partition: number, readonly offset: number, readonly bytesMax: number, readonly waitMs: number, readonly signal?: AbortSignal | undefined, readonly into?: Uint8Array | undefined }

interface Gathering { readonly address: Address, readonly waits: boolean, readonly asks: Ask[] }
interface Ask { readonly topicId: string, readonly partition: number, readonly offset: number, readonly bytesMax: number, readonly waitMs: number, readonly resolve: (answer: FetchedPartition) => void, readonly reject: (error: unknown) => void }

/**
 * Fetches what is committed. What is asked of one broker in the same turn goes there in one request, so that waiting for a hundred
 * partitions takes one connection.
 *
 * Limits: a request of at most 50 MiB; per broker 16 waiting requests at once: what is asked further goes together, as soon as one of them is answered
 * Errors: LOG_OUT_OF_RANGE, LOG_TOPIC_UNKNOWN, LOG_PARTITIONS_ADDED, LOG_CORRUPT, KAFKA_DENIED, KAFKA_UNREACHABLE
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #options: FetcherOptions
  readonly #gathering = new Map<string, Gathering>()
  readonly #busyLanes = new Map<string, Set<number>>()
  readonly #ends = new Map<string, number>()
  /** Which ask of a request goes first, in turn: a broker gives a batch beyond the bytes asked for to the first partition alone. */
  #first = 0

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
      const answer = await this.#answer(request, Math.min(pollMs, untilMs - clock.monotonicMs()))
      if (answer === null) return { bytes: nothing, end: this.#ends.get(name) ?? offset }
      this.#ends.set(name, answer.lastStableOffset)
      const bytes = answer.records.length === 0 ? nothing : committedBatches(answer.records, answer.abortedTransactions ?? [], { topic, partition, crc, decompressedBytesMax, into })
      if (bytes.length > 0 || signal?.aborted || clock.monotonicMs() >= untilMs) return { bytes, end: answer.lastStableOffset }
    }
  }

  /** Null when `signal` aborts: the broker may go on waiting, for nobody. */
  async #answer (request: FetchPartition, waitMs: number): Promise<FetchedPartition | null> {
    const { topic, partition, offset, signal } = request
    const answered = this.#cluster.retry(`fetch ${topic}/${partition}`, () => this.#cluster.atLeader(topic, partition, async (address, { id, leaders, added }) => {
      if (added > 0) throw new StreamError('LOG_PARTITIONS_ADDED', { topic, was: leaders.length - added, is: leaders.length })
      const answer = await this.#ask(address, { ...request, topicId: id, waitMs: Math.max(0, Math.ceil(waitMs)) })
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

  #ask (address: Address, ask: Omit<Ask, 'resolve' | 'reject'>): Promise<FetchedPartition> {
    return new Promise((resolve, reject) => {
      const waits = ask.waitMs > 0
      const key = `${address.host}:${address.port} ${waits}`
      let group = this.#gathering.get(key)
      // A request names a partition once.
      if (group?.asks.some(other => other.topicId === ask.topicId && other.partition === ask.partition)) { this.#send(key); group = undefined }
      if (group === undefined) {
        this.#gathering.set(key, group = { address, waits, asks: [] })
        this.#sendSoon(key, group)
      }
      group.asks.push({ topicId: ask.topicId, partition: ask.partition, offset: ask.offset, bytesMax: ask.bytesMax, waitMs: ask.waitMs, resolve, reject })
    })
  }

  /** Once this turn is over; where many requests wait already, a moment later; where all that may wait do, when one of them is answered. */
  #sendSoon (key: string, group: Gathering): void {
    const send = () => { if (this.#gathering.get(key) === group) this.#send(key) }
    const waiting = group.waits ? this.#lanesOf(group.address).size : 0
    if (waiting < waitLanesFew) setImmediate(send)
    else if (waiting < waitLanesMax) void this.#options.clock.sleep(gatherMs).then(send)
  }

  #send (key: string): void {
    const { address, waits, asks } = this.#gathering.get(key)!
    this.#gathering.delete(key)
    this.#first += 1
    const turned = asks.map((_, at) => asks[(at + this.#first) % asks.length]!)
    void this.#request(address, waits, turned).catch((error: unknown) => { for (const { reject } of asks) reject(error) })
  }

  async #request (address: Address, waits: boolean, asks: readonly Ask[]): Promise<void> {
    const byTopic = new Map<string, Ask[]>()
    for (const ask of asks) byTopic.set(ask.topicId, [...byTopic.get(ask.topicId) ?? [], ask])
    const lane = waits ? this.#takeLane(address) : null
    try {
      const answer = await this.#cluster.call(address, lane === null ? 'fetch' : `wait ${lane}` as Lane, fetch, {
        maxWaitMs: Math.min(...asks.map(({ waitMs }) => waitMs)), minBytes: waits ? 1 : 0,
        maxBytes: Math.min(answerBytesMax, asks.reduce((sum, { bytesMax }) => sum + bytesMax, 0)),
        topics: [...byTopic].map(([topicId, partitions]) => ({ topicId, partitions: partitions.map(({ partition, offset, bytesMax }) => ({ partition, fetchOffset: offset, partitionMaxBytes: bytesMax })) })),
      })
      check(answer.errorCode, { broker: `${address.host}:${address.port}` })
      for (const ask of asks) {
        const found = answer.responses.find(({ topicId }) => topicId === ask.topicId)?.partitions.find(({ partitionIndex }) => partitionIndex === ask.partition)
        if (found === undefined) ask.reject(new Again('the answer lacks the partition', false))
        else ask.resolve(found)
      }
    } finally {
      if (lane !== null) this.#freeLane(address, lane)
    }
  }

  #lanesOf ({ host, port }: Address): Set<number> {
    const name = `${host}:${port}`
    const busy = this.#busyLanes.get(name) ?? new Set()
    this.#busyLanes.set(name, busy)
    return busy
  }

  /** A connection on which nobody waits; one behind others where the same partition is asked for more often than there are connections. */
  #takeLane (address: Address): number {
    const busy = this.#lanesOf(address)
    let lane = 0
    while (busy.has(lane) && lane < waitLanesMax) lane += 1
    busy.add(lane)
    return lane
  }

  /** What gathered because nothing more could wait goes now, with what is asked again in this turn. */
  #freeLane (address: Address, lane: number): void {
    const busy = this.#lanesOf(address)
    const wasFull = busy.size >= waitLanesMax
    busy.delete(lane)
    const key = `${address.host}:${address.port} true`
    const group = this.#gathering.get(key)
    if (wasFull && group !== undefined) setImmediate(() => { if (this.#gathering.get(key) === group) this.#send(key) })
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
