import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort, Fetched, FetchRequest } from '../../pipelines/core/ports.ts'
import type { Headers } from '../../pipelines/core/record-batch.ts'
import { Reframer } from '../../pipelines/core/reframe.ts'
import { translated } from './errors.ts'
import { asked, type Consumer, type Message } from './package.ts'

const pollMs = 20
const messagesMax = 2_000
/** Of one partition that nobody reads on: beyond it librdkafka pauses. */
const heldBytesMax = 8 << 20
const nothing = new Uint8Array(0)

export interface ReaderOptions {
  readonly clock: ClockPort
  readonly patienceMs: number
  readonly range: (topic: string, partition: number) => Promise<{ readonly start: number, readonly end: number }>
  /** Whether the log gives a topic's records their time: librdkafka's binding does not say. */
  readonly isStampedByLog: (topic: string) => Promise<boolean>
}

interface Stream {
  readonly topic: string
  readonly partition: number
  readonly byLog: boolean
  /** The offset behind what was given out; what comes next is in `held`. */
  next: number
  held: Message[]
  heldBytes: number
  /** Where librdkafka said that there is nothing more. */
  eof: number | null
  isAssigned: boolean
  isPaused: boolean
}

/**
 * Fetches of any partition from any offset, out of one consumer to which partitions are assigned by hand.
 *
 * State:  up to 8 MiB of records a partition
 * Limits: records come one by one: each is an object before it is framed again
 * Errors: LOG_OUT_OF_RANGE, LOG_TOPIC_UNKNOWN, LOG_CORRUPT
 */
export class Reader {
  readonly #consumer: Consumer
  readonly #options: ReaderOptions
  readonly #streams = new Map<string, Stream>()
  readonly #watchers = new Set<() => void>()
  #waiting = 0
  #isRunning = false
  #isClosed = false
  #failure: unknown = null

