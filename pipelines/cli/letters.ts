import { deadLetterCodec } from '../../schemas/dead-letter.ts'
import { lateReadingCodec } from '../../schemas/late-reading.ts'
import type { SourcePosition } from '../../schemas/codec.ts'
import type { LogPort, RegistryPort } from '../core/ports.ts'
import { endOf, type Headers, type LogRecord, records } from '../core/record-batch.ts'
import { createDisplay } from '../decode/display.ts'
import { names } from '../runtime/names.ts'
import type { Bound } from './bound.ts'
import { CliError } from './exit.ts'
import { textOrHex } from './hex.ts'

/** A record of the dead-letter or of the late topic, whose own facts are `kind`'s. */
export interface Letter {
  readonly partition: number
  readonly offset: number
  readonly kind: 'dead-letter' | 'late'
  readonly step: string
  /** An error's code; of a late reading the window that it was late for. */
  readonly reason: string
  readonly message: string
  readonly arrival: number
  /** Event time of a late reading. */
  readonly at: number | null
  readonly source: SourcePosition
  readonly schemaId: number | null
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Headers
}

export interface LetterFilter { readonly from: Bound | null, readonly to: Bound | null, readonly reasons: readonly string[], readonly steps: readonly string[], readonly keys: readonly string[], readonly source: string | null }

/** The pipeline's topic of dead letters or of late readings. Errors: CliError when there is none, or more than one to choose from */
export async function lettersTopic (log: LogPort, kind: Letter['kind'], pipeline: string | undefined): Promise<string> {
  const suffix = kind === 'late' ? '.late' : '.dead-letter'
  const found = (await log.topics()).map(({ name }) => name).filter(name => name.startsWith('millrace.') && name.endsWith(suffix))
  const wanted = pipeline === undefined ? found : found.filter(name => name === (kind === 'late' ? names.late : names.deadLetters)(pipeline))
  const pipelines = found.map(name => name.slice('millrace.'.length, -suffix.length)).sort().join(', ')
  if (wanted.length === 1) return wanted[0]!
  if (found.length === 0) throw new CliError('data', `Cannot find a topic millrace.<pipeline>${suffix}: no pipeline has run here`)
  throw new CliError('usage', pipeline === undefined ? `Cannot choose between pipelines: name one with --pipeline: ${pipelines}` : `Cannot find the pipeline ${JSON.stringify(pipeline)}; there are ${pipelines}`)
}

/** Letters of a topic's partitions one after another, each in its order. What is on the topic and is no letter is passed over, and counted by `foreign`. */
export async function * lettersOf (log: LogPort, topic: string, { filter, signal, foreign }: { readonly filter: LetterFilter, readonly signal: AbortSignal, readonly foreign: () => void }): AsyncGenerator<Letter> {
  const { partitions } = (await log.topic(topic))!
  const wanted = wantedBy(filter)
  for (let partition = 0; partition < partitions; partition += 1) {
    const { start, end } = await log.range(topic, partition)
    for (let offset = await startOf(log, { topic, partition }, filter.from, { start, end }); offset < end && !signal.aborted;) {
      const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: 1 << 20, waitMs: 0, signal })
      for (const record of records(bytes)) {
        if (record.offset < offset || record.offset >= end) continue
        const { to } = filter
        if (to !== null && ('offset' in to ? record.offset >= to.offset : record.timestamp >= to.timestamp)) continue
        if (!mayBe(record, filter)) continue
        const letter = letterOf(record, partition)
        if (letter === null) foreign()
        else if (wanted(letter)) yield letter
      }
      const next = endOf(bytes)
      if (next <= offset) break
      offset = next
    }
  }
}

/** The one at an offset; null: there is none. */
export async function letterAt (log: LogPort, { topic, partition, offset }: SourcePosition): Promise<Letter | null> {
  const info = await log.topic(topic)
  if (info === null || partition >= info.partitions) return null
  const { start, end } = await log.range(topic, partition)
  if (offset < start || offset >= end) return null
  const { bytes } = await log.fetch({ topic, partition, offset, bytesMax: 1, waitMs: 0 })
  const found = [...records(bytes)].find(record => record.offset === offset)
  return found === undefined ? null : letterOf(found, partition)
}

/** The value as its schema reads it: the id that is known of it, or the one in its first bytes. */
export async function decoded ({ schemaId, value }: Letter, registry: RegistryPort): Promise<{ readonly value: unknown } | { readonly why: string }> {
  if (value === null) return { why: 'there is no value' }
  if (schemaId === null) return { why: 'no schema id is known of it' }
  const schema = await registry.byId(schemaId)
  if (schema === null) return { why: `the registry does not know schema ${schemaId}` }
  const inValue = value.length >= 5 && value[0] === 0 && new DataView(value.buffer, value.byteOffset).getInt32(1) === (schemaId | 0)
  // With the id in a header the value is the datum alone.
  const framed = inValue ? value : Buffer.concat([Buffer.alloc(5), value])
  try {
    return { value: createDisplay(schema)(framed) }
  } catch (error) {
    const { message, cause } = error as Error
    return { why: `${cause instanceof Error ? cause.message : message}, by schema ${schemaId}` }
  }
}

function letterOf ({ offset, value, headers: own }: LogRecord, partition: number): Letter | null {
  if (value === null) return null
  const isLate = own.some(([name]) => name === 'window')
  try {
    if (!isLate) return { partition, offset, kind: 'dead-letter', at: null, ...deadLetterCodec.decode(value) }
    const { window, key, at, arrival, value: original, source } = lateReadingCodec.decode(value)
    const schemaId = original.length >= 5 && original[0] === 0 ? new DataView(original.buffer, original.byteOffset).getUint32(1) : null
    return { partition, offset, kind: 'late', step: 'window', reason: window, message: `late for the window ${window}`, arrival, at, source, schemaId, key: new TextEncoder().encode(key), value: original, headers: [] }
  } catch {
    return null
  }
}

async function startOf (log: LogPort, { topic, partition }: { readonly topic: string, readonly partition: number }, from: Bound | null, { start, end }: { readonly start: number, readonly end: number }): Promise<number> {
  if (from === null) return start
  return 'offset' in from ? Math.max(start, Math.min(from.offset, end)) : log.offsetAt(topic, partition, from.timestamp)
}

const text = new TextDecoder()

/** By the headers alone, before anything is decoded. */
function mayBe ({ headers }: LogRecord, { reasons }: LetterFilter): boolean {
  if (reasons.length === 0) return true
  const [, reason = null] = headers.find(([name]) => name === 'reason' || name === 'window') ?? []
  return reason === null || reasons.includes(text.decode(reason))
}

function wantedBy ({ reasons, steps, keys, source }: LetterFilter) {
  return (letter: Letter): boolean => (reasons.length === 0 || reasons.includes(letter.reason)) && (steps.length === 0 || steps.includes(letter.step))
    && (keys.length === 0 || (letter.key !== null && keys.includes(textOrHex(letter.key)))) && (source === null || letter.source.topic === source)
}
