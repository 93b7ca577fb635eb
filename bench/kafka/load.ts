import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'

export interface LoadOptions {
  readonly servers: string
  readonly input: string
  readonly output: string
  readonly partitions: number
  /** Readings a second. */
  readonly rate: number
  readonly uncommitted: boolean
  /** Keys of each partition; absent: 25. */
  readonly keysEach?: number
  /** Every so many readings of a key one changes the state of its alert; absent: each. */
  readonly changeEvery?: number
  /** Distance of requests; absent: 1. */
  readonly everyMs?: number
  /** When the reading behind an output was sent, from the output's value. */
  readonly sentAt: (value: Buffer) => number
}

const keysEachDefault = 25
const settleMsMax = 20_000
export const now = (): number => performance.timeOrigin + performance.now()

/**
 * Readings in an open loop, and a reader of what comes of them; both by kafkajs.
 *
 * Each key's quality alternates, so that every reading (or every `changeEvery`th) changes the state of its alert. What is due is sent each millisecond (or every
 * `everyMs`), in one request, whether or not the one before was acknowledged.
 */
export class Load {
  readonly #options: LoadOptions
  readonly #producer: Producer
  readonly #consumer: Consumer
  readonly #keys: readonly { readonly name: string, readonly partition: number, quality: number, readings: number }[]
  readonly #sending = new Set<Promise<unknown>>()
  #sent = 0
  /** Events that must come: of these, every other one clears. */
  #changes = 0
  #raised = 0
  #got = 0
  #from = 0
  #failure: unknown = null
  /** Milliseconds from sent to read, of everything sent since `forget`. */
  times: number[] = []
  /** When each of `times` was sent. */
  sents: number[] = []

  constructor (options: LoadOptions) {
    const { servers, partitions, keysEach = keysEachDefault } = options
    this.#options = options
    const kafka = new Kafka({ brokers: [servers], clientId: 'bench', logLevel: logLevel.ERROR })
    this.#producer = kafka.producer({ allowAutoTopicCreation: false })
    this.#consumer = kafka.consumer({ groupId: `bench-${options.output}`, maxWaitTimeInMs: 500, minBytes: 1, readUncommitted: options.uncommitted })
    this.#keys = Array.from({ length: keysEach * partitions }, (_, at) => ({ name: `sensor-${String(at).padStart(6, '0')}`, partition: at % partitions, quality: 0, readings: at }))
  }

  get sent (): number { return this.#sent }
  get events (): { readonly raised: number, readonly cleared: number } { return { raised: this.#raised, cleared: this.#changes - this.#raised } }

  /** Of events whose readings were sent in [from, to). */
  timesBetween (from: number, to: number): number[] { return this.times.filter((_, at) => this.sents[at]! >= from && this.sents[at]! < to) }

  async open (): Promise<void> {
    const { output, sentAt } = this.#options
    await Promise.all([this.#producer.connect(), this.#consumer.connect()])
    await this.#consumer.subscribe({ topics: [output], fromBeginning: true })
    const joined = new Promise<void>(resolve => { this.#consumer.on('consumer.group_join', () => { resolve() }) })
    await this.#consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const at = now()
        for (const { value } of batch.messages) {
          const sent = sentAt(value!)
          this.#got += 1
          if (sent < this.#from) continue
          this.times.push(at - sent)
          this.sents.push(sent)
        }
      },
    })
    await joined
  }

  forget (): void {
    this.#from = now()
    this.times = []
    this.sents = []
  }

  /** For so long, or until `signal` aborts. */
  async run (ms: number, signal?: AbortSignal): Promise<void> {
    const began = now()
    let sent = 0
    await new Promise<void>(resolve => {
      const timer = setInterval(() => {
        const past = now() - began
        const due = Math.floor(Math.min(past, ms) / 1_000 * this.#options.rate)
        if (due > sent) this.#send(due - sent)
        sent = due
        if (past < ms && signal?.aborted !== true) return
        clearInterval(timer)
        resolve()
      }, this.#options.everyMs ?? 1)
    })
  }

  /** Until everything sent has come. Errors: one that is missing or comes twice */
  async settle (): Promise<void> {
    await Promise.all(this.#sending)
    const untilMs = now() + settleMsMax
    while (this.#got < this.#changes && now() < untilMs) await new Promise(resolve => { setTimeout(resolve, 20) })
    if (this.#failure !== null) throw this.#failure
    if (this.#got !== this.#changes) throw new Error(`wrong result: ${this.#changes} events of ${this.#sent} readings must come, read ${this.#got}`)
  }

  async close (): Promise<void> { await Promise.allSettled([this.#producer.disconnect(), this.#consumer.disconnect()]) }

  #send (count: number): void {
    const { changeEvery = 1 } = this.#options
    const messages = Array.from({ length: count }, () => {
      const key = this.#keys[this.#sent % this.#keys.length]!
      this.#sent += 1
      key.readings += 1
      if (key.readings % changeEvery === 0) {
        key.quality = 1 - key.quality
        this.#changes += 1
        this.#raised += key.quality
      }
      return { key: key.name, partition: key.partition, value: reading(key.name, key.quality) }
    })
    const sending = this.#producer.send({ topic: this.#options.input, acks: 1, messages }).catch((error: unknown) => { this.#failure ??= error })
    this.#sending.add(sending)
    void sending.finally(() => { this.#sending.delete(sending) })
  }
}

/** Confluent wire format of schema 1: sensorId, ts, value (when it is sent), quality. */
function reading (name: string, quality: number): Buffer {
  const bytes = Buffer.alloc(5 + 1 + name.length + 8 + 8 + 1)
  bytes.writeInt32BE(1, 1)
  let at = bytes.writeUInt8(name.length * 2, 5)
  at += bytes.write(name, at)
  let rest = Date.now() * 2
  for (; rest > 127; rest = Math.floor(rest / 128)) at = bytes.writeUInt8((rest % 128) | 128, at)
  at = bytes.writeUInt8(rest, at)
  at = bytes.writeDoubleLE(now(), at)
  return bytes.subarray(0, bytes.writeUInt8(quality * 2, at))
}
