import type { StateTree } from '../core/state.ts'
import type { LogPort } from '../core/ports.ts'
import { RecordBatchWriter } from '../core/record-batch.ts'
import { StreamError } from '../core/errors.ts'
import { crc32c } from '../core/crc32c.ts'
import type { SavedStatus } from './health.ts'
import { encodeState, type Flat, flatBytes, flatten, stateDelta } from './state-codec.ts'

/** What a snapshot stands for. `position`: the next record's offset when it was taken (S). */
export interface SnapshotFacts {
  readonly position: number
  /** Number of the last journal entry it includes, and where in the journal topic to go on reading. */
  readonly journal: number
  readonly journalOffset: number
  /** The input. */
  readonly topic: string
  readonly topicId: string
  readonly definitionHash: string
  /** The definition as data, so that it can finish S..C after the user has changed it; null when it names code. */
  readonly definition: string | null
  /** Version of the time-zone data that the definition's expressions used; absent where they use none. */
  readonly zones?: string
  /** The definition that leads no longer has the source: nothing behind `position` was processed by this task. */
  readonly aside?: boolean
  /** No position had ever been committed when it was written. */
  readonly uncommitted?: boolean
  /** Wall clock when it was taken, and the watermark then; for those who look. Absent in older ones. */
  readonly wallMs?: number
  readonly watermark?: number | null
}
export interface Snapshot { readonly facts: SnapshotFacts, readonly state: StateTree, readonly generation: number }

export interface Head extends SnapshotFacts {
  readonly format: number
  readonly kind: 'base' | 'delta'
  readonly generation: number
  /** Counts an owner's snapshots from 0; a delta follows the one before it. */
  readonly sequence: number
  readonly base: number
  readonly chunk: number
  readonly chunks: number
  /** Of the whole state, deltas applied. */
  readonly stateBytes?: number
  /** CRC-32C of the snapshot's bytes, and of those of the one it follows: two owners of one generation, one of whom does not know yet that it is none, never mix. */
  readonly crc?: number
  readonly after?: number
}

/** Of the records on the state topic. */
const format = 1
/** Before the head's JSON: CRC-32C of all that follows it, and the head's length. */
const prefixBytes = 8

const chunkBytesMax = 4 << 20
const deltasMax = 30
/** A delta above this share of its base is written as a new base. */
const deltaShareMax = 0.5
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export interface Place { readonly topic: string, readonly partition: number, readonly source: string }
/** Writes one record batch to a partition; by the leader's membership, so that a member who has lost the lead leaves no snapshot behind. */
export type Append = (topic: string, partition: number, bytes: Uint8Array) => Promise<unknown>

/**
 * Snapshots of one task on the state topic: a base, then deltas of changed column blocks, each naming its base and the owner's generation.
 *
 * Delivery: written after the commit of the position they stand for; an owner's first is a base; records before the base that all tasks of
 *           the partition have moved past are deleted by the caller
 */
export class SnapshotWriter {
  readonly #log: LogPort
  readonly #append: Append
  readonly #place: Place
  readonly #generation: number
  #previous: Flat | null = null
  #baseBytes = 0
  #stateBytes = 0
  #sequence = 0
  #base = 0
  #crc = 0
  /** No record of the last base lies before this offset of the state topic. */
  baseOffset = 0
  /** What the last write came to. */
  last: SavedStatus | null = null

  constructor (log: LogPort, place: Place, { generation, append }: { readonly generation: number, readonly append?: Append }) {
    this.#log = log
    this.#append = append ?? ((topic, partition, bytes) => log.append(topic, partition, bytes))
    this.#place = place
    this.#generation = generation
  }

  /** Write the state as the next base or delta; with `base`, as a base. The tree must not change afterwards. */
  async write (state: StateTree, facts: SnapshotFacts, { base = false }: { readonly base?: boolean } = {}): Promise<void> {
    const flat = flatten(state)
    const delta = base || this.#previous === null || this.#sequence - this.#base >= deltasMax ? null : stateDelta(this.#previous, flat)
    const small = delta !== null && delta.byteLength < this.#baseBytes * deltaShareMax
    const bytes = small ? delta : encodeState(state)
    if (!small) {
      this.#base = this.#sequence
      this.#baseBytes = bytes.length
    }
    this.#stateBytes = small ? flatBytes(flat) : bytes.length
    const { end } = await this.#log.range(this.#place.topic, this.#place.partition)
    const crc = crc32c(bytes)
    await this.#write(bytes, { ...facts, definition: small ? null : facts.definition, kind: small ? 'delta' : 'base', crc, ...small && { after: this.#crc } })
    this.#crc = crc
    if (!small) this.baseOffset = end
    this.last = { wallMs: facts.wallMs ?? 0, bytes: bytes.length, stateBytes: this.#stateBytes }
    this.#previous = flat
    this.#sequence += 1
  }

  async #write (bytes: Uint8Array, head: SnapshotFacts & Pick<Head, 'kind' | 'crc' | 'after'>): Promise<void> {
    const { topic, partition, source } = this.#place
    const chunks = Math.max(1, Math.ceil(bytes.length / chunkBytesMax))
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      const part = bytes.subarray(chunk * chunkBytesMax, (chunk + 1) * chunkBytesMax)
      const value = sealed({ ...head, format, generation: this.#generation, sequence: this.#sequence, base: this.#base, chunk, chunks, stateBytes: this.#stateBytes }, part)
      const writer = new RecordBatchWriter(value.length + 256)
      writer.append(head.wallMs ?? 0, encoder.encode(source), value)
      await this.#append(topic, partition, writer.finish())
    }
  }
}

function sealed (head: Head, part: Uint8Array): Uint8Array {
  const json = encoder.encode(JSON.stringify(head))
  const value = new Uint8Array(prefixBytes + json.length + part.length)
  value.set(json, prefixBytes)
  value.set(part, prefixBytes + json.length)
  const view = new DataView(value.buffer)
  view.setUint32(4, json.length)
  view.setUint32(0, crc32c(value.subarray(4)))
  return value
}

/** Errors: STATE_CORRUPT, STATE_VERSION */
export function readPart (value: Uint8Array, { topic, partition, source }: Place): { head: Head, part: Uint8Array } {
  let head: Head
  const at = { topic, partition, source }
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  if (value.length < prefixBytes || view.getUint32(0) !== crc32c(value.subarray(4))) throw new StreamError('STATE_CORRUPT', { ...at, bytes: value.length })
  const partAt = prefixBytes + view.getUint32(4)
  try {
    head = JSON.parse(decoder.decode(value.subarray(prefixBytes, partAt))) as Head
  } catch (cause) {
    throw new StreamError('STATE_CORRUPT', at, { cause })
  }
  if (head.format !== format) throw new StreamError('STATE_VERSION', { ...at, state: head.format, engine: format })
  return { head, part: value.slice(partAt) }
}

export function joined (parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