  constructor (consumer: Consumer, options: ReaderOptions) {
    this.#consumer = consumer
    this.#options = options
    consumer.setDefaultConsumeTimeout(pollMs)
    consumer.on('data', message => { this.#take(message) })
    consumer.on('partition.eof', ({ topic, partition, offset }) => {
      const stream = this.#streams.get(`${partition} ${topic}`)
      if (stream?.isAssigned) stream.eof = offset
    })
  }

  async fetch ({ topic, partition, offset, bytesMax, waitMs, signal }: FetchRequest): Promise<Fetched> {
    const { clock, patienceMs, range } = this.#options
    let stream = this.#streams.get(`${partition} ${topic}`)
    if (stream === undefined || stream.next !== offset) stream = await this.#moved(topic, partition, offset)
    const untilMs = clock.monotonicMs() + waitMs
    let patientUntilMs = untilMs
    this.#waiting += 1
    try {
      for (;;) {
        const bytes = taken(stream, bytesMax)
        if (bytes.length > 0) return { bytes, end: Math.max(stream.next, stream.held.length === 0 && stream.eof !== null ? stream.eof : this.#consumer.getWatermarkOffsets(topic, partition).highOffset) }
        if (signal?.aborted) return { bytes: nothing, end: stream.eof ?? offset }
        if (clock.monotonicMs() >= patientUntilMs) {
          const { start, end } = await range(topic, partition)
          if (offset < start) throw new StreamError('LOG_OUT_OF_RANGE', { topic, partition, offset, start, end })
          if (end <= offset || clock.monotonicMs() > untilMs + patienceMs) return { bytes: nothing, end }
          // It is there, and on its way.
          patientUntilMs = clock.monotonicMs() + pollMs
        }
        await this.#change(Math.max(1, patientUntilMs - clock.monotonicMs()), signal)
        if (this.#failure !== null) throw translated(this.#failure, { topic, partition, offset })
      }
    } finally {
      this.#waiting -= 1
    }
  }

  forget (topic: string): void {
    for (const [key, stream] of this.#streams) {
      if (stream.topic !== topic) continue
      this.#streams.delete(key)
      if (stream.isAssigned) this.#consumer.incrementalUnassign([{ topic, partition: stream.partition }])
    }
  }

  close (): void {
    this.#isClosed = true
    this.#wake()
  }

  async #moved (topic: string, partition: number, offset: number): Promise<Stream> {
    const { start, end } = await this.#options.range(topic, partition)
    if (offset < start || offset > end) throw new StreamError('LOG_OUT_OF_RANGE', { topic, partition, offset, start, end })
    const key = `${partition} ${topic}`
    const old = this.#streams.get(key)
    const byLog = old?.byLog ?? await this.#options.isStampedByLog(topic)
    if (old?.isAssigned) this.#consumer.incrementalUnassign([{ topic, partition }])
    const stream: Stream = { topic, partition, byLog, next: offset, held: [], heldBytes: 0, eof: null, isAssigned: false, isPaused: false }
    this.#streams.set(key, stream)
    return stream
  }

  #take (message: Message): void {
    const stream = this.#streams.get(`${message.partition} ${message.topic}`)
    // What was under way when the position moved belongs to nobody.
    if (stream === undefined || !stream.isAssigned || message.offset < stream.next) return
    stream.held.push(message)
    stream.heldBytes += message.size
    stream.eof = null
    if (stream.heldBytes < heldBytesMax || stream.isPaused) return
    stream.isPaused = true
    this.#consumer.pause([{ topic: stream.topic, partition: stream.partition }])
  }

  async #change (ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#isClosed) throw new StreamError('LOG_CLOSED')
    const slept = new AbortController()
    let changed = () => {}
    const change = new Promise<void>(resolve => { changed = resolve })
    this.#watchers.add(changed)
    if (!this.#isRunning) void this.#run()
    await Promise.race([change, this.#options.clock.sleep(ms, signal === undefined ? slept.signal : AbortSignal.any([signal, slept.signal]))])
    this.#watchers.delete(changed)
    slept.abort()
  }

  /** While anyone waits. Positions change between two calls of `consume` only, so that none of its results is of an earlier position. */
  async #run (): Promise<void> {
    this.#isRunning = true
    while (this.#waiting > 0 && !this.#isClosed) {
      try {
        this.#assign()
        const messages = await asked<readonly Message[]>(done => { this.#consumer.consume(messagesMax, done) })
        if (messages.length > 0 || [...this.#streams.values()].some(({ eof, next }) => eof !== null && eof > next)) this.#wake()
      } catch (error) {
        this.#failure = error
        this.#wake()
        await this.#options.clock.sleep(pollMs)
        this.#failure = null
      }
    }
    this.#isRunning = false
  }

  #assign (): void {
    const coming = [...this.#streams.values()].filter(({ isAssigned }) => !isAssigned)
    if (coming.length > 0) this.#consumer.incrementalAssign(coming.map(({ topic, partition, next }) => ({ topic, partition, offset: next })))
    for (const stream of coming) stream.isAssigned = true
    for (const stream of this.#streams.values()) {
      if (!stream.isPaused || stream.heldBytes > heldBytesMax / 2) continue
      stream.isPaused = false
      this.#consumer.resume([{ topic: stream.topic, partition: stream.partition }])
    }
  }

  #wake (): void { for (const watcher of [...this.#watchers]) watcher() }
}

/** Records that are held, framed, up to `bytesMax` but at least one; then the markers up to where there is nothing more. */
function taken (stream: Stream, bytesMax: number): Uint8Array {
  const frames = new Reframer(stream.next)
  let count = 0
  for (const message of stream.held) {
    if (count > 0 && frames.length + message.size > bytesMax) break
    count += 1
    stream.heldBytes -= message.size
    const { offset, timestamp, key, value, headers } = message
    frames.add({ offset, timestamp, key: key ?? null, value, headers: headersOf(headers) }, stream.byLog)
  }
  stream.held = stream.held.slice(count)
  if (stream.held.length === 0 && stream.eof !== null) frames.pass(stream.eof)
  stream.next = frames.next
  return frames.finish()
}

const headersOf = (headers: Message['headers']): Headers => headers === undefined ? [] : headers.flatMap(header => Object.entries(header))
