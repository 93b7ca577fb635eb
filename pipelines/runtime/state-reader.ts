import { StreamError } from '../core/errors.ts'
import type { LogPort } from '../core/ports.ts'
import type { LogRecord } from '../core/record-batch.ts'
import { readAll } from './journal.ts'
import { type Head, joined, type Place, readPart, type Snapshot, type SnapshotFacts } from './snapshot.ts'
import { applyDelta, decodeState, flatten, unflatten } from './state-codec.ts'

interface Stored { readonly head: Head, readonly parts: Uint8Array[] }
interface Kept { stored: Stored[], base: Stored | null, fault: StreamError | null }

const decoder = new TextDecoder()

/**
 * What one partition of a state topic holds, read on from where it has come to whenever it is asked to: of each source the newest base and what
 * follows it, as bytes.
 *
 * Shape:  read, then `sources` and `snapshot` of what has been read; two reads take turns
 * State:  the last base of each source and its deltas
 * Errors: those of the log; what is wrong with a source's records is said when its snapshot is asked for
 */
export class StateReader {
  readonly #log: LogPort
  readonly #topic: string
  readonly #partition: number
  readonly #kept = new Map<string, Kept>()
  #next = 0
  #turn: Promise<void> = Promise.resolve()

  constructor (log: LogPort, topic: string, partition: number) {
    this.#log = log
    this.#topic = topic
    this.#partition = partition
  }

  /** To the present end. */
  read (): Promise<void> {
    const turn = this.#turn.then(() => this.#read())
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** Sources of which there are snapshots. */
  get sources (): readonly string[] { return [...this.#kept.keys()].sort() }

  get bytes (): number {
    let bytes = 0
    for (const { stored } of this.#kept.values()) for (const { parts } of stored) for (const part of parts) bytes += part.length
    return bytes
  }

  /**
   * The newest whole snapshot of a source: the base of the highest generation, and the deltas that follow it without a gap.
   *
   * Errors: STATE_CORRUPT when a part is not what was written; STATE_VERSION
   */
  snapshot (source: string): Snapshot | null {
    const { stored, base, fault } = this.#kept.get(source) ?? { stored: [], base: null, fault: null }
    if (fault !== null) throw fault
    if (base === null) return null
    let flat = flatten(decodeState(joined(base.parts)))
    let { head } = base
    for (;;) {
      const next = stored.find(one => isWhole(one) && follows(one.head, head, base.head))
      if (next === undefined) break
      flat = applyDelta(flat, decodeState(joined(next.parts)))
      head = next.head
    }
    const { position, journal, journalOffset, topic, topicId, definitionHash, zones, aside = false, uncommitted = false } = head
    return { facts: { position, journal, journalOffset, topic, topicId, definitionHash, definition: base.head.definition, ...zones !== undefined && { zones }, ...aside && { aside }, ...uncommitted && { uncommitted } }, state: unflatten(flat), generation: base.head.generation }
  }

  async #read (): Promise<void> {
    for await (const record of readAll(this.#log, this.#topic, this.#partition, this.#next)) {
      this.#next = record.offset + 1
      if (record.key !== null && record.value !== null) this.#take(decoder.decode(record.key), record.value)
    }
  }

  #take (source: string, value: NonNullable<LogRecord['value']>): void {
    const kept = this.#kept.get(source) ?? { stored: [], base: null, fault: null }
    this.#kept.set(source, kept)
    if (kept.fault !== null) return
    try {
      const { head, part } = readPart(value, { topic: this.#topic, partition: this.#partition, source })
      add(kept, head, part)
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      kept.fault = error
    }
  }
}

function add (kept: Kept, head: Head, part: Uint8Array): void {
  let begun = kept.stored.findLast(({ head: other }) => other.sequence === head.sequence && other.generation === head.generation && other.crc === head.crc)
  if (head.chunk === 0) kept.stored.push(begun = { head, parts: [part] })
  else if (begun?.parts.length === head.chunk) begun.parts.push(part)
  if (begun === undefined || !isWhole(begun) || begun.head.kind !== 'base') return
  if (kept.base !== null && !newer(begun.head, kept.base.head)) return
  kept.base = begun
  // Whatever belongs to it comes behind it.
  kept.stored = kept.stored.filter(one => one === begun || !isWhole(one))
}

const isWhole = ({ head, parts }: Stored) => parts.length === head.chunks
const newer = (a: Head, b: Head) => a.generation > b.generation || (a.generation === b.generation && a.sequence > b.sequence)
const follows = (delta: Head, head: Head, base: Head) => delta.kind === 'delta' && delta.generation === base.generation && delta.base === base.sequence && delta.sequence === head.sequence + 1 && delta.after === head.crc

/** The newest whole snapshot of one task. Errors: as those of `StateReader.snapshot` */
export async function readSnapshot (log: LogPort, { topic, partition, source }: Place): Promise<Snapshot | null> {
  const reader = new StateReader(log, topic, partition)
  await reader.read()
  return reader.snapshot(source)
}

/** What somebody outside can see of a task's snapshots without reading its state. */
export interface SnapshotLook { readonly source: string, readonly facts: SnapshotFacts, readonly generation: number, readonly stateBytes: number | null }

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
  return [...heads].map(([source, { format: _, kind, generation, sequence, base, chunk, chunks, crc, after, stateBytes = null, ...facts }]) => ({ source, facts, generation, stateBytes }))
}
