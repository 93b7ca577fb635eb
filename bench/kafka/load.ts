import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'

export interface LoadOptions {
  readonly servers: string
  readonly input: string
  readonly output: string
  readonly partitions: number
  /** Readings a second. */
  readonly rate: number
  readonly uncommitted: boolean
  /** When the reading behind an output was sent, from the output's value. */
  readonly sentAt: (value: Buffer) => number
}

const keysEach = 25
const settleMsMax = 20_000
const now = () => performance.timeOrigin + performance.now()

/**
 * Readings in an open loop, and a reader of what comes of them; both by kafkajs.
 *
 * Each key's quality alternates, so that every reading changes the state of its alert. What is due is sent each millisecond, in one request, whether
 * or not the one before was acknowledged.
 */
export class Load {
  readonly #options: LoadOptions
  readonly #producer: Producer
  readonly #consumer: Consumer
  readonly #keys: readonly { readonly name: string, readonly partition: number, quality: number }[]
  readonly #sending = new Set<Promise<unknown>>()
  #sent = 0
  #got = 0
  #from = 0
  #failure: unknown = null
  /** Milliseconds from sent to read, of everything sent since `forget`. */
  times: number[] = []

  constructor (options: LoadOptions) {
    const { servers, partitions } = options
    this.#options = options
    const kafka = new Kafka({ brokers: [servers], clientId: 'bench', logLevel: logLevel.ERROR })
    this.#producer = kafka.producer({ allowAutoTopicCreation: false })
    this.#consumer = kafka.consumer({ groupId: `bench-${options.output}`, maxWaitTimeInMs: 500, minBytes: 1, readUncommitted: options.uncommitted })
    this.#keys = Array.from({ length: keysEach * partitions }, (_, at) => ({ name: `sensor-${String(at).padStart(6, '0')}`, partition: at % partitions, quality: 0 }))
  }

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
          if (sent >= this.#from) this.times.push(at - sent)
        }
      },
    })
    await joined
  }

  forget (): void {
    this.#from = now()
    this.times = []
  }

  async run (ms: number): Promise<void> {
    const began = now()
    let sent = 0
    await new Promise<void>(resolve => {
      const timer = setInterval(() => {
        const past = now() - began
        const due = Math.floor(Math.min(past, ms) / 1_000 * this.#options.rate)
        if (due > sent) this.#send(due - sent)
        sent = due
        if (past < ms) return
        clearInterval(timer)
        resolve()
      }, 1)
    })
  }

  /** Until everything sent has come. Errors: one that is missing or comes twice */
  async settle (): Promise<void> {
    await Promise.all(this.#sending)
    const untilMs = now() + settleMsMax
    while (this.#got < this.#sent && now() < untilMs) await new Promise(resolve => { setTimeout(resolve, 20) })
    if (this.#failure !== null) throw this.#failure
    if (this.#got !== this.#sent) throw new Error(`wrong result: sent ${this.#sent}, read ${this.#got}`)
  }

  async close (): Promise<void> { await Promise.allSettled([this.#producer.disconnect(), this.#consumer.disconnect()]) }

  #send (count: number): void {
    const messages = Array.from({ length: count }, () => {
      const key = this.#keys[this.#sent % this.#keys.length]!
      key.quality = 1 - key.quality
      this.#sent += 1
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
