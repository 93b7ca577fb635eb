import type { CompiledPipeline } from '../core/stage.ts'
import type { ClockPort, LogPort, RegistryPort } from '../core/ports.ts'
import { StreamError } from '../core/errors.ts'
import { partitionOf } from '../core/murmur2.ts'
import { RecordBatchWriter } from '../core/record-batch.ts'
import { createEncoder, type Encoder } from '../decode/encode.ts'
import { type CellKind, type InputLine, readInput } from './input.ts'
import { CliError } from './exit.ts'

export interface FeedSource { readonly name: string, readonly topic: string, readonly key: string, readonly encode: Encoder }

export interface FeedOptions {
  readonly path: string
  readonly sources: readonly FeedSource[]
  readonly kinds: ReadonlyMap<string, CellKind>
  readonly log: LogPort
  readonly clock: ClockPort
  /** Readings a second. */
  readonly rate: number
  readonly signal: AbortSignal
  /** Readings at the beginning that were fed before. */
  readonly skip?: number
}

export interface Fed { readonly readings: number, readonly broken: number }

const sliceMs = 20
const batchRecordsMax = 10_000

/**
 * Append the readings of a file to their topics at a steady rate, as devices would.
 *
 * Delivery: once; a line that cannot be made a reading is appended as it stands, so that it ends as a dead letter
 * Limits:   at most 10,000 records in one append
 */
export async function feed ({ path, sources, kinds, log, clock, rate, signal, skip = 0 }: FeedOptions): Promise<Fed> {
  const batches = new Batches(log)
  await batches.open(sources)
  const perSlice = Math.max(1, Math.min(batchRecordsMax, Math.round(rate * sliceMs / 1000)))
  const startMs = clock.monotonicMs()
  let readings = 0
  let broken = 0
  let passed = 0
  for await (const line of readInput(path, kinds)) {
    if (signal.aborted) break
    if (line.kind === 'tick' || line.kind === 'watermark') continue
    if (passed < skip) { passed += 1; continue }
    const source = sourceOf(line, sources)
    const record = recordOf(line, source)
    if (record.broken) broken += 1
    batches.add(source, record.key, record.value, clock.wallMs())
    readings += 1
    if (readings % perSlice !== 0) continue
    await batches.flush()
    await clock.sleep(Math.max(0, startMs + readings * 1000 / rate - clock.monotonicMs()), signal)
  }
  await batches.flush()
  return { readings, broken }
}

/** Where a line belongs; a line that says nothing of it goes to the first source. */
export function sourceOf<S extends { readonly name: string }> (line: InputLine, sources: readonly S[]): S {
  const wanted = line.kind === 'reading' ? line.source : null
  const found = wanted === null ? sources[0] : sources.find(({ name }) => name === wanted)
  if (found === undefined) throw new CliError('data', `Cannot place a line of the input: line=${line.line} $source=${JSON.stringify(wanted)} sources=${JSON.stringify(sources.map(({ name }) => name))}`)
  return found
}

export interface InputRecord { readonly key: Uint8Array, readonly value: Uint8Array, readonly broken: { readonly reason: string, readonly message: string } | null }

/** A line that becomes a record. */
export type RecordLine = Exclude<InputLine, { readonly kind: 'tick' | 'watermark' }>

/** The record of a line: its fields in Avro, or its text as it stands where they do not fit the contract. */
export function recordOf (line: RecordLine, { key, encode }: Pick<FeedSource, 'key' | 'encode'>): InputRecord {
  const asText = (reason: string, message: string): InputRecord => ({ key: new Uint8Array(0), value: Buffer.from(line.text), broken: { reason, message } })
  if (line.kind !== 'reading') return asText(line.kind === 'broken' ? line.reason : 'INPUT_JSON', line.kind === 'broken' ? line.message : '')
  try {
    const value = encode(line.fields)
    const id = key.split('.').reduce<unknown>((inner, name) => (inner as Record<string, unknown> | null | undefined)?.[name], line.fields)
    return { key: Buffer.from(String(id ?? '')), value, broken: null }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    return asText('INPUT_CONTRACT', error.message)
  }
}

/** One growing record batch per topic and partition. */
class Batches {
  readonly #log: LogPort
  readonly #partitions = new Map<string, number>()
  readonly #open = new Map<string, { readonly topic: string, readonly partition: number, readonly writer: RecordBatchWriter }>()

  constructor (log: LogPort) { this.#log = log }

  async open (sources: readonly FeedSource[]): Promise<void> {
    for (const { topic } of sources) this.#partitions.set(topic, (await this.#log.topic(topic))!.partitions)
  }

  add ({ topic }: FeedSource, key: Uint8Array, value: Uint8Array, timestampMs: number): void {
    const partition = partitionOf(key, this.#partitions.get(topic)!)
    const name = `${topic} ${partition}`
    let batch = this.#open.get(name)
    if (batch === undefined) this.#open.set(name, batch = { topic, partition, writer: new RecordBatchWriter() })
    batch.writer.append(timestampMs, key, value)
  }

  async flush (): Promise<void> {
    const full = [...this.#open.values()].filter(({ writer }) => writer.count > 0)
    await Promise.all(full.map(async ({ topic, partition, writer }) => {
      await this.#log.append(topic, partition, writer.finish())
      writer.reset()
    }))
  }
}

/** How many records the sources' topics have taken so far: where a file that was fed before goes on. */
export async function fedBefore (sources: readonly FeedSource[], log: LogPort): Promise<number> {
  let total = 0
  for (const { topic } of sources) {
    const { partitions } = (await log.topic(topic))!
    for (let partition = 0; partition < partitions; partition += 1) total += (await log.range(topic, partition)).end
  }
  return total
}

/** Register each source's contract and make its encoder. */
export async function feedSources (pipeline: CompiledPipeline, registry: RegistryPort, keyOf: (source: string) => string): Promise<readonly FeedSource[]> {
  return Promise.all(pipeline.sources.map(async ({ name, topic, subject, contract }) =>
    ({ name, topic, key: keyOf(name), encode: createEncoder(contract, await registry.register(subject, contract)) })))
}
