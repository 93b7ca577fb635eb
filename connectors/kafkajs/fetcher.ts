import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort, Fetched, FetchRequest } from '../../pipelines/core/ports.ts'
import type { Client } from './client.ts'
import { rootOf, translated } from './errors.ts'
import { reframed } from './frames.ts'
import { type Broker, consumers, type FetchedPartition, readCommitted } from './inner.ts'

/** How long a broker holds a fetch back: those that come meanwhile wait behind it, since kafkajs fetches over one connection a broker. */
const pollMs = 100
const answerBytesMax = 50 << 20
const nothing = new Uint8Array(0)

interface Ask { readonly topic: string, readonly partition: number, readonly offset: number, readonly bytesMax: number, readonly waitMs: number, readonly resolve: (answer: FetchedPartition) => void, readonly reject: (error: unknown) => void }

/**
 * Fetches of any partition from any offset. What is asked of one broker in one turn of the loop goes there in one request; those that wait and
 * those that do not use connections of their own.
 *
 * Errors: LOG_OUT_OF_RANGE, LOG_TOPIC_UNKNOWN; LOG_CORRUPT when kafkajs cannot decode what it got: it checks no checksum
 */
export class Fetcher {
  readonly #quick: Client
  readonly #waiting: Client
  readonly #clock: ClockPort
  readonly #gathering = new Map<string, { readonly broker: Broker, readonly asks: Ask[] }>()

  constructor ({ quick, waiting, clock }: { readonly quick: Client, readonly waiting: Client, readonly clock: ClockPort }) {
    this.#quick = quick
    this.#waiting = waiting
    this.#clock = clock
  }

  async fetch ({ topic, partition, offset, bytesMax, waitMs, signal }: FetchRequest): Promise<Fetched> {
    const untilMs = this.#clock.monotonicMs() + waitMs
    let end = offset
    for (;;) {
      const restMs = Math.max(0, Math.min(pollMs, untilMs - this.#clock.monotonicMs()))
      const client = restMs > 0 ? this.#waiting : this.#quick
      const answering = client.atLeader(`fetch ${topic}/${partition}`, topic, partition, broker => this.#ask(broker, { topic, partition, offset, bytesMax, waitMs: Math.ceil(restMs) }, restMs > 0), signal)
      const answer = await unlessAborted(answering, signal)
      if (answer === null) return { bytes: nothing, end }
      end = Number(answer.lastStableOffset)
      let bytes = reframed(answer, offset)
      // A broker gives a batch beyond the bytes asked for to the first partition of a request only. A batch that compaction has emptied comes out of kafkajs as nothing at all: the position goes on one by one until something shows.
      if (bytes.length === 0 && offset < end && answer.messages.length === 0) bytes = await this.#beyond({ topic, partition, offset, bytesMax, end })
      if (bytes.length > 0 || signal?.aborted || this.#clock.monotonicMs() >= untilMs) return { bytes, end }
    }
  }

  async #beyond ({ topic, partition, offset, bytesMax, end }: { readonly topic: string, readonly partition: number, readonly offset: number, readonly bytesMax: number, readonly end: number }): Promise<Uint8Array> {
    for (let next = offset; next < end; next += 1) {
      const answer = await this.#quick.atLeader(`fetch ${topic}/${partition}`, topic, partition, broker => this.#alone(broker, { topic, partition, offset: next, bytesMax, waitMs: 0 }))
      if (answer.messages.length > 0) return reframed(answer, offset)
    }
    return nothing
  }

  #ask (broker: Broker, ask: Omit<Ask, 'resolve' | 'reject'>, waits: boolean): Promise<FetchedPartition> {
    return new Promise((resolve, reject) => {
      const key = `${(broker as { readonly nodeId?: number }).nodeId} ${waits}`
      let group = this.#gathering.get(key)
      // A request names a partition once.
      if (group?.asks.some(other => other.topic === ask.topic && other.partition === ask.partition)) { this.#send(key); group = undefined }
      if (group === undefined) {
        this.#gathering.set(key, group = { broker, asks: [] })
        const mine = group
        setImmediate(() => { if (this.#gathering.get(key) === mine) this.#send(key) })
      }
      group.asks.push({ ...ask, resolve, reject })
    })
  }

  #alone (broker: Broker, ask: Omit<Ask, 'resolve' | 'reject'>): Promise<FetchedPartition> {
    return new Promise((resolve, reject) => {
      const mine = { ...ask, resolve, reject }
      this.#request(broker, [mine]).catch((error: unknown) => { reject(refusal(error, mine) as Error) })
    })
  }

  #send (key: string): void {
    const { broker, asks } = this.#gathering.get(key)!
    this.#gathering.delete(key)
    void this.#request(broker, asks).catch(async (error: unknown) => {
      // One partition's error is the whole answer's for kafkajs: each is asked for alone.
      if (asks.length === 1) { asks[0]!.reject(refusal(error, asks[0]!)); return }
      for (const ask of asks) await this.#request(broker, [ask]).catch((error: unknown) => { ask.reject(refusal(error, ask)) })
    })
  }

  async #request (broker: Broker, asks: readonly Ask[]): Promise<void> {
    const byTopic = new Map<string, { partition: number, fetchOffset: string, maxBytes: number }[]>()
    for (const { topic, partition, offset, bytesMax } of asks) byTopic.set(topic, [...byTopic.get(topic) ?? [], { partition, fetchOffset: `${offset}`, maxBytes: bytesMax }])
    const maxWaitTime = Math.min(...asks.map(({ waitMs }) => waitMs))
    const { responses } = await broker.fetch({
      replicaId: consumers, isolationLevel: readCommitted, maxWaitTime, minBytes: maxWaitTime > 0 ? 1 : 0,
      maxBytes: Math.min(answerBytesMax, asks.reduce((sum, { bytesMax }) => sum + bytesMax, 0)),
      topics: [...byTopic].map(([topic, partitions]) => ({ topic, partitions })),
    })
    for (const ask of asks) {
      const found = responses.filter(({ topicName }) => topicName === ask.topic).flatMap(({ partitions }) => partitions).find(({ partition }) => partition === ask.partition)
      if (found === undefined) ask.reject(new StreamError('KAFKA_UNREACHABLE', { topic: ask.topic, partition: ask.partition, why: 'the answer lacks the partition' }))
      else ask.resolve(found)
    }
  }
}

/** What is not an answer of the broker's nor the network's is bytes that cannot be decoded. */
function refusal (error: unknown, { topic, partition, offset }: Ask): unknown {
  const { type, name } = rootOf(error)
  if (type === 'OFFSET_OUT_OF_RANGE') return translated(error, { topic, partition, offset })
  if (type !== undefined || (name.startsWith('KafkaJS') && !/VarInt|Long|MagicByte|NotImplemented/.test(name))) return error
  return new StreamError('LOG_CORRUPT', { topic, partition, offset, client: 'kafkajs', why: (error as Error).message }, { cause: error })
}

function unlessAborted<T> (promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | null> {
  if (signal === undefined) return promise
  if (signal.aborted) { promise.catch(() => {}); return Promise.resolve(null) }
  return new Promise((resolve, reject) => {
    const aborted = () => { resolve(null) }
    signal.addEventListener('abort', aborted, { once: true })
    promise.then(resolve, error => { if (signal.aborted) resolve(null); else reject(error as Error) }).finally(() => { signal.removeEventListener('abort', aborted) })
  })
}
