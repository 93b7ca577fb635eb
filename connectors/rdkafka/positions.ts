import { StreamError } from '../../pipelines/core/errors.ts'
import type { ClockPort, Committed, Fetched, FetchRequest, TopicInfo, TopicSpec } from '../../pipelines/core/ports.ts'
import { batchHeaderBytes, readBatchHeader, records, RecordBatchWriter } from '../../pipelines/core/record-batch.ts'

export const positionsTopic = 'millrace.rdkafka-positions'
const markersMs = 2_000
const fetchBytesMax = 1 << 20

export interface PositionsOptions {
  readonly clock: ClockPort
  readonly createTopic: (spec: TopicSpec) => Promise<TopicInfo>
  readonly range: (topic: string, partition: number) => Promise<{ readonly start: number, readonly end: number }>
  readonly fetch: (request: FetchRequest) => Promise<Fetched>
}
export interface Place { readonly group: string, readonly topic: string, readonly partition: number }

/**
 * What node-rdkafka cannot put beside a committed offset: the commit's metadata, as records of a compacted topic, written in the same transaction.
 *
 * State:  the last position of each partition of each group that is in the topic
 * Errors: KAFKA_CLIENT for an offset that another client committed: what belongs to it cannot be read
 */
export class Positions {
  readonly #options: PositionsOptions
  readonly #known = new Map<string, Committed>()
  #next: number | null = null
  #reading: Promise<void> = Promise.resolve()

  constructor (options: PositionsOptions) { this.#options = options }

  async create (): Promise<void> {
    await this.#options.createTopic({ name: positionsTopic, partitions: 1, cleanup: 'compact', retentionMs: null, timestamps: 'CreateTime' })
    this.#next ??= (await this.#options.range(positionsTopic, 0)).start
  }

  batch (group: string, offsets: readonly (Committed & { readonly topic: string, readonly partition: number })[]): Uint8Array {
    const writer = new RecordBatchWriter(batchHeaderBytes + 64 * offsets.length)
    const stamp = Math.max(1, this.#options.clock.wallMs())
    for (const { topic, partition, offset, metadata } of offsets) writer.append(stamp, Buffer.from(key({ group, topic, partition })), Buffer.from(JSON.stringify([offset, metadata])))
    return writer.finish()
  }

  async metadata (place: Place, offset: number): Promise<string> {
    const { clock } = this.#options
    const untilMs = clock.monotonicMs() + markersMs
    for (;;) {
      await (this.#reading = this.#reading.catch(() => {}).then(() => this.#catchUp()))
      const known = this.#known.get(key(place))
      if (known?.offset === offset) return known.metadata
      // The markers of the transaction are on their way to this partition too.
      if (clock.monotonicMs() > untilMs) throw new StreamError('KAFKA_CLIENT', { client: 'node-rdkafka', ...place, offset, why: 'another client has committed it, and node-rdkafka cannot read what that one noted beside it', do: 'go on with that client, or reset the pipeline' })
      await clock.sleep(20)
    }
  }

  async #catchUp (): Promise<void> {
    if (this.#next === null) await this.create()
    for (const { end } = await this.#options.range(positionsTopic, 0); this.#next! < end;) {
      const { bytes } = await this.#options.fetch({ topic: positionsTopic, partition: 0, offset: this.#next!, bytesMax: fetchBytesMax, waitMs: 0 })
      if (bytes.length === 0) return
      for (const record of records(bytes)) {
        const [offset, metadata] = JSON.parse(Buffer.from(record.value!).toString()) as readonly [number, string]
        this.#known.set(Buffer.from(record.key!).toString(), { offset, metadata })
      }
      for (let from = 0, header = readBatchHeader(bytes, 0); header !== null; from += header.bytes, header = readBatchHeader(bytes, from)) this.#next = header.baseOffset + header.lastOffsetDelta + 1
    }
  }
}

const key = ({ group, topic, partition }: Place): string => JSON.stringify([group, topic, partition])
