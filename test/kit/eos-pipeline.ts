import { type Batch, createBatch } from '../../pipelines/core/batch.ts'
import { KeyTable } from '../../pipelines/core/keys.ts'
import type { Outputs } from '../../pipelines/core/outputs.ts'
import { type LogRecord, records } from '../../pipelines/core/record-batch.ts'
import type { CompiledPipeline, DecodeStage, NormaliseStage, RuleStage, TaskContext } from '../../pipelines/core/stage.ts'
import type { StateTree } from '../../pipelines/core/state.ts'
import type { RaceCodecs } from '../../pipelines/runtime/race.ts'
import type { ControlEvent } from '../../schemas/control-event.ts'

export const eosTopics = ['data', 'echo', 'min', 'sum'] as const
export const eosPartitions = 5
const keysMax = 1 << 16
const text = new TextEncoder()

/** What the judge of `eos-judge.ts` wants: of every int32 of `data` itself, the least of its key so far and the sum of its key so far. */
export const eosPipeline: CompiledPipeline = {
  name: 'eos', hash: 'eos',
  sources: [{ name: 'data', topic: 'data', subject: 'data-value', contract: '"int"', idleMs: 5_000, intervalMs: null, key: 'key', time: { field: 'timestamp', unitMs: 1 } }],
  explicit: false, tables: [], signals: [], windows: [], rules: [], lake: null,
  control: { topic: 'echo', delivery: 'exactly-once' },
  closeChunks: () => { throw new Error('it has no lake') },
  createStages: context => {
    const decode = new Int32Decode()
    return { decode, normalise: new AsItIs(), windows: [], rules: [new MinAndSum(context, decode.keys)], chunks: null, clock: { latenessMs: 0, idleMs: Number.POSITIVE_INFINITY, explicit: false } }
  },
}

/** Each output goes to the topic of its name, in the partition of its cause. */
export const eosCodecs: RaceCodecs = {
  event: ({ rule, key, values, source }) => ({ key: text.encode(key), value: rule === 'sum' ? int64(values.value as number) : int32(values.value as number), headers: [], to: { topic: rule, partition: source.partition } }),
  late: () => { throw new Error('nothing is late') },
  deadLetter: ({ message }) => { throw new Error(message) },
}

function int32 (value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value)
  return bytes
}

function int64 (value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value))
  return bytes
}

class Int32Decode implements DecodeStage {
  readonly name = 'decode'
  readonly hash = 'int32'
  readonly number = 0
  readonly schemaWanted = null
  readonly schemaWantedAt = Number.NaN
  readonly schemasUnknown = []
  readonly keys = new KeyTable(keysMax)
  readonly #batch = createBatch([{ name: 'value', kind: 'number' }])
  #records: Iterator<LogRecord> = [][Symbol.iterator]()
  #from = 0
  #to = 0

  load (bytes: Uint8Array, from: number, to: number): void {
    this.#records = records(bytes)[Symbol.iterator]()
    this.#from = from
    this.#to = to
  }

  next (): Batch | null {
    const batch = this.#batch
    const [values] = batch.columns
    batch.count = 0
    while (batch.count < batch.capacity) {
      const { done, value: record } = this.#records.next()
      if (done) break
      if (record.offset < this.#from || record.offset >= this.#to) continue
      const row = batch.count
      batch.key[row] = this.keys.intern(record.key!, 0, record.key!.length)
      batch.at[row] = batch.arrival[row] = record.timestamp
      batch.position[row] = record.offset
      values!.values[row] = new DataView(record.value!.buffer, record.value!.byteOffset).getInt32(0)
      batch.count += 1
    }
    return batch.count === 0 ? null : batch
  }

  schema (): void {}
  unload (): void {}
  snapshot (): StateTree { return { keys: this.keys.snapshot() } }
  restore (state: StateTree): void { this.keys.restore(state.keys as StateTree) }
}

class AsItIs implements NormaliseStage {
  readonly name = 'normalise'
  readonly hash = 'nothing'
  readonly number = 1
  readonly tables = new Map()
  process (batch: Batch): Batch { return batch }
  lookup (): void {}
  snapshot (): StateTree { return {} }
  restore (): void {}
}

class MinAndSum implements RuleStage {
  readonly name = 'rule.fold'
  readonly hash = 'min and sum'
  readonly number = 2
  readonly window = null
  readonly registryTable = null
  readonly #context: TaskContext
  readonly #keys: KeyTable
  #min = new Int32Array(keysMax).fill(2 ** 31 - 1)
  #sum = new Float64Array(keysMax)

  constructor (context: TaskContext, keys: KeyTable) {
    this.#context = context
    this.#keys = keys
  }

  process ({ count, key, arrival, position, columns }: Batch, out: Outputs): void {
    const values = columns[0]!.values as Float64Array
    for (let row = 0; row < count; row += 1) {
      const id = key[row]!
      const value = values[row]!
      this.#min[id] = Math.min(this.#min[id]!, value)
      this.#sum[id] = this.#sum[id]! + value
      const cause = { position: position[row]!, stage: this.number }
      const event = this.#event(this.#keys.text(id), arrival[row]!, cause.position)
      out.events.push({ ...cause, event: { ...event, rule: 'echo', values: { value } } })
      out.events.push({ ...cause, event: { ...event, rule: 'min', values: { value: this.#min[id]! } } })
      out.events.push({ ...cause, event: { ...event, rule: 'sum', values: { value: this.#sum[id]! } } })
    }
  }

  advance (): void {}
  drain (): void {}
  registry (): void {}
  snapshot (): StateTree { return { min: this.#min.slice(), sum: this.#sum.slice() } }
  restore (state: StateTree): void {
    this.#min = state.min as Int32Array<ArrayBuffer>
    this.#sum = state.sum as Float64Array<ArrayBuffer>
  }

  #event (key: string, at: number, offset: number): Omit<ControlEvent, 'rule' | 'values'> {
    const { topic, partition } = this.#context
    return {
      id: '', alertId: '', seq: 1, ordinal: 1, pipeline: 'eos', ruleVersion: '', key, state: 'raised', severity: 'info', reason: null, labels: {}, summary: null,
      at, raisedAt: at, arrivedAt: at, expiresAt: null, mode: 'live', units: {}, window: null, source: { topic, partition, offset },
    }
  }
}
