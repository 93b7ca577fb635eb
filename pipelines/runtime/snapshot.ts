import type { StateTree } from '../core/state.ts'
import type { LogPort } from '../core/ports.ts'
import { RecordBatchWriter } from '../core/record-batch.ts'
import { StreamError } from '../core/errors.ts'
import { crc32c } from '../core/crc32c.ts'
import { readAll } from './journal.ts'
import type { SavedStatus } from './health.ts'
import { applyDelta, decodeState, encodeState, type Flat, flatBytes, flatten, stateDelta, unflatten } from './state-codec.ts'

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

interface Head extends SnapshotFacts {
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

interface Place { readonly topic: string, readonly partition: number, readonly source: string }
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

interface Stored { readonly head: Head, readonly parts: Uint8Array[] }

/**
 * The newest whole snapshot of a task: the base of the highest generation, and the deltas that follow it without a gap.
 *
 * Errors: STATE_CORRUPT when a part is not what was written; STATE_VERSION
 */
export async function readSnapshot (log: LogPort, place: Place): Promise<Snapshot | null> {
  const stored: Stored[] = []
  for await (const { key, value } of readAll(log, place.topic, place.partition, 0)) {
    if (key === null || value === null || decoder.decode(key) !== place.source) continue
    const { head, part } = readPart(value, place)
    const begun = stored.findLast(({ head: other }) => other.sequence === head.sequence && other.generation === head.generation && other.crc === head.crc)
    if (head.chunk === 0) stored.push({ head, parts: [part] })
    else if (begun?.parts.length === head.chunk) begun.parts.push(part)
  }
  const whole = stored.filter(({ head, parts }) => parts.length === head.chunks)
  const base = whole.filter(({ head }) => head.kind === 'base').reduce<Stored | null>((best, one) => best === null || newer(one.head, best.head) ? one : best, null)
  if (base === null) return null
  const { generation } = base.head
  let flat = flatten(decodeState(joined(base.parts)))
  let { head } = base
  for (;;) {
    const next = whole.find(({ head: other }) => other.kind === 'delta' && other.generation === generation && other.base === base.head.sequence && other.sequence === head.sequence + 1 && other.after === head.crc)
    if (next === undefined) break
    flat = applyDelta(flat, decodeState(joined(next.parts)))
    head = next.head
  }
  const { position, journal, journalOffset, topic, topicId, definitionHash, zones, aside = false, uncommitted = false } = head
  return { facts: { position, journal, journalOffset, topic, topicId, definitionHash, definition: base.head.definition, ...zones !== undefined && { zones }, ...aside && { aside }, ...uncommitted && { uncommitted } }, state: unflatten(flat), generation }
}

/** What somebody outside can see of a task's snapshots without reading its state. */
export interface SnapshotLook { readonly source: string, readonly facts: SnapshotFacts, readonly stateBytes: number | null }

const lookBackMax = 256

/**
 * The newest snapshot of each source in a partition of the state topic.
 *
 * Limits: of the last 256 records; a task that rested while its neighbours wrote more than that is not found
 */
export async function latestSnapshots (log: LogPort, topic: string, partition: number): Promise<readonly SnapshotLook[]> {
  const { end } = await log.range(topic, partition)
  const heads = new Map<string, Head>()
  for await (const { key, value } of readAll(log, topic, partition, Math.max(0, end - lookBackMax))) {
    if (key === null || value === null) continue
    const source = decoder.decode(key)
    const { head } = readPart(value, { topic, partition, source })
    const last = heads.get(source)
    if (head.chunk === head.chunks - 1 && (last === undefined || newer(head, last))) heads.set(source, head)
  }
  return [...heads].map(([source, { format: _, kind, generation, sequence, base, chunk, chunks, stateBytes = null, ...facts }]) => ({ source, facts, stateBytes }))
}

const newer = (a: Head, b: Head) => a.generation > b.generation || (a.generation === b.generation && a.sequence > b.sequence)

function readPart (value: Uint8Array, { topic, partition, source }: Place): { head: Head, part: Uint8Array } {
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

function joined (parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Sources of which a partition of the state topic holds snapshots. */
export async function sourcesIn (log: LogPort, topic: string, partition: number): Promise<readonly string[]> {
  const sources = new Set<string>()
  for await (const { key } of readAll(log, topic, partition, 0)) if (key !== null) sources.add(decoder.decode(key))
  return [...sources].sort()
}
