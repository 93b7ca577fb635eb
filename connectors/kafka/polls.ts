import type { ClockPort } from '../../pipelines/core/ports.ts'
import type { Cluster } from './cluster.ts'
import { Again, check } from './codes.ts'
import type { Address } from './connection.ts'
import { fetch, type FetchedPartition } from './requests.ts'

const answerBytesMax = 50 << 20
/** Polls of a broker at once: more than one since what is asked while one waits must not wait for its end. */
const lanesMax = 3
/** A poll on the last lane keeps what is asked meanwhile waiting so long at most. */
const lastLaneWaitMs = 5
/** From one poll to the next, at least, and so much more for each partition: what comes meanwhile comes together. */
const pollEveryMs = 2
const pollEveryMsEach = 1 / 8
/** An ask that has waited all but so much of its time is answered with others whose time is over, so that they go on together. */
export const slackShare = 1 / 4
/** Beyond such answers the broker has more than it sent, and is asked again at once. */
const smallBytes = 64 << 10

export interface Ask { readonly topicId: string, readonly partition: number, readonly offset: number, readonly bytesMax: number, readonly waitMs: number, readonly signal?: AbortSignal | undefined }
interface Waiting extends Ask { readonly untilMs: number, readonly resolve: (answer: FetchedPartition) => void, readonly reject: (error: unknown) => void }

/**
 * What is asked of one broker, in few requests: all that waits is asked for together, by a poll that the broker answers as soon as it has something for any of
 * them. What got nothing stays and goes with the next poll.
 *
 * State:  who waits, and which lanes are taken
 * Limits: an answer of 50 MiB; three polls at once, of which the third waits 5 ms, so that an ask waits no longer than that to be sent
 * Errors: Again, and what the broker says to the whole request
 */
export class Polls {
  readonly #cluster: Cluster
  readonly #clock: ClockPort
  readonly #address: Address
  #waiting: Waiting[] = []
  readonly #lanes = new Set<number>()
  #isShort = false
  #isScheduled = false
  #sentMs = Number.NEGATIVE_INFINITY
  #isBehind = false
  /** Which ask of a request goes first, in turn: a broker gives a batch beyond the bytes asked for to the first partition alone. */
  #first = 0

  constructor (cluster: Cluster, clock: ClockPort, address: Address) {
    this.#cluster = cluster
    this.#clock = clock
    this.#address = address
  }

  /** The first answer with records or an error, or the last one within `waitMs`. */
  ask (ask: Ask): Promise<FetchedPartition> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...ask, untilMs: this.#clock.monotonicMs() + ask.waitMs, resolve, reject })
      this.#schedule()
    })
  }

  /** With the rest of this turn; no sooner than the pace of polls allows, nor where all lanes are taken. */
  #schedule (): void {
    if (this.#isScheduled || this.#waiting.length === 0 || this.#lanes.size >= lanesMax) return
    this.#isScheduled = true
    const everyMs = this.#isBehind ? 0 : pollEveryMs + this.#waiting.length * pollEveryMsEach
    const pauseMs = this.#sentMs + everyMs - this.#clock.monotonicMs()
    const send = () => {
      this.#isScheduled = false
      this.#send()
    }
    if (pauseMs <= 0) setImmediate(send)
    else void this.#clock.sleep(Math.max(1, Math.round(pauseMs))).then(send)
  }

  #send (): void {
    if (this.#lanes.size >= lanesMax) return
    const nowMs = this.#clock.monotonicMs()
    const going = new Map<string, Waiting>()
    const left: Waiting[] = []
    for (const one of this.#waiting) {
      // Who has given up has an answer already.
      if (one.signal?.aborted) continue
      // A request names a partition once.
      const name = `${one.partition} ${one.topicId}`
      if (going.has(name)) left.push(one)
      else going.set(name, one)
    }
    this.#waiting = left
    if (going.size > 0) {
      this.#sentMs = nowMs
      const asks = [...going.values()]
      this.#first += 1
      const turned = asks.map((_, at) => asks[(at + this.#first) % asks.length]!)
      void this.#poll(turned, nowMs)
    }
    this.#schedule()
  }

  /** Never rejects. */
  async #poll (asks: readonly Waiting[], nowMs: number): Promise<void> {
    let lane = 0
    while (this.#lanes.has(lane)) lane += 1
    this.#lanes.add(lane)
    const isShort = this.#lanes.size === lanesMax
    if (isShort) this.#isShort = true
    const waitMs = Math.max(0, Math.ceil(Math.min(...asks.map(({ untilMs }) => untilMs)) - nowMs))
    let isEmpty = false
    try {
      const found = await fetchOnce(this.#cluster, this.#address, `wait ${lane}`, asks, { maxWaitMs: isShort ? Math.min(waitMs, lastLaneWaitMs) : waitMs, minBytes: 1 })
      isEmpty = this.#answered(asks, found)
    } catch (error) {
      for (const { reject } of asks) reject(error)
    }
    this.#lanes.delete(lane)
    if (isShort) this.#isShort = false
    // Where nothing comes, polls find together again.
    if (!isEmpty || !this.#isShort) this.#schedule()
  }

  /** Whether nobody got anything. Who has time left goes on waiting. */
  #answered (asks: readonly Waiting[], found: readonly (FetchedPartition | null)[]): boolean {
    const nowMs = this.#clock.monotonicMs()
    let bytes = 0
    asks.forEach((ask, at) => {
      const answer = found[at]
      if (answer === undefined || answer === null) { ask.reject(new Again('the answer lacks the partition', false)); return }
      bytes += answer.records.length
      if (answer.records.length > 0 || answer.errorCode !== 0 || ask.untilMs - nowMs <= ask.waitMs * slackShare) ask.resolve(answer)
      else this.#waiting.push(ask)
    })
    this.#isBehind = bytes > smallBytes
    return bytes === 0
  }
}

interface RequestOptions { readonly maxWaitMs: number, readonly minBytes: number }

/** One request for what is asked, a partition at most once. Null where the answer lacks one. Errors: Again, what the broker says */
export async function fetchOnce (cluster: Cluster, address: Address, lane: 'fetch' | `wait ${number}`, asks: readonly Ask[], { maxWaitMs, minBytes }: RequestOptions): Promise<readonly (FetchedPartition | null)[]> {
  const byTopic = new Map<string, Ask[]>()
  for (const ask of asks) {
    const others = byTopic.get(ask.topicId)
    if (others === undefined) byTopic.set(ask.topicId, [ask])
    else others.push(ask)
  }
  const answer = await cluster.call(address, lane, fetch, {
    maxWaitMs, minBytes,
    maxBytes: Math.min(answerBytesMax, asks.reduce((sum, { bytesMax }) => sum + bytesMax, 0)),
    topics: [...byTopic].map(([topicId, partitions]) => ({ topicId, partitions: partitions.map(({ partition, offset, bytesMax }) => ({ partition, fetchOffset: offset, partitionMaxBytes: bytesMax })) })),
  })
  check(answer.errorCode, { broker: `${address.host}:${address.port}` })
  const found = new Map(answer.responses.flatMap(({ topicId, partitions }) => partitions.map(one => [`${one.partitionIndex} ${topicId}`, one] as const)))
  return asks.map(({ topicId, partition }) => found.get(`${partition} ${topicId}`) ?? null)
}
